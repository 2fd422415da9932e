"""How many characters back the loss of a network depends on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional

from rnnscope.analysis.intervals import resampled
from rnnscope.analysis.language_models import LIMIT, States, check_model, read_documents, run, zeros
from rnnscope.arguments import ascending, whole
from rnnscope.errors import TextError
from rnnscope.models import CharLanguageModel
from rnnscope.progress import progress_bar
from rnnscope.tracing.documents import Texts

from .context_result import SHARE, EffectiveContext
from .states import Tokens, true_states

CONTEXTS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
"""Characters of context, if the user names none; those that are at most a quarter of the longest document."""

_FINER = 10
"""Into so many parts the gap between two of them is cut where the effective context lies."""

_BATCH = 128
"""Targets that are read side by side."""

_CHUNK = 50
"""Steps that are read at once; only the logits of the last are of use."""

_BLOCKS = 50
"""Contiguous blocks of targets that the bootstrap draws from."""

Condition = tuple[str, int, float]
"""What is done to the context, and between which distances."""

Losses = dict[Condition, np.ndarray]
"""Of each target in each condition, float64 arrays of shape (target,)."""


def effective_context(
    model: CharLanguageModel,
    text: Texts,
    *,
    contexts: Sequence[int] | None = None,
    targets: int = 1_000,
    seed: int = 0,
    limit: int = LIMIT,
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
    text : str, Document, Path, File, or a sequence of these
        Each is a document, read from a zero state.
    contexts : sequence of int, optional
        The numbers n of characters, which also bound the stretches that are shuffled and replaced: from each
        n, not counted, to the next. If not given, 1, 2, 5, 10, ..., 1000 as far as the text allows; the gap
        that the effective context lies in, and each that its interval reaches into, is then cut into ten.
    targets : int
        Characters whose loss is measured, fewer if the text is short. Each has more characters of its
        document before it than the largest context.
    seed : int
        Of the targets, the shuffles, the passages and the bootstrap.
    limit : int
        Characters to read: the first ones of the text.

    Returns
    -------
    EffectiveContext

    Raises
    ------
    ModelError
        If the network is no language model that reads forward, in eval mode.
    TextError
        If the text is shorter than the contexts, or the network does not know its characters.

    Notes
    -----
    A truncated context begins in the zero state, as a document does. To a network that has always carried
    its state this is a rare state, which says "a text begins here" until some characters are read. So the
    loss at a small n is an upper bound of what n characters are worth, and the effective context errs
    on the long side. The other two conditions begin in the true state before the stretch that they change.

    Intervals are of 95 %, of the difference target by target, from a bootstrap over 50 contiguous blocks of
    the targets.

    Source: Khandelwal, He, Qi and Jurafsky (2018), Sharp nearby, fuzzy far away. ACL.

    Examples
    --------
    >>> import rnnscope.trained
    >>> model = rnnscope.load(rnnscope.trained.path("prose-lstm"))
    >>> text = '"You are late," said Anna, and sat down. "I know," he said.\\n' * 4
    >>> context = rnnscope.effective_context(model, text, contexts=[1, 10, 100], targets=50)
    >>> context.characters
    100.0
    >>> context.rows("truncated")[["to", "change"]].round(1)
          to  change
    1    1.0     2.2
    2   10.0     0.5
    3  100.0    -0.0
    """
    check_model(model)
    documents, more = read_documents(text, limit)
    tokens = Tokens.of(model, documents)
    chosen = _contexts(contexts, tokens.longest)
    experiment = _Experiment(model, tokens, chosen, whole(targets, "targets", 1), whole(seed, "seed"))
    text_read = f"Measured at {len(experiment.places):,} random characters of {tokens.words(more)}."
    losses = experiment.losses(list(_conditions(chosen, chosen)))
    found = _result(losses, seed, text_read)
    finer = _between(chosen, found.low, found.high) if contexts is None else []
    if finer:
        losses |= experiment.losses([("truncated", 1, n) for n in finer])
        ordered = _conditions(sorted((*chosen, *finer)), chosen)
        found = _result({condition: losses[condition] for condition in ordered}, seed, text_read)
    return found


def _contexts(given: Sequence[int] | None, longest: int) -> list[int]:
    """The contexts, ascending, if a document is long enough for them."""
    if given is None:
        found = [n for n in CONTEXTS if 4 * n <= longest]
        if not found:
            raise TextError(f"A document of at least 4 characters is needed; the longest here has {longest}.")
        return found
    found = ascending(given, "contexts", 1).tolist()
    if max(found) + 2 > longest:
        raise TextError(
            f"A context of {max(found):,} characters needs a document of at least {max(found) + 2:,}; the longest "
            f"here has {longest:,}. Read more of the text (limit), or give smaller contexts."
        )
    return found


def _targets(tokens: Tokens, longest: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """Random places of characters that the network knows, each with more than the longest context, ascending."""
    places = tokens.between(longest + 1, 0)
    places = places[tokens.ids[places].numpy() > 0]
    if not len(places):
        raise TextError(f"The network knows no character of this text that has {longest + 1:,} before it.")
    return np.sort(rng.choice(places, min(count, len(places)), replace=False))


def _between(contexts: Sequence[int], low: float, high: float) -> list[int]:
    """Contexts that cut those gaps into parts which an interval of the effective context reaches into."""
    gaps = [(before, last) for before, last in pairwise(contexts) if last >= low and before < high]
    parts = {round(n) for gap in gaps for n in np.linspace(*gap, _FINER + 1)}
    return sorted(parts.difference(contexts))


def _conditions(left: Sequence[int], bounds: Sequence[int]) -> Iterator[Condition]:
    """All of them, from the contexts that are left and those that bound what is changed."""
    yield "full", 1, np.inf
    for n in left:
        yield "truncated", 1, n
    for way in ("shuffled", "replaced"):
        for before, last in pairwise((0, *bounds)):
            if way == "replaced" or last - before > 1:
                yield way, before + 1, last


def _width(condition: Condition) -> int:
    """Characters that are read before the target."""
    way, _, last = condition
    return 1 if way == "full" else int(last)


class _Experiment:
    """Random targets of a text, and their losses in any condition."""

    def __init__(
        self, model: CharLanguageModel, tokens: Tokens, contexts: Sequence[int], targets: int, seed: int
    ) -> None:
        self._model, self._tokens, self._rng = model, tokens, np.random.default_rng(seed)
        self.places = _targets(tokens, contexts[-1], targets, self._rng)
        before = np.concatenate([self.places - 1 - n for n in (1, *contexts)])
        self._states = true_states(model, tokens, before)

    def losses(self, conditions: Sequence[Condition]) -> Losses:
        """By condition."""
        with progress_bar() as bar:
            steps = len(self.places) * sum(map(_width, conditions))
            advance = partial(bar.advance, bar.add_task(f"{len(conditions)} contexts", total=steps))
            return {condition: self._measure(condition, advance) for condition in conditions}

    def _measure(self, condition: Condition, advance: Callable[[int], None]) -> np.ndarray:
        """The loss of each target, a float64 array of shape (target,)."""
        (way, near, _), width = condition, _width(condition)
        losses, others = [], self._rng.choice(self.places, len(self.places))
        for first in range(0, len(self.places), _BATCH):
            places = self.places[first : first + _BATCH]
            windows = _window(self._tokens, places, 1, width)
            stretch = windows[: width - near + 1]
            if way == "shuffled":
                stretch[:] = torch.from_numpy(self._rng.permuted(stretch.numpy(), axis=0))
            elif way == "replaced":
                stretch[:] = _window(self._tokens, others[first : first + _BATCH], near, width)
            losses.append(_losses(self._model, windows, self._before(way, places, width), self._tokens.ids[places]))
            advance(width * len(places))
        return np.concatenate(losses)

    def _before(self, way: str, places: np.ndarray, width: int) -> States:
        """The states before windows: zeros where the context is truncated, else the true ones."""
        if way == "truncated":
            return tuple(state.expand(-1, len(places), -1).contiguous() for state in zeros(self._model))
        return self._states.after(places - 1 - width)


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


def _result(measured: Losses, seed: int, text: str) -> EffectiveContext:
    """The table, the effective context, and the intervals of both."""
    losses = np.stack(list(measured.values()))
    count = losses.shape[1]
    blocks = np.arange(count) * min(_BLOCKS, count) // count
    sizes = np.bincount(blocks)
    sums = np.stack([np.bincount(blocks, row) for row in losses])
    draws = resampled(len(sizes), seed)
    means = (draws @ sums.T) / (draws @ sizes)[:, None]
    low, high = np.percentile(means - means[:, :1], (2.5, 97.5), axis=0)
    loss = losses.mean(axis=1)
    table = pd.DataFrame(list(measured), columns=["condition", "from", "to"])
    table = table.assign(loss=loss, change=loss - loss[0], low=low, high=high)
    truncated = (table["condition"] == "truncated").to_numpy()
    contexts = table["to"].to_numpy()[truncated]
    drawn = [_smallest(contexts, row[truncated], row[0]) for row in means]
    least, most = np.quantile(drawn, (0.025, 0.975), method="inverted_cdf")
    found = _smallest(contexts, loss[truncated], loss[0])
    return EffectiveContext(found, float(least), float(most), float(loss[0]), table, text)


def _smallest(contexts: np.ndarray, losses: np.ndarray, full: float) -> float:
    within = contexts[losses <= (1 + SHARE) * full]
    return float(within[0]) if len(within) else float("inf")
