"""How a difference in the state grows or shrinks with time: the singular values of state Jacobians."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text
from torch import Tensor, nn

from rnnscope.analysis.language_models import LIMIT
from rnnscope.arguments import ascending, whole
from rnnscope.progress import progress_bar
from rnnscope.shown import Shown, card_table
from rnnscope.style import AMOUNTS, BESIDE, FAINT, FOCUS, given_panels, logarithmic, new_panels, style
from rnnscope.text import counted
from rnnscope.tracing.documents import Texts

from .bound import is_vanilla, recurrent_bound
from .stretches import Stretches, StretchReader

LAGS = (1, 2, 5, 10, 20, 50, 100)

_PLACES, _FEWEST = 50, 5
"""Places of the text, unless the user says: of narrow states, and of the widest."""

_NARROW = 512
"""Units up to which a state is narrow."""

_RANKS = (2, 5, 10, 20, 50, 100)
"""Singular values whose medians stand in the table, the largest being the first."""

_VALUES = 2**20
"""Values of the Jacobians that are pushed on together: what stays in a processor's cache."""


@dataclass(frozen=True, eq=False, repr=False)
class StateJacobians(Shown):
    """The singular values of d s_t / d s_{t-k}. Made by `rnnscope.state_jacobians`.

    Attributes
    ----------
    signals : tuple of str
        The states that s is made of, all of the network.
    lags : tuple of int
        k, in steps.
    singular_values : float array of shape (place, lag, value)
        Natural logarithms, the largest first; -inf for zero, NaN where float64 does not tell a value from zero beside
        the largest.
    slope, slope_error : float
        How fast the logarithm of the spectral norm grows with the lag, in nats per step: the mean over places of the
        least-squares line's slope, and its standard error. Below 0 differences vanish. NaN for a single lag.
    table : DataFrame
        One row a lag: ``median``, ``lower`` and ``upper`` quartile over places of the logarithm of the spectral norm
        (the largest singular value), in nats, and ``rank_2``, ``rank_5``, ...: the median of that singular value's.
    bound : DataFrame or None
        Of a vanilla RNN one row a layer, such as ``l0``: ``sigma``, the largest singular value of its recurrent
        weights; ``gamma``, the steepest slope of its nonlinearity; and ``log_bound``, ln(sigma gamma) in nats per step,
        which one step's Jacobian cannot exceed: below 0 gradients must vanish (Pascanu, Mikolov and Bengio 2013).
    """

    signals: tuple[str, ...]
    lags: tuple[int, ...]
    singular_values: np.ndarray
    slope: float
    slope_error: float
    table: pd.DataFrame
    bound: pd.DataFrame | None

    @style()
    def plot(self, ax: Sequence[Axes] | None = None) -> tuple[Axes, Axes]:
        """The spectral norm against the lag, with quartiles and the bound, and the singular values at each lag.

        On two new axes if none are given.
        """
        left, right = new_panels(1, 2) if ax is None else given_panels(ax, 2)
        self._draw_norm(left)
        shades = AMOUNTS(np.linspace(0, 0.85, len(self.lags)))
        for values, lag, colour in zip(_quantile(self.singular_values, 0.5), self.lags, shades, strict=True):
            right.plot(1 + np.arange(len(values)), values, color=colour, label=f"{lag}")
        right.set(
            xlabel="number, the largest first",
            ylabel="ln, median over places (nats)",
            title="Singular values of d s(t) / d s(t-k)",
        )
        logarithmic(right)
        right.legend(title="lag k (steps)", loc="lower left")
        return left, right

    def _draw_norm(self, ax: Axes) -> None:
        finite = self.table[np.isfinite(self.table["median"])]
        lags = finite.index.to_numpy()
        ax.plot(lags, finite["median"], "o-", color=BESIDE, label="measured, median and quartiles")
        ax.fill_between(lags, finite["lower"], finite["upper"], color=BESIDE, alpha=0.2, linewidth=0)
        if self.bound is not None and len(self.bound) == 1:
            bound = self.bound["log_bound"].iloc[0]
            limits = ax.get_ylim()
            ax.plot(lags, bound * lags, "--", color=FOCUS, label=f"bound, {bound:+.3g} nats per step")
            ax.set_ylim(limits[0], limits[1] + 0.3 * (limits[1] - limits[0]))
        ax.axhline(0, color=FAINT, linewidth=0.8, zorder=0)
        ax.set(xlabel="lag k (steps)", ylabel="ln spectral norm (nats)", title=f"{self.slope:+.3g} nats per step")
        ax.legend()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        places = len(self.singular_values)
        yield Text("State Jacobians", style="bold")
        yield Text(
            f"d s(t) / d s(t-k), s = {', '.join(self.signals)}; natural logarithms over {counted(places, 'place')}."
        )
        ranks = [name for name in self.table.columns if name.startswith("rank_")][:4]
        values = [f"value\nno. {name[5:]}" for name in ranks]
        table = card_table("lag k", "norm\nmedian", "lower\nquartile", "upper\nquartile", *values, words=0)
        for row in self.table.reset_index().to_dict("records"):
            table.add_row(f"{row['lag']}", *(number(row[name]) for name in ("median", "lower", "upper", *ranks)))
        yield table
        if len(self.lags) > 1:
            yield Text(f"Slope of the norm: {self.slope:+.4f} ± {self.slope_error:.4f} nats per step.")
        if self.bound is not None:
            for layer, row in self.bound.iterrows():
                yield Text(
                    f"Bound of {layer}: {row['log_bound']:+.4f} nats per step "
                    f"(largest singular value {row['sigma']:.4g}, slope {row['gamma']:g})."
                )


def state_jacobians(
    model: nn.Module,
    text: Texts,
    *,
    lags: Sequence[int] = LAGS,
    places: int | None = None,
    seed: int = 0,
    limit: int = LIMIT,
    characters: Sequence[str] | None = None,
) -> StateJacobians:
    """Measure how a small difference in the state grows or shrinks with time.

    s is all that is carried from step to step: h of every layer, and c with it for an LSTM. At random places of the
    text, with the true state before them, the Jacobians of all steps are multiplied in float64.

    Parameters
    ----------
    model : nn.Module in eval mode
        With one recurrent layer, or one stack of them, that reads forward: a language model, or any module that takes
        token ids. A cell other than PyTorch's needs an adapter (see `rnnscope.register`).
    text : str, Document, Path, File, or a sequence of these
    lags : sequence of int
        k, in steps, each at least 1.
    places : int, optional
        50 for states of up to 512 units. The work grows with the cube of their number, so that there are fewer for
        wider states, but at least 5.
    seed : int
        Of the places.
    limit : int
        Characters to read at most.
    characters
        As for `rnnscope.trace`.

    Returns
    -------
    StateJacobians

    Raises
    ------
    TextError
        If the text cannot be read, or is too short for the lags and places.
    ModelError
        If the network is bidirectional, in training mode, has several recurrent modules, or gives what is not finite.
    RecordingError
        If there is no recurrent layer.

    Examples
    --------
    >>> import torch
    >>> import rnnscope
    >>> from rnnscope.models import LanguageModelConfig
    >>> seed = torch.manual_seed(0)
    >>> text = '"You are late," said Anna, and sat down. "I know," he said.'
    >>> config = LanguageModelConfig(cell="rnn", hidden_size=8)
    >>> model = rnnscope.CharLanguageModel(config, rnnscope.Vocabulary.of(text)).eval()
    >>> jacobians = rnnscope.state_jacobians(model, text, lags=[1, 2, 4], places=10)
    >>> jacobians.table[["median", "rank_2"]].round(1)
         median  rank_2
    lag
    1      -0.0    -0.3
    2      -0.4    -0.9
    4      -1.5    -2.6
    """
    lags = tuple(ascending(lags, "lags", 1).tolist())
    places = None if places is None else whole(places, "places", 1)
    reading = StretchReader(model, text, characters, limit)
    with progress_bar("steps") as bar, torch.no_grad():
        stretches = reading.read(reading.random(places or _PLACES, lags[-1], seed), lags[-1], bar)
        chosen = _spread(_fitting(stretches.size)) if places is None else torch.arange(places)
        task = bar.add_task("multiplying", total=len(chosen) * lags[-1])
        values = []
        for group in chosen.split(max(1, _VALUES // stretches.size**2)):
            values.append(_singular_values(stretches, group, lags, partial(bar.advance, task)))
    logs = torch.cat(values).cpu().numpy()
    slope, error = _slope(np.array(lags), logs[:, :, 0])
    bound = recurrent_bound(model) if is_vanilla(reading.layer) else None
    return StateJacobians(tuple(map(str, stretches.addresses)), lags, logs, slope, error, _table(lags, logs), bound)


def _fitting(size: int) -> int:
    """Places of a state of so many units that take as long as all places of a narrow one."""
    return max(_FEWEST, min(_PLACES, round(_PLACES * (_NARROW / size) ** 3)))


def _spread(count: int) -> Tensor:
    """So many of the places, from the first to the last."""
    return torch.linspace(0, _PLACES - 1, count).round().long()


def _singular_values(stretches: Stretches, group: Tensor, lags: Sequence[int], done: Callable[[int], None]) -> Tensor:
    """Their logarithms at each lag, of shape (place, lag, value).

    The product is scaled after each step, and turned so that its columns are orthogonal at each lag; what lies below
    rounding is let go of there, which makes the next steps cheaper.
    """
    states = tuple(state[group.to(state.device)] for state in stretches.states)
    size = stretches.size
    product = torch.eye(size, dtype=torch.float64, device=states[0].device).expand(len(group), -1, -1)
    scale = product.new_zeros(len(group))
    found = product.new_full((len(group), len(lags), size), torch.nan)
    for step in range(1, lags[-1] + 1):
        states, slopes = stretches.step(stretches.x[step - 1, group], states)
        product = stretches.step.push(slopes, product)
        largest = product.abs().amax(dim=(1, 2)).clamp_min(torch.finfo(torch.float64).tiny)
        product, scale = product / largest[:, None, None], scale + largest.log()
        if step in lags:
            left, values, _ = torch.linalg.svd(product, full_matrices=False)
            told = values > values[:, :1] * size * torch.finfo(torch.float64).eps
            logs = torch.where(told, values.log() + scale[:, None], torch.nan)
            logs[values[:, 0] == 0] = -torch.inf
            found[:, lags.index(step), : values.shape[1]] = logs
            rank = max(1, int(told.sum(dim=1).max()))
            product = left[:, :, :rank] * values[:, None, :rank]
        done(len(group))
    return found


def _slope(lags: np.ndarray, logs: np.ndarray) -> tuple[float, float]:
    """Mean and standard error over places of the slope of the least-squares line of logs (place, lag) against lags."""
    logs = logs[np.isfinite(logs).all(axis=1)]
    if len(lags) < 2 or not len(logs):
        return np.nan, np.nan
    centred = lags - lags.mean()
    slopes = logs @ centred / (centred**2).sum()
    return float(slopes.mean()), float(slopes.std(ddof=1) / np.sqrt(len(slopes))) if len(slopes) > 1 else np.nan


def _table(lags: Sequence[int], logs: np.ndarray) -> pd.DataFrame:
    lower, median, upper = (_quantile(logs[:, :, 0], share) for share in (0.25, 0.5, 0.75))
    table = pd.DataFrame({"median": median, "lower": lower, "upper": upper}, index=pd.Index(lags, name="lag"))
    medians = _quantile(logs, 0.5)
    for rank in _RANKS:
        if rank <= logs.shape[2]:
            table[f"rank_{rank}"] = medians[:, rank - 1]
    return table


def _quantile(logs: np.ndarray, share: float) -> np.ndarray:
    """Over places, the nearest that there is; what cannot be told from zero counts as less, and gives NaN."""
    untold = np.isnan(logs)
    found = np.quantile(np.where(untold, -np.inf, logs), share, axis=0, method="nearest")
    return np.where(np.isneginf(found) & untold.any(axis=0), np.nan, found)


def number(value: float, digits: int = 2) -> str:
    return "-" if np.isnan(value) else f"{value:.{digits}f}"
