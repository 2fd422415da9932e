"""What an output owes to each unit of a signal at each step: layer and neuron methods on recurrent networks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from torch import nn

from rnnscope.arguments import whole
from rnnscope.errors import AddressError, AttributionError
from rnnscope.progress import progress_bar
from rnnscope.recording.address import Address, find
from rnnscope.recording.layers import memories, recurrent_layers, signals_of

from .baselines import EMPTY, baseline_of
from .question import Question, TextLike
from .signal_methods import PATHS, SIGNAL_METHODS, observed
from .signals_result import UnitAttribution
from .targets import TargetLike
from .work import Work


@torch.inference_mode(False)
def attribute_units(
    model: nn.Module,
    text: TextLike,
    target: TargetLike = None,
    signal: str | None = None,
    method: str = "gradient-x-activation",
    *,
    baseline: str = EMPTY,
    steps: int | None = None,
    characters: Sequence[str] | None = None,
    embedding: str | None = None,
) -> UnitAttribution:
    """Say what a target owes to each unit of a signal at each step.

    Parameters
    ----------
    model, text, target, characters, embedding
        As of `rnnscope.attribute`.
    signal : str, optional
        The address of a signal, such as ``"l0.c"``. The memory of the first layer if not given.
    method : str
        ``"gradient"``: how much the target changes with the unit at a step, on all ways, those through later steps
        among them. ``"gradient-x-activation"``: that times the unit's value. ``"conductance"``: the part of the
        integrated gradients of the characters that passes through the unit at that step.
        ``"integrated-gradients"``: the signal goes, at all steps at once, on the straight line from what it is on the
        baseline to what it is on the text, while the network reads the text. A unit at a step then counts for what it
        does besides its effect on the same signal at later steps.
    baseline : {"empty", "zero", "mean"} or a character
        What the text is compared with by the two methods with a path, see `rnnscope.attribute`.
    steps : int, optional
        Points of a path. If not given, there are 128 for conductance, and for integrated gradients more where the path
        is steep, until they add up to within 1 % or there are 16,384.

    Returns
    -------
    UnitAttribution

    Raises
    ------
    AttributionError, AddressError, TextError, RecordingError

    References
    ----------
    Sundararajan, Taly and Yan (2017), Axiomatic attribution for deep networks (the path, here over a layer);
    Dhamdhere, Sundararajan and Yan (2018), How important is a neuron? (conductance).

    Notes
    -----
    A state holds what came before it. So its sum over steps counts the same thing many times, but for
    ``integrated-gradients``, whose scores add up over units and steps.

    Examples
    --------
    >>> import rnnscope.trained
    >>> model = rnnscope.load(rnnscope.trained.path("spam-classifier"))
    >>> message = "URGENT! You have won a prize. Call 09061701461 now."
    >>> found = rnnscope.attribute_units(model, message, "spam", "l0.c")
    >>> found.table.head(3)[["score", "step", "character"]].round(1)
             score  step character
    unit
    l0.c.62    0.2    26         z
    l0.c.27    0.1    42         1
    l0.c.42    0.1     3         E
    """
    if not isinstance(method, str) or method not in SIGNAL_METHODS:
        raise AttributionError(f"There is no method {method!r} on signals. There are: {', '.join(SIGNAL_METHODS)}.")
    points = None if steps is None else whole(steps, "steps", 1)
    question = Question.of(model, text, target, characters=characters, embedding=embedding)
    address = _signal(question, signal)
    baselines, against = baseline_of(question, baseline, seed=0)
    with progress_bar("passes") as bar:
        task = bar.add_task(method, total=None)
        each = np.arange(len(question.tokens))
        work = Work(question, baselines, each, points, advance=partial(bar.advance, task))
        here = observed(work, address, work.inputs)
        found = SIGNAL_METHODS[method](work, address)
    scores = question.finite(found.scores).cpu().double().numpy()
    return UnitAttribution(
        signal=str(address),
        target=question.target,
        method=method,
        how=", ".join(filter(None, (f"from {against}" if method in PATHS else "", found.how))),
        value=here.target.item(),
        gap=found.gap,
        characters=question.characters,
        scores=scores,
        values=here.values[:, 0].cpu().double().numpy(),
    )


def _signal(question: Question, name: str | None) -> Address:
    """The signal of a name; the memory of the first layer if none is named."""
    known = signals_of(recurrent_layers(question.network))
    if name is None:
        memory = memories(question.network)[known[0].module]
        return next(k for k in known if k.node == known[0].node and k.signal == memory)
    address = find(name, known)
    if address.unit is not None:
        raise AddressError(f"{address} is one unit; name its whole signal, {address.whole}.")
    return address
