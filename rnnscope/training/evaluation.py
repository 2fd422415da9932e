"""How well a language model predicts a text."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from rnnscope.errors import TextError
from rnnscope.models import CharLanguageModel

_WINDOW = 1024


@torch.no_grad()
def evaluate(model: CharLanguageModel, tokens: Tensor, streams: int = 1) -> float:
    """Mean cross-entropy of a text in nats per character (lower is better).

    Parameters
    ----------
    model : CharLanguageModel, in eval mode
    tokens : int64 tensor of shape (time,)
    streams : int
        Stretches read side by side, each from a zero state. One stream is exact: the state is
        carried from the first character to the last. More are faster and a little pessimistic.

    Raises
    ------
    TextError
        If a stream would have fewer than two characters.
    """
    device = model.head.weight.device
    length = len(tokens) // streams
    if length < 2:
        raise TextError(f"A text of {len(tokens)} characters is too short to evaluate in {streams} streams.")
    columns = tokens[: streams * length].view(streams, length).T
    total, state = torch.zeros((), dtype=torch.float64), None
    for start in range(0, length - 1, _WINDOW):
        stop = min(start + _WINDOW, length - 1)
        logits, state = model(columns[start:stop].to(device), state)
        targets = columns[start + 1 : stop + 1].to(device)
        total += functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum").cpu()
    return float(total) / (streams * (length - 1))
