"""Notebooks, run from top to bottom in this process, as pages with their outputs.

A cell tagged ``remove-cell`` runs but is not shown: there the notebook checks what its words say.
"""

from __future__ import annotations

import ast
import base64
import contextlib
import html
import io
import json
import re
from pathlib import Path
from typing import Any

HIDDEN = "remove-cell"


def as_page(notebook: Path, folder: Path) -> tuple[str, list[str]]:
    """The markdown of a notebook, with marks where its outputs go, and these as HTML; see `with_outputs`.

    What its cells write goes into the folder.

    Raises
    ------
    Exception
        Whatever a cell raises, with a note that says which one.
    """
    names: dict[str, Any] = {"__name__": "__main__"}
    parts, outputs = [], []
    with contextlib.chdir(folder):
        for number, cell in enumerate(json.loads(notebook.read_text())["cells"]):
            source = "".join(cell["source"])
            if cell["cell_type"] == "markdown":
                parts.append(source)
                continue
            try:
                output = run(source, names)
            except Exception as error:
                error.add_note(f"in cell {number} of {notebook.name}:\n{source}")
                raise
            if HIDDEN not in cell["metadata"].get("tags", ()):
                parts += [f"```python\n{source}\n```", f"<!-- output {len(outputs)} -->"]
                outputs.append(output)
    heading, _, rest = "\n\n".join(parts).partition("\n")
    link = f'<a href="{notebook.name}" download>The notebook of this page</a> opens in Jupyter.'
    return f"{heading}\n\n{link}\n{rest}", outputs


def with_outputs(page: str, outputs: list[str]) -> str:
    """The HTML of a notebook's page with its outputs as they were made: scripts in them are allowed by their hashes."""
    return re.sub(r"<!-- output (\d+) -->", lambda mark: outputs[int(mark[1])], page)


def run(source: str, names: dict[str, Any]) -> str:
    """Run a cell; its output as HTML: what it prints, then the value of its last line."""
    tree = ast.parse(source)
    last = tree.body[-1] if tree.body else None
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        if not isinstance(last, ast.Expr):
            exec(compile(tree, "<cell>", "exec"), names)
            value = None
        else:
            exec(compile(ast.Module(tree.body[:-1], []), "<cell>", "exec"), names)
            value = eval(compile(ast.Expression(last.value), "<cell>", "eval"), names)
    return _text(printed.getvalue()) + shown(value)


def shown(value: object) -> str:
    """A value as a notebook shows it: its HTML, its picture, or what `repr` says."""
    if value is None:
        return ""
    if content := _made(value, "_repr_html_"):
        return f'<div class="output">\n{content}\n</div>'
    if content := _made(value, "_repr_png_"):
        picture = base64.b64encode(content).decode()
        return f'<img class="output" alt="{_said(value)}" src="data:image/png;base64,{picture}">'
    return _text(repr(value))


def _made(value: object, how: str) -> Any:
    return getattr(value, how, lambda: None)()


def _said(figure: Any) -> str:
    """The words of a figure: titles and labels of its axes."""
    words = [(ax.get_title() or ax.get_title("left"), ax.get_ylabel(), ax.get_xlabel()) for ax in figure.axes]
    said = "; ".join(word for each in words for word in each if word)
    return html.escape(said.replace("\n", " ") or "A figure")


def _text(content: str) -> str:
    return f'<pre class="output">{html.escape(content.rstrip())}</pre>' if content.strip() else ""
