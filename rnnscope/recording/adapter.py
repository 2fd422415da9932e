"""Adapters: what rnnscope needs to know of a recurrent cell to record it, unroll it and intervene in it.

PyTorch's own cells have theirs in `rnnscope.recording.steps`. Any other cell takes part once it has one:

    class LeakyAdapter(rnnscope.Adapter):
        states = ("h",)
        gates = ("a",)

        def step(self, x, states, signal):
            (h,) = states
            a = signal("a", torch.sigmoid(self.module.gate(x)))
            h = signal("h", (1 - a) * h + a * torch.tanh(self.module.inner(x)))
            return h, (h,)

    rnnscope.register(LeakyCell, LeakyAdapter)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

from torch import Tensor, nn

from rnnscope.errors import AdapterError

States = tuple[Tensor, ...]
"""The states of a layer in the order of its adapter, each of shape (batch, unit)."""

Keep = Callable[[str, Tensor], Tensor]
"""Takes a signal's name and value as it comes about, and returns the value to go on with."""


class Adapter(ABC):
    """One recurrent cell: the names of its signals and its step.

    Subclass it, fill in ``states``, ``gates`` and `step`, and `register` it. The other methods have
    defaults that fit modules which follow PyTorch's customs.

    Parameters
    ----------
    module : nn.Module
        The cell.

    Attributes
    ----------
    states : tuple of str
        The signals carried from step to step. By custom the first is ``h`` and is what the cell puts out.
    gates : tuple of str
        The other signals.
    memory : str
        The state that best shows what the cell keeps; the last one if not given.
    whole : bool
        Whether the module is called with a whole sequence (time, batch, input) and gives back
        (outputs, state), as nn.LSTM does; a module that is called step by step gives back its state.
    """

    states: ClassVar[tuple[str, ...]]
    gates: ClassVar[tuple[str, ...]] = ()
    memory: ClassVar[str] = ""
    whole: ClassVar[bool] = False

    def __init__(self, module: nn.Module) -> None:
        self.module: Any = module

    @property
    def signals(self) -> tuple[str, ...]:
        """States first, then gates."""
        return self.states + self.gates

    def initial(self, x: Tensor) -> States:
        """The states before the first step where none are given, for an input of shape (batch, input)."""
        return tuple(x.new_zeros(len(x), self.module.hidden_size) for _ in self.states)

    def prepare(self, x: Tensor) -> Tensor:
        """What `step` gets instead of x: the part of the work that can be done for all steps at once."""
        return x

    @abstractmethod
    def step(self, x: Tensor, states: States, keep: Keep) -> tuple[Tensor, States]:
        """One step.

        Parameters
        ----------
        x : tensor of shape (batch, input), as `prepare` gave it
        states : tuple of tensors of shape (batch, unit)
        keep : callable
            To be called once for each signal, ``c = keep("c", f * c + i * g)``, and its result used
            from there on: this is where signals are recorded and interventions made.

        Returns
        -------
        output : tensor of shape (batch, unit)
        states : tuple of tensors of shape (batch, unit)
        """

    def pack(self, output: Tensor, states: States) -> Any:
        """What the module returns for an output and its new states."""
        state = states[0] if len(states) == 1 else states
        return (output, state) if self.whole else state

    def unpack(self, returned: Any) -> tuple[Tensor, States]:
        """Output and new states in what the module returned; the opposite of `pack`."""
        output, state = returned if self.whole else (returned, returned)
        states = state if isinstance(state, tuple | list) else (state,)
        return (output if self.whole else states[0]), tuple(states)


_ADAPTERS: dict[type[nn.Module] | str, Callable[[Any], Adapter]] = {}


def register(module: type[nn.Module] | str, adapter: Callable[[Any], Adapter]) -> None:
    """Make a class of modules known by its adapter.

    Parameters
    ----------
    module : type or str
        A class of nn.Module; its subclasses are known with it. A string is the full name of one,
        ``"package.module.Class"``: its package need not be there, and is not imported.
    adapter : type or callable
        Makes the `Adapter` of a module of that class.

    Raises
    ------
    AdapterError
        If an adapter's class lacks what every adapter has.
    """
    if isinstance(adapter, type):
        if not issubclass(adapter, Adapter):
            raise AdapterError(f"{adapter.__name__} is not an adapter: derive it from rnnscope.Adapter.")
        names = (*getattr(adapter, "states", ()), *adapter.gates)
        if not getattr(adapter, "states", ()) or len(set(names)) < len(names):
            raise AdapterError(
                f"{adapter.__name__} names the states {getattr(adapter, 'states', ())} and the gates {adapter.gates}; "
                'at least one state, and no name twice, was expected, such as states = ("h",).'
            )
        if not all(name.isidentifier() for name in names):
            raise AdapterError(f"Signals are named by letters, digits and underscores; got {', '.join(names)}.")
    _ADAPTERS[module] = adapter


def adapter_of(module: nn.Module) -> Adapter | None:
    """The adapter of a module, None if it has none."""
    for kind in type(module).__mro__:
        for key in (kind, f"{kind.__module__}.{kind.__qualname__}"):
            if key in _ADAPTERS:
                return _ADAPTERS[key](module)
    return None
