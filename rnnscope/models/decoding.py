"""Writing a text token by token with a network that gives the odds of the next one: greedily, or by beam search."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from rnnscope.arguments import whole
from rnnscope.text import Vocabulary

START, END = "\N{START OF TEXT}", "\N{END OF TEXT}"
"""The control characters U+0002 and U+0003: what a network that writes a text is given first, and gives last."""

START_ID, END_ID = 1, 2
"""Their ids in a vocabulary of `with_marks`."""

RecurrentState = Tensor | tuple[Tensor, ...]
"""h, or (h, c), each of shape (layer, batch, unit)."""

Step = Callable[[Tensor, RecurrentState], tuple[Tensor, RecurrentState]]
"""From the last tokens, of shape (batch,), and the state: log-probabilities of the next, of shape (batch, token),
in nats, and the state after it."""


def with_marks(vocabulary: Vocabulary) -> Vocabulary:
    """A vocabulary with `START` and `END` before its other characters."""
    return Vocabulary((START, END, *(c for c in vocabulary.characters if c not in (START, END))))


@torch.no_grad()
def decode(
    step: Step,
    state: RecurrentState,
    *,
    longest: int,
    beam: int = 1,
    start: int = START_ID,
    end: int = END_ID,
) -> list[list[int]]:
    """Search for the most probable text of each row of a batch.

    At each step every kept text is continued by every token, and the ``beam`` most probable of all these
    are kept; a text that has ended competes as it is. Of the texts kept at the end, the one with the highest
    log-probability, divided by its length, is given (Graves 2012, "Sequence Transduction with Recurrent
    Neural Networks"). A beam of one is greedy decoding.

    Parameters
    ----------
    step : callable
        See `Step`. It is called with ``beam`` rows for each row of the batch, those of one side by side, and
        may give -inf for what must not be written.
    state : the state before the first step, of shape (layer, batch, unit)
    longest : int
        Tokens at most, the end included; a text that has not ended by then is cut off.
    beam : int
        Texts kept at each step.
    start, end : int
        Token that every text begins with, and that ends one.

    Returns
    -------
    list of list of int
        The tokens of each text, without ``start`` and ``end``.

    Raises
    ------
    ArgumentError
        If ``beam`` or ``longest`` is less than one.
    """
    beam, longest = whole(beam, "beam", 1), whole(longest, "longest", 1)
    first = state[0] if isinstance(state, tuple) else state
    batch, device = first.shape[1], first.device
    sentences = torch.arange(batch, device=device)
    state = _select(state, sentences.repeat_interleave(beam))
    texts = torch.full((batch * beam, 1), start, device=device)
    ended = torch.zeros(batch * beam, dtype=torch.bool, device=device)
    scores = torch.full((batch, beam), -torch.inf, device=device)
    scores[:, 0] = 0  # the texts of a row are still the same: one of them counts
    for _ in range(longest):
        odds, state = step(texts[:, -1], state)
        odds = odds.masked_fill(ended[:, None], -torch.inf)
        odds[ended, end] = 0
        scores, best = (scores.view(-1, 1) + odds).view(batch, -1).topk(beam)
        rows = (sentences[:, None] * beam + best // odds.shape[1]).flatten()
        tokens = (best % odds.shape[1]).flatten()
        texts, state = torch.cat([texts[rows], tokens[:, None]], dim=1), _select(state, rows)
        ended = ended[rows] | (tokens == end)
        if ended.all():
            break
    texts = texts[:, 1:].view(batch, beam, -1)
    lengths = (texts != end).sum(dim=2) + ended.view(batch, beam)
    chosen = (scores / lengths).argmax(dim=1)
    return [[token for token in text if token != end] for text in texts[sentences, chosen].tolist()]


def _select(state: RecurrentState, rows: Tensor) -> RecurrentState:
    """The state of some rows of the batch."""
    if isinstance(state, tuple):
        return tuple(part.index_select(1, rows) for part in state)
    return state.index_select(1, rows)
