"""Examples from the steps of a text: what units hold there, and what a concept says of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import nn

from rnnscope.analysis.search.parts import labelled
from rnnscope.arguments import whole
from rnnscope.concept import Concept
from rnnscope.errors import ProbeError, TextError
from rnnscope.probes.concepts.scanning import inside_words, shifted
from rnnscope.recording.address import Units
from rnnscope.text import codepoints, counted
from rnnscope.tracing.documents import Texts
from rnnscope.tracing.passages import Source, Span, open_source
from rnnscope.tracing.trace import Trace

from .examples import Examples
from .reading import asked, read_values

FEWEST_DOCUMENTS = 10
"""Documents from which on each of them is a group."""

STRETCH, FEWEST_STRETCHES, MOST_STRETCHES = 2_000, 20, 50
"""Steps of a group of a text that has fewer documents, and how many of these groups there may be."""

FEWEST_STEPS = 1_000
"""Steps of a text in stretches, which then have 50 or more each."""

GAP = 1_000
"""Steps left out between two stretches; less in a short text."""

_FACTOR = 0x9E3779B97F4A7C15
"""Of a hash; odd, so that it has an inverse."""

_INVERSE = pow(_FACTOR, -1, 2**64)


def step_examples(
    model: nn.Module | Trace,
    text: Texts | None = None,
    concept: Concept | None = None,
    *,
    units: Units | None = None,
    limit: int = 100_000,
    seed: int = 0,
    characters: Sequence[str] | None = None,
) -> Examples:
    """Examples from the steps of a text: what units hold after reading a character, and what a concept says of it.

    A flag has the classes no and yes, a category its own; of a number the classes are the quarters of its values.
    Steps where the concept does not apply, or a layer takes none, are left out. Each document is a group, if there
    are at least 10; else the groups are stretches of 2,000 steps of all that is read, but at least 20 and at most 50,
    and the last tenth of each, up to 1,000 steps, is left out. Fewer than 1,000 steps are not cut into stretches.

    The type of an example is its word as far as it is read (``t``, ``th``, ``the``), or what stands between two words
    as far as it is read. A network that reads on cannot know the rest of the word, so the word as a whole would be a
    control task that nobody could learn. This one can be learned: nine in ten of the examples to test on are of a type
    that was trained on, see ``by_heart`` of `ProbeScore`.

    Parameters
    ----------
    model : nn.Module in eval mode, or Trace
        As for `rnnscope.find_units`. The values of a trace on a disk are read when they are asked for; those of a
        network are held in memory.
    text : str, Document, Path, File, or a sequence of these
        As for `rnnscope.trace`; none for a trace.
    concept : Concept
        See `rnnscope.probes.concepts`.
    units : address, or a sequence of these, optional
        Of signals (``"l0.c"``) or units (``"l0.c.37"``), or names of signals (``"c"``); by default the signal of each
        layer that best shows what it keeps, c or h.
    limit : int
        Steps to read, at most; 2 or more. Of many documents so many are drawn at random; of a long text it is the
        beginning.
    seed : int
        Of the draw.
    characters
        As for `rnnscope.trace`.

    Returns
    -------
    Examples

    Raises
    ------
    ProbeError
        If the concept applies nowhere or says the same of all, or the values are beyond the memory.
    TextError
        If fewer than 1,000 steps are read, of fewer than 10 documents.
    ConceptError, AddressError, ModelError, RecordingError

    Examples
    --------
    >>> import rnnscope.trained
    >>> from rnnscope.probes import concepts, step_examples
    >>> shipped = rnnscope.trained.path("prose-lstm")
    >>> model, text = rnnscope.load(shipped), shipped.with_name("demo.txt")
    >>> step_examples(model, text, *concepts.named("quotes"), units="l0.c")
    quotes at 1,777 steps of demo.txt
    1,777 examples of 256 units in 20 groups: no 1,098, yes 679.
    """
    concept = _checked(concept)
    limit, seed = whole(limit, "limit", 2), whole(seed, "seed")
    wanted = asked(model, units)
    source = open_source(model, text, list(map(str, wanted)), characters)
    concept.check_length(len(source))
    spans = _spans(source.starts, limit, seed)
    steps = np.concatenate([np.arange(*span) for span in spans])
    groups, inside = _groups(source.starts, steps)
    labels = _labels(source, concept, spans)
    kept = np.flatnonzero(inside & ~np.isnan(labels))
    if not len(kept):
        raise ProbeError(f"{concept.name} applies nowhere in what is read, so there is nothing to train a probe on.")
    read = read_values(model, source, wanted, spans, steps[kept])
    kept = kept[read.rows]
    codes, classes = _classes(concept, labels[kept])
    return Examples(
        values=read.values.take(read.rows),
        labels=codes,
        classes=classes,
        units=tuple(map(str, read.names)),
        groups=groups[kept],
        types=np.unique(_types(source, spans)[kept], return_inverse=True)[1],
        what=f"{concept.name} at {counted(len(kept), 'step')} of {_what(source, spans)}",
    )


def _checked(concept: object) -> Concept:
    if not isinstance(concept, Concept):
        raise ProbeError(
            "A Concept was expected, such as rnnscope.probes.concepts.named('quotes')[0] gives; "
            f"got {type(concept).__name__}."
        )
    return concept


def _spans(starts: np.ndarray, limit: int, seed: int) -> list[Span]:
    """What to read: all documents, or some of many at random, or the beginning; none beyond the limit."""
    order = np.arange(len(starts) - 1)
    if starts[-1] > limit and len(order) >= FEWEST_DOCUMENTS:
        order = np.random.default_rng(seed).permutation(order)
    spans, room = [], limit
    for start, stop in zip(starts[order].tolist(), starts[order + 1].tolist(), strict=True):
        if room and stop > start:
            spans.append(Span(start, min(stop, start + room)))
            room -= spans[-1].stop - start
    return sorted(spans)


def _labels(source: Source, concept: Concept, spans: Sequence[Span]) -> np.ndarray:
    """The labels of all steps of some spans, of shape (time,)."""
    return np.concatenate([part.labels[0] for span in spans for part in labelled(source, [concept], span)])


def _groups(starts: np.ndarray, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The group of each step, and whether it lies in one and not in the gap after it."""
    documents = np.searchsorted(starts, steps, side="right") - 1
    if len(np.unique(documents)) >= FEWEST_DOCUMENTS:
        return documents, np.ones(len(steps), dtype=bool)
    if len(steps) < FEWEST_STEPS:
        raise TextError(
            f"A probe needs at least {FEWEST_STEPS:,} steps, or {FEWEST_DOCUMENTS} documents, to train on some "
            f"stretches or documents and test on others; what is read has {len(steps):,}. Give more text, or a larger "
            "limit."
        )
    count = min(max(len(steps) // STRETCH, FEWEST_STRETCHES), MOST_STRETCHES)
    ends = np.arange(1, count + 1) * len(steps) // count
    places = np.arange(len(steps))
    groups = np.searchsorted(ends, places, side="right")
    gap = min(GAP, len(steps) // (10 * count))
    return groups, (ends[groups] - places > gap) | (groups == count - 1)


def _types(source: Source, spans: Sequence[Span]) -> np.ndarray:
    """A number for each step, equal where the word as far as it is read is equal; of shape (time,), uint64."""
    found = []
    for span in spans:
        number = int(np.searchsorted(source.starts, span.start, side="right")) - 1
        begin = span.start - int(source.starts[number])
        found.append(_prefixes(source.documents[number].text[begin : begin + span.stop - span.start]))
    return np.concatenate(found)


def _prefixes(text: str) -> np.ndarray:
    """A hash of each character with those before it in its word, or in what stands between two words."""
    codes, places = codepoints(text), np.arange(len(text))
    word = inside_words(codes)
    first = np.maximum.accumulate(np.where(word != shifted(word, not word[0]), places, 0))
    powers = np.cumprod(np.full(len(text), _FACTOR, np.uint64))
    sums = np.cumsum((codes.astype(np.uint64) + np.uint64(1)) * powers)
    inverses = np.cumprod(np.full(len(text), _INVERSE, np.uint64))
    return (sums - shifted(sums, 0)[first]) * inverses[first]


def _classes(concept: Concept, labels: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Labels as places in classes, and what the classes are called."""
    if concept.kind == "number":
        codes, classes = _quarters(labels)
    else:
        codes = labels.astype(np.int64)
        classes = ("no", "yes") if concept.kind == "flag" else concept.categories
    if len(present := np.unique(codes)) < 2:
        raise ProbeError(
            f"{concept.name} says {classes[present[0]]} wherever it applies (steps: {len(codes):,}); a probe needs at "
            "least two classes. Give another text, or a larger limit."
        )
    return codes, classes


def _quarters(values: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Numbers by quarter; fewer than four where many are equal."""
    edges = np.unique(np.quantile(values, (0.25, 0.5, 0.75)))
    present, codes = np.unique(np.searchsorted(edges, values), return_inverse=True)
    quarters = [values[codes == code] for code in range(len(present))]
    ranges = [(f"{quarter.min():g}", f"{quarter.max():g}") for quarter in quarters]
    return codes, tuple(low if low == high else f"{low} to {high}" for low, high in ranges)


def _what(source: Source, spans: Sequence[Span]) -> str:
    numbers = np.unique(np.searchsorted(source.starts, [span.start for span in spans], side="right") - 1)
    return source.documents[int(numbers[0])].name if len(numbers) == 1 else f"{len(numbers):,} documents"
