"""The network before it was trained: same shape, first weights."""

from __future__ import annotations

from typing import TypeVar

import torch

from rnnscope.arguments import whole
from rnnscope.errors import ModelError
from rnnscope.models import Network

from .methods import method_of
from .recipe_file import recipe_of

N = TypeVar("N", bound=Network)


def untrained(model: N, seed: int | None = None) -> N:
    """A network of the same shape with weights that no text has touched.

    Parameters
    ----------
    model : Network
        On a CPU its first weights are drawn as its recipe says.
    seed : int, optional
        That of its recipe if not given, and so the very weights that its training began with, if it was trained
        by the same PyTorch; 0 for a network without a recipe.

    Returns
    -------
    Network
        Of the same class, vocabularies and buffers, in eval mode, on the same device, without a card.

    Raises
    ------
    ModelError
        If the network is not one of rnnscope's.
    ArgumentError
        If the seed is no whole number.

    Examples
    --------
    >>> import rnnscope.trained
    >>> model = rnnscope.load(rnnscope.trained.path("prose-lstm"))
    >>> both = model, rnnscope.untrained(model)
    >>> traces = [rnnscope.trace(network, "The bridge was down, and we went round by the mill.") for network in both]
    >>> [round(float(trace.tree["nll"].mean()), 1) for trace in traces]  # nats a character
    [1.7, 4.4]
    """
    if not isinstance(model, Network):
        raise ModelError(
            f"A network of rnnscope was expected, which knows how it was made; got {type(model).__name__}. "
            "Make yours anew by its own class."
        )
    if seed is not None:
        whole(seed, "seed")
    made = model.card.training.get("recipe") if model.card else None
    recipe = recipe_of(made) if made else None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed if seed is not None else recipe.seed if recipe else 0)
        fresh = model.build(model.config, model.vocabularies)
        if recipe:
            method_of(recipe.training).initialise(fresh)
    buffers = dict(fresh.named_buffers())
    for name, buffer in model.named_buffers():
        buffers[name].copy_(buffer)
    return fresh.to(model.device, next(model.parameters()).dtype).eval()
