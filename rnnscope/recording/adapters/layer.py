"""What our own recurrent layers share: sequences in, outputs and the last state out, as nn.GRU does."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from torch import Tensor, nn

from rnnscope.errors import ModelError
from rnnscope.recording.adapter import States


class SequenceLayer(nn.Module, ABC):
    """A recurrent layer that is called with a whole sequence.

    Parameters
    ----------
    input_size, hidden_size : int
    batch_first : bool
        Whether input and output are (batch, time, ...) instead of (time, batch, ...).
    """

    def __init__(self, input_size: int, hidden_size: int, batch_first: bool = False) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.batch_first = batch_first

    def forward(self, x: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """Read a sequence.

        Parameters
        ----------
        x : tensor of shape (time, batch, input), or (time, input) for a single sequence
        state : tensor of shape (batch, unit) or tuple of them, optional
            As an earlier call gave it back; the layer's own beginning if not given.

        Returns
        -------
        output : tensor of shape (time, batch, unit)
        state : as above, after the last step

        Raises
        ------
        ModelError
            If the input has another shape.
        """
        if x.dim() not in (2, 3) or x.shape[-1] != self.input_size or not x.numel():
            raise ModelError(
                f"{type(self).__name__} reads (time, batch, {self.input_size}) or (time, {self.input_size}), "
                f"at least one step; got {tuple(x.shape)}."
            )
        turned = self.batch_first and x.dim() == 3
        x = x.transpose(0, 1) if turned else x
        states = self.begin(x[0]) if state is None else state if isinstance(state, tuple) else (state,)
        output, states = self.run(x, states)
        return (output.transpose(0, 1) if turned else output), states[0] if len(states) == 1 else states

    def begin(self, x: Tensor) -> States:
        """The states before the first step, for an input of shape (batch, input): zeros."""
        return (x.new_zeros(*x.shape[:-1], self.hidden_size),)

    @abstractmethod
    def run(self, x: Tensor, states: States) -> tuple[Tensor, States]:
        """Outputs and last states.

        Parameters
        ----------
        x : tensor of shape (time, batch, input)
        states : tuple of tensors of shape (batch, unit)
        """
