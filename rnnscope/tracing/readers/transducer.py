"""A transducer: a document is a sequence of a problem, its text the number of each step's largest input."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from rnnscope.errors import TextError
from rnnscope.models.transducer import Transducer
from rnnscope.tracing.documents import as_numbers, holds_texts, numbered

from .reader import Clock, Page, Reader, Stretch, no_costs, no_guesses


class TransducerReader(Reader):
    """Reads arrays of shape (time, sequence, feature), such as the ``inputs`` of a problem's batch.

    The root has more: ``output_0``, ``output_1`` and so on, what the network answers at each step. A character is the
    number of the input that is farthest from 0, and a dot where all are 0.
    """

    characters = outcomes = ()

    def __init__(self, model: Transducer) -> None:
        self._model = model

    def pages(self, given: Any) -> list[Page]:
        features = self._model.problem.input_size
        if holds_texts(given):
            raise TextError(
                f"This network was trained on the problem {self._model.problem.name} and reads vectors, not texts: in "
                f"Python, give an array of shape (time, sequence, {features}). `rnnscope memory` says how well it does."
            )
        inputs = as_numbers(given, "float32")
        if inputs.ndim != 3 or inputs.shape[2] != features or not inputs.size:
            raise TextError(f"An array of shape (time, sequence, {features}) was expected; got shape {inputs.shape}.")
        names = numbered(inputs.shape[1], "sequence")
        return [Page(name, _digits(one), one) for name, one in zip(names, inputs.swapaxes(0, 1), strict=True)]

    def read(self, pages: Sequence[Page]) -> Iterator[Stretch]:
        for page in pages:
            outputs = self._model(torch.from_numpy(page.content).to(self._model.device).unsqueeze(1))[:, 0]
            steps = len(page.text)
            columns = {f"output_{number}": values for number, values in enumerate(outputs.float().cpu().numpy().T)}
            columns |= {"token": np.full(steps, -1), "nll": no_costs(steps), **no_guesses(steps)}
            yield Stretch(columns, {"": Clock.of([steps])}, np.ones(steps, bool))


def _digits(inputs: np.ndarray) -> str:
    sizes = np.abs(inputs)
    return "".join(np.where(sizes.any(axis=1), sizes.argmax(axis=1).astype(str), "."))
