"""What is asked of a network's output: a class, a character at a step, a unit at a step, or a function of one's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral
from typing import Any, Protocol, TypeGuard

from torch import Tensor, nn

from rnnscope.errors import AttributionError
from rnnscope.models import CharLanguageModel, SequenceClassifier
from rnnscope.recording.address import Address
from rnnscope.recording.layers import find_unit, recurrent_layers, signals_of
from rnnscope.text import visible

TargetLike = str | int | tuple[str, int] | Callable[[Any], Tensor] | None
"""What a user may name: see `rnnscope.attribute`."""


class Series(Protocol):
    """What has the values of signals: a recording, or what stands for one."""

    def __getitem__(self, address: Address, /) -> Tensor: ...


@dataclass(frozen=True, eq=False)
class Target:
    """One number a sequence, read from what a network puts out.

    Attributes
    ----------
    words : str
        What it is.
    steps : int
        How many steps of the text it can depend on, from the first.
    read : callable
        From the network's output and a recording of the signal to a tensor of shape (batch,).
    signal : Address or None
        The signal that has to be recorded.
    """

    words: str
    steps: int
    read: Callable[[Any, Series], Tensor]
    signal: Address | None = None


def target_of(network: nn.Module, target: TargetLike, length: int) -> Target:
    """The target that is named, for a text of so many steps.

    Raises
    ------
    AttributionError, AddressError
    """
    if callable(target):
        name = getattr(target, "__name__", "<lambda>")
        return Target("a function of the output" if name == "<lambda>" else name, length, lambda out, _: target(out))
    labels = network.labels if isinstance(network, SequenceClassifier) else ()
    if isinstance(target, str) and target.isdecimal() and not isinstance(network, CharLanguageModel):
        target = target if target in labels else int(target)
    if isinstance(network, SequenceClassifier) and (_whole(target) or target in labels):
        return _label(network, target, length)
    name, step = _at_a_step(target)
    if step is not None and "." in name[1:]:
        return _unit(network, name, step, length)
    if isinstance(network, CharLanguageModel) and (target is None or len(name) == 1):
        return _character(network, name, step, length)
    if not isinstance(network, CharLanguageModel | SequenceClassifier) and (target is None or _whole(target)):
        return _output(target, length)
    raise AttributionError(f"There is no target {target!r} here. {_expected(network)}")


def _whole(value: object) -> TypeGuard[int]:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _at_a_step(target: Any) -> tuple[str, int | None]:
    """The name and the step of ``("e", 120)`` or ``"e@120"``; no step if none is said."""
    if isinstance(target, str):
        name, at, step = target[1:].rpartition("@")
        number = step.removeprefix("-")
        return (target[0] + name, int(step)) if at and number.isdecimal() else (target, None)
    if isinstance(target, tuple) and len(target) == 2 and isinstance(target[0], str) and _whole(target[1]):
        return target[0], int(target[1])
    return "", None


def _expected(network: nn.Module) -> str:
    unit = '"l0.h.3@120" (a unit at a step)'
    if isinstance(network, CharLanguageModel):
        return f'Name "e@120" (the log-probability of a character at a step), {unit}, or a function of the output.'
    if isinstance(network, SequenceClassifier):
        return f"Name a label ({', '.join(network.labels[:20])}), {unit}, or a function of the output."
    return f"Name the number of an output, {unit}, or a function from the output to a tensor of shape (batch,)."


def _label(network: SequenceClassifier, target: Any, length: int) -> Target:
    place = int(target) if _whole(target) else network.labels.index(target)
    if not 0 <= place < len(network.labels):
        raise AttributionError(f"There is no label {place}. {_expected(network)}")
    return Target(f"logit of {network.labels[place]}", length, lambda logits, _: logits[:, place])


def _output(place: int | None, length: int) -> Target:
    """An output of a module; the only one, also of shape (batch,), if no number is given."""

    def read(out: Any, _: Series) -> Tensor:
        columns = out[:, None] if isinstance(out, Tensor) and out.dim() == 1 else out
        count = columns.shape[1] if isinstance(columns, Tensor) and columns.dim() == 2 else 0
        if not 0 <= (place or 0) < count or (place is None and count > 1):
            shape = f"shape {tuple(out.shape)}" if isinstance(out, Tensor) else f"type {type(out).__name__}"
            found = (
                f"The network has the outputs 0 to {count - 1}; got {'none' if place is None else place}."
                if count
                else f"An output is read from a tensor of shape (batch, output); the network's is of {shape}."
            )
            raise AttributionError(
                f"{found} Name the number of an output, or give a function from what the network returns to a tensor "
                "of shape (batch,)."
            )
        return columns[:, place or 0]

    return Target("output" if place is None else f"output {place}", length, read)


def _character(network: CharLanguageModel, name: str, step: int | None, length: int) -> Target:
    """The log-probability of the character at a place, from those before it; the text's own last if none is named."""
    if network.config.bidirectional:
        raise AttributionError(
            "A bidirectional network has seen the character that it is asked for. Name a unit at a step, such as "
            f"{signals_of(recurrent_layers(network))[0].of(0)}@{length - 1}."
        )
    place = length if step is None else step + length * (step < 0)
    if not 1 <= place <= length:
        raise AttributionError(
            f"A character is predicted at step 1 to {length} (the one after the text, which has {length:,} "
            f"characters), or at -{length - 1} to -1; got {step}."
        )
    if name not in network.vocabulary:
        raise AttributionError(f"The network does not know the character {name!r}.")
    token = network.vocabulary.characters.index(name)
    words = f"log-probability of {visible(name)} at step {place}"
    return Target(words, place, lambda out, _: out[0][place - 1].log_softmax(dim=-1)[:, token])


def _unit(network: nn.Module, name: str, step: int, length: int) -> Target:
    """A unit at a step; what a layer that reads backward has there depends on the whole text."""
    layers = recurrent_layers(network)
    address = find_unit(layers, name)
    place = step + length * (step < 0)
    if not 0 <= place < length:
        raise AttributionError(
            f"The text has the steps 0 to {length - 1}, or -{length} to -1 from its end; got {step}."
        )
    ahead = any(getattr(part, "bidirectional", False) for part in network.modules())
    steps = length if ahead else place + 1

    def read(_: Any, found: Series) -> Tensor:
        if place >= len(found[address]):
            raise AttributionError(
                f"There is no step {place} in {address.whole}; it makes {len(found[address])} steps."
            )
        return found[address][place]

    return Target(f"{address} at step {place}", steps, read, address.whole)
