"""What a report is made from: traces, of texts that are read now or of one that was read before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import nn

from rnnscope.arguments import whole
from rnnscope.card import Card, fingerprint
from rnnscope.errors import ReportError
from rnnscope.text import Document
from rnnscope.tracing.documents import Numbers, Texts, holds_texts
from rnnscope.tracing.making import reader_of, trace
from rnnscope.tracing.trace import Trace, open_trace

Source = nn.Module | Trace | str | Path
"""A network, or a trace or its path."""

_READ_AS_TEXT = (None, "language-model", "classifier", "tagger")
"""Tasks whose documents are the texts that the network read."""


@dataclass(eq=False)
class Reading:
    """Gives the traces of a report.

    Attributes
    ----------
    text : str, Document, Path, File, a sequence of these, numbers or None
        The text; None in it for a trace, which has its own.
    characters : sequence of str or None
        Of a module that does not say which it knows.
    limit : int or None
        Characters to read, at most.
    folder : Path
        Where traces are kept while the report is made.
    notes : list of str
        What the page says of what was read.
    """

    text: Texts | Numbers | None
    characters: Sequence[str] | None
    limit: int | None
    folder: Path
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.limit is not None:
            whole(self.limit, "limit", 1)
        if isinstance(self.text, Trace):
            raise ReportError("A trace is no text to read: give report(trace), or report(network, trace.text).")

    def first(self, source: Source, model: nn.Module | None) -> tuple[Trace, nn.Module | None]:
        """The trace that the report is on, and the network that it is of, if that is at hand."""
        if model is not None and not isinstance(model, nn.Module):
            raise ReportError(f"model= is the network that a trace is of; got {type(model).__name__}.")
        if isinstance(source, nn.Module):
            if self.text is None or model is not None:
                raise ReportError(
                    "A network to report on reads a text: give report(network, text). model= goes with a trace."
                )
            return self._trace(source, 0), source
        if self.text is not None or self.limit is not None:
            raise ReportError("A trace has its text; give report(trace) without another text or a limit.")
        opened = _opened(source)
        if model is not None:
            _demand_same(opened, model)
        return opened, model

    def other(self, source: Source, first: Trace, number: int) -> tuple[Trace, nn.Module | None]:
        """The trace of a network to compare with, over the same text, and the network if it is given."""
        if isinstance(source, nn.Module):
            found, network = self._trace_same(source, first, number), source
        else:
            found, network = _opened(source), None
        if len(found) != len(first) or found.text != first.text or found.documents != first.documents:
            names = f"{found.tree.attrs['model']} and {first.tree.attrs['model']}"
            raise ReportError(
                f"{names} do not read the same steps of this text: {len(found):,} and {len(first):,} characters in "
                f"{len(found.documents):,} and {len(first.documents):,} documents. Compare networks of one task."
            )
        return found, network

    def _trace_same(self, model: nn.Module, first: Trace, number: int) -> Trace:
        if self.text is None:
            self.text = documents_of(first)
            if self.text is None:
                raise ReportError(
                    f"What {first.tree.attrs['model']} read cannot be told from its trace alone; give the network and "
                    "its text instead of the trace, or compare with a trace."
                )
        return self._trace(model, number)

    def _trace(self, model: nn.Module, number: int) -> Trace:
        return trace(
            model,
            self._limited(model),
            self.folder / f"{number}.zarr",
            characters=self.characters if getattr(model, "card", None) is None else None,
        )

    def _limited(self, model: nn.Module) -> Any:
        """The text as far as it is to be read."""
        if self.limit is None or not holds_texts(self.text):
            return self.text
        pages = reader_of(model, self.characters).pages(self.text)
        if sum(len(page.text) for page in pages) <= self.limit or any(page.content is not None for page in pages):
            return self.text
        kept, left = [], self.limit
        for page in pages:
            if left > 0:
                kept.append(Document(page.name, page.text[:left]))
                left -= len(kept[-1].text)
        total = sum(len(page.text) for page in pages)
        self.notes = [f"Read: the first {self.limit:,} of {total:,} characters."]
        return kept


def documents_of(trace: Trace) -> list[Document] | None:
    """The texts that a network has read, to be read again; None where the trace shows something else in their place."""
    if trace.tree.attrs.get("task") not in _READ_AS_TEXT or not trace.characters:
        return None
    steps = map(trace.steps_of, range(len(trace.documents)))
    return [
        Document(name, trace.text_between(part.start, part.stop))
        for name, part in zip(trace.documents, steps, strict=True)
    ]


def _opened(source: Trace | str | Path) -> Trace:
    if not isinstance(source, Trace | str | Path):
        raise ReportError(f"A network, a trace or the path of a trace was expected; got {type(source).__name__}.")
    return source if isinstance(source, Trace) else open_trace(source)


def _demand_same(opened: Trace, model: nn.Module) -> None:
    """Refuse a network that a trace is not of."""
    own, other = str(opened.tree.attrs["model_sha256"]), fingerprint(model)
    if own != other:
        card = getattr(model, "card", None)
        name = card.name if isinstance(card, Card) else type(model).__name__
        raise ReportError(
            f"The trace is of {opened.tree.attrs['model']} (sha256 {own[:12]}...), not of {name} (sha256 "
            f"{other[:12]}...). Name the network that was traced, or trace the text with this one."
        )
