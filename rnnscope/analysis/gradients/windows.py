"""A text read once, from its beginning, for what the adjoint needs of it: the steps that lead to the targets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import TypeGuard

import numpy as np
import torch
from torch import Tensor

from rnnscope.analysis.language_models import States, run, zeros
from rnnscope.cells import CELLS
from rnnscope.models import CharLanguageModel
from rnnscope.progress import progress_bar
from rnnscope.recording.recorded import Recording
from rnnscope.recording.recorder import record
from rnnscope.recording.steps import LayerWeights

from .adjoint import ADJOINTS, LayerAdjoint
from .targets import TargetNorms, Wanted
from .walk import Group, room_for, walk_back

_CHUNK = 2_048
"""Steps that are read at once."""

_VALUES = 2**26
"""Values that are kept at most of the steps that lead to a group of targets."""


def adjoints_of(model: CharLanguageModel) -> list[LayerAdjoint]:
    """The layers of a language model, read backward."""
    kind, layers = ADJOINTS[model.config.cell], range(model.config.layers)
    return [kind(LayerWeights.of_layer(model.rnn, layer).detach(), below=layer > 0) for layer in layers]


class Windows:
    """The windows of targets, group by group.

    Parameters
    ----------
    model : CharLanguageModel
    layers : sequence of LayerAdjoint
    documents : sequence of int64 tensors of shape (time,)
        Token ids; each is read from a zero state.
    targets : int array of shape (target,)
        Steps of all documents one after another, ascending, each with as many steps before it in its document.
    reach : int
        Steps before a target that belong to its window.

    Attributes
    ----------
    losses : array of shape (target,)
        In nats, of the targets whose groups have been read.
    """

    def __init__(
        self,
        model: CharLanguageModel,
        layers: Sequence[LayerAdjoint],
        documents: Sequence[Tensor],
        targets: np.ndarray,
        reach: int,
    ) -> None:
        self._model, self._layers, self._documents = model, layers, documents
        self._targets, self._reach = targets, reach
        self._starts = np.cumsum([0, *map(len, documents)])
        self._rows = self._number_rows()
        self.losses = np.empty(len(targets))
        self._seeds = model.head.weight.new_empty(len(targets), model.head.in_features)
        width = sum(layer.factors * layer.units for layer in layers)
        self._room = int(min(self._rows[-1] + 1, max(reach + 1, _VALUES // width)))

    def _number_rows(self) -> np.ndarray:
        """The row of each step up to the last target, counting those alone that lie in a window."""
        edges = np.zeros(self._targets[-1] + 2, dtype=np.int64)
        np.add.at(edges, self._targets - self._reach, 1)
        np.add.at(edges, self._targets + 1, -1)
        self._kept = edges.cumsum()[:-1] > 0
        return self._kept.cumsum() - 1

    @property
    def steps(self) -> int:
        """How many steps are read."""
        return sum(stop - start for _, start, stop in self._spans())

    def groups(self, advance: Callable[[int], object]) -> Iterator[Group]:
        """Read, and say so whenever the windows of some targets are complete; a group is good until the next."""
        like, rows = self._model.head.weight, self._rows[self._targets]
        factors = [like.new_empty(self._room, layer.factors, layer.units) for layer in self._layers]
        places, base, states = self._places(), 0, zeros(self._model)
        group = next(places)
        with torch.no_grad(), record(self._model, self._layers[0].signals) as recording:
            for document, start, stop in self._spans():
                if start == self._starts[document]:
                    states = zeros(self._model)
                ids = self._documents[document][start - self._starts[document] :][: stop - start + 1]
                logits, after = run(self._model, ids[: stop - start, None], states)
                self._take_losses(logits[:, 0], ids[1:], start, stop)
                self._fill(factors, base, recording, states, start, stop)
                states = after
                advance(stop - start)
                if stop == self._targets[group.stop - 1] + 1:
                    row_numbers = torch.from_numpy(rows[group] - base).to(like.device)
                    yield Group(group, row_numbers, factors, self._seeds[group])
                    if (following := next(places, None)) is None:
                        return
                    group = following
                    new = int(rows[group.start]) - self._reach
                    base = self._move(factors, base, new, int(self._rows[stop - 1]) + 1)

    def _places(self) -> Iterator[slice]:
        """Targets whose windows have room together."""
        rows, first = self._rows[self._targets], 0
        while first < len(rows):
            last = int(np.searchsorted(rows, rows[first] - self._reach + self._room))
            yield slice(first, last)
            first = last

    def _spans(self) -> Iterator[tuple[int, int, int]]:
        """What is read at once: document, first step and the step after the last."""
        ends = self._targets[[group.stop - 1 for group in self._places()]] + 1
        for document, (begin, end) in enumerate(pairwise(self._starts)):
            within = self._targets[(self._targets >= begin) & (self._targets < end)]
            if len(within):
                last = within[-1] + 1
                inner = ends[(ends > begin) & (ends < last)]
                cuts = np.unique(np.concatenate([np.arange(begin, last, _CHUNK), inner, [last]])).tolist()
                yield from ((document, start, stop) for start, stop in pairwise(cuts))

    def _take_losses(self, logits: Tensor, following: Tensor, start: int, stop: int) -> None:
        """Losses of the targets of a stretch, and their gradients with respect to what the head reads."""
        first, last = np.searchsorted(self._targets, (start, stop))
        steps = torch.from_numpy(self._targets[first:last] - start)
        chosen, right = logits[steps.to(logits.device)], following[steps].to(logits.device)
        log_odds = chosen.log_softmax(dim=-1)
        rows = torch.arange(len(right), device=right.device)
        self.losses[first:last] = -log_odds[rows, right].double().cpu().numpy()
        errors = log_odds.exp()
        errors[rows, right] -= 1
        self._seeds[first:last] = errors @ self._model.head.weight

    def _fill(
        self, factors: Sequence[Tensor], base: int, recording: Recording, states: States, start: int, stop: int
    ) -> None:
        """Make the factors of those steps of a stretch that lie in a window."""
        kept = self._kept[start:stop]
        if not kept.any():
            return
        rows = slice(self._rows[start + kept.argmax()] - base, self._rows[stop - 1] + 1 - base)
        for number, (layer, out) in enumerate(zip(self._layers, factors, strict=True)):
            signals = {name: recording[f"l{number}.{name}"][:, 0] for name in layer.signals}
            before = [state[number] for state in states]
            if kept.all():
                layer.fill(out[rows], signals, before)
            else:
                made = out.new_empty(stop - start, *out.shape[1:])
                layer.fill(made, signals, before)
                out[rows] = made[torch.from_numpy(kept).to(out.device)]

    @staticmethod
    def _move(factors: Sequence[Tensor], base: int, new: int, filled: int) -> int:
        """Keep the rows from a new base on."""
        for out in factors:
            out[: filled - new] = out[new - base : filled - base].clone()
        return new


def is_stock(model: object) -> TypeGuard[CharLanguageModel]:
    """Whether this is a language model whose stack is one of PyTorch's own modules, as the adjoint knows them."""
    return isinstance(model, CharLanguageModel) and type(model.rnn) is CELLS[model.config.cell].module


def by_adjoint(model: CharLanguageModel, documents: Sequence[Tensor], wanted: Wanted) -> TargetNorms:
    """Norms of gradients, all targets of a group together."""
    targets = wanted.choose([len(one) for one in documents], [len(one) - 1 for one in documents])
    layers, lags = adjoints_of(model), wanted.lags.tolist()
    windows = Windows(model, layers, documents, targets, wanted.reach)
    found = room_for(layers, targets, windows.losses, len(lags))
    with progress_bar() as bar, torch.no_grad():
        task = bar.add_task("gradients", total=windows.steps)
        for group in windows.groups(lambda steps: bar.advance(task, steps)):
            walk_back(layers, group, lags, found)
    return found
