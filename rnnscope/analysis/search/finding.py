"""Which units track what: every unit of every signal against every concept, in one pass over a text."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from threading import Event

import numpy as np
import pandas as pd
import torch
from rich.progress import Progress
from torch import nn

from rnnscope.arguments import whole
from rnnscope.concept import Concept, listed
from rnnscope.errors import ConceptError, RecordingError, TextError
from rnnscope.progress import interruption, progress_bar
from rnnscope.recording.address import Address, Units
from rnnscope.tracing.documents import Texts
from rnnscope.tracing.passages import Passage, Source, Span, open_source
from rnnscope.tracing.trace import Trace

from .binning import Bins
from .chance import p_value, shifts_of
from .choice import Choice
from .found import FoundUnits, reasons
from .parts import halves, label_sample, labelled
from .scores import MEASURES
from .signal import SignalSearch
from .tallies import LabelScale, Question

FEWEST = 1_000
"""Steps that a search needs."""

_CALIBRATION = 2**14
"""Steps that bins are made from."""

_LabelledPassage = tuple[Passage, np.ndarray]
"""A passage with its labels of shape (concept, time)."""

_BLOCK = 500
"""Steps of a block of the bootstrap, at least, in a text that is long enough for ten of them."""


def find_units(
    model: nn.Module | Trace,
    text: Texts | None = None,
    concepts: Concept | Sequence[Concept] = (),
    *,
    signals: Units | None = None,
    characters: Sequence[str] | None = None,
    shifts: int = 199,
    seed: int = 0,
) -> FoundUnits:
    """Find the units that track concepts.

    The text is cut into two halves, by documents where that is possible, else with a gap of up to 1,000
    steps. On the first, the *fit* half, a unit is chosen for each concept, the direction in which it goes
    with it, and a threshold; on the second, the *held-out* half, it is scored. A unit is chosen by its AUROC
    for a flag, its Spearman correlation for a number, the share of its ranks' variance (eta squared) for a category.

    *p* says how likely the best of all units would do as well on the fit half by chance: it is the share of
    circular shifts of the labels at which the best unit does as well as the best without a shift, on up to
    16,384 steps from all over the half. *low* and *high* are the 95 % interval of the held-out score, by a
    bootstrap over contiguous blocks.

    The network makes one pass over the text, and nothing is kept that grows with it (a network that can read a
    document in one go alone is held to that, and reads one that both halves share twice). Values of
    units are seen through 256 bins each.

    Parameters
    ----------
    model : nn.Module in eval mode, or Trace
        As for `rnnscope.trace`. A language model reads several stretches of a long text side by side, each
        after some paragraphs that do not count; a trace has the states of one reading.
    text : str, Document, Path, File, or a sequence of these
        As for `rnnscope.trace`; none for a trace.
    concepts : Concept, or a sequence of these
        See `rnnscope.probes.concepts`. One that says the same wherever it applies in a half is left out.
    signals : str, Address, or a sequence of these, optional
        Names (``"c"``) or addresses (``"l0.c"``); all if not given.
    characters
        As for `rnnscope.trace`.
    shifts : int
        Circular shifts, at least 1; p is at least 1 / (shifts + 1).
    seed : int
        Of the shifts and the bootstrap.

    Returns
    -------
    FoundUnits

    Raises
    ------
    ConceptError
        If there is no concept, two have one name, or none of them says different things in both halves.
    TextError
        If the text has fewer than 1,000 steps.
    ArgumentError
        If shifts or seed is no such number.
    ModelError, AddressError, RecordingError
        If the network is in training mode, or a signal does not exist or has values that are not finite.

    Examples
    --------
    >>> import rnnscope.trained
    >>> from rnnscope.probes.concepts import named
    >>> model = rnnscope.load(rnnscope.trained.path("prose-lstm"))
    >>> text = '"You are late," said Anna, and sat down. "I know."\\n' * 20
    >>> found = rnnscope.find_units(model, text, named("quotes"), signals=["c"], shifts=19)
    >>> found.table.loc["quotes", "unit"]
    'l0.c.170'
    """
    asked = listed(concepts, least=1)
    shifts, seed = whole(shifts, "shifts", 1), whole(seed, "seed")
    source = open_source(model, text, signals, characters)
    if len(source) < FEWEST:
        raise TextError(
            f"A search needs at least {FEWEST:,} steps, to choose units on one half and score them on the other; "
            f"the text has {len(source):,}."
        )
    for concept in asked:
        concept.check_length(len(source))
    fit_part, held_part = halves(source.starts)
    with progress_bar() as bar, interruption() as interrupted:
        watch = _Watch(bar, interrupted, steps=sum(part.stop - part.start for part in (fit_part, held_part)))
        search = _Search(source, asked, fit_part, held_part, watch)
        watch.begin("choosing units")
        search.fit()
        watch.begin("comparing with chance")
        search.choose(shifts, seed)
        watch.begin("scoring units")
        search.hold_out()
    return search.found(seed)


class _Watch:
    """Says how far the work is, and ends it when the user wants that."""

    def __init__(self, bar: Progress, interrupted: Event, steps: int) -> None:
        self._bar, self._interrupted = bar, interrupted
        self._task = bar.add_task("", total=steps)

    def begin(self, what: str) -> None:
        self._bar.update(self._task, description=what)

    def advance(self, steps: float = 0) -> None:
        self._bar.advance(self._task, steps)
        if self._interrupted.is_set():
            raise KeyboardInterrupt


class _Search:
    def __init__(self, source: Source, concepts: list[Concept], fit: Span, held_out: Span, watch: _Watch) -> None:
        self._source, self._concepts, self._watch = source, concepts, watch
        self._fit_part, self._held_out_part = fit, held_out
        self._questions = _questions(source, concepts)
        self._signals: dict[Address, SignalSearch] = {}
        self._choices: list[Choice] = []
        self._left_out: dict[str, str] = {}

    def fit(self) -> None:
        """Read the first half. Bins are made from glimpses of all of it, or else from its beginning."""
        passages = self._read(self._fit_part)
        glimpses = [self._checked(passage) for passage in self._source.glimpses(self._fit_part)]
        early = deque() if glimpses else self._beginning(passages)
        self._open(glimpses or [passage for passage, _ in early])
        for passage, labels in chain(_emptied(early), passages):
            for address, values in passage.signals.items():
                self._signals[address].read_fit(passage.steps, values, labels)

    def _beginning(self, passages: Iterator[_LabelledPassage]) -> deque[_LabelledPassage]:
        """The first passages, until there are enough steps of each signal."""
        early: deque[_LabelledPassage] = deque()
        counts = Counter(dict.fromkeys(self._source.addresses, 0))
        while min(counts.values()) < _CALIBRATION and (following := next(passages, None)) is not None:
            early.append(following)
            counts.update(dict.fromkeys(following[0].signals, len(following[0].steps)))
        return early

    def _open(self, passages: Sequence[Passage]) -> None:
        """Make the bins of each signal."""
        for address in self._source.addresses:
            first = [passage.signals[address] for passage in passages if address in passage.signals]
            if not first:
                raise TextError(f"{address} takes no step in the first half of the text; a longer text is needed.")
            self._signals[address] = SignalSearch(Bins(torch.cat(first)), self._questions, self._fit_part)

    def hold_out(self) -> None:
        """Read the second half."""
        for passage, labels in self._read(self._held_out_part):
            for address, values in passage.signals.items():
                self._signals[address].read_held_out(passage.steps, values, labels)

    def _read(self, part: Span) -> Iterator[_LabelledPassage]:
        """The passages of a part, each with labels of shape (concept, time)."""
        for spans, first, labels in labelled(self._source, self._concepts, part):
            for passage in self._source.passages(spans):
                yield self._checked(passage), labels[:, passage.steps - first]
                self._watch.advance(len(passage.steps) * len(passage.signals) / len(self._source.addresses))

    def _checked(self, passage: Passage) -> Passage:
        for address, values in passage.signals.items():
            if not values.sum().isfinite() and not values.isfinite().all():
                raise RecordingError(
                    f"{address} has values that are not finite numbers: the network diverges on this text. "
                    "Search a shorter text, or leave the signal out."
                )
        return passage

    def choose(self, shifts: int, seed: int) -> None:
        """Choose a unit for each concept, and see what chance does."""
        blocks = int(np.clip((self._held_out_part.stop - self._held_out_part.start) // _BLOCK, 10, 50))
        moves = shifts_of(shifts, seed)
        by_chance = np.full((len(self._questions), len(moves)), np.nan)
        for signal in self._signals.values():
            self._watch.advance()
            by_chance = np.fmax(by_chance, signal.by_chance(moves))
        for index, question in enumerate(self._questions):
            best = {address: signal.best(index) for address, signal in self._signals.items()}
            address = max(best, key=lambda address: best[address][1])
            signal, (unit, strength) = self._signals[address], best[address]
            reason = _same(question, signal.fit.spread(index)) or ("is told by no unit" if strength < 0 else None)
            if reason is not None:
                self._left_out[question.concept.name] = f"{reason} in the first half"
                continue
            neutral = MEASURES[question.concept.kind].neutral
            choice = Choice(
                address=str(self._source.unit(address, unit)),
                signal=signal,
                unit=unit,
                index=index,
                rises=question.concept.kind == "category" or bool(signal.fit.association(index)[unit] >= neutral),
                p=p_value(by_chance[index]),
                detail=signal.follow(index, unit, self._held_out_part, blocks),
            )
            self._choices.append(choice)
        if not self._choices:
            raise ConceptError(_nothing(self._left_out))

    def found(self, seed: int) -> FoundUnits:
        rows = []
        for choice in self._choices:
            question, row = choice.detail.question, choice.row(seed)
            reason = _same(question, choice.signal.held_out.spread(choice.index))
            if reason is None and np.isnan(row["score"]):
                reason = f"is not told by {choice.address}, which does not change,"
            if reason is None:
                rows.append(row)
            else:
                self._left_out[question.concept.name] = f"{reason} in the second half"
        if not rows:
            raise ConceptError(_nothing(self._left_out))
        names = [row["concept"] for row in rows]
        flags = [row["concept"] for row in rows if row["kind"] == "flag"]
        return FoundUnits(
            table=pd.DataFrame(rows).set_index("concept"),
            scores=self._of_all(names, lambda signal, index: signal.held_out.association(index)),
            fit_scores=self._of_all(names, lambda signal, index: signal.fit.association(index)),
            iou=self._of_all(flags, SignalSearch.iou),
            left_out=self._left_out,
            steps={
                "fit": self._fit_part.stop,
                "held_out": self._held_out_part.stop - self._held_out_part.start,
            },
        )

    def _of_all(self, concepts: Sequence[str], figure: Callable[[SignalSearch, int], np.ndarray]) -> pd.DataFrame:
        """A figure of all units against some concepts, indexed by address."""
        places = {question.concept.name: index for index, question in enumerate(self._questions)}
        parts = []
        for address, signal in self._signals.items():
            names = [str(self._source.unit(address, place)) for place in range(signal.fit.units)]
            columns = {name: figure(signal, places[name]) for name in concepts}
            parts.append(pd.DataFrame(columns, index=pd.Index(names, name="unit")))
        return pd.concat(parts)


def _questions(source: Source, concepts: Sequence[Concept]) -> list[Question]:
    numbers = [concept for concept in concepts if concept.kind == "number"]
    samples = label_sample(source, numbers) if numbers else []
    scales = {concept.name: LabelScale(sample) for concept, sample in zip(numbers, samples, strict=True)}
    return [Question(concept, scales.get(concept.name)) for concept in concepts]


def _emptied(passages: deque[_LabelledPassage]) -> Iterator[_LabelledPassage]:
    """All passages, each let go when it is given."""
    while passages:
        yield passages.popleft()


def _same(question: Question, spread: np.ndarray) -> str | None:
    """Why a concept cannot be searched for, from the counts of its labels."""
    if question.concept.kind == "number":
        return None if spread[1] > 0 else ("never applies" if spread[0] == 0 else "is the same everywhere")
    if np.count_nonzero(spread) > 1:
        return None
    if question.concept.kind == "flag" and spread.any():
        return "never holds" if spread[0] == 0 else "always holds"
    return "is the same everywhere" if spread.any() else "never applies"


def _nothing(left_out: Mapping[str, str]) -> str:
    return (
        f"There is nothing to tell apart: {reasons(left_out)}. Take a text in which the concepts say different things."
    )
