"""A task that reads one long sequence as streams, with the state carried from window to window."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from torch import Tensor

from rnnscope.errors import RecipeError
from rnnscope.models.stack import State, detach

from .batches import Streams
from .recipe import StreamTraining
from .task import Share, Task


class StreamTask(Task):
    """Batches are windows of `Streams`; a share is some of the streams."""

    training_recipe = StreamTraining

    def open_streams(self, tokens: Tensor, training: StreamTraining, counted: str) -> None:
        """What a subclass calls in its constructor, with the training part, of shape (time,), and what a step is."""
        self.streams = Streams(tokens, training.streams, training.window, counted)
        self._training = training
        self._states: dict[int, State] = {}

    @abstractmethod
    def window_loss(self, model: Any, inputs: Tensor, targets: Tensor, state: State) -> tuple[Tensor, State]:
        """The mean loss of a window, inputs and targets of shape (time, batch), and the state after it."""

    def __len__(self) -> int:
        return len(self.streams)

    @property
    def batch_size(self) -> float:
        return self._training.streams * self._training.window

    def loss(self, model: Any, index: int, share: Share) -> Tensor:
        if self._training.streams % share.count:
            raise RecipeError(
                f"training.streams must be a multiple of {share.count}, the number of processes times "
                f"training.accumulate; got {self._training.streams}."
            )
        device = next(model.parameters()).device
        inputs, targets = (part[:, share.index :: share.count].to(device) for part in self.streams[index])
        state = None if self.streams.starts_anew(index) else self._states.get(share.index)
        loss, state = self.window_loss(model, inputs, targets, state)
        self._states[share.index] = detach(state)
        return loss

    def state(self) -> dict[str, Any]:
        return {"carried": dict(self._states)}

    def restore(self, state: dict[str, Any]) -> None:
        self._states = dict(state["carried"])
