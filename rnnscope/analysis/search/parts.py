"""What is read: a half to choose units on and a half to score them on, labelled piece by piece."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from rnnscope.concept import Concept
from rnnscope.tracing.passages import Source, Span

GAP = 1_000
"""Steps between the halves, where they belong to one document; less in a short text."""

_PIECE = 2**18
"""Characters that are labelled at once, at most."""

_SAMPLE = 2**16
"""Steps of a `label_sample`, at most."""


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


class Labelled(NamedTuple):
    """Steps that are labelled together: their spans, the first of them, and labels of shape (concept, time)."""

    spans: list[Span]
    first: int
    labels: np.ndarray


def labelled(source: Source, concepts: Sequence[Concept], part: Span) -> Iterator[Labelled]:
    """The labels of a part of what is read: some documents or pieces of a long one at a time, in their order.

    Documents that can be read in one pass alone are kept together.
    """
    spans: list[Span] = []
    labels: list[np.ndarray] = []
    for piece, text in _pieces(source, part):
        span = Span(max(piece.start, part.start), min(piece.stop, part.stop))
        begins = not source.whole or piece.start in source.starts
        if spans and begins and span.stop - spans[0].start > _PIECE:
            yield Labelled(spans, spans[0].start, np.concatenate(labels, axis=1))
            spans, labels = [], []
        own = np.stack([concept(text, piece.start) for concept in concepts])
        labels.append(own[:, span.start - piece.start : span.stop - piece.start])
        spans.append(span)
    yield Labelled(spans, spans[0].start, np.concatenate(labels, axis=1))


def label_sample(source: Source, concepts: Sequence[Concept]) -> np.ndarray:
    """The labels of some steps from all over what is read, of shape (concept, time)."""
    stride = -(-len(source) // _SAMPLE)
    parts = labelled(source, concepts, Span(0, len(source)))
    return np.concatenate([labels[:, -first % stride :: stride] for _, first, labels in parts], axis=1)


def _pieces(source: Source, part: Span) -> Iterator[tuple[Span, str]]:
    """Documents that a part touches, long ones cut after blank lines, with their texts."""
    first, last = (np.searchsorted(source.starts, step, side="right") - 1 for step in (part.start, part.stop - 1))
    for number in range(int(first), int(last) + 1):
        start, text, done = int(source.starts[number]), source.documents[number].text, 0
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
