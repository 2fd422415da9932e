"""captum's methods, made to run on recurrent networks: each reads the network through a question."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from captum.attr import FeatureAblation, GradientShap, InputXGradient, IntegratedGradients, Occlusion, Saliency
from torch import Tensor

from rnnscope.text import counted

from .path import POINTS, change_of, integrate
from .words import parts_of
from .work import Scores, Work

_SAMPLES = 512


def saliency(work: Work) -> Scores:
    """How much the target changes with each character's vector: the absolute gradient (Simonyan et al. 2013)."""
    return Scores(Saliency(work.forward).attribute(work.inputs).sum(dim=-1)[0])


def input_x_gradient(work: Work) -> Scores:
    """The gradient times the vector: what a linear network with this gradient owes to it (Shrikumar et al. 2016)."""
    return Scores(InputXGradient(work.forward).attribute(work.inputs).sum(dim=-1)[0])


def integrated_gradients(work: Work) -> Scores:
    """Gradients along the straight line from the baseline to the text (Sundararajan et al. 2017).

    In as many steps as are asked for, or in more where the line is steep, until the scores add up: see `integrate`.
    """
    inputs, baseline = work.inputs.detach(), work.baseline
    method = IntegratedGradients(work.forward)
    if work.steps:
        found = method.attribute(
            inputs, baseline, n_steps=work.steps, method="gausslegendre", internal_batch_size=work.side_by_side
        )
        return Scores(found.sum(dim=-1)[0].detach(), counted(work.steps, "step"))

    def along(stretches: Tensor) -> tuple[Tensor, Tensor]:
        begin, end = (torch.lerp(baseline, inputs, place[:, None, None].to(inputs)) for place in stretches.unbind(1))
        first, last = work.values(torch.cat((begin, end))).chunk(2)
        return method.attribute(end, begin, n_steps=POINTS, method="gausslegendre").sum(dim=-1).detach(), last - first

    ends = work.values(torch.cat((baseline, inputs)))
    found, points = integrate(along, *change_of(ends), work.side_by_side)
    return Scores(found, counted(points, "step"))


def gradient_shap(work: Work) -> Scores:
    """Gradients at random places between random baselines and the text (Lundberg and Lee 2017), without noise."""
    samples = work.steps or _SAMPLES
    inputs, total, done = work.inputs, torch.zeros(()), 0
    with seeded(work.seed):
        while done < samples:
            count = min(work.side_by_side, samples - done)
            found = GradientShap(work.forward).attribute(inputs, work.baselines, n_samples=count, stdevs=0.0)
            total, done = total + count * found.sum(dim=-1)[0].detach(), done + count
    return Scores(total / samples, f"{samples} samples")


def occlusion(work: Work) -> Scores:
    """What the target loses when a window of characters or words is taken away (Zeiler and Fergus 2014).

    The mean over the windows that a part lies in.
    """
    presence = torch.ones(1, len(work.starts), device=work.baselines.device)
    with torch.no_grad():
        found = Occlusion(_by_parts(work)).attribute(presence, (work.window,), perturbations_per_eval=work.side_by_side)
    return Scores(work.spread(found[0]), f"windows of {work.window}" if work.window > 1 else "")


def feature_ablation(work: Work) -> Scores:
    """What the target loses when a character or word is taken away."""
    presence = torch.ones(1, len(work.starts), device=work.baselines.device)
    with torch.no_grad():
        found = FeatureAblation(_by_parts(work)).attribute(presence, perturbations_per_eval=work.side_by_side)
    return Scores(work.spread(found[0]))


def _by_parts(work: Work) -> Callable[[Tensor], Tensor]:
    """The target for variants of the text, of which (batch, part) says which parts are there."""
    inputs, baseline = work.inputs.detach(), work.baseline
    parts = torch.from_numpy(parts_of(work.starts, inputs.shape[1])).to(inputs.device)
    return lambda presence: work.forward(torch.where(presence[:, parts, None] > 0, inputs, baseline))


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Inside, what numpy and torch draw follows from a seed; after it, they go on as if nothing had been drawn."""
    state = np.random.get_state()
    with torch.random.fork_rng():
        np.random.seed(seed)
        torch.manual_seed(seed)
        try:
            yield
        finally:
            np.random.set_state(state)
