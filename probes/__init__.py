"""What a unit may track, and the estimators that read it from many units.

    examples = step_examples(model, text, concept)     values of units and labels, step by step
    LinearProbe().fit(examples.values, examples.labels, groups=examples.groups)
    probe(model, text, concept)                        a probe with its baselines and controls

The names below are loaded when they are first used; the concepts are in `rnnscope.probes.concepts`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .decoders.linear import LinearProbe as LinearProbe
    from .decoders.mdl import MDLProbe as MDLProbe
    from .decoders.single_unit import SingleUnitProbe as SingleUnitProbe
    from .decoders.sparse import SparseProbe as SparseProbe
    from .decoders.time_probe import TimeProbe as TimeProbe
    from .evidence.control import control_labels as control_labels
    from .evidence.evaluating import evaluate as evaluate
    from .evidence.probing import probe as probe
    from .evidence.probing import probe_examples as probe_examples
    from .examples.activations import Activations as Activations
    from .examples.examples import Examples as Examples
    from .examples.splitting import split_groups as split_groups
    from .examples.steps import step_examples as step_examples
    from .examples.texts import text_examples as text_examples
    from .experiments.holding import read_while_held as read_while_held
    from .experiments.holding import written_while_held as written_while_held
    from .experiments.number import number_probes as number_probes
    from .experiments.single_unit import single_unit_study as single_unit_study

_HOME = {
    "Activations": "examples.activations",
    "Examples": "examples.examples",
    "LinearProbe": "decoders.linear",
    "MDLProbe": "decoders.mdl",
    "SingleUnitProbe": "decoders.single_unit",
    "SparseProbe": "decoders.sparse",
    "TimeProbe": "decoders.time_probe",
    "control_labels": "evidence.control",
    "evaluate": "evidence.evaluating",
    "number_probes": "experiments.number",
    "probe": "evidence.probing",
    "probe_examples": "evidence.probing",
    "read_while_held": "experiments.holding",
    "single_unit_study": "experiments.single_unit",
    "split_groups": "examples.splitting",
    "step_examples": "examples.steps",
    "text_examples": "examples.texts",
    "written_while_held": "experiments.holding",
}

__all__ = sorted(_HOME)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'rnnscope.probes' has no attribute {name!r}")
    return getattr(import_module(f".{_HOME[name]}", __name__), name)


def __dir__() -> list[str]:
    return [*globals(), *_HOME]
