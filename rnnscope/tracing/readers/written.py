"""What networks that write a text have in common.

They write greedily, before the trace is laid out; what they wrote is then read back and recorded, which goes
through the states that wrote it. Before the first written character stands `MARK`, where the network is given
the start of text. As in any trace, the signals at a character come after it, the guesses before.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from rnnscope.models.decoding import START
from rnnscope.text import Vocabulary

from .reader import GUESSES, Clock, Reader, costs, guesses, no_costs, no_guesses

MARK = "\N{BLACK RIGHT-POINTING SMALL TRIANGLE}"
"""Stands in a page where the network begins to write."""


class WrittenReader(Reader):
    """Reads back what a network has written.

    Attributes
    ----------
    written : Vocabulary
        Of what the network writes.
    """

    written: Vocabulary

    def rows(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Token ids of what the network is given as it writes these texts, the start of text before each."""
        return [self.written.encode(START + text) for text in texts]

    def columns(self, tokens: np.ndarray, clock: Clock, logits: Tensor) -> dict[str, np.ndarray]:
        """What goes into the root, from logits (time, batch, token) and the clock of what was written."""
        log_p = clock.pick(logits).float().log_softmax(dim=-1).roll(1, dims=0)
        log_p[clock.steps == 0] = torch.nan
        nll, expected = no_costs(len(tokens)), no_guesses(len(tokens), min(GUESSES, log_p.shape[-1]))
        nll[clock.places] = costs(log_p, tokens[clock.places])
        for name, values in guesses(log_p).items():
            expected[name][clock.places] = values
        return {"token": tokens, "nll": nll, **expected}
