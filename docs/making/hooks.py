"""What the site has beside the pages of docs/: notebooks with their outputs, pages of the repository, docstrings.

mkdocs calls these functions; see ``hooks`` in mkdocs.yml.
"""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory

from commands import with_commands
from links import linked_files, rewritten
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import event_priority
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from notebooks import as_page, with_outputs

_NO_DESCRIPTION = re.compile(r'\s–\s*<div class="doc-md-description">\s*</div>')
_FOLDER = TemporaryDirectory(prefix="rnnscope-docs-")
_AS_INSTALLED, _WRITTEN = Path(_FOLDER.name, "installed"), Path(_FOLDER.name, "written")

_OUTPUTS: dict[str, list[str]] = {}
"""Of notebooks, by the names of their pages."""


@event_priority(100)  # before mkdocstrings reads its options
def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Lay the folders out as an installed rnnscope has them, for the docstrings to be found by their names."""
    root = Path(config.docs_dir).parent
    package = _AS_INSTALLED / "rnnscope"
    if not package.exists():
        package.mkdir(parents=True)
        for entry in [*(root / "rnnscope").iterdir(), root / "probes"]:
            (package / entry.name).symlink_to(entry)
    handlers = config.plugins["mkdocstrings"].config["handlers"]
    handlers.setdefault("python", {})["paths"] = [str(_AS_INSTALLED)]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page for each notebook, the reports that it writes, and files of the repository that pages link to."""
    docs = Path(config.docs_dir)
    _WRITTEN.mkdir(exist_ok=True)
    for notebook in sorted(docs.glob("*.ipynb")):
        name = f"{notebook.stem}.md"
        markdown, _OUTPUTS[name] = as_page(notebook, _WRITTEN)
        files.append(File.generated(config, name, content=markdown))
    for report in _WRITTEN.glob("*.html"):
        files.append(File.generated(config, report.name, abs_src_path=str(report)))
    for name, path in linked_files(docs).items():
        files.append(File.generated(config, name, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links within the repository to links within the site; colour sessions with prompts; put the commands in."""
    text = with_commands(rewritten(markdown, page.file.src_uri))
    return text.replace("```python\n>>> ", "```pycon\n>>> ")


def on_page_content(content: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Leave out the dash between a parameter and a description that it does not have."""
    return _NO_DESCRIPTION.sub("", content)


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Put in what the cells of a notebook have shown."""
    return with_outputs(output, _OUTPUTS.get(page.file.src_uri, []))


def on_shutdown() -> None:
    _FOLDER.cleanup()
