"""Texts that a network writes side by side while a unit is free, or held at values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from rnnscope.analysis.language_models import run, zeros
from rnnscope.models import CharLanguageModel
from rnnscope.recording.address import Address
from rnnscope.recording.intervening import intervene
from rnnscope.recording.intervention import Intervention
from rnnscope.recording.recorder import record


class HeldTexts:
    """Writes texts, always with the same random numbers.

    Parameters
    ----------
    model : CharLanguageModel that reads forward
    unit : Address
    prompt : str
        Read before each text; the unit is held there, too.
    length : int
        Characters of a text.
    samples : int
        Texts for each value.
    temperature : float
        Divides the logits.
    seed : int
    advance : callable
        Called after each character that is written, of all texts at once.
    """

    def __init__(
        self,
        model: CharLanguageModel,
        unit: Address,
        prompt: str,
        *,
        length: int,
        samples: int,
        temperature: float,
        seed: int,
        advance: Callable[[], None],
    ) -> None:
        self._model, self._unit, self._samples, self._advance = model, unit, samples, advance
        self._prompt = torch.from_numpy(model.vocabulary.encode(prompt))[:, None]
        self._temperature = temperature
        generator = torch.Generator().manual_seed(seed)
        self._uniform = torch.rand((length, samples), generator=generator, dtype=torch.float64)

    def free(self) -> tuple[list[str], np.ndarray]:
        """What is written while the unit is free, and the unit's values meanwhile."""
        series, steps = [], []
        with record(self._model, [str(self._unit.whole)]) as recording:
            for tokens in self._write(self._samples, {}):
                steps.append(tokens)
                series.append(recording[self._unit][-1])
        return self._decoded(steps), torch.cat(series).cpu().double().numpy()

    def held(self, values: Sequence[float]) -> list[list[str]]:
        """What is written while it is held at each of some values."""
        rows = torch.tensor(values, dtype=torch.float64).repeat_interleave(self._samples)[:, None]
        hold = Intervention(lambda signal, units, now, step: rows.to(now))
        texts = self._decoded(list(self._write(len(rows), {str(self._unit): hold})))
        return [texts[start : start + self._samples] for start in range(0, len(texts), self._samples)]

    def _write(self, rows: int, changes: Mapping[str, Intervention]) -> Iterator[Tensor]:
        """Step by step the tokens of so many texts, a multiple of the samples, of shape (text,)."""
        states = tuple(part.expand(-1, rows, -1).contiguous() for part in zeros(self._model))
        read = self._prompt.expand(-1, rows)
        for at in self._uniform.repeat(1, rows // self._samples):
            with intervene(self._model, changes):  # each block forgets the states that it has seen
                logits, states = run(self._model, read, states)
            read = self._draw(logits[-1].cpu().double(), at[:, None]).T
            self._advance()
            yield read[0]

    def _draw(self, logits: Tensor, at: Tensor) -> Tensor:
        """For each row the token at which the cumulative probability passes a number from 0 to 1."""
        logits[:, 0] = -torch.inf  # the unknown symbol stands for no character
        cumulative = ((logits - logits.amax(dim=1, keepdim=True)) / self._temperature).softmax(dim=1).cumsum(dim=1)
        return torch.searchsorted(cumulative, at * cumulative[:, -1:], right=True).clamp(max=logits.shape[1] - 1)

    def _decoded(self, steps: Sequence[Tensor]) -> list[str]:
        return [self._model.vocabulary.decode(text) for text in torch.stack(list(steps), dim=1).tolist()]
