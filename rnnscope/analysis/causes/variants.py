"""One text read many times at once, each time with other units replaced: what every variant loses at each step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from rnnscope.analysis.language_models import States, run
from rnnscope.models import CharLanguageModel
from rnnscope.recording.address import Address
from rnnscope.recording.intervening import intervene
from rnnscope.recording.intervention import Intervention
from rnnscope.recording.unroll import Where

from .streams import Stream, Streams
from .subjects import Replacement

_ROWS = 512
"""Sequences that are read at once; more are no faster."""

_CHUNK = 16
"""Steps that are read in one call: the network keeps all signals of a call."""


@dataclass(frozen=True)
class Swap:
    """What becomes of one signal in a batch of variants side by side.

    Attributes
    ----------
    units : list of int
        All that any variant replaces.
    replaced : bool tensor of shape (variant, unit)
        Which of them each variant replaces.
    new : tensor of shape (place, unit)
        What they are replaced by: one place for all steps, or a random one at each.
    """

    units: list[int]
    replaced: Tensor
    new: Tensor

    @classmethod
    def of(
        cls, signal: Address, variants: Sequence[Sequence[Address]], replaced_by: Replacement, found: Streams
    ) -> Swap:
        here = [[address.unit for address in variant if address.whole == signal] for variant in variants]
        units = sorted({unit for variant in here for unit in variant if unit is not None})
        replaced = torch.tensor([[unit in variant for unit in units] for variant in here])
        if replaced_by == "zero":
            new = np.zeros((1, len(units)))
        elif replaced_by == "mean":
            new = found.mean(signal)[None, units]
        else:
            new = found.values(signal)[:, units]
        return cls(units, replaced, torch.from_numpy(new.astype(np.float32)))

    def intervention(self, streams: int, on: Where, place: Callable[[int], np.ndarray]) -> Intervention:
        """The change to a batch whose rows are all streams of the first variant, then of the second, and so on.

        ``place`` says for a step from which place each stream takes its values.
        """
        replaced = self.replaced.repeat_interleave(streams, dim=0)

        def values(signal: Address, units: Tensor, now: Tensor, step: int | None) -> Tensor:
            assert step is not None
            new = self.new if len(self.new) == 1 else self.new[place(step)].repeat(len(self.replaced), 1)
            return torch.where(replaced.to(now.device), new.to(now), now[:, units])

        return Intervention(values, on=on)


def read_variants(
    model: CharLanguageModel,
    found: Streams,
    variants: Sequence[Sequence[Address]],
    *,
    replaced_by: Replacement,
    on: Where,
    seed: int,
    advance: Callable[[int], None],
) -> np.ndarray:
    """The loss of each variant at each counted step, in nats, of shape (variant, step).

    Parameters
    ----------
    model : CharLanguageModel that reads forward
    found : Streams
        Of the documents to read.
    variants : sequence of sequences of Address
        The units that each replaces; none for the intact network.
    replaced_by, on
        See `rnnscope.ablation`. Random places are the same ones for all variants.
    seed : int
        For the random places.
    advance : callable
        Told after each call how many characters of the text it has read.
    """
    signals = dict.fromkeys(address.whole for variant in variants for address in variant)
    swaps = {signal: Swap.of(signal, variants, replaced_by, found) for signal in signals}
    losses = np.empty((len(variants), found.steps), dtype=np.float32)
    longest_first = sorted(found.parts, key=lambda stream: -stream.steps)
    size = max(1, _ROWS // len(variants))
    for start in range(0, len(longest_first), size):
        _read_group(model, longest_first[start : start + size], swaps, on, seed, losses, advance)
    return losses


@torch.no_grad()
def _read_group(
    model: CharLanguageModel,
    streams: Sequence[Stream],
    swaps: dict[Address, Swap],
    on: Where,
    seed: int,
    losses: np.ndarray,
    advance: Callable[[int], None],
) -> None:
    """Read streams side by side, chunk by chunk, and put their losses where they belong."""
    variants, steps = len(losses), max(stream.steps for stream in streams)
    tokens = torch.stack([functional.pad(stream.tokens, (0, steps - stream.steps)) for stream in streams], dim=1)
    states: States = tuple(
        torch.cat(parts, dim=1).repeat(1, variants, 1)
        for parts in zip(*(stream.states for stream in streams), strict=True)
    )
    for start in range(0, steps, _CHUNK):
        stop = min(start + _CHUNK, steps)

        def place(step: int, start: int = start) -> np.ndarray:
            rng = np.random.default_rng((seed, streams[0].first, start + step))
            return rng.integers(_places(swaps), size=len(streams))

        changes = {
            tuple(str(signal.of(unit)) for unit in swap.units): swap.intervention(len(streams), on, place)
            for signal, swap in swaps.items()
        }
        with intervene(model, changes):
            logits, states = run(model, tokens[start:stop].repeat(1, variants), states)
        expected = tokens[start + 1 : stop + 1].repeat(1, variants).to(logits.device)
        costs = functional.cross_entropy(logits.flatten(0, 1).float(), expected.flatten(), reduction="none")
        _put(losses, costs.view(stop - start, variants, len(streams)).cpu().numpy(), streams, start)
        advance(sum(max(0, min(stop, stream.steps) - max(start, stream.warm)) for stream in streams))


def _put(losses: np.ndarray, costs: np.ndarray, streams: Sequence[Stream], start: int) -> None:
    """Put the counted steps of a chunk, of shape (time, variant, stream), in their place."""
    for number, stream in enumerate(streams):
        first, last = max(start, stream.warm), min(start + len(costs), stream.steps)
        if first < last:
            place = stream.first + first - stream.warm
            losses[:, place : place + last - first] = costs[first - start : last - start, :, number].T


def _places(swaps: dict[Address, Swap]) -> int:
    return min(len(swap.new) for swap in swaps.values())
