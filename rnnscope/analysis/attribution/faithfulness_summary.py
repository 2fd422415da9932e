"""From curves of deletion to tables: what each method gains over random orders, with intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from rnnscope.analysis.intervals import resampled

from .curves import POINTS, Deletion

RANDOM = "random"
"""What random orders are called among the methods."""

_DRAWS = 2000
_ENDS = (2.5, 97.5)


def summarise(
    methods: Sequence[str], texts: Sequence[Deletion], seed: int
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The table, the curves and the areas of `Faithfulness`.

    Parameters
    ----------
    methods : sequence of str
    texts : sequence of Deletion
        Of each text the curves of each method's order, of each method's opposite order, and of random orders.
    seed : int
        Of the intervals.
    """
    deletion, insertion, random = _split(np.array([text.areas for text in texts]), len(methods))
    chance = random.mean(axis=1, keepdims=True)
    gains = {"deletion_gain": chance - deletion, "insertion_gain": insertion - chance}
    gains["gain"] = (gains["deletion_gain"] + gains["insertion_gain"]) / 2
    table = pd.DataFrame({"deletion": deletion.mean(axis=0), "insertion": insertion.mean(axis=0)})
    table["random"] = chance.mean()
    for name, gain in gains.items():
        table[name] = gain.mean(axis=0)
        table[[f"{name}_low", f"{name}_high"]] = (
            _over_texts(gain, seed) if len(texts) > 1 else _over_orders(gain, random)
        )
    ranks = pd.DataFrame(-gains["gain"]).rank(axis=1).to_numpy()
    table["rank"] = ranks.mean(axis=0)
    table[["rank_low", "rank_high"]] = _over_texts(ranks, seed)
    behind = gains["gain"][:, [table["gain"].argmax()]] - gains["gain"]
    table["level"] = _over_texts(behind, seed)[:, 0] <= 0
    table.index = pd.Index(methods, name="method")
    areas = pd.DataFrame(
        {
            "text": np.arange(len(texts)).repeat(len(methods)),
            "method": list(methods) * len(texts),
            "deletion": deletion.ravel(),
            "insertion": insertion.ravel(),
            "random": chance.repeat(len(methods)),
        }
    )
    return table.sort_values("gain", ascending=False, kind="stable"), _mean_curves(methods, texts), areas


def _split(values: np.ndarray, methods: int) -> list[np.ndarray]:
    """The parts of each method's order, of its opposite, and of random orders, along the second axis."""
    return np.split(values, (methods, 2 * methods), axis=1)


def _over_texts(values: np.ndarray, seed: int) -> np.ndarray:
    """The 95 % interval of means of values of shape (text, method), by a bootstrap over texts; of shape (method, 2)."""
    return np.percentile(resampled(len(values), seed, _DRAWS) @ values / len(values), _ENDS, axis=0).T


def _over_orders(gain: np.ndarray, random: np.ndarray) -> np.ndarray:
    """Where 95 % of the gains over a single random order are, for one text, of shape (method, 2)."""
    return (gain[0] + np.percentile(random[0] - random[0].mean(), _ENDS)[:, None]).T


def _mean_curves(methods: Sequence[str], texts: Sequence[Deletion]) -> pd.DataFrame:
    """The means over texts, at equal shares, in long form."""
    shares = np.linspace(0, 1, POINTS + 1)
    values = np.mean([text.at(shares) for text in texts], axis=0)[None]
    deletion, backwards, random = (part[0] for part in _split(values, len(methods)))
    kinds = {"deletion": (deletion, random), "insertion": (backwards[:, ::-1], random[:, ::-1])}
    rows = []
    for kind, (curves, chance) in kinds.items():
        for name, curve in zip(methods, curves, strict=True):
            rows.append(pd.DataFrame({"method": name, "curve": kind, "share": shares, "target": curve}))
        low, high = np.percentile(chance, _ENDS, axis=0)
        band = {"target": chance.mean(axis=0), "low": low, "high": high}
        rows.append(pd.DataFrame({"method": RANDOM, "curve": kind, "share": shares, **band}))
    return pd.concat(rows, ignore_index=True)
