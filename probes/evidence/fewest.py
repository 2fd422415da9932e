"""How few units do nearly as well as all: accuracy against their number."""

from __future__ import annotations

import numpy as np
import pandas as pd

from rnnscope.probes.decoders.linear import LinearProbe
from rnnscope.probes.decoders.sparse import SparseProbe
from rnnscope.probes.examples.examples import Examples
from rnnscope.probes.examples.splitting import folds

from .division import Division

ENOUGH = 0.95
"""The share of what all units gain over the majority baseline that few units have to gain."""

_MOST = 64
"""Units that the sparse probes have at most; a power of two."""

_FOLDS = 5

_SAMPLE = 2**14
"""Examples of the cross-validation, at most."""


def accuracy_by_units(division: Division, fitted: LinearProbe, seed: int) -> pd.DataFrame:
    """Sparse probes of 1, 2, 4, ... units, and all units.

    Returns
    -------
    DataFrame
        One row a number of units: ``k``; ``accuracy`` on the examples to test on; ``validated``, the accuracy in
        cross-validation over the groups to train on; ``gain``, the share of what all units gain there over the majority
        baseline, NaN where they gain nothing; ``units``, their addresses, in the order in which they were chosen.
    """
    units = division.examples.units
    most = min(_MOST, 2 ** ((len(units) - 1).bit_length() - 1)) if len(units) > 1 else None
    sparse = SparseProbe(most, random_state=seed) if most else None
    validated, gain = _validated(division, sparse, LinearProbe(strength=fitted.strength_), seed)
    rows = [(len(units), division.accuracy(fitted), units)]
    if sparse is not None:
        test = division.examples.take(division.test)
        curve = division.trained(sparse).curve(test.values, test.labels)
        named = [tuple(units[place] for place in places) for places in curve["units"]]
        rows = [*zip(curve["k"], curve["score"], named, strict=True), *rows]
    table = pd.DataFrame(rows, columns=["k", "accuracy", "units"])
    table.insert(2, "validated", validated)
    table.insert(3, "gain", gain)
    return table


def fewest(table: pd.DataFrame) -> int | None:
    """The fewest units that gain enough in cross-validation; None where all units gain nothing there."""
    enough = table.loc[table["gain"] >= ENOUGH, "k"]
    return int(enough.iloc[0]) if len(enough) else None


def _validated(
    division: Division, sparse: SparseProbe | None, every: LinearProbe, seed: int
) -> tuple[np.ndarray | float, np.ndarray | float]:
    """For each number of units, the mean accuracy on groups left out of training, and the share of the gain."""
    rows = division.train[np.unique(np.linspace(0, len(division.train) - 1, _SAMPLE).astype(np.int64))]
    examples = division.examples.take(rows)
    scores, sizes = [], []
    for training, testing in folds(examples.groups, _FOLDS, seed, examples.labels):
        if np.ptp(examples.labels[training]) > 0:
            scores.append(_scores(examples.take(training), examples.take(testing), sparse, every))
            sizes.append(len(testing))
    if not scores:
        return np.nan, np.nan
    *validated, majority = np.average(scores, axis=0, weights=sizes)
    gained = validated[-1] - majority
    return np.array(validated), (validated - majority) / (gained if gained > 0 else np.nan)


def _scores(training: Examples, testing: Examples, sparse: SparseProbe | None, every: LinearProbe) -> list[float]:
    """The accuracy with each number of units, with all, and of the most frequent class."""
    few: list[float] = []
    if sparse is not None:
        few = sparse.fit(training.values, training.labels).curve(testing.values, testing.labels)["score"].tolist()
    full = every.fit(training.values, training.labels).score(testing.values, testing.labels)
    majority = float(np.mean(testing.labels == np.bincount(training.labels).argmax()))
    return [*few, float(full), majority]
