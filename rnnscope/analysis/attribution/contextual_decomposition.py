"""Contextual decomposition: what a span of a text brings to the target of an LSTM (Murdoch, Liu and Yu 2018).

Unlike other attributions it scores whole phrases, with what the characters of a phrase do to each other inside the
cells, and without what they do together with the rest of the text. So scores of characters do not add up to those of
words, nor to the target: the difference is interaction.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from operator import index
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from rnnscope.errors import AttributionError
from rnnscope.recording.address import Address
from rnnscope.recording.layers import recurrent_layers

from .decomposition import Parts, split_states
from .question import Question

_NUMBERS = 2**23
"""How many of a signal are held at once."""


def contextual_decomposition(question: Question, spans: Sequence[tuple[int, int]] | None = None) -> Tensor:
    """What spans of a text bring to the target, many of them side by side.

    The states of the LSTM are split exactly, in double precision. What lies above its top layer is taken as linear at
    the text's own values. That is exact for the logit of a label after pooling by ``last`` or ``mean``; after ``max``
    each unit counts at the step of its own maximum. A log-probability is not linear in the logits: what is scored is
    the character's logit against the mean of all logits, weighted by their probabilities. A unit is split exactly.

    Parameters
    ----------
    question : Question
        Of a network with one nn.LSTM: of any depth, in one direction or both.
    spans : sequence of (start, stop), optional
        Each character by itself if not given.

    Returns
    -------
    float64 tensor of shape (span,)
        In the unit of the target; above 0 where a span speaks for it. That of the whole text is, where all above the
        LSTM is linear, the target less its value at states of zero (the head's bias).

    Raises
    ------
    AttributionError
        If the network has no LSTM that is called once, from states of zero; for a gate; for spans beyond the text.

    References
    ----------
    Murdoch, Liu and Yu (2018), Beyond word importance: contextual decomposition to extract interactions from LSTMs.
    """
    time = len(question.tokens)
    rnn, signal = _lstm(question), question.read.signal
    if signal is not None and signal.signal not in ("h", "c"):
        raise AttributionError(f"Contextual decomposition splits the states h and c, not the gate {signal}.")
    limits = [(step, step + 1) for step in range(time)] if spans is None else [_checked(span, time) for span in spans]
    with torch.enable_grad(), _cut_at(rnn, time) as cut:
        value = question.from_embeddings(question.embed(question.tokens[:, None]))
        slopes = None if signal is not None else cut.slopes(value)
    x = cut.input()
    scores = [x.new_zeros(0)]
    size = max(1, _NUMBERS // (time * rnn.hidden_size))
    for first in range(0, len(limits), size):
        parts = split_states(rnn, x, _inside(limits[first : first + size], x))
        scores.append((_unit(question, parts) if slopes is None else _weighed(rnn, parts, slopes))[1:])
    return torch.cat(scores)


def _lstm(question: Question) -> nn.LSTM:
    layers = list(recurrent_layers(question.network).values())
    if len(layers) != 1 or not isinstance(layers[0], nn.LSTM):
        found = ", ".join(type(layer).__name__ for layer in layers)
        raise AttributionError(
            f"Contextual decomposition has rules for the LSTM alone, and for one nn.LSTM; this network has {found}. "
            "Take another method, such as integrated-gradients or occlusion."
        )
    return layers[0]


def _checked(span: Any, time: int) -> tuple[int, int]:
    try:
        start, stop = map(index, span)
    except (TypeError, ValueError):
        start, stop = 0, -1
    if not 0 <= start < stop <= time:
        raise AttributionError(
            f"A span is (start, stop) with 0 <= start < stop <= {time}, the steps that the target depends on; "
            f"got {span!r}."
        )
    return start, stop


def _inside(limits: Sequence[tuple[int, int]], x: Tensor) -> Tensor:
    """The characters of each span, bool of shape (time, span), after a span of the whole text."""
    start, stop = torch.tensor([(0, len(x)), *limits], device=x.device).unbind(dim=1)
    places = torch.arange(len(x), device=x.device)[:, None]
    return (start <= places) & (places < stop)


class _Cut:
    """What went into an LSTM, and what came out, there cut from the graph that made it."""

    def __init__(self, rnn: nn.LSTM, time: int) -> None:
        self.rnn, self.time = rnn, time
        self.given: Tensor | None = None
        self.leaves: tuple[Tensor, ...] = ()

    def enter(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        x, hx, *_ = (*args, kwargs.get("hx"), None)
        x = x if x is not None else kwargs["input"]
        if self.given is not None or hx is not None:
            raise AttributionError("Contextual decomposition reads an LSTM that is called once, from states of zero.")
        self.given = _data(x).detach()

    def leave(self, module: nn.Module, args: tuple[Any, ...], returned: Any) -> Any:
        output, states = returned
        self.leaves = tuple(part.detach().requires_grad_() for part in (_data(output), *states))
        first, *others = self.leaves
        return (output._replace(data=first) if isinstance(output, PackedSequence) else first), tuple(others)

    def input(self) -> Tensor:
        """What the LSTM read, of shape (time, input), in double precision where the device has it."""
        if self.given is None or self.given.numel() != self.time * self.rnn.input_size:
            raise AttributionError("Contextual decomposition reads an LSTM that is given one vector for each step.")
        found = self.given.reshape(self.time, -1)
        return found if found.device.type == "mps" else found.double()

    def slopes(self, value: Tensor) -> tuple[Tensor, ...]:
        """The gradient of the target with respect to what the LSTM puts out: outputs, last h and last c."""
        if not value.requires_grad:
            raise AttributionError("The target does not depend on what the LSTM puts out.")
        return torch.autograd.grad(value.sum(), self.leaves, materialize_grads=True)


@contextmanager
def _cut_at(rnn: nn.LSTM, time: int) -> Iterator[_Cut]:
    cut = _Cut(rnn, time)
    handles = rnn.register_forward_pre_hook(cut.enter, with_kwargs=True), rnn.register_forward_hook(cut.leave)
    try:
        yield cut
    finally:
        for handle in handles:
            handle.remove()


def _data(values: Tensor | PackedSequence) -> Tensor:
    return values.data if isinstance(values, PackedSequence) else values


def _weighed(rnn: nn.LSTM, parts: Sequence[Parts], slopes: Sequence[Tensor]) -> Tensor:
    """What spans bring to a function of the LSTM's outputs and last states, of shape (span,)."""
    outputs, *lasts = (slope.to(parts[0].h.dtype) for slope in slopes)
    scores = torch.einsum("tu,tsu->s", outputs.reshape(len(parts[0].h), -1), parts[-1].h)
    ways = 2 if rnn.bidirectional else 1
    for name, last in zip("hc", lasts, strict=True):
        for place, slope in enumerate(last.reshape(rnn.num_layers * ways, -1)):
            values = getattr(parts[place // ways], name).chunk(ways, dim=-1)[place % ways]
            scores = scores + values[0 if place % ways else -1] @ slope
    return scores


class _Brought:
    """What spans bring of a unit's series, in the place of a recording of it, spans in the place of sequences."""

    def __init__(self, parts: Sequence[Parts], ways: int) -> None:
        self.parts, self.ways = parts, ways

    def __getitem__(self, address: Address, /) -> Tensor:
        both = getattr(self.parts[address.layer], address.signal)
        return both.chunk(self.ways, dim=-1)[address.reverse][..., address.unit]


def _unit(question: Question, parts: Sequence[Parts]) -> Tensor:
    """What spans bring to a unit at a step, of shape (span,)."""
    ways = 2 if _lstm(question).bidirectional else 1
    return question.read.read(None, _Brought(parts, ways))
