"""What a unit may track, and the estimators that read it from many units.

    examples = step_examples(model, text, concept)     values of units and labels, step by step
    LinearProbe().fit(examples.values, examples.labels, groups=examples.groups)
    probe(model, text, concept)                        a probe with its baselines and controls

The names below are loaded when they are first used; the concepts are in `rnnscope.probes.concepts`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rnnscope.on_demand import on_demand

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

__getattr__, __dir__, __all__ = on_demand(__name__)
