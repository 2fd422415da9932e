"""The tables of an error analysis, from the losses and what there is to say of each character."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise, permutations

import numpy as np
import pandas as pd

from .categories import NAMES, RIGHT, of_errors
from .characters import CLASSES

_EDGES = (1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000, 100_000, 1_000_000, 10_000_000, 2**62)
"""Where the ranges of positions and of distances begin."""

Flags = Mapping[str, np.ndarray]
"""By model, for each character, a bool array of shape (time,)."""


def tables(
    losses: Mapping[str, np.ndarray], characters: pd.DataFrame, ngrams: Sequence[str]
) -> dict[str, pd.DataFrame]:
    """All tables of an `ErrorAnalysis` by their names.

    Parameters
    ----------
    losses : mapping of str to float array of shape (time,)
        In nats, by model.
    characters : DataFrame
        One row a character: class, category, position, quote, bracket, closes_quote, closes_bracket.
    ngrams : sequence of str
        Which of the models are n-grams.
    """
    probabilities = {name: np.exp(-found.astype(np.float64)) for name, found in losses.items()}
    wrong = {name: found < RIGHT for name, found in probabilities.items()}
    by_ngram = np.zeros(len(characters), dtype=bool)
    for name in ngrams:
        by_ngram |= ~wrong[name]
    base = characters["category"].to_numpy()
    kinds = {name: of_errors(base, by_ngram, found) for name, found in probabilities.items()}
    others = {name: of_errors(base, np.zeros_like(by_ngram), found) for name, found in probabilities.items()}
    return {
        "summary": _summary(losses, wrong),
        "table": _by_category(wrong, kinds),
        "pairs": _pairs(wrong, kinds, others, ngrams),
        "by_class": _by_class(losses, wrong, characters["class"].to_numpy()),
        "by_position": _by_position(losses, characters["position"].to_numpy()),
        "by_distance": _by_distance(losses, characters),
    }


def _summary(losses: Mapping[str, np.ndarray], wrong: Flags) -> pd.DataFrame:
    rows = {
        name: {
            "characters": len(found),
            "loss": found.mean(dtype=np.float64),
            "errors": np.count_nonzero(wrong[name]),
            "share": wrong[name].mean(),
        }
        for name, found in losses.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("model").astype({"characters": int, "errors": int})


def _by_category(wrong: Flags, kinds: Mapping[str, np.ndarray]) -> pd.DataFrame:
    rows = []
    for model, flags in wrong.items():
        counts = _counts(kinds[model], flags)
        for category, count in zip(NAMES, counts.tolist(), strict=True):
            rows.append((category, model, count, _ratio(count, counts.sum())))
    return pd.DataFrame(rows, columns=["category", "model", "errors", "share"])


def _pairs(
    wrong: Flags, kinds: Mapping[str, np.ndarray], others: Mapping[str, np.ndarray], ngrams: Sequence[str]
) -> pd.DataFrame:
    """Where one is right and the other wrong; beside an n-gram by the others of the categories."""
    rows = []
    for right, other in permutations(wrong, 2):
        skipped = {"n-gram"} if right in ngrams or other in ngrams else set()
        kind = (others if skipped else kinds)[other]
        counts, all_errors = _counts(kind, wrong[other] & ~wrong[right]), _counts(kind, wrong[other])
        for category, count, errors in zip(NAMES, counts.tolist(), all_errors.tolist(), strict=True):
            if category not in skipped:
                rows.append((right, other, category, count, _ratio(count, errors)))
    return pd.DataFrame(rows, columns=["right", "wrong", "category", "characters", "share"])


def _counts(kinds: np.ndarray, flags: np.ndarray) -> np.ndarray:
    return np.bincount(kinds[flags], minlength=len(NAMES))


def _by_class(losses: Mapping[str, np.ndarray], wrong: Flags, kinds: np.ndarray) -> pd.DataFrame:
    rows = []
    for number, name in enumerate(CLASSES):
        there = kinds == number
        for model, found in losses.items():
            errors = np.count_nonzero(wrong[model][there])
            rows.append((name, model, np.count_nonzero(there), _mean(found[there]), errors))
    table = pd.DataFrame(rows, columns=["class", "model", "characters", "loss", "errors"])
    return table.query("characters > 0").reset_index(drop=True)


def _by_position(losses: Mapping[str, np.ndarray], positions: np.ndarray) -> pd.DataFrame:
    rows = []
    for low, high, there in _ranges(positions):
        for model, found in losses.items():
            rows.append((low, high, model, np.count_nonzero(there), _mean(found[there])))
    return pd.DataFrame(rows, columns=["from", "to", "model", "characters", "loss"])


def _by_distance(losses: Mapping[str, np.ndarray], characters: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for opened in ("quote", "bracket"):
        closes = characters[f"closes_{opened}"].to_numpy()
        for low, high, there in _ranges(characters[opened].to_numpy()):
            ends = there & closes
            for model, found in losses.items():
                counts = np.count_nonzero(there), np.count_nonzero(ends)
                rows.append((opened, low, high, model, counts[0], _mean(found[there]), counts[1], _mean(found[ends])))
    columns = ["opened", "from", "to", "model", "characters", "loss", "closings", "closing_loss"]
    return pd.DataFrame(rows, columns=columns)


def _ranges(values: np.ndarray) -> list[tuple[int, int, np.ndarray]]:
    """The ranges that have a value, up to the largest one, and where they have it; 0 is in none."""
    largest = int(values.max(initial=0))
    ranges = [(low, min(following - 1, largest)) for low, following in pairwise(_EDGES)]
    found = [(low, high, (values >= low) & (values <= high)) for low, high in ranges if low <= largest]
    return [one for one in found if one[2].any()]


def _mean(values: np.ndarray) -> float:
    return float(values.mean(dtype=np.float64)) if len(values) else float("nan")


def _ratio(count: int, of: int) -> float:
    return count / of if of else float("nan")
