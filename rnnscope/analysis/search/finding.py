"""Which units track what: every unit of every signal against every concept, in one pass over a text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from threading import Event
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from rich.console import Console
from rich.progress import Progress
from torch import Tensor, nn

from rnnscope.concept import Concept
from rnnscope.errors import ConceptError, TextError
from rnnscope.progress import interruption, progress_bar
from rnnscope.recording.address import Address
from rnnscope.tracing.documents import Cut, Given, Texts
from rnnscope.tracing.passages import Source, Span, open_source
from rnnscope.tracing.trace import Trace

from . import scores
from .binning import BINS, TOP, Bins
from .chance import best_by_shift, p_value, shifts_of
from .found import FoundUnits
from .tallies import Detail, Question, Sample, Scale, Tally

FEWEST = 1_000
"""Steps that a search needs."""

GAP = 1_000
"""Steps between the halves, where they belong to one document; less in a short text."""

_CALIBRATION = 2**14
"""Steps that bins are made from."""

_SAMPLE = 2**14
"""Steps of a `Sample`."""

_PIECE = 2**18
"""Characters that are labelled at once, at most."""

_RESAMPLES = 1_000


def find_units(
    model: nn.Module | Trace,
    text: Texts | Sequence[Texts] | None = None,
    concepts: Concept | Sequence[Concept] = (),
    *,
    signals: Sequence[str] | None = None,
    characters: Sequence[str] | None = None,
    documents: Cut | None = None,
    encoding: str = "utf-8",
    shifts: int = 199,
    seed: int = 0,
    console: Console | None = None,
) -> FoundUnits:
    """Find the units that track concepts.

    The text is cut into two halves, by documents where that is possible, else with a gap of up to 1,000
    steps. On the first, the *fit* half, a unit is chosen for each concept, the direction in which it goes
    with it, and a threshold; on the second, the *held-out* half, it is scored. A unit is chosen by its AUROC
    for a flag, its Spearman correlation for a number, the share of its ranks' variance (eta squared) for a category.

    *p* says how likely the best of all units would do as well on the fit half by chance: it is the share of
    circular shifts of the labels at which the best unit reaches it. *low* and *high* are the 95 % interval of
    the held-out score, by a bootstrap over contiguous blocks.

    One pass over the text is made, and nothing is kept that grows with it. Values of units are seen
    through 256 bins each.

    Parameters
    ----------
    model : nn.Module in eval mode, or Trace
        As for `rnnscope.trace`. A language model reads several stretches of a long text side by side, each
        after some paragraphs that do not count; a trace has the states of one reading.
    text : str, Document, Path, open binary file, or a sequence of these
        As for `rnnscope.trace`; none for a trace.
    concepts : Concept, or a sequence of these
        See `rnnscope.probes.concepts`. One that says the same wherever it applies in a half is left out.
    signals : sequence of str, optional
        Names (``"c"``) or addresses (``"l0.c"``); all if not given.
    characters, documents, encoding
        As for `rnnscope.trace`.
    shifts : int
        Circular shifts; p is at least 1 / (shifts + 1).
    seed : int
        Of the shifts and the bootstrap.
    console : rich Console, optional
        Where progress is shown.

    Raises
    ------
    ConceptError
        If there is no concept, two have one name, or none of them says different things in both halves.
    TextError
        If the text has fewer than 1,000 steps.
    AddressError, RecordingError
    """
    asked = _checked(concepts)
    given = None if text is None else Given(text, documents, encoding)
    source = open_source(model, given, signals, characters)
    if len(source) < FEWEST:
        raise TextError(
            f"A search needs at least {FEWEST:,} steps, to choose units on one half and score them on the other; "
            f"the text has {len(source):,}."
        )
    for concept in asked:
        concept.check_length(len(source))
    fit_part, held_part = halves(source.starts)
    search = _Search(source, asked, fit_part, held_part)
    with progress_bar(console) as bar, interruption() as interrupted:
        task = bar.add_task("searching", total=fit_part.stop - fit_part.start + held_part.stop - held_part.start)
        watch = _Watch(bar, task, interrupted)
        search.fit(watch)
        bar.update(task, description="comparing with chance")
        search.judge(shifts, seed, watch)
        bar.update(task, description="scoring")
        search.hold_out(watch)
    return search.found(seed)


def _checked(concepts: Concept | Sequence[Concept]) -> list[Concept]:
    asked = [concepts] if isinstance(concepts, Concept) else list(concepts)
    if not asked or not all(isinstance(concept, Concept) for concept in asked):
        wrong = next((repr(concept) for concept in asked if not isinstance(concept, Concept)), "none")
        raise ConceptError(
            f"At least one Concept was expected, such as rnnscope.probes.concepts.named('quotes') gives; got {wrong}."
        )
    names = [concept.name for concept in asked]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ConceptError(f"Two concepts are called {twice}. Give each a name of its own.")
    return asked


def halves(starts: np.ndarray) -> tuple[Span, Span]:
    """The fit half and the held-out half of all steps, from where documents start (and the last one ends).

    They meet between two documents if that is within a tenth of the middle; else there is a gap.
    """
    total = int(starts[-1])
    nearest = int(starts[np.abs(starts - total / 2).argmin()])
    if abs(nearest - total / 2) <= total / 10:
        return Span(0, nearest), Span(nearest, total)
    gap = min(GAP, total // 20)
    return Span(0, (total - gap) // 2), Span((total + gap) // 2, total)


class _Labelled(NamedTuple):
    """Steps that are labelled together: their spans, the first of them, and labels of shape (concept, time)."""

    spans: list[Span]
    first: int
    labels: np.ndarray


def labelled(source: Source, concepts: Sequence[Concept], part: Span) -> Iterator[_Labelled]:
    """The labels of a part of what is read, some documents or pieces of a long one at a time."""
    spans: list[Span] = []
    labels: list[np.ndarray] = []
    for piece, text in _pieces(source, part):
        span = Span(max(piece.start, part.start), min(piece.stop, part.stop))
        if spans and span.stop - spans[0].start > _PIECE:
            yield _Labelled(spans, spans[0].start, np.concatenate(labels, axis=1))
            spans, labels = [], []
        own = np.stack([concept(text, piece.start) for concept in concepts])
        labels.append(own[:, span.start - piece.start : span.stop - piece.start])
        spans.append(span)
    yield _Labelled(spans, spans[0].start, np.concatenate(labels, axis=1))


def _pieces(source: Source, part: Span) -> Iterator[tuple[Span, str]]:
    """Documents that a part touches, long ones cut after blank lines, with their texts."""
    for number in range(len(source.documents)):
        start, stop = int(source.starts[number]), int(source.starts[number + 1])
        if stop <= part.start or start >= part.stop:
            continue
        text = source.documents[number].text
        done = 0
        for cut in _cuts(text):
            if start + done < part.stop and start + cut > part.start:
                yield Span(start + done, start + cut), text[done:cut]
            done = cut


def _cuts(text: str) -> Iterator[int]:
    """Where the pieces of a text end: after a blank line, or at least a line."""
    done = 0
    while len(text) - done > _PIECE:
        ends = (text.rfind(end, done, done + _PIECE) + len(end) for end in ("\n\n", "\n"))
        done = next((end for end in ends if end > done + _PIECE // 2), done + _PIECE)
        yield done
    yield len(text)


@dataclass
class _Watch:
    """Says how far the work is, and whether it has to end."""

    bar: Progress
    task: Any
    interrupted: Event

    def advance(self, steps: int) -> None:
        self.bar.advance(self.task, steps)
        if self.interrupted.is_set():
            raise KeyboardInterrupt


class _Signal:
    """One signal's part of the search."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.waiting: list[tuple[np.ndarray, Tensor, np.ndarray]] = []
        self.bins: Bins | None = None
        self.fit: Tally
        self.sample: Sample
        self.held: Tally
        self.details: dict[int, list[tuple[int, Detail]]] = {}


class _Choice(NamedTuple):
    """The unit that is chosen for a concept."""

    signal: _Signal
    unit: int
    rises: bool
    detail: Detail
    p: float


class _Search:
    def __init__(self, source: Source, concepts: list[Concept], fit: Span, held: Span) -> None:
        self.source, self.concepts = source, concepts
        self.fit_part, self.held_part = fit, held
        self.signals = {address: _Signal(address) for address in source.addresses}
        self.questions: list[Question] = []
        self.choices: dict[int, _Choice] = {}
        self.left_out: dict[str, str] = {}

    def fit(self, watch: _Watch) -> None:
        """Read the first half."""
        self._each(self.fit_part, watch, self._fit)
        for signal in self.signals.values():
            if signal.bins is None:
                self._open(signal)

    def _each(self, part: Span, watch: _Watch, take: Callable[[_Signal, np.ndarray, Tensor, np.ndarray], None]) -> None:
        for spans, first, labels in labelled(self.source, self.concepts, part):
            if not self.questions:
                self.questions = [
                    Question(concept, Scale(own) if concept.kind == "number" else None)
                    for concept, own in zip(self.concepts, labels, strict=True)
                ]
            done, expected = 0, sum(span.stop - span.start for span in spans)
            for passage in self.source.passages(spans):
                own = labels[:, passage.steps - first]
                for address, values in passage.signals.items():
                    take(self.signals[address], passage.steps, values, own)
                advance = min(len(passage.steps) * len(passage.signals) / len(self.signals), expected - done)
                done += advance
                watch.advance(advance)  # pyright: ignore[reportArgumentType]

    def _fit(self, signal: _Signal, steps: np.ndarray, values: Tensor, labels: np.ndarray) -> None:
        if signal.bins is None:
            signal.waiting.append((steps, values, labels))
            if sum(len(steps) for steps, *_ in signal.waiting) >= _CALIBRATION:
                self._open(signal)
            return
        bins = signal.bins.encode(values)
        signal.fit.update(bins, labels)
        signal.sample.update(steps, bins, labels)

    def _open(self, signal: _Signal) -> None:
        """Make the bins of a signal from what came so far, and take that in."""
        waiting, signal.waiting = signal.waiting, []
        if not waiting:
            raise TextError(f"{signal.address} takes no step in the first half of the text; a longer text is needed.")
        signal.bins = Bins(torch.cat([values for _, values, _ in waiting]))
        signal.fit, signal.held = Tally(signal.bins, self.questions), Tally(signal.bins, self.questions)
        units = len(signal.bins.edges)
        signal.sample = Sample(units, len(self.questions), *self.fit_part, _SAMPLE)
        for steps, values, labels in waiting:
            self._fit(signal, steps, values, labels)

    def judge(self, shifts: int, seed: int, watch: _Watch) -> None:
        """Choose a unit for each concept, and see what chance does."""
        blocks = int(np.clip((self.held_part.stop - self.held_part.start) // 500, 10, 50))
        for index, question in enumerate(self.questions):
            watch.advance(0)
            spread = next(iter(self.signals.values())).fit.spread(index)
            if (reason := _same(question, spread)) is not None:
                self.left_out[question.concept.name] = f"{reason} in the first half"
                continue
            strength = {signal: _strength(question, signal.fit.association(index)) for signal in self.signals.values()}
            best = max(strength, key=lambda signal: strength[signal].max())
            unit = int(strength[best].argmax())
            assert best.bins is not None
            rises = (
                question.concept.kind == "category"
                or best.fit.association(index)[unit] >= _NEUTRAL[question.concept.kind]
            )
            detail = Detail(question, *self.held_part, blocks)
            best.details.setdefault(unit, []).append((index, detail))
            self.choices[index] = _Choice(best, unit, bool(rises), detail, self._p(index, question, shifts, seed))
        if not self.choices:
            raise ConceptError(_nothing(self.left_out))

    def _p(self, index: int, question: Question, shifts: int, seed: int) -> float:
        best: np.ndarray | None = None
        for signal in self.signals.values():
            assert signal.bins is not None
            moves = shifts_of(signal.sample.bins.shape[1], shifts, seed)
            own = best_by_shift(signal.sample, signal.bins.ranks, index, question, moves)
            best = own if best is None else np.maximum(best, own)
        assert best is not None
        return p_value(best)

    def hold_out(self, watch: _Watch) -> None:
        """Read the second half."""
        self._each(self.held_part, watch, self._hold_out)

    def _hold_out(self, signal: _Signal, steps: np.ndarray, values: Tensor, labels: np.ndarray) -> None:
        assert signal.bins is not None
        bins = signal.bins.encode(values)
        signal.held.update(bins, labels)
        for unit, details in signal.details.items():
            for index, detail in details:
                detail.update(steps, bins[unit], values[:, unit].numpy(), labels[index])

    def found(self, seed: int) -> FoundUnits:
        rows = []
        for index, choice in self.choices.items():
            question = self.questions[index]
            if (reason := _same(question, choice.signal.held.spread(index))) is not None:
                self.left_out[question.concept.name] = f"{reason} in the second half"
                continue
            unit = self.source.unit(choice.signal.address, choice.unit)
            rows.append(_row(question, index, str(unit), choice, seed))
        if not rows:
            raise ConceptError(_nothing(self.left_out))
        return FoundUnits(
            table=pd.DataFrame(rows).set_index("concept"),
            scores=self._scores("held", [row["concept"] for row in rows]),
            fit_scores=self._scores("fit", [row["concept"] for row in rows]),
            left_out=self.left_out,
            steps={"fit": self.fit_part.stop, "held_out": self.held_part.stop - self.held_part.start},
        )

    def _scores(self, half: str, concepts: Sequence[str]) -> pd.DataFrame:
        """All units against all concepts, indexed by address."""
        places = {question.concept.name: index for index, question in enumerate(self.questions)}
        parts = []
        for signal in self.signals.values():
            tally: Tally = getattr(signal, half)
            columns = {name: tally.association(places[name]) for name in concepts}
            names = [str(self.source.unit(signal.address, place)) for place in range(tally.units)]
            parts.append(pd.DataFrame(columns, index=pd.Index(names, name="unit")))
        return pd.concat(parts)


_NEUTRAL = {"flag": 0.5, "number": 0.0, "category": 0.0}
"""The association that tells nothing."""

_MEASURE = {"flag": "auroc", "number": "spearman", "category": "eta_squared"}


def _strength(question: Question, association: np.ndarray) -> np.ndarray:
    return np.nan_to_num(np.abs(association - _NEUTRAL[question.concept.kind]), nan=-1.0)


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
    reasons = "; ".join(f"{name} {reason}" for name, reason in left_out.items())
    return f"There is nothing to tell apart: {reasons}. Take a text in which the concepts say different things."


def _row(question: Question, index: int, unit: str, choice: _Choice, seed: int) -> dict[str, Any]:
    """One row of the table."""
    kind, counts = question.concept.kind, _turned(choice.detail.counts, choice.rises)
    whole = counts.sum(axis=0)
    sign = 1 if choice.rises else -1
    fitted = float(choice.signal.fit.association(index)[choice.unit])
    low, high = _interval(kind, counts, seed)
    row: dict[str, Any] = {
        "concept": question.concept.name,
        "kind": kind,
        "unit": unit,
        "sign": sign,
        "measure": _MEASURE[kind],
        "score": float(_score(kind, whole)),
        "low": low,
        "high": high,
        "p": choice.p,
        "fit_score": fitted if choice.rises else 2 * _NEUTRAL[kind] - fitted,
        "steps": int(whole.sum()),
        "mutual_information": float(scores.mutual_information(whole)),
    }
    if kind != "category":
        row["pearson"] = sign * choice.detail.pearson
    if kind == "flag":
        row |= _flag_scores(index, choice, whole)
    return row


def _flag_scores(index: int, choice: _Choice, whole: np.ndarray) -> dict[str, float]:
    """What a flag's unit does with the thresholds of the fit half."""
    no, yes = whole
    fit_yes, fit_no = (_turned(c[choice.unit], choice.rises) for c in choice.signal.fit.flag(index))
    first, top = scores.best_threshold(fit_yes, fit_no), scores.top_threshold(fit_yes + fit_no, TOP)
    named = {name: float(value) for name, value in scores.at_threshold(yes, no, first).items()}
    return named | {
        "share": float(yes.sum() / whole.sum()),
        "average_precision": float(scores.average_precision(yes, no)),
        "threshold": _edge(choice, int(first)),
        "iou_top": float(scores.at_threshold(yes, no, top)["iou"]),
        "threshold_top": _edge(choice, int(top)),
    }


def _edge(choice: _Choice, first: int) -> float:
    """The value from which on, or below which, a unit is on."""
    assert choice.signal.bins is not None
    edges = choice.signal.bins.edges[choice.unit]
    if first == 0:
        return -np.inf if choice.rises else np.inf
    return float(edges[first - 1] if choice.rises else edges[BINS - 1 - first])


def _turned(counts: np.ndarray, rises: bool) -> np.ndarray:
    """Counts with the bins in the order in which a unit goes with its concept."""
    return counts if rises else counts[..., ::-1]


def _score(kind: str, counts: np.ndarray) -> np.ndarray:
    """The measure of a concept, from counts of shape (..., label, bin)."""
    if kind == "flag":
        return scores.auroc(counts[..., 1, :], counts[..., 0, :])
    return scores.spearman(counts) if kind == "number" else scores.eta_squared(counts)


def _interval(kind: str, counts: np.ndarray, seed: int) -> tuple[float, float]:
    """The 95 % interval of a score, by drawing blocks with replacement, from counts of shape (block, label, bin)."""
    blocks = len(counts)
    drawn = np.random.default_rng(seed).multinomial(blocks, np.full(blocks, 1 / blocks), size=_RESAMPLES)
    again = np.concatenate([_score(kind, np.tensordot(some, counts, 1)) for some in np.array_split(drawn, 20)])
    low, high = np.nanquantile(again, (0.025, 0.975))
    return float(low), float(high)
