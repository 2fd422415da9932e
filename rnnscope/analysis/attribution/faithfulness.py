"""Which attribution to trust: what a network's output does when characters go in the order that a method gives them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rnnscope.arguments import whole
from rnnscope.errors import AttributionError, TextError
from rnnscope.progress import progress_bar

from .attributing import answer, method_of
from .baselines import EMPTY, baseline_of
from .curves import Deletion, delete
from .faithfulness_result import Faithfulness
from .faithfulness_summary import RANDOM, summarise
from .methods import METHODS
from .question import Question, TextLike
from .targets import TargetLike
from .words import parts_of, word_starts

Scorer = Callable[[Question], Any]
"""From a question to one score for each step."""

_SAME = ("feature-ablation",)
"""Methods that say what another one says: occlusion, by one part at a time."""


@torch.inference_mode(False)
def faithfulness(
    model: nn.Module,
    text: TextLike | Sequence[TextLike],
    target: TargetLike = None,
    methods: Sequence[str] | Mapping[str, Scorer] | None = None,
    *,
    words: bool = False,
    baseline: str = EMPTY,
    orders: int = 20,
    seed: int = 0,
    characters: Sequence[str] | None = None,
    embedding: str | None = None,
) -> Faithfulness:
    """Test attributions on the network itself, by deletion and insertion against random orders.

    In the order of a method's scores, those that speak most for the target first, the parts of a text are deleted, and
    in another run inserted into an empty text. If the scores are right, the target falls faster, and rises faster, than
    in random orders. To delete a part is to put the baseline in its place, so that the text keeps its length and all
    else its place; a part that equals the baseline, such as a space, is not counted.

    Parameters
    ----------
    model, target, characters, embedding
        As of `rnnscope.attribute`. Without a target: of each text the label that a classifier chooses for it.
    text : str, or sequence of str
        Or token ids, or vectors; each text is asked the same. Of several, those with fewer than two parts to delete
        are left out.
    methods : sequence of str, or mapping of str to callable, optional
        Names of methods of `rnnscope.attribute`; or functions of your own, by name, from a `Question` to one score for
        each of its ``tokens``. All that hold for the network if not given.
    words : bool
        Whether the parts are words instead of characters.
    baseline : {"empty", "zero", "mean"} or a character
        As of `rnnscope.attribute`, for the deletions and for the methods.
    orders : int
        Random orders for each text, at least 2.
    seed : int
        Of the orders, of the intervals, and of methods that draw.

    Returns
    -------
    Faithfulness

    Raises
    ------
    AttributionError, TextError, AddressError, RecordingError

    References
    ----------
    Samek, Binder, Montavon, Lapuschkin and Mueller (2017), Evaluating the visualization of what a deep neural network
    has learned (most relevant first); Petsiuk, Das and Saenko (2018), RISE (deletion and insertion, and their areas).

    Examples
    --------
    >>> import rnnscope.trained
    >>> model = rnnscope.load(rnnscope.trained.path("spam-classifier"))
    >>> message = "URGENT! You have won a prize. Call 09061701461 now."
    >>> found = rnnscope.faithfulness(model, message, "spam", ["occlusion", "saliency"], words=True)
    >>> found.verdicts.to_dict()
    {'occlusion': 'yes', 'saliency': 'yes'}
    """
    draws, rng = whole(orders, "orders", 2), np.random.default_rng(whole(seed, "seed"))
    scorers, refused = _scorers(methods, words, baseline, seed), {}
    asked = [
        _asked(Question.of(model, one, target, characters=characters, embedding=embedding), baseline, words)
        for one in _several(text)
    ]
    parts = "words" if words else "characters"
    enough = _enough(asked, parts)
    names, found = _deleted(enough, scorers, refused if methods is None else None, draws, rng)
    table, curves, areas = summarise(names, found, seed)
    return Faithfulness(
        target=_together(one.question.target for one in enough),
        parts=parts,
        baseline=enough[0].named,
        texts=len(enough),
        left_out=len(asked) - len(enough),
        orders=draws,
        table=table,
        curves=curves,
        areas=areas,
        refused=refused,
    )


def _several(texts: Any) -> list[Any]:
    """The texts, one by one."""
    one = isinstance(texts, str | Tensor | np.ndarray) or (
        isinstance(texts, Sequence) and len(texts) > 0 and isinstance(texts[0], Integral)
    )
    found = [texts] if one else list(texts) if isinstance(texts, Iterable) else []
    if not found:
        raise TextError(f"A text was expected, or several; got {texts!r}.")
    return found


def _scorers(
    methods: Sequence[str] | Mapping[str, Scorer] | None, words: bool, baseline: str, seed: int
) -> dict[str, Scorer]:
    """What gives the scores, by name."""
    if isinstance(methods, Mapping):
        if RANDOM in methods:
            raise AttributionError(f"{RANDOM!r} is what the random orders are called; give your method another name.")
        return dict(methods)
    names = [name for name in METHODS if name not in _SAME] if methods is None else methods
    if isinstance(names, str) or not isinstance(names, Iterable) or not (names := [*names]):
        raise AttributionError(f"methods are names such as {list(METHODS)[:2]}, or functions by name; got {methods!r}.")

    def scorer(name: str) -> Scorer:
        own = baseline if method_of(name).compares else EMPTY
        return lambda question: answer(question, name, baseline=own, words=words, seed=seed).scores

    return {name: scorer(name) for name in names}


def _scores(question: Question, scorers: Mapping[str, Scorer], refused: dict[str, str] | None) -> dict[str, np.ndarray]:
    """The scores of each method, of shape (time,); one that does not hold for the network is noted, if it may be."""
    scores: dict[str, np.ndarray] = {}
    for name, scorer in scorers.items():
        try:
            scores[name] = _checked(name, scorer(question), len(question.tokens))
        except AttributionError as error:
            if refused is None:
                raise
            refused[name] = str(error)
    if not scores:
        raise AttributionError(f"No method holds for this network: {' '.join(dict.fromkeys((refused or {}).values()))}")
    return scores


def _checked(name: str, scores: Any, time: int) -> np.ndarray:
    found = np.asarray(scores.detach().cpu() if isinstance(scores, Tensor) else scores, dtype=np.float64)
    if found.shape != (time,) or not np.isfinite(found).all():
        raise AttributionError(f"{name} has to give one finite score for each of the {time} steps of the text.")
    return found


@dataclass(frozen=True, eq=False)
class _Asked:
    """A text to be deleted.

    Attributes
    ----------
    question : Question
    empty : tensor of shape (time, size)
        What takes its place.
    named : str
        What that is.
    parts : int array of shape (time,)
        The number of the part in which each step lies; -1 where there is nothing to delete.
    """

    question: Question
    empty: Tensor
    named: str
    parts: np.ndarray

    @property
    def count(self) -> int:
        """How many parts there are."""
        return int(self.parts.max()) + 1


def _asked(question: Question, baseline: str, words: bool) -> _Asked:
    empty, named = baseline_of(question, baseline, 0)
    if len(empty) > 1:
        raise AttributionError(f"What is deleted has to become one thing, not {named}. Take zero, or mean.")
    time = len(question.tokens)
    parts = parts_of(word_starts(question.text, time) if words else np.arange(time), time)
    read = question.embed(question.tokens[:, None])[:, 0]
    counted = np.unique(parts[(read != empty[0]).any(dim=-1).cpu().numpy()])
    numbered = np.where(np.isin(parts, counted), np.searchsorted(counted, parts), -1)
    return _Asked(question, empty[0], named, numbered)


def _enough(asked: Sequence[_Asked], parts: str) -> list[_Asked]:
    """The texts with two parts or more."""
    found = [text for text in asked if text.count > 1]
    if not found:
        raise AttributionError(
            f"A text with two {parts} or more that differ from the baseline ({asked[0].named}) was expected; "
            f"got {max(text.count for text in asked)} of them."
        )
    return found


def _deleted(
    texts: Sequence[_Asked],
    scorers: Mapping[str, Scorer],
    refused: dict[str, str] | None,
    draws: int,
    rng: np.random.Generator,
) -> tuple[tuple[str, ...], list[Deletion]]:
    """The methods that hold, as the first text shows, and each text deleted in all orders."""
    found: list[Deletion] = []
    with progress_bar("texts") as bar:
        for text in bar.track(texts, description="faithfulness"):
            scores = _scores(text.question, scorers, None if found else refused)
            scorers = {name: scorers[name] for name in scores}
            found.append(_deletions(text, scores, draws, rng))
    return tuple(scorers), found


def _deletions(text: _Asked, scores: Mapping[str, np.ndarray], draws: int, rng: np.random.Generator) -> Deletion:
    """A text deleted in the order of each method, in the opposite order of each, and in random ones.

    As much is drawn whatever the methods are, so that the figures of one do not depend on the others.
    """
    parts, count = text.parts, text.count
    mixed, *random = (rng.permutation(count) for _ in range(1 + draws))
    falling = [_falling(np.bincount(parts[parts >= 0], own[parts >= 0], count), mixed) for own in scores.values()]
    orders = [*falling, *(order[::-1] for order in falling), *random]
    return delete(text.question, text.empty, parts, np.array(orders))


def _falling(scores: np.ndarray, mixed: np.ndarray) -> np.ndarray:
    """The parts from the highest score to the lowest, those that are level in the order of mixed."""
    return mixed[np.argsort(-scores[mixed], kind="stable")]


def _together(targets: Iterable[str]) -> str:
    names = list(dict.fromkeys(targets))
    others = "" if len(names) < 2 else " and 1 other" if len(names) == 2 else f" and {len(names) - 1:,} others"
    return names[0] + others
