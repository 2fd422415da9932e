"""A report: one HTML file that shows what a network does on a text, in any browser and without a network."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from numbers import Real
from pathlib import Path
from tempfile import TemporaryDirectory
from types import NoneType
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.filesize import decimal
from rich.text import Text
from torch import nn

from rnnscope.analysis.alignment import align_units
from rnnscope.analysis.causes.ablation_result import Ablation
from rnnscope.concept import Concept
from rnnscope.errors import ReportError, RnnscopeError
from rnnscope.output import atomic_path, new_path
from rnnscope.recording.address import Address
from rnnscope.shown import Shown
from rnnscope.tracing.documents import Numbers, Texts
from rnnscope.tracing.trace import Trace

from .building import Contents, build
from .findings import ablate_best, alignment_entry
from .page_of import title_of
from .panels import Panel, model_panels, panel
from .reading import Reading, Source, documents_of
from .stretches import stretches_of
from .subject import Subject, study
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
    concepts: Sequence[Concept] | None = None,
    units: Sequence[str | Address] = (),
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
    concepts : sequence of Concept, optional
        What units are searched for, see `rnnscope.probes.concepts`; takes a text of 1,000 characters.
    units : sequence of str or Address
        Units to keep in full detail, with all their signals.
    results : sequence
        What other functions of rnnscope found, such as `rnnscope.ablation`, to be shown on the page.
    ablate : bool
        Ablate the best unit of each concept that is a flag, see `rnnscope.ablation`; takes the network.
    size : float
        Megabytes of the file, at most.
    title : str, optional
        The name of the network and of the text, if not given.
    characters
        As for `rnnscope.trace`.
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
    ReportError
        If a trace is of another network than the one named, what is to be compared has not read or cannot read the same
        text, or the text alone takes more than ``size``.
    TextError, TraceError, AddressError, RecordingError, OutputError

    Examples
    --------
    >>> import rnnscope
    >>> from rnnscope import trained
    >>> trace = rnnscope.trace(rnnscope.load(trained.path("names-classifier")), "Kowalski")
    >>> rnnscope.report(trace, path="kowalski.html")
    Wrote kowalski.html: ... kB
    The text is here whole: 8 steps, with the 5 best guesses of the label.
    ...
    """
    if not (isinstance(size, Real) and 0 < size < math.inf):
        raise ReportError(f"A size in megabytes was expected, above 0; got {size}.")
    compare, results = _several("compare", compare, (nn.Module, Trace, str, Path)), _several("results", results)
    concepts, units = _several("concepts", concepts or (), (Concept,)), _several("units", units, (str, Address))
    for name, given, kinds in (("path", path, (str, Path)), ("title", title, (str, NoneType))):
        _demand(name, given, kinds)
    path = new_path(path, force)
    with TemporaryDirectory(prefix="rnnscope-") as folder:
        reading = Reading(text, characters, limit, Path(folder))
        first, network = reading.first(source, model)
        named = named_units(first, units)
        others = [reading.other(other, first, number) for number, other in enumerate(compare, start=1)]
        stretches = stretches_of(first)
        subjects = [study(each, of, stretches, concepts, seed) for each, of in [(first, network), *others]]
        contents = Contents(title or title_of(first), subjects, stretches, named, notes=reading.notes)
        for number, subject in enumerate(subjects):
            if ablate:
                _ablate(subject, concepts, seed)
            _add_model_panels(contents, number, seed)
        _add_results(contents, results)
        for number in range(1, len(subjects)):
            _align(contents, number, seed)
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


def _ablate(subject: Subject, concepts: Sequence[Concept], seed: int) -> None:
    """Ablate the best unit of each flag, where there is a network that it can be done to."""
    text = documents_of(subject.trace)
    if subject.model is None or subject.found is None or text is None:
        missing = "the network itself" if subject.model is None else "a language model and concepts that were found"
        subject.notes.append(f"No unit was ablated: that takes {missing}.")
        return
    ablations, notes = ablate_best(subject.model, text, subject.found, concepts, seed=seed)
    subject.ablations += ablations
    subject.notes += notes


def _add_model_panels(contents: Contents, number: int, seed: int) -> None:
    """The panels that every report has; those of the trace alone where there is no network that reads texts."""
    subject = contents.subjects[number]
    text = None if subject.model is None else documents_of(subject.trace)
    source = subject.told if subject.model is None or text is None else subject.model
    if source is None:
        return
    panels, notes = model_panels(source, text, trace=subject.told, seed=seed)
    subject.notes += notes
    for each in panels:
        _add_panel(contents, each, number)


def _add_results(contents: Contents, results: Sequence[object]) -> None:
    """What the user found: an ablation goes to the cards of its units, anything else is a panel."""
    for result in results:
        if isinstance(result, Ablation):
            contents.subjects[0].ablations.append(result)
        else:
            _add_panel(contents, panel(result), None)


def _add_panel(contents: Contents, shown: Panel, model: int | None) -> None:
    name = f"{len(contents.panels)}-{shown.id}"
    figure = contents.blocks.add(f"figure-{name}", shown.figure)
    contents.panels.append(asdict(shown) | {"id": name, "model": model, "figure": figure})


def _align(contents: Contents, number: int, seed: int) -> None:
    """Which unit of the first network goes with which of another."""
    first, second = contents.subjects[0], contents.subjects[number]
    try:
        alignment = align_units(first.trace, second.trace, seed=seed)
    except RnnscopeError as error:
        contents.notes.append(f"Units of {first.name} and {second.name} are not aligned. {error}")
        return
    contents.alignments.append(alignment_entry(alignment, (0, number)))
