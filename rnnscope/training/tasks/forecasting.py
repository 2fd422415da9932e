"""Forecasting: the next change of a series, from all before it; tested forward in time (walk-forward)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rnnscope.corpora.series import Series, open_series
from rnnscope.corpora.splitting import SCORED
from rnnscope.errors import TextError
from rnnscope.models.forecaster import Forecaster, ForecasterConfig, changes_of, normal_nats
from rnnscope.models.stack import State
from rnnscope.training.recipe import CorpusRecipe, Recipe
from rnnscope.training.stream_task import StreamTask
from rnnscope.training.task import Score, facts_of

_LARGEST_ORDER = 20
_DECAYS = (0.9, 0.94, 0.97, 0.99)
_ROOT = "root mean squared error"
_VERDICTS = ("worse than", "neither better nor worse, beyond chance, than", "better than")

NETWORK = "network"
"""What the network is called among its baselines."""

Losses = Mapping[str, Mapping[str, np.ndarray]]
"""By measure and by the name of who foretells: what is lost at each step, of shape (time,); low is good."""


@dataclass(frozen=True)
class ForecastingRecipe(CorpusRecipe):
    """Which series: a named one (``brent``, ``vix``), or a CSV file.

    Attributes
    ----------
    column, date : str
        The columns of values and of dates in the file at ``path``; see `rnnscope.corpora.series.open_series`.
    """

    column: str = ""
    date: str = ""


class Forecasting(StreamTask):
    """A series cut in the order of time; its changes are standardised by those of the training part.

    Scores are one step ahead, with everything before known, also to the baselines: the last value, and a linear
    autoregression whose order the validation part chooses. For the width of the distribution they are the training
    part's variance, and a moving one.
    """

    network = Forecaster
    corpus_recipe = ForecastingRecipe

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        wanted = recipe.corpus
        self.series = open_series(wanted.name, wanted.path, wanted.encoding, wanted.column, wanted.date)
        self.parts = self.series.split(wanted.split)
        below = int((self.series.values <= 0).sum())
        self._config: ForecasterConfig = replace(recipe.model, logarithmic=recipe.model.logarithmic and not below)
        self.changes = changes_of(self.series.values, self._config.logarithmic)
        self._center, self._spread = self._scale()
        train = (self.changes[: self.parts["train"].stop - 1] - self._center) / self._spread
        self.open_streams(torch.from_numpy(train).float(), recipe.training, "changes")
        values = {part: self.series.values[place] for part, place in self.parts.items()}
        self.facts = facts_of(
            self.series,
            "values",
            parts={part: len(those) for part, those in values.items()},
            sha256={part: hashlib.sha256(those.astype("<f8").tobytes()).hexdigest() for part, those in values.items()},
            notes=_periods(self.series, self.parts),
        )
        fallback = f"{below:,} values are not above zero, so the network reads differences instead of log returns."
        self.remarks = (*self.series.remarks, *([fallback] if recipe.model.logarithmic and below else []))

    def build(self) -> Forecaster:
        model = Forecaster(self._config)
        model.standardise(self._center, self._spread)
        return model

    def window_loss(self, model: Any, inputs: Tensor, targets: Tensor, state: State) -> tuple[Tensor, State]:
        mean, log_variance, state = model(inputs, state)
        return normal_nats(targets, mean.float(), log_variance.float()).mean(), state

    def validate(self, model: Forecaster) -> float:
        place = self.parts["validation"]
        mean, deviation = model.predict_changes(self.series.values[: place.stop - 1])
        return float(self._nats(place, mean, deviation).mean())

    def scores(self, model: Forecaster) -> list[Score]:
        """As `Task.scores`; how the network compares with the baselines is noted in ``facts``."""
        predicted = model.predict_changes(self.series.values[:-1])
        losses = {part: self._losses(self.parts[part], *predicted) for part in SCORED}
        self.facts["notes"]["verdict"] = verdict(losses["test"])
        return [_score(part, *measured) for part, measures in losses.items() for measured in measures.items()]

    def _scale(self) -> tuple[float, float]:
        """Mean and standard deviation of the training part's changes."""
        train = self.changes[: self.parts["train"].stop - 1]
        center, spread = (float(train.mean()), float(train.std())) if len(train) else (0.0, 0.0)
        if not np.isfinite(self.changes).all() or not 0 < spread < np.inf:
            raise TextError(
                f"The training part of {self.series.name} has {len(train):,} changes with a standard deviation of "
                f"{spread:g}; a finite one above zero is needed. Give a series that changes, and no larger than "
                "computers can count."
            )
        return center, spread

    def _losses(self, part: slice, mean: np.ndarray, deviation: np.ndarray) -> Losses:
        """What the network and the baselines lose at each step of a part, by measure."""
        regression, order = self._autoregression()
        means = {NETWORK: mean, "last value": np.zeros_like(mean), f"autoregression of order {order}": regression}
        place, unit = _changes_into(part), self.series.unit
        wanted, last = self.series.values[part], self.series.values[place]
        changes = {name: mean[place] for name, mean in means.items()}
        logarithmic = self._config.logarithmic
        off = {n: (last * np.exp(change) if logarithmic else last + change) - wanted for n, change in changes.items()}
        losses = {
            f"{_ROOT} in {unit}": {name: errors**2 for name, errors in off.items()},
            f"mean absolute error in {unit}": {name: np.abs(errors) for name, errors in off.items()},
        }
        if logarithmic:
            percent = {name: 100 * (change - self.changes[place]) for name, change in changes.items()}
            losses[f"{_ROOT} of log returns in percent"] = {name: errors**2 for name, errors in percent.items()}
        flat = np.full_like(mean, self._center)
        losses["nats per step"] = {
            NETWORK: self._nats(part, mean, deviation),
            "constant variance": self._nats(part, flat, np.full_like(mean, self._spread)),
            "moving variance": self._nats(part, flat, self._moving()),
        }
        return losses

    def _nats(self, part: slice, mean: np.ndarray, deviation: np.ndarray) -> np.ndarray:
        """Negative log densities of a part's standardised changes, in nats."""
        place = _changes_into(part)
        changes, mean = ((array[place] - self._center) / self._spread for array in (self.changes, mean))
        log_variance = 2 * np.log(deviation[place] / self._spread)
        return normal_nats(*(torch.from_numpy(array) for array in (changes, mean, log_variance))).numpy()

    def _autoregression(self) -> tuple[np.ndarray, int]:
        """The changes that a linear autoregression expects, and its order, the best on the validation part."""
        train, validation = self.parts["train"].stop - 1, _changes_into(self.parts["validation"])
        centred = self.changes - self._center

        def error(order: int) -> float:
            predicted = autoregress(centred[: validation.stop], order, train)
            return float(((predicted - centred[: validation.stop])[validation] ** 2).mean())

        order = min(range(min(_LARGEST_ORDER, train // 4) + 1), key=error)
        return self._center + autoregress(centred, order, train), order

    def _moving(self) -> np.ndarray:
        """The exponentially weighted deviation before each change, its decay the best on the validation part."""
        centred, validation = self.changes - self._center, self.parts["validation"]
        means = np.full_like(centred, self._center)
        widths = (moving_deviation(centred, self._spread, decay) for decay in _DECAYS)
        return min(widths, key=lambda width: self._nats(validation, means, width).mean())


def autoregress(changes: np.ndarray, order: int, fitted: int) -> np.ndarray:
    """What a linear autoregression expects of each change, from those before it and a constant.

    Parameters
    ----------
    changes : array of shape (time,)
        Before the first, changes of zero are taken.
    order : int
        How many of the changes before are read.
    fitted : int
        The first changes, to which the coefficients are fitted by least squares.

    Returns
    -------
    array of shape (time,)
    """
    padded = np.concatenate((np.zeros(order), changes))
    lags = [padded[order - lag : len(padded) - lag] for lag in range(1, order + 1)]
    inputs = np.stack([np.ones_like(changes), *lags], axis=1)
    coefficients, *_ = np.linalg.lstsq(inputs[order:fitted], changes[order:fitted], rcond=None)
    return inputs @ coefficients


def moving_deviation(changes: np.ndarray, first: float, decay: float) -> np.ndarray:
    """The exponentially weighted standard deviation of the changes before each change (RiskMetrics 1996).

    Parameters
    ----------
    changes : array of shape (time,)
    first : float
        The deviation before any change is known.
    decay : float
        Weight that is kept from step to step, below 1.
    """
    variance, deviations = first**2, np.empty_like(changes)
    for step, change in enumerate(changes):
        deviations[step] = variance**0.5
        variance = decay * variance + (1 - decay) * change**2
    return deviations


def verdict(losses: Losses) -> str:
    """In plain words, where the network is better than its best baseline, where worse, and where neither.

    Two are told apart if the mean difference of their losses is more than two of its standard errors (the test
    of Diebold and Mariano 1995, for one step ahead).
    """
    found: dict[str, list[str]] = {kind: [] for kind in _VERDICTS}
    for measure, of in losses.items():
        rival = min((name for name in of if name != NETWORK), key=lambda name: of[name].mean())
        gain = of[rival] - of[NETWORK]
        place = "ahead of" if gain.mean() > 0 else "behind" if gain.mean() < 0 else "level with"
        error = gain.std(ddof=1) / len(gain) ** 0.5 if len(gain) > 1 else np.inf
        told_apart = abs(gain.mean()) > 2 * error
        found[_VERDICTS[1 + int(told_apart * np.sign(gain.mean()))]].append(f"{measure} ({place} {rival})")
    said = (f"{kind} its best baseline in {', '.join(measures)}" for kind, measures in found.items() if measures)
    return f"on the test part the network is {'; '.join(said)}"


def _score(part: str, measure: str, losses: Mapping[str, np.ndarray]) -> Score:
    means = {name: float(each.mean()) for name, each in losses.items()}
    values = {name: mean**0.5 if measure.startswith(_ROOT) else mean for name, mean in means.items()}
    return Score(part, measure, values.pop(NETWORK), values)


def _changes_into(part: slice) -> slice:
    """The changes that end at the values of a part."""
    return slice(part.start - 1, part.stop - 1)


def _periods(series: Series, parts: dict[str, slice]) -> dict[str, str]:
    """From when to when each part goes."""
    if not series.dates:
        return {}
    spans = (f"{part} {series.dates[p.start]} to {series.dates[p.stop - 1]}" for part, p in parts.items())
    return {"periods": ", ".join(spans)}
