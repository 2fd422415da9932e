"""Gradients back through time by autograd, one target after another: for any cell that has an adapter, and any loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from rnnscope.errors import ModelError, RecordingError
from rnnscope.progress import progress_bar
from rnnscope.recording.layers import recurrent_layers, states_of
from rnnscope.recording.recorded import Recording
from rnnscope.recording.recorder import unroll

from .targets import TargetNorms, Wanted, check_losses

_STEPS = 2_000
"""Steps of a document, beyond the largest lag, whose graph is kept."""

Loss = Callable[[Tensor, Tensor], Tensor]
"""What a network puts out and what it has read; the loss of each step in nats, of shape (time,) or (time, batch)."""

_EXPECTED = "loss(output, tokens) gives a tensor with the loss of each step, of shape (time,) or (time, batch)"


class Graph:
    """A network's pass over a text, kept with its graph.

    Parameters
    ----------
    model : nn.Module
    run : callable
        Calls it, and gives what it puts out.
    read : tensor
        What it reads; the first axis is time.
    loss : callable

    Attributes
    ----------
    losses : tensor of shape (time, batch)
        Of the first steps, as many as have one.
    nodes : dict of address to list of tensors of shape (batch, unit)
        Each state at each step.

    Raises
    ------
    ModelError
        If the loss is none of each step.
    """

    def __init__(self, model: nn.Module, run: Callable[[Tensor], Tensor], read: Tensor, loss: Loss) -> None:
        signals = [str(address) for address in states_of(recurrent_layers(model))]
        with torch.enable_grad(), _all_trainable(model), unroll(model, signals) as recording:
            read = read.detach().clone().requires_grad_(read.is_floating_point())
            self.losses = _checked(loss(run(read), read), len(read))
            if not self.losses.requires_grad:
                raise ModelError(f"{_EXPECTED}; got one without a graph: make it of the output, without detach().")
            self.nodes = {signal: _steps(recording, signal, len(read)) for signal in signals}

    def norms(self, target: int, lags: Sequence[int]) -> dict[str, np.ndarray]:
        """Norms of the gradients of the losses of a step, by signal, of shape (batch, lag)."""
        nodes = [steps[target - lag] for steps in self.nodes.values() for lag in lags]
        found = torch.autograd.grad(self.losses[target].sum(), nodes, retain_graph=True, allow_unused=True)
        norms = [
            node.new_zeros(len(node)) if gradient is None else torch.linalg.vector_norm(gradient, dim=-1)
            for node, gradient in zip(nodes, found, strict=True)
        ]
        table = torch.stack(norms, dim=-1).detach().double().cpu().numpy()
        return dict(zip(self.nodes, np.split(table, len(self.nodes), axis=1), strict=True))


@contextmanager
def _all_trainable(model: nn.Module) -> Iterator[None]:
    """Weights that were frozen hang on the graph for a while: without any there is none."""
    frozen = [weight for weight in model.parameters() if weight.is_floating_point() and not weight.requires_grad]
    try:
        for weight in frozen:
            weight.requires_grad_(True)
        yield
    finally:
        for weight in frozen:
            weight.requires_grad_(False)


def _checked(losses: object, time: int) -> Tensor:
    """The losses, of shape (time, batch), if they are that."""
    if not isinstance(losses, Tensor) or losses.dim() not in (1, 2) or not 1 <= len(losses) <= time:
        got = f"one of shape {tuple(losses.shape)}" if isinstance(losses, Tensor) else type(losses).__name__
        raise ModelError(f"{_EXPECTED}; got {got} for {time} steps. Do not average it over time.")
    return losses if losses.dim() == 2 else losses[:, None]


def _steps(recording: Recording, signal: str, time: int) -> list[Tensor]:
    """The nodes of a signal, one a step.

    Raises
    ------
    ModelError
    """
    try:
        steps = recording.steps(signal)
    except RecordingError as error:
        raise ModelError(f"There are no gradients at single steps of {signal}. {error}") from None
    if len(steps) != time:
        raise ModelError(
            f"{signal} has {len(steps)} steps where the network reads {time}: a lag has no meaning there. "
            "Layers that take one step for each of the text's were expected."
        )
    return steps


def by_autograd(
    model: nn.Module,
    run: Callable[[Tensor], Tensor],
    documents: Sequence[Tensor],
    loss: Loss,
    wanted: Wanted,
) -> TargetNorms:
    """Norms of gradients, one target after another; of each document the first steps alone are read."""
    read = [document[: _STEPS + wanted.reach] for document in documents]
    with torch.no_grad():
        counts = [len(_checked(loss(run(one), one), len(one))) for one in read]
    chosen = wanted.choose([len(one) for one in documents], counts)
    starts = np.cumsum([0, *map(len, documents)])
    found: list[tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]] = []
    with progress_bar("targets") as bar:
        task = bar.add_task("gradients", total=len(chosen))
        for document, start, stop in zip(read, starts[:-1], starts[1:], strict=True):
            if len(here := chosen[(chosen >= start) & (chosen < stop)]):
                graph = Graph(model, run, document, loss)
                for target in here.tolist():
                    losses = graph.losses[target - start].detach().double().cpu().numpy()
                    steps = np.full(len(losses), target)
                    check_losses(steps, losses)
                    found.append((steps, losses, graph.norms(target - start, wanted.lags.tolist())))
                    bar.advance(task)
    targets, losses, norms = zip(*found, strict=True)
    whole = {signal: np.concatenate([one[signal] for one in norms]) for signal in norms[0]}
    return TargetNorms(np.concatenate(targets), np.concatenate(losses), whole, {}, {})
