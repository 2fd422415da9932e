"""Stretches of a text with the true states before them, from one reading by the network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from rich.progress import Progress
from torch import Tensor, nn

from rnnscope.arguments import whole
from rnnscope.errors import ModelError, TextError
from rnnscope.models.network import check_mode
from rnnscope.recording.adapter import States, adapter_of
from rnnscope.recording.address import Address
from rnnscope.recording.layers import recurrent_layers, states_of
from rnnscope.recording.recorder import record
from rnnscope.tracing.documents import Numbers, Texts
from rnnscope.tracing.making import reader_of
from rnnscope.tracing.readers.reader import Page

from .step import Step, step_of


@dataclass(frozen=True)
class Stretches:
    """Stretches of a text, as the recurrent layer reads them.

    Attributes
    ----------
    step : Step
    addresses : tuple of Address
        The states, in their order.
    x : float64 tensor of shape (time, stretch, input)
        What the layer reads.
    states : tuple of float64 tensors of shape (stretch, unit)
        Before the first step.
    """

    step: Step
    addresses: tuple[Address, ...]
    x: Tensor
    states: States

    @property
    def size(self) -> int:
        """Units of all states."""
        return sum(state.shape[-1] for state in self.states)


class StretchReader:
    """A network, and the text that it is to read.

    Parameters
    ----------
    model : nn.Module in eval mode
        With one recurrent layer, or one stack of them, that reads forward.
    text : str, Document, Path, File, a sequence of these, or token ids
    characters : sequence of str, optional
        As for `rnnscope.trace`.
    limit : int
        Characters to read at most.

    Attributes
    ----------
    layer : nn.Module
        The recurrent module.
    lengths : int array of shape (document,)

    Raises
    ------
    ModelError, TextError, RecordingError
    """

    def __init__(self, model: nn.Module, text: Texts | Numbers, characters: Sequence[str] | None, limit: int) -> None:
        self.layer = _one_layer(model)
        self._model = model
        self._reader = reader_of(model, characters)
        self._pages = _first(self._reader.pages(text), whole(limit, "limit", 1))
        self.lengths = np.array([len(page.text) for page in self._pages])

    def random(self, count: int, length: int, seed: int) -> np.ndarray:
        """Stretches of so many steps at random places: document and first step, of shape (stretch, 2).

        Raises
        ------
        TextError
            If there are not so many, each after at least one step of its document.
        """
        room = np.maximum(self.lengths - length, 0)
        if room.sum() < count:
            raise TextError(
                f"{count:,} places with {length:,} steps after each were asked for; the text of "
                f"{self.lengths.sum():,} characters has {room.sum():,}. Give a longer text, or smaller lags."
            )
        chosen = np.sort(np.random.default_rng(whole(seed, "seed")).choice(room.sum(), count, replace=False))
        return _placed(chosen, room, 1)

    def apart(self, count: int, length: int, seed: int) -> np.ndarray:
        """Stretches that do not overlap, as above.

        Raises
        ------
        TextError
            If there are not so many.
        """
        room = np.maximum(self.lengths - 1, 0) // length
        if room.sum() < count:
            raise TextError(
                f"{count:,} sequences of {length:,} steps each, warm-up included, were asked for; the text of "
                f"{self.lengths.sum():,} characters has {room.sum():,}. Give a longer text, or fewer or shorter ones."
            )
        chosen = np.sort(np.random.default_rng(whole(seed, "seed")).choice(room.sum(), count, replace=False))
        return _placed(chosen, room, length)

    @torch.no_grad()
    def read(self, places: np.ndarray, length: int, bar: Progress) -> Stretches:
        """Read the text as far as the stretches go.

        Parameters
        ----------
        places : int array of shape (stretch, 2)
            Document and first step, in their order.
        length : int
            Steps of each.
        bar : Progress
        """
        x: list[Tensor] = []
        states: list[States] = []
        addresses = tuple(states_of(recurrent_layers(self._model)))
        by_document = [(number, places[places[:, 0] == number, 1]) for number in np.unique(places[:, 0])]
        task = bar.add_task("reading", total=sum(int(starts[-1]) + length for _, starts in by_document))
        for number, starts in by_document:
            page = _cut(self._pages[number], int(starts[-1]) + length)
            read, before = self._read(page, addresses, starts - 1, partial(bar.advance, task))
            x += [read[start : start + length] for start in starts]
            states += before
        together = tuple(torch.stack(parts).double() for parts in zip(*states, strict=True))
        if not all(values.isfinite().all() for values in together):
            raise ModelError("The states of the network are not finite on this text: they have no Jacobian.")
        return Stretches(step_of(self.layer), addresses, torch.stack(x, dim=1).double(), together)

    def _read(
        self, page: Page, addresses: Sequence[Address], places: np.ndarray, done: Callable[[int], None]
    ) -> tuple[Tensor, list[States]]:
        """What the layer reads of a page, of shape (time, input), and its states after some steps."""
        x: list[Tensor] = []
        states: list[States] = []
        start = 0
        hook = self.layer.register_forward_pre_hook(partial(_take, x), with_kwargs=True)
        try:
            with record(self._model, [str(address) for address in addresses]) as recording:
                for stretch in self._reader.read([page]):
                    signals = [recording[address] for address in addresses]
                    own = places[(start <= places) & (places < start + len(stretch))] - start
                    states += [tuple(signal[place, 0].clone() for signal in signals) for place in own]
                    start += len(stretch)
                    done(len(stretch))
                    recording.clear()
        finally:
            hook.remove()
        return torch.cat(x), states


def _take(x: list[Tensor], layer: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Keep what a layer is called with, as (time, input)."""
    given = (*args, *kwargs.values())
    adapter = adapter_of(layer)
    read = given[0] if adapter is None or kwargs else adapter.arguments(*given)[0]
    if not isinstance(read, Tensor) or read.dim() > 2 and min(read.shape[:2]) > 1:
        raise ModelError(
            "One sequence at a time was expected, as (time, batch, input) with a batch of 1; "
            f"{type(layer).__name__} was called with {tuple(getattr(read, 'shape', ())) or type(read).__name__}."
        )
    x.append(read.detach().reshape(-1, read.shape[-1]).clone())


def _one_layer(model: nn.Module) -> nn.Module:
    """The recurrent module of a network, if it has one that reads forward, and the network is in eval mode."""
    layers = recurrent_layers(model)
    check_mode(model)
    if len(layers) > 1:
        raise ModelError(
            f"One recurrent layer was expected, or one stack of them; this network has {len(layers)}: "
            f"{', '.join(layers)}. How they feed each other is not known."
        )
    (layer,) = layers.values()
    if getattr(layer, "bidirectional", False):
        raise ModelError("A network that reads forward was expected; this one is bidirectional: its time has two ends.")
    return layer


def _first(pages: Sequence[Page], limit: int) -> list[Page]:
    """Pages as far as they lie within so many characters."""
    found: list[Page] = []
    for page in pages:
        if limit > 0:
            found.append(_cut(page, limit))
            limit -= len(page.text)
    return found


def _cut(page: Page, stop: int) -> Page:
    """A page as far as a step. What is no step by step, such as an image, stays."""
    if isinstance(page.content, dict):
        content = {name: column[:stop] for name, column in page.content.items()}
    else:
        by_step = np.ndim(page.content) > 0 and len(page.content) == len(page.text)
        content = page.content[:stop] if by_step else page.content
    return replace(page, text=page.text[:stop], content=content)


def _placed(chosen: np.ndarray, room: np.ndarray, length: int) -> np.ndarray:
    """Document and first step of stretches that are numbered through all documents; a step comes before each."""
    document = np.searchsorted(np.cumsum(room), chosen, side="right")
    return np.stack((document, 1 + (chosen - (np.cumsum(room) - room)[document]) * length), axis=1)
