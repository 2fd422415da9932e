"""Panels of the page: a result of rnnscope as sentences, a table and a picture."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from torch import nn

from rnnscope.analysis.gates.saturation import saturation
from rnnscope.analysis.gates.timescales import timescales
from rnnscope.analysis.gates.timescales_result import Timescales
from rnnscope.analysis.gradients.flow import gradient_flow
from rnnscope.analysis.language_models import read_documents
from rnnscope.analysis.memory.context import effective_context
from rnnscope.analysis.mistakes.error_analysis import error_analysis
from rnnscope.errors import ReportError, RnnscopeError
from rnnscope.models import CharLanguageModel
from rnnscope.progress import progress_bar
from rnnscope.reports.scale import is_gate
from rnnscope.style import figure_of
from rnnscope.text import Document
from rnnscope.tracing.documents import Texts, parts
from rnnscope.tracing.trace import Trace

from .plain import plain_rows
from .sentences import card_title, sentences

LIMIT = 20_000
"""Characters that the panels of every report are computed on, at most."""

_TARGETS, _LAGS = 300, 200
"""Of the gradient flow."""

_PLACES, _LENGTHS = 150, (1, 2, 5, 10, 20, 50, 100, 200)
"""Of the effective context, which reads the text before each place again for each length, three times."""

_SMALL = 1_000_000
"""Weights up to which a network is quick."""

_SATURATION, _TIMESCALES = "Gate saturation", "Timescales of units"
_OF_LANGUAGE = ("Gradient flow", "Effective context", "Errors")
_JACOBIAN = "timescales by the Jacobian"

_Questions = dict[str, Callable[[], Any]]

_LARGER = 1.5
"""How much larger a figure for a paper is on a page."""


@dataclass(frozen=True, eq=False)
class Panel:
    """A result on the page.

    Attributes
    ----------
    id : str
        Letters and hyphens; one for each kind of result.
    title : str
    said : list of str
        Sentences: what it means, how it was made, and what was found.
    columns : list of str
    rows : list of list
        Numbers, words, or None where there is no number; "inf" for what is infinite.
    figure : bytes
        An SVG file, the same at each call.
    """

    id: str
    title: str
    said: list[str]
    columns: list[str]
    rows: list[list[Any]]
    figure: bytes


def panel(result: Any, said: Sequence[str] = (), title: str | None = None) -> Panel:
    """Any result of rnnscope as a panel: what has a ``table``, a ``plot`` and a card.

    Parameters
    ----------
    result : a result, such as what `rnnscope.saturation` returns
    said : sequence of str
        Sentences that come first.
    title : str, optional
        If not given, that of the result's card.

    Raises
    ------
    ReportError
        If it is no result of rnnscope.
    """
    parts = ("table", "plot", "__rich_console__")
    if isinstance(result, type) or not all(hasattr(result, part) for part in parts):
        raise ReportError(
            f"A panel shows a result of rnnscope, such as rnnscope.saturation(...) gives; got {type(result).__name__}."
        )
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", type(result).__name__).lower()
    table = _named(result.table)
    return Panel(
        id=name,
        title=title or card_title(result) or name.replace("-", " ").capitalize(),
        said=[*said, *sentences(result)],
        columns=[str(column) for column in table.columns],
        rows=plain_rows(table),
        figure=svg(result),
    )


def svg(result: Any) -> bytes:
    """The picture of a result as an SVG file, the same at each call, and of a size that is read well on a page."""
    file = io.BytesIO()
    figure_of(result.plot()).savefig(file, format="svg", metadata={"Date": None})
    root = re.compile(rb'(?<= )(width|height)="([\d.]+)pt"')
    return root.sub(lambda found: b'%s="%gpt"' % (found[1], _LARGER * float(found[2])), file.getvalue(), count=2)


def _named(table: pd.DataFrame) -> pd.DataFrame:
    """A table whose index, if it says something, is its first columns."""
    if isinstance(table.index, pd.RangeIndex) and table.index.name is None:
        return table
    names = [name or "name" for name in table.index.names]
    return table.reset_index(names=names)  # pyright: ignore[reportArgumentType]


def model_panels(
    model: nn.Module | Trace,
    text: Texts | None = None,
    *,
    trace: Trace | None = None,
    seed: int = 0,
) -> tuple[list[Panel], list[str]]:
    """The panels that every report has, within seconds; and sentences with the reasons for those that cannot be.

    Gate saturation, timescales, gradient flow, effective context and errors, over the first 20,000 characters of the
    text at most; how many, each panel says.

    Parameters
    ----------
    model : nn.Module in eval mode, or Trace
        With a trace there are saturation, if it holds gates, and timescales.
    text : str, Document, Path, File, or a sequence of these
        None for a trace.
    trace : Trace, optional
        What the network has done on the text, where that is known. Of a network of more than a million weights,
        saturation and timescales are then told from it; the Jacobian, which takes minutes, is not.
    seed : int
        Of targets and intervals.
    """
    if isinstance(model, Trace):
        questions = _of_trace(model, seed)
    else:
        questions = _of_model(model, _beginning(model, text), trace, seed)
    left_out = _left_out(model, trace)
    questions = {name: ask for name, ask in questions.items() if name not in left_out}
    panels, notes = [], [_said(left_out)] if left_out else []
    with progress_bar("panels") as bar:
        task = bar.add_task("measuring", total=len(questions))
        for name, ask in questions.items():
            bar.update(task, description=name.lower())
            try:
                panels.append(panel(ask(), title=name))
            except RnnscopeError as error:
                notes.append(f"{name}: left out. {error}")
            bar.advance(task)
    return panels, notes


def _beginning(model: nn.Module, text: Any) -> list[Document] | Any:
    """The first characters of a text, held so that they can be read again; files of other networks as they are."""
    told = all(isinstance(part, str | Document) for part in parts(text))
    return read_documents(text, LIMIT)[0] if told or isinstance(model, CharLanguageModel) else text


def _of_trace(trace: Trace, seed: int) -> _Questions:
    """What is asked of a trace, by title."""
    return {
        _SATURATION: lambda: saturation(trace),
        _TIMESCALES: lambda: timescales(trace, seed=seed, limit=LIMIT),
    }


def _of_model(model: Any, text: Any, trace: Trace | None, seed: int) -> _Questions:
    """What is asked of a network."""
    documents = [part.text for part in text if isinstance(part, Document)] if isinstance(text, list) else []
    farthest = max(map(len, documents)) // 4 if documents else _LAGS
    lengths = [length for length in _LENGTHS if length <= max(1, farthest)]
    flow: Any = {"targets": _TARGETS, "lags": min(_LAGS, farthest), "seed": seed, "limit": LIMIT}
    context: Any = {"targets": _PLACES, "contexts": lengths, "seed": seed, "limit": LIMIT}
    of_trace = _of_trace(trace, seed) if trace is not None else {_TIMESCALES: _too_long}
    name = "model" if trace is None else str(trace.tree.attrs["model"])
    return {
        _SATURATION: lambda: saturation(model, text),
        _TIMESCALES: lambda: timescales(model, text, seed=seed, limit=LIMIT),
        "Gradient flow": lambda: gradient_flow(model, text, **flow),
        "Effective context": lambda: effective_context(model, text, **context),
        "Errors": lambda: error_analysis({name: model}, text, limit=LIMIT),
        **(of_trace if _is_large(model) else {}),
    }


def _is_large(model: nn.Module) -> bool:
    return sum(weights.numel() for weights in model.parameters()) > _SMALL


def _left_out(model: nn.Module | Trace, trace: Trace | None) -> dict[str, str]:
    """What cannot be told, and why."""
    known, reasons = model if isinstance(model, Trace) else trace, {}
    if known is not None and not any(is_gate(address.signal) for address in known.addresses):
        reasons[_SATURATION] = "no gates are recorded"
    if isinstance(model, Trace) and model.tree.attrs.get("task") == CharLanguageModel.task:
        reasons |= dict.fromkeys((*_OF_LANGUAGE, _JACOBIAN), "the network itself is needed")
    elif not isinstance(model, CharLanguageModel) or model.config.bidirectional:
        reasons |= dict.fromkeys(_OF_LANGUAGE, "they are for language models that read forward")
    elif trace is not None and _is_large(model):
        reasons[_JACOBIAN] = "they take minutes for a network of more than a million weights"
    return reasons


def _said(left_out: Mapping[str, str]) -> str:
    """What is left out, those together that have one reason."""
    parts = []
    for reason in dict.fromkeys(left_out.values()):
        *others, last = [name[0].lower() + name[1:] for name, own in left_out.items() if own == reason]
        parts.append(f"{', '.join(others)}{' and ' if others else ''}{last} ({reason})")
    return f"Left out: {'; '.join(parts)}."


def _too_long() -> Timescales:
    raise ReportError(
        "They take minutes for a network of more than a million weights: rnnscope gates tells them, or give its trace."
    )
