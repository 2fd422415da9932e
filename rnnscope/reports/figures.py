"""Pictures as files: of a page each, or a PDF of all pages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure

from rnnscope.arguments import as_path
from rnnscope.errors import OutputError
from rnnscope.output import atomic_path
from rnnscope.style import figure_of, style

FORMATS = (".png", ".svg", ".pdf")


def save(drawn: Sequence[Axes | Sequence[Axes] | Figure], path: str | Path) -> list[Path]:
    """Write figures, or what `.plot()` of results has given.

    A PDF holds all pages; of PNG and SVG each page is a file, numbered from -1 if there are several.

    Raises
    ------
    OutputError
        If the format is none of PNG, SVG and PDF, or the files cannot be written.
    """
    path, figures = check_format(path), [figure_of(one) for one in drawn]
    if path.suffix.lower() == ".pdf":
        with style(), atomic_path(path) as partial, PdfPages(partial, metadata={"CreationDate": None}) as pdf:
            for figure in figures:
                pdf.savefig(figure)
        return [path]
    paths, kind = page_paths(path, len(figures)), path.suffix[1:].lower()
    dated: dict[str, Any] = {"metadata": {"Date": None}} if kind == "svg" else {}
    for figure, page in zip(figures, paths, strict=True):
        with style(), atomic_path(page) as partial:
            figure.savefig(partial, format=kind, **dated)
    return paths


def page_paths(path: Path, pages: int) -> list[Path]:
    """The files that `save` writes for so many pages."""
    if pages == 1 or path.suffix.lower() == ".pdf":
        return [path]
    return [path.with_stem(f"{path.stem}-{number}") for number in range(1, pages + 1)]


def check_format(path: str | Path) -> Path:
    """The path, if its suffix names a format that can be drawn."""
    path = as_path(path)
    if path.suffix.lower() not in FORMATS:
        raise OutputError(f"{path} does not name a picture: its ending must be one of {', '.join(FORMATS)}.")
    return path
