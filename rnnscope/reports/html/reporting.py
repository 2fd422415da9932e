"""A report: one HTML file that shows what a network does on a text, in any browser and without a network."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from tempfile import TemporaryDirectory
from types import NoneType
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.filesize import decimal
from rich.text import Text
from torch import nn

from rnnscope.concept import Concept
from rnnscope.concept import listed as listed_concepts
from rnnscope.errors import ArgumentError, ReportError
from rnnscope.output import atomic_path, new_path
from rnnscope.recording.address import Units
from rnnscope.recording.address import listed as listed_units
from rnnscope.shown import Shown
from rnnscope.tracing.documents import Numbers, Texts
from rnnscope.tracing.trace import Trace

from .building import Contents, build
from .filling import fill
from .page_of import title_of
from .reading import Reading, Source
from .stretches import stretches_of
from .subject import study
from .telling import named_units

SIZE = 6.0
"""Megabytes of a report."""


@dataclass(frozen=True, eq=False, repr=False)
class Report(Shown):
    """A report that was written; it can be given wherever a path can.

    Attributes
    ----------
    path : Path
    size : int
        Bytes of the file.
    notes : list of str
        What the page holds, what it leaves out, and how exact it is.
    """

    path: Path
    size: int
    notes: list[str]

    def __fspath__(self) -> str:
        return str(self.path)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(f"Wrote {self.path}: {decimal(self.size)}")
        for note in self.notes:
            yield Text(note)


def report(
    source: Source,
    text: Texts | Numbers | None = None,
    path: str | Path = "report.html",
    *,
    model: nn.Module | None = None,
    compare: Sequence[Source] = (),
    concepts: Concept | Sequence[Concept] | None = None,
    units: Units = (),
    results: Sequence[object] = (),
    ablate: bool = False,
    size: float = SIZE,
    title: str | None = None,
    characters: Sequence[str] | None = None,
    limit: int | None = None,
    force: bool = False,
    seed: int = 0,
) -> Report:
    """Write a page that shows what a network does on a text: one file that opens anywhere, with nothing beside it.

    It has the text coloured by any unit, heatmaps, a card for each unit, a search for other places where units are on
    together, the network's card, and panels with saturation of gates, gradient flow, effective context and more. What
    needs the network itself is left out where there is only a trace.

    The values of units are rounded so that the file has at most ``size`` megabytes; those that tell most, and those
    that are named, are kept in more detail than others, and of a long text the others are left out. The page says what
    it holds and how exact that is.

    Parameters
    ----------
    source : nn.Module in eval mode, Trace, or path of a trace
    text : as for `rnnscope.trace`
        None for a trace, which has its text.
    path : path
        Of the HTML file.
    model : nn.Module, optional
        The network that a trace is of.
    compare : sequence of nn.Module, Trace, or path of a trace
        Other networks that are to read the same text, or that have read it.
    concepts : Concept, or a sequence of these, optional
        What units are searched for, see `rnnscope.probes.concepts`; takes a text of 1,000 characters.
    units : str, Address, or a sequence of these
        Units to keep in full detail, with all their signals.
    results : sequence
        What other functions of rnnscope found, such as `rnnscope.ablation`, to be shown on the page.
    ablate : bool
        Ablate the best unit of each concept that is a flag, see `rnnscope.ablation`; takes the network.
    size : float
        Megabytes of the file, at most.
    title : str, optional
        The name of the network and of the text, if not given.
    characters : sequence of str, optional
        Of a module that does not say which it knows, as for `rnnscope.trace`.
    limit : int, optional
        Read so many characters at most.
    force : bool
        Replace a file that stands at ``path``.
    seed : int
        Of all that is drawn at random.

    Returns
    -------
    Report
        The path of the file, and what the page holds.

    Raises
    ------
    ArgumentError
        If the size is no number above 0, or the limit no whole number above 0.
    ReportError
        If a trace is of another network than the one named, what is to be compared has not read or cannot read the same
        text, or the text alone takes more than ``size``.
    TextError, TraceError, AddressError, RecordingError, OutputError

    Examples
    --------
    >>> import rnnscope.trained
    >>> trace = rnnscope.trace(rnnscope.load(rnnscope.trained.path("names-classifier")), "Kowalski")
    >>> rnnscope.report(trace, path="kowalski.html")
    Wrote kowalski.html: ... kB
    The text is here whole: 8 steps, with the 5 best guesses of the label.
    ...
    """
    if not (isinstance(size, Real) and 0 < size < math.inf):
        raise ArgumentError(f"A size in megabytes was expected, above 0; got {size}.")
    compare, results = _several("compare", compare, (nn.Module, Trace, str, Path)), _several("results", results)
    for name, given, kinds in (("path", path, (str, Path)), ("title", title, (str, NoneType))):
        _demand(name, given, kinds)
    wanted = [] if concepts is None else listed_concepts(concepts)
    path = new_path(path, force)
    with TemporaryDirectory(prefix="rnnscope-") as folder:
        reading = Reading(text, characters, limit, Path(folder))
        first = reading.first(source, model)
        named = named_units(first[0], listed_units(units))
        read = [first, *(reading.other(other, first[0], number) for number, other in enumerate(compare, start=1))]
        stretches = stretches_of(first[0])
        subjects = [study(each, network, stretches, wanted, seed) for each, network in read]
        contents = Contents(title or title_of(first[0]), subjects, stretches, named, notes=reading.notes)
        fill(contents, results, wanted if ablate else None, seed)
        built = build(contents, size)
    with atomic_path(path) as partial:
        partial.write_text(built.html, "utf-8", newline="")
    return Report(path, path.stat().st_size, built.notes)


def _several(name: str, given: Any, kinds: tuple[type, ...] = (object,)) -> list[Any]:
    """A list of what an argument has, each of some kinds."""
    if isinstance(given, str | nn.Module) or not isinstance(given, Iterable):
        raise ReportError(f"{name} was expected to be a list, such as [...]; got {type(given).__name__}.")
    return [_demand(f"Each of {name}", each, kinds) for each in given]


def _demand(name: str, given: Any, kinds: tuple[type, ...]) -> Any:
    if not isinstance(given, kinds):
        expected = " or ".join("None" if kind is NoneType else kind.__name__ for kind in kinds)
        raise ReportError(f"{name} was expected to be {expected}; got {type(given).__name__}.")
    return given
