"""Adapters: what rnnscope needs to know of a recurrent cell to record it, unroll it and intervene in it.

PyTorch's own cells have theirs in `rnnscope.recording.steps`. Any other cell takes part once it has one, see `Adapter`.
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
        The signals carried from step to step.
    gates : tuple of str
        The other signals.
    puts_out : str
        The signal that the cell puts out to the layers above; the first state if not given.
    memory : str
        The state that best shows what the cell keeps; the last one if not given.
    whole : bool
        Whether the module is called with a whole sequence (time, batch, input) and gives back
        (outputs, state), the state of shape (batch, unit). If not, it is called step by step and gives
        back its state, or (output, state) where what it puts out is no state. In both, several states
        are a tuple. A module with other customs has `arguments`, `pack` and `unpack` to say so.

    Examples
    --------
    >>> import torch
    >>> import rnnscope
    >>> class LeakyCell(torch.nn.Module):
    ...     hidden_size = 2
    ...
    ...     def forward(self, x, h):
    ...         return 0.9 * h + 0.1 * x
    >>> class LeakyAdapter(rnnscope.Adapter):
    ...     states = ("h",)
    ...
    ...     def step(self, x, states, keep):
    ...         h = keep("h", 0.9 * states[0] + 0.1 * x)
    ...         return h, (h,)
    >>> rnnscope.register(LeakyCell, LeakyAdapter)
    >>> cell, h = LeakyCell(), torch.zeros(1, 2)
    >>> with rnnscope.record(cell) as recording:
    ...     for _ in range(3):
    ...         h = cell(torch.ones(1, 2), h)
    >>> recording["l0.h.0"].flatten()
    tensor([0.1000, 0.1900, 0.2710])
    """

    states: ClassVar[tuple[str, ...]]
    gates: ClassVar[tuple[str, ...]] = ()
    puts_out: ClassVar[str] = ""
    memory: ClassVar[str] = ""
    whole: ClassVar[bool] = False

    def __init__(self, module: nn.Module) -> None:
        self.module: Any = module

    @property
    def signals(self) -> tuple[str, ...]:
        """States first, then gates."""
        return self.states + self.gates

    @property
    def output(self) -> str:
        """The signal that is put out."""
        return self.puts_out or self.states[0]

    def initial(self, x: Tensor) -> States:
        """The states before the first step where none are given, for an input of shape (batch, input)."""
        return tuple(x.new_zeros(len(x), self.module.hidden_size) for _ in self.states)

    def prepare(self, x: Tensor) -> Tensor:
        """What `step` gets instead of x: the part of the work that can be done for all steps at once.

        x is of shape (batch, input) or (time, batch, input); each of its rows is worked on by itself.
        """
        return x

    @abstractmethod
    def step(self, x: Tensor, states: States, keep: Keep) -> tuple[Tensor, States]:
        """One step, each row of the batch by itself: recovery gives it many steps as one large batch.

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
            What ``keep`` gave back for the signal that is put out.
        states : tuple of tensors of shape (batch, unit)
        """

    def arguments(self, x: Tensor, state: Any = None) -> tuple[Tensor, States | None]:
        """Input and states, None if there are none, in what the module was called with; the opposite of `unpack`.

        It is given the arguments of the module's ``forward`` in their order. Where a step needs more
        than x and the state, this method has further parameters and returns it as a part of the input:
        ``torch.cat((x, more), dim=-1)``, for `step` to split.

        Parameters
        ----------
        x : tensor of shape (batch, input), or (time, batch, input) of a whole sequence
        state : optional
            What the module carries from step to step, in its own form.
        """
        return x, None if state is None else _several(state)

    def pack(self, output: Tensor, states: States) -> Any:
        """What the module returns for an output and its new states.

        Parameters
        ----------
        output : tensor of shape (batch, unit), or (time, batch, unit) of a whole sequence
        states : tuple of tensors of shape (batch, unit)
        """
        state = states[0] if len(states) == 1 else states
        return (output, state) if self._returns_output else state

    def unpack(self, returned: Any) -> tuple[Tensor, States]:
        """Output and new states in what the module returned; the opposite of `pack`."""
        if self._returns_output:
            output, state = returned
            return output, _several(state)
        states = _several(returned)
        return states[self.states.index(self.output)], states

    @property
    def _returns_output(self) -> bool:
        return self.whole or self.output not in self.states


def _several(state: Any) -> States:
    return tuple(state) if isinstance(state, tuple | list) else (state,)


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

    Examples
    --------
    >>> import torch
    >>> import rnnscope
    >>> class Sum(torch.nn.Module):
    ...     hidden_size = 1
    ...
    ...     def forward(self, x, h):
    ...         return h + x
    >>> class SumAdapter(rnnscope.Adapter):
    ...     states = ("h",)
    ...
    ...     def step(self, x, states, keep):
    ...         h = keep("h", states[0] + x)
    ...         return h, (h,)
    >>> rnnscope.register(Sum, SumAdapter)
    >>> with rnnscope.record(Sum()) as recording:
    ...     pass
    >>> recording
    Recording(l0.h)
    """
    if not callable(adapter) or not isinstance(module, type | str):
        raise AdapterError(f"A class of modules and its adapter were expected; got {module!r} and {adapter!r}.")
    if isinstance(adapter, type):
        if not issubclass(adapter, Adapter):
            raise AdapterError(f"{adapter.__name__} is not an adapter: derive it from rnnscope.Adapter.")
        _check_names(adapter)
    _ADAPTERS[module] = adapter


def _check_names(adapter: type[Adapter]) -> None:
    states = getattr(adapter, "states", ())
    names = (*states, *adapter.gates)
    if not states or len(set(names)) < len(names):
        raise AdapterError(
            f"{adapter.__name__} names the states {states} and the gates {adapter.gates}; "
            'at least one state, and no name twice, was expected, such as states = ("h",).'
        )
    if adapter.memory and adapter.memory not in states:
        raise AdapterError(f"{adapter.__name__} has the memory {adapter.memory!r}, which is none of its states.")
    if not all(name.isidentifier() for name in names):
        raise AdapterError(f"Signals are named by letters, digits and underscores; got {', '.join(names)}.")
    if adapter.puts_out and adapter.puts_out not in names:
        raise AdapterError(
            f"{adapter.__name__} puts out {adapter.puts_out!r}, which is none of its signals: {', '.join(names)}."
        )
    if missing := sorted(getattr(adapter, "__abstractmethods__", ())):
        raise AdapterError(f"{adapter.__name__} lacks {', '.join(missing)}.")


def adapter_of(module: nn.Module) -> Adapter | None:
    """The adapter of a module, None if it has none."""
    for kind in type(module).__mro__:
        for key in (kind, f"{kind.__module__}.{kind.__qualname__}"):
            if key in _ADAPTERS:
                return _ADAPTERS[key](module)
    return None
