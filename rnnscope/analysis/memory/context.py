"""How many characters back the loss of a network depends on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from numbers import Integral

import numpy as np
import pandas as pd
import torch
from rich.console import Console
from torch import Tensor
from torch.nn import functional

from rnnscope.analysis.language_models import States, check_model, read_documents, run, zeros
from rnnscope.errors import TextError
from rnnscope.models import CharLanguageModel
from rnnscope.progress import progress_bar
from rnnscope.tracing.documents import Texts

from .context_result import SHARE, EffectiveContext
from .states import Tokens, TrueStates, true_states

LENGTHS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
"""Characters of context, if the user names none; those that are at most a quarter of the longest document."""

LIMIT = 100_000
"""Characters of a text that are read, if the user does not say."""

_BATCH = 128
"""Targets that are read side by side."""

_CHUNK = 50
"""Steps that are read at once; only the logits of the last are of use."""

_BLOCKS = 50
"""Contiguous blocks of targets that the bootstrap draws from."""

_DRAWS = 1_000

Condition = tuple[str, int, float]
"""What is done to the context, and between which distances."""


def effective_context(
    model: CharLanguageModel,
    text: Texts | Sequence[Texts],
    *,
    lengths: Sequence[int] | None = None,
    targets: int = 1_000,
    seed: int = 0,
    limit: int = LIMIT,
    encoding: str = "utf-8",
    console: Console | None = None,
) -> EffectiveContext:
    """How many of the characters before it a network uses to predict the next one.

    The loss is measured at random characters of a text, the same ones in every condition:

    - **full**: with all characters of the document before the target, the state carried from its start;
    - **truncated** to n: with the last n characters alone;
    - **shuffled** from a to b: with all, those at distances a to b from the target in random order
      (distance 1 is the character just before it);
    - **replaced** from a to b: with all, those at distances a to b replaced by a passage of as many
      characters from a random other place of the text.

    The effective context is the smallest n whose loss is within 1 % of the full one.

    Parameters
    ----------
    model : CharLanguageModel that reads forward, in eval mode
    text : str, Document, Path, open binary file, or a sequence of these
        Each is a document, read from a zero state.
    lengths : sequence of int, optional
        The numbers n of characters, which also bound the stretches that are shuffled and replaced: from each
        length, not counted, to the next. 1, 2, 5, ..., 1000 as far as the text allows if not given.
    targets : int
        Characters whose loss is measured, fewer if the text is short. Each has more characters of its
        document before it than the largest length.
    seed : int
        Of the targets, the shuffles, the passages and the bootstrap.
    limit : int
        Characters to read: the first ones of the text.
    encoding : str
        Of files.
    console : rich Console, optional
        Where progress is shown.

    Returns
    -------
    EffectiveContext

    Raises
    ------
    ModelError
        If the network is no language model that reads forward, in eval mode.
    TextError
        If the text is shorter than the lengths, or the network does not know its characters.

    Notes
    -----
    A truncated context begins in the zero state, as a document does. To a network that has always carried
    its state this is a rare state, which says "a text begins here" until some characters are read. So the
    loss at a small n is an upper bound of what n characters are worth, and the effective context errs
    on the long side. The other two conditions begin in the true state before the stretch that they change.

    Intervals are of 95 %, of the difference target by target, from a bootstrap over 50 contiguous blocks of
    the targets.

    Source: Khandelwal, He, Qi and Jurafsky (2018), Sharp nearby, fuzzy far away. ACL.
    """
    check_model(model)
    _check_count("targets", targets, 1)
    _check_count("seed", seed, 0)
    documents, more = read_documents(text, limit, encoding)
    tokens = Tokens.of(model, documents)
    chosen = _lengths(lengths, tokens.longest)
    rng = np.random.default_rng(seed)
    places = _targets(tokens, chosen[-1], targets, rng)
    conditions = list(_conditions(chosen))
    states = true_states(model, tokens, np.concatenate([places - 1 - n for n in (1, *chosen)]), console)
    with progress_bar(console) as bar:
        steps = len(places) * sum(_width(condition) for condition in conditions)
        task = bar.add_task(f"{len(conditions)} contexts", total=steps)
        losses = np.stack(
            [
                _measure(model, tokens, places, states, condition, rng, lambda count: bar.advance(task, count))
                for condition in conditions
            ]
        )
    return _result(conditions, losses, seed, _words(len(places), tokens, more))


def _check_count(name: str, value: object, least: int) -> None:
    if not isinstance(value, Integral) or isinstance(value, bool) or int(value) < least:
        raise TextError(f"{name} is a whole number of at least {least}; got {value!r}.")


def _lengths(given: Sequence[int] | None, longest: int) -> list[int]:
    """The lengths, ascending, if a document is long enough for them."""
    if given is None:
        found = [n for n in LENGTHS if 4 * n <= longest]
        if not found:
            raise TextError(f"A document of at least 4 characters is needed; the longest here has {longest}.")
        return found
    if isinstance(given, str) or not isinstance(given, Iterable) or not (found := list(given)):
        raise TextError(f"lengths is a sequence of whole numbers, such as (10, 100); got {given!r}.")
    for n in found:
        _check_count("Each of lengths", n, 1)
    if max(found) + 2 > longest:
        raise TextError(
            f"A context of {max(found):,} characters needs a document of at least {max(found) + 2:,}; the longest "
            f"here has {longest:,}. Read more of the text (limit), or give smaller lengths."
        )
    return sorted({int(n) for n in found})


def _targets(tokens: Tokens, length: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """Random places of characters that the network knows, each with more than a length before it, ascending."""
    places = tokens.between(length + 1, 0)
    places = places[tokens.ids[places].numpy() > 0]
    if not len(places):
        raise TextError(f"The network knows no character of this text that has {length + 1:,} before it.")
    return np.sort(rng.choice(places, min(count, len(places)), replace=False))


def _conditions(lengths: Sequence[int]) -> Iterator[Condition]:
    yield "full", 1, np.inf
    for n in lengths:
        yield "truncated", 1, n
    for way in ("shuffled", "replaced"):
        for before, last in pairwise((0, *lengths)):
            if way == "replaced" or last - before > 1:
                yield way, before + 1, last


def _width(condition: Condition) -> int:
    """Characters that are read before the target."""
    way, _, last = condition
    return 1 if way == "full" else int(last)


def _measure(
    model: CharLanguageModel,
    tokens: Tokens,
    places: np.ndarray,
    states: TrueStates,
    condition: Condition,
    rng: np.random.Generator,
    advance: Callable[[int], None],
) -> np.ndarray:
    """The loss of each target in a condition, a float64 array of shape (target,)."""
    width, losses = _width(condition), []
    others = rng.choice(places, len(places))
    for first in range(0, len(places), _BATCH):
        some = places[first : first + _BATCH]
        windows = _window(tokens, some, 1, width)
        if condition[0] == "truncated":
            begin = tuple(state.expand(-1, len(some), -1).contiguous() for state in zeros(model))
        else:
            begin = states.after(some - 1 - width)
        if condition[0] in ("shuffled", "replaced"):
            near = condition[1]
            stretch = windows[: width - near + 1]
            if condition[0] == "shuffled":
                stretch[:] = torch.from_numpy(rng.permuted(stretch.numpy(), axis=0))
            else:
                stretch[:] = _window(tokens, others[first : first + _BATCH], near, width)
        losses.append(_losses(model, windows, begin, tokens.ids[some]))
        advance(width * len(some))
    return np.concatenate(losses)


def _window(tokens: Tokens, places: np.ndarray, near: int, far: int) -> Tensor:
    """The characters at the distances from far to near of places, of shape (time, place)."""
    return tokens.ids[torch.from_numpy(places - np.arange(far, near - 1, -1)[:, None])]


@torch.no_grad()
def _losses(model: CharLanguageModel, windows: Tensor, states: States, targets: Tensor) -> np.ndarray:
    """The loss of each target after its window, of shape (batch,)."""
    logits = torch.empty(0)
    for first in range(0, len(windows), _CHUNK):
        logits, states = run(model, windows[first : first + _CHUNK], states)
    last = logits[-1].float()
    return functional.cross_entropy(last, targets.to(last.device), reduction="none").cpu().double().numpy()


def _result(conditions: Sequence[Condition], losses: np.ndarray, seed: int, text: str) -> EffectiveContext:
    """The table, the effective context, and the intervals of both."""
    count = losses.shape[1]
    blocks = np.arange(count) * min(_BLOCKS, count) // count
    sizes = np.bincount(blocks)
    sums = np.stack([np.bincount(blocks, row) for row in losses])
    draws = np.random.default_rng(seed).multinomial(len(sizes), np.full(len(sizes), 1 / len(sizes)), size=_DRAWS)
    means = (draws @ sums.T) / (draws @ sizes)[:, None]
    low, high = np.percentile(means - means[:, :1], (2.5, 97.5), axis=0)
    loss = losses.mean(axis=1)
    table = pd.DataFrame(conditions, columns=["condition", "from", "to"])
    table = table.assign(loss=loss, change=loss - loss[0], low=low, high=high)
    truncated = (table["condition"] == "truncated").to_numpy()
    lengths = table["to"].to_numpy()[truncated]
    drawn = [_smallest(lengths, row[truncated], row[0]) for row in means]
    least, most = np.quantile(drawn, (0.025, 0.975), method="inverted_cdf")
    found = _smallest(lengths, loss[truncated], loss[0])
    return EffectiveContext(found, float(least), float(most), float(loss[0]), table, text)


def _smallest(lengths: np.ndarray, losses: np.ndarray, full: float) -> float:
    within = lengths[losses <= (1 + SHARE) * full]
    return float(within[0]) if len(within) else float("inf")


def _words(targets: int, tokens: Tokens, more: int) -> str:
    read = f"the first {len(tokens.ids):,} of {len(tokens.ids) + more:,}" if more else f"{len(tokens.ids):,}"
    return f"Measured at {targets:,} random characters of {read}."
