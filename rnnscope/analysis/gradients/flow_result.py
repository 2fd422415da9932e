"""How far the gradients of one network reach: a table, pictures, a card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from rnnscope.errors import AddressError, ModelError
from rnnscope.shown import Shown
from rnnscope.style import AMOUNTS, SMALLEST, colours, label, new_axes, style, title
from rnnscope.text import visible

from .decay import first, half_life, log10, log_quantiles, slope
from .flow_drawing import LEGEND, draw_bound, draw_norms, finish, finite, summary_card

RESOLUTION = 2.0**-23
"""Of float32: what is smaller than this share of a number is lost when it is added to it."""

_SMALLEST = float(np.finfo(np.float32).tiny)
"""Of the numbers that float32 has with all their digits."""


@dataclass(frozen=True, eq=False, repr=False)
class GradientFlow(Shown):
    """Norms of the gradients of many losses, by signal and lag. Made by `rnnscope.gradient_flow`.

    Attributes
    ----------
    architecture : str
    text : str
        How much was read.
    targets : int array of shape (target,)
        The steps whose losses they are; with a batch, each once for every sequence.
    lags : int array of shape (lag,)
        Ascending.
    losses : array of shape (target,)
        In nats.
    norms : dict of signal address to array of shape (target, lag)
        Norms of dL_t/ds_{t-k} over the units of the signal, float64.
    along : dict of the same kind
        Norms of the part that has come along the carried state alone: dL_t/dc_t times the product of the forget gates
        of the steps t-k+1 to t for an LSTM, dL_t/dh_t times that of the update gates z for a GRU. Empty where the
        cell has no such path, or the gradients were made by autograd.
    rest : dict of the same kind
        Norms of the gradient less that part: what came on all other ways.
    characters : str
        Those at the targets; empty where none are known.
    bound : DataFrame, or None
        Of a vanilla RNN, as that of `rnnscope.state_jacobians`.
    """

    architecture: str
    text: str
    targets: np.ndarray
    lags: np.ndarray
    losses: np.ndarray
    norms: Mapping[str, np.ndarray]
    along: Mapping[str, np.ndarray]
    rest: Mapping[str, np.ndarray]
    characters: str = ""
    bound: pd.DataFrame | None = None

    @property
    def signals(self) -> tuple[str, ...]:
        """Their addresses, the lowest layer first."""
        return tuple(self.norms)

    @property
    def measured(self) -> str:
        """How many targets, in what text, and at which lags."""
        count = len(self.targets)
        return f"{count:,} target{'s' if count > 1 else ''} in {self.text}, lags {self.lags[0]} to {self.lags[-1]}"

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row a signal and lag: over the targets, the ``median`` and the quartiles ``lower`` and ``upper`` of log10
        of the norm, -inf where it is zero; the share of targets where it is ``zero``; and the medians of log10 of the
        two parts, ``along`` and ``rest``, NaN where there are none.
        """
        frames = []
        for signal, norms in self.norms.items():
            lower, median, upper = log_quantiles(norms)
            parts = {
                name: log_quantiles(part[signal])[1] if signal in part else np.nan
                for name, part in (("along", self.along), ("rest", self.rest))
            }
            columns = {"median": median, "lower": lower, "upper": upper, "zero": (norms == 0).mean(axis=0), **parts}
            frames.append(pd.DataFrame({"signal": signal, "lag": self.lags, **columns}))
        return pd.concat(frames, ignore_index=True)

    @cached_property
    def summary(self) -> pd.DataFrame:
        """One row a signal, indexed by its address.

        Columns: ``first``, the median norm at the smallest lag; ``half_life``, in steps: how far beyond lag 1, where
        the gradient has gone through the recurrence for the first time, the median falls below half of what it is
        there (log-linear between two lags, inf if it does not within the lags, NaN if there are no lags from 1 on);
        ``vanishes``, the first lag at which the median is below float32's resolution, 2^-23 of what it is at the
        smallest lag (NaN if there is none); ``slope``, of ln of the median over the lags from 1 on by least squares, in
        nats per step, below 0 where gradients fade; ``slope_along``, the same of the part along the carried state;
        over all targets and lags the share of norms that are exactly ``zero``, and of those ``below`` float32's
        smallest normal number, 1.2e-38, zeros among them.
        """
        rows = {}
        for signal, part in self.table.groupby("signal", sort=False):
            lags, median, norms = part["lag"].to_numpy(), part["median"].to_numpy(), self.norms[str(signal)]
            rows[signal] = {
                "first": 10.0 ** median[0],
                "half_life": half_life(lags, median),
                "vanishes": first(lags, median < median[0] + np.log10(RESOLUTION)),
                "slope": slope(lags, median),
                "slope_along": slope(lags, part["along"].to_numpy()),
                "zero": (norms == 0).mean(),
                "below": (norms < _SMALLEST).mean(),
            }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("signal")

    @style()
    def plot(self, ax: Axes | None = None) -> Axes:
        """The medians by lag with bands between the quartiles, each signal a colour; on new axes if none are given.

        Dotted: the median of the part along the carried state. Dash-dotted, of the top layer of a vanilla RNN:
        the most that its recurrent weights let through, from the median at lag 1 on. (From a lower layer a gradient
        also comes by the layers above.)
        """
        ax = ax or new_axes(height=2.8)
        for signal, colour in colours(self.signals).items():
            rows = self.rows(signal)
            draw_norms(ax, rows, colour)
            if signal in self.along:
                ax.plot(rows["lag"], finite(rows["along"]), ":", color=colour, label=f"{signal} along itself alone")
            if self.bound is not None and signal.rpartition(".")[0] == self.bound.index[-1]:
                draw_bound(ax, rows, self.bound["log_bound"].iloc[-1], colour)
        return finish(ax, self.architecture)

    @style()
    def map(self, signal: str, ax: Axes | None = None) -> Axes:
        """log10 of the norm by target and lag, of targets that follow each other; on new axes if none are given.

        Raises
        ------
        AddressError
            If the signal does not exist.
        ModelError
            If the targets do not follow each other.
        """
        if signal not in self.norms:
            raise AddressError(f"There are no gradients of {signal!r}. There are: {', '.join(self.signals)}.")
        if len(self.targets) < 2 or (np.diff(self.targets) != 1).any():
            raise ModelError(
                "A map is of targets that follow each other: gradient_flow(..., targets=range(start, stop))."
            )
        ax = ax or new_axes("page", 2.6)
        values = finite(log10(self.norms[signal])).T
        edges_x = np.append(self.targets, self.targets[-1] + 1) - 0.5
        mesh = ax.pcolormesh(edges_x, _edges(self.lags), values, cmap=AMOUNTS, rasterized=True)
        ax.figure.colorbar(mesh, ax=ax, pad=0.01).set_label("log10 of the norm")
        ax.set(xlabel="target t (step)", ylabel="lag k (steps back)")
        title(ax, f"gradient of the loss at t with respect to {signal} at t - k")
        if self.characters and len(self.targets) <= 100:
            names = [label(visible(one)) for one in self.characters]
            ax.set_xticks(self.targets, names, family="monospace", fontsize=SMALLEST)
            ax.tick_params(axis="x", length=0)
            ax.set_xlabel(f"target t, from step {self.targets[0]:,} on")
        return ax

    def rows(self, signal: str) -> pd.DataFrame:
        """The rows of the table of one signal."""
        return self.table.query("signal == @signal")

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(f"Gradient flow of {self.architecture}", style="bold")
        yield Text(f"{self.measured}; mean loss {self.losses.mean():.3f} nats.")
        yield summary_card(self.summary.reset_index(), ["signal"])
        if self.bound is not None:
            layer, most = self.bound.index[-1], self.bound["log_bound"].iloc[-1]
            yield Text(f"The recurrent weights of {layer} bound its slope from above: {most:+.3f} nats per step.")
        yield Text(LEGEND, style="dim")


def _edges(lags: np.ndarray) -> np.ndarray:
    """Edges of cells around the lags."""
    if len(lags) == 1:
        return np.array([lags[0] - 0.5, lags[0] + 0.5])
    middles = (lags[1:] + lags[:-1]) / 2
    return np.concatenate([[2 * lags[0] - middles[0]], middles, [2 * lags[-1] - middles[-1]]])
