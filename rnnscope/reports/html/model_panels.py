"""The panels that every report has: what rnnscope can tell of a network within seconds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import nn

from rnnscope.analysis.gates.saturation import saturation
from rnnscope.analysis.gates.timescales import timescales
from rnnscope.analysis.gradients.flow import gradient_flow
from rnnscope.analysis.language_models import read_documents
from rnnscope.analysis.memory.context import effective_context
from rnnscope.analysis.mistakes.error_analysis import error_analysis
from rnnscope.errors import RnnscopeError
from rnnscope.models import CharLanguageModel
from rnnscope.progress import progress_bar
from rnnscope.reports.scale import is_gate
from rnnscope.text import Document
from rnnscope.tracing.documents import Texts
from rnnscope.tracing.trace import Trace

from .panels import Panel, panel

LIMIT = 20_000
"""Characters that the panels are computed on, at most."""

_TARGETS, _LAGS = 300, 200
"""Of the gradient flow."""

_PLACES, _LENGTHS = 150, (1, 2, 5, 10, 20, 50, 100, 200)
"""Of the effective context, which reads the text before each place again for each length, three times."""

_SMALL = 1_000_000
"""Weights up to which a network is quick."""

_SATURATION, _TIMESCALES = "Gate saturation", "Timescales of units"
_FLOW, _CONTEXT, _ERRORS = _OF_LANGUAGE = ("Gradient flow", "Effective context", "Errors")
_JACOBIAN = "timescales by the Jacobian"

_FOR_LANGUAGE = "they are for language models that read forward"
_TAKES_MINUTES = "they take minutes for a network of more than a million weights"

_Questions = dict[str, Callable[[], Any]]
"""What is asked, by the title of its panel."""


def model_panels(
    source: nn.Module | Trace, text: Texts = (), *, trace: Trace | None = None, seed: int = 0
) -> tuple[list[Panel], list[str]]:
    """The panels that every report has, and sentences with the reasons for those that cannot be.

    Gate saturation, timescales, gradient flow, effective context and errors, over the first 20,000 characters of the
    text at most; how many, each panel says.

    Parameters
    ----------
    source : nn.Module in eval mode, or Trace
        With a trace there are saturation, if it holds gates, and timescales.
    text : str, Document, Path, File, or a sequence of these
        For a trace there is no need of one.
    trace : Trace, optional
        What the network has done on the text, where that is known. Of a network of more than a million weights,
        saturation and timescales are then told from it; the Jacobian, which takes minutes, is not.
    seed : int
        Of targets and intervals.
    """
    if isinstance(source, Trace):
        questions = _of_trace(source, seed)
    else:
        questions = _of_model(source, read_documents(text, LIMIT)[0], trace, seed)
    left_out = _left_out(source, trace)
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


def _of_trace(trace: Trace, seed: int) -> _Questions:
    return {
        _SATURATION: lambda: saturation(trace),
        _TIMESCALES: lambda: timescales(trace, seed=seed, limit=LIMIT),
    }


def _of_model(model: Any, documents: Sequence[Document], trace: Trace | None, seed: int) -> _Questions:
    farthest = max(len(document.text) for document in documents) // 4
    lengths = [length for length in _LENGTHS if length <= max(1, farthest)]
    flow: Any = {"targets": _TARGETS, "lags": min(_LAGS, farthest), "seed": seed, "limit": LIMIT}
    context: Any = {"targets": _PLACES, "contexts": lengths, "seed": seed, "limit": LIMIT}
    name = "model" if trace is None else str(trace.tree.attrs["model"])
    return {
        _SATURATION: lambda: saturation(model, documents),
        _TIMESCALES: lambda: timescales(model, documents, seed=seed, limit=LIMIT),
        _FLOW: lambda: gradient_flow(model, documents, **flow),
        _CONTEXT: lambda: effective_context(model, documents, **context),
        _ERRORS: lambda: error_analysis({name: model}, documents, limit=LIMIT),
        **(_of_trace(trace, seed) if trace is not None and _is_large(model) else {}),
    }


def _is_large(model: nn.Module) -> bool:
    return sum(weights.numel() for weights in model.parameters()) > _SMALL


def _left_out(source: nn.Module | Trace, trace: Trace | None) -> dict[str, str]:
    """What cannot be told, and why."""
    known = source if isinstance(source, Trace) else trace
    reasons: dict[str, str] = {}
    if known is not None and not any(is_gate(address.signal) for address in known.addresses):
        reasons[_SATURATION] = "no gates are recorded"
    if isinstance(source, Trace):
        if source.tree.attrs.get("task") != CharLanguageModel.task:
            return reasons | dict.fromkeys(_OF_LANGUAGE, _FOR_LANGUAGE)
        return reasons | dict.fromkeys((*_OF_LANGUAGE, _JACOBIAN), "the network itself is needed")
    if not isinstance(source, CharLanguageModel) or source.config.bidirectional:
        reasons |= dict.fromkeys(_OF_LANGUAGE, _FOR_LANGUAGE)
    if _is_large(source):
        reasons[_TIMESCALES if trace is None else _JACOBIAN] = _TAKES_MINUTES
    return reasons


def _said(left_out: Mapping[str, str]) -> str:
    """What is left out, those together that have one reason."""
    parts = []
    for reason in dict.fromkeys(left_out.values()):
        *others, last = [name[0].lower() + name[1:] for name, own in left_out.items() if own == reason]
        parts.append(f"{', '.join(others)}{' and ' if others else ''}{last} ({reason})")
    return f"Left out: {'; '.join(parts)}."
