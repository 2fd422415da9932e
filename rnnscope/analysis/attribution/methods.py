"""The methods of attribution, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rnnscope.errors import AttributionError

from .captum_methods import (
    feature_ablation,
    gradient_shap,
    input_x_gradient,
    integrated_gradients,
    occlusion,
    saliency,
)
from .contextual_decomposition import contextual_decomposition
from .work import Scores, Work


@dataclass(frozen=True)
class Method:
    """A way to say what an output is due to.

    Attributes
    ----------
    run : callable
        From the work that is to be done to scores.
    complete : bool
        Whether it promises that the scores add up to what the target differs by from the baseline's.
    compares : bool
        Whether it measures against a baseline.
    options : tuple of str
        What else it can be given.
    """

    run: Callable[[Work], Scores]
    complete: bool = False
    compares: bool = True
    options: tuple[str, ...] = ()

    @property
    def takes(self) -> tuple[str, ...]:
        """All that it can be given."""
        return ("baseline", *self.options) if self.compares else self.options


def _contextual_decomposition(work: Work) -> Scores:
    """What each character or word brings by itself, without what it does together with the rest (Murdoch 2018)."""
    spans = zip(work.starts.tolist(), [*work.starts[1:].tolist(), len(work.question.tokens)], strict=True)
    return Scores(work.spread(contextual_decomposition(work.question, list(spans))))


def _refuse_deep_lift(work: Work) -> Scores:
    raise AttributionError(
        "DeepLift does not hold on recurrent networks: its rules share out what a nonlinearity does to a sum, and an "
        "LSTM or a GRU multiplies gates and states at each step, for which it has none; captum's hooks, in addition, "
        "see neither the fused layers nor a module that is called at each step. The scores would not add up, and "
        "nothing would say so. Take integrated-gradients, which needs no rules and adds up, or, for an LSTM, "
        "contextual-decomposition, which is made for its products."
    )


METHODS: dict[str, Method] = {
    "saliency": Method(saliency, compares=False),
    "input-x-gradient": Method(input_x_gradient, compares=False),
    "integrated-gradients": Method(integrated_gradients, complete=True, options=("steps",)),
    "gradient-shap": Method(gradient_shap, complete=True, options=("steps",)),
    "occlusion": Method(occlusion, options=("window",)),
    "feature-ablation": Method(feature_ablation),
    "contextual-decomposition": Method(_contextual_decomposition, compares=False),
    "deep-lift": Method(_refuse_deep_lift),
}
