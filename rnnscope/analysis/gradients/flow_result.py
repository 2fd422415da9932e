"""How far gradients reach: tables, pictures, cards; of one network, and of several side by side."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike
from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from rnnscope.errors import AddressError, ModelError
from rnnscope.shown import Shown
from rnnscope.style import AMOUNTS, INK, SMALLEST, colours, label, new_axes, style, title
from rnnscope.text import visible

from .decay import first, half_life, log10, log_quantiles, slope

RESOLUTION = 2.0**-23
"""Of float32: what is smaller than this share of a number is lost when it is added to it."""

_SMALLEST = float(np.finfo(np.float32).tiny)
"""Of the numbers that float32 has with all their digits."""

INITIAL = " (initial)"
"""What the name of a network with its first weights ends in, after the name of the trained one."""

_BANDS = 6
"""Networks that have bands in one picture; those of more would hide each other."""


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
        Of a vanilla RNN, see `rnnscope.analysis.gradients.bound.recurrent_bound`.
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
            self._draw(ax, signal, colour)
            if signal in self.along:
                part = self._of(signal)
                ax.plot(part["lag"], _finite(part["along"]), ":", color=colour, label=f"{signal} along itself alone")
            if self.bound is not None and signal.rpartition(".")[0] == self.bound.index[-1]:
                self._draw_bound(ax, signal, colour)
        return _dress(ax, self.architecture)

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
        values = _finite(log10(self.norms[signal])).T
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

    def _of(self, signal: str) -> pd.DataFrame:
        return self.table.query("signal == @signal")

    def _draw(self, axes: Axes, signal: str, colour: object, band: bool = True, **line: Any) -> None:
        part: Any = self._of(signal)
        axes.plot(part["lag"], _finite(part["median"]), color=colour, label=signal, **line)
        if band:
            low, high = _finite(part["lower"]), _finite(part["upper"])
            axes.fill_between(part["lag"], low, high, color=colour, alpha=0.15, linewidth=0)

    def _draw_bound(self, axes: Axes, signal: str, colour: object) -> None:
        assert self.bound is not None
        step = self.bound["log_bound"].iloc[-1] / np.log(10)
        lags, median = (self._of(signal)[name].to_numpy() for name in ("lag", "median"))
        lags, median = lags[lags >= 1], median[lags >= 1]
        if len(lags) < 2 or not np.isfinite([step, median[0]]).all():
            return
        low, high = axes.get_ylim()
        label = f"{signal} at most, by the bound: {step * np.log(10):+.2f} nats/step"
        line = median[0] + step * (lags - lags[0])
        axes.plot(lags, line, "-.", color=colour, linewidth=1, label=label)  # pyright: ignore[reportArgumentType]
        axes.set_ylim(low, min(axes.get_ylim()[1], high + 3))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(f"Gradient flow of {self.architecture}", style="bold")
        yield Text(f"{_measured(self)}; mean loss {self.losses.mean():.3f} nats.")
        yield _card(self.summary.reset_index(), ["signal"])
        if self.bound is not None:
            layer, most = self.bound.index[-1], self.bound["log_bound"].iloc[-1]
            yield Text(f"The recurrent weights of {layer} bound its slope from above: {most:+.3f} nats per step.")
        yield Text(_LEGEND, style="dim")


@dataclass(frozen=True, eq=False, repr=False)
class GradientFlows(Shown):
    """The gradient flow of several networks side by side.

    Attributes
    ----------
    flows : dict of name to GradientFlow
    """

    flows: Mapping[str, GradientFlow]

    @cached_property
    def table(self) -> pd.DataFrame:
        """The rows of `GradientFlow.table` of all of them, after a column ``model``."""
        frames = [flow.table.assign(model=name) for name, flow in self.flows.items()]
        table = pd.concat(frames, ignore_index=True)
        return table.set_index("model").reset_index()

    @cached_property
    def summary(self) -> pd.DataFrame:
        """The rows of `GradientFlow.summary` of all of them, indexed by ``model`` and ``signal``."""
        return pd.concat({name: flow.summary for name, flow in self.flows.items()}, names=["model"])

    @style()
    def plot(self, ax: Axes | None = None) -> Axes:
        """The medians by lag, each network a colour; on new axes if none are given.

        Up to six networks have bands between the quartiles. Networks named ``"... step-000500"``, weights kept in a
        training, go from dark to light by their order. Cell states are dashed. Of several layers the lower ones are
        paler. A network with its first weights, named ``"name (initial)"`` beside ``"name"``, is paler and thinner, and
        has no band.
        """
        ax = ax or new_axes("page", 3.2)
        shades = _colours(list(dict.fromkeys(name.removesuffix(INITIAL) for name in self.flows)))
        handles = []
        for name, flow in self.flows.items():
            layers = list(dict.fromkeys(signal.rpartition(".")[0] for signal in flow.signals))
            trained = not name.endswith(INITIAL)
            colour, tint, width = shades[name.removesuffix(INITIAL)], 1.0 if trained else 0.6, 1.4 if trained else 0.8
            for signal in flow.signals:
                node, _, state = signal.rpartition(".")
                shade = _pale(colour, tint * (1 + layers.index(node)) / len(layers))
                band = trained and len(self.flows) <= _BANDS
                flow._draw(ax, signal, shade, band, linestyle=_style(state), linewidth=width)
            handles.append(_handle(label(name, 40), _pale(colour, tint), linewidth=width))
        states = {signal.rpartition(".")[2]: None for flow in self.flows.values() for signal in flow.signals}
        if "c" in states:
            handles += [_handle(one, to_rgb(INK), linestyle=_style(one)) for one in states]
        return _dress(ax, "Gradient flow", handles)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text("Gradient flow", style="bold")
        for words in dict.fromkeys(map(_measured, self.flows.values())):
            yield Text(f"{words}.")
        for name, flow in self.flows.items():
            yield Text(f"{name}: {flow.architecture}; mean loss {flow.losses.mean():.3f} nats")
        yield _card(self.summary.reset_index(), ["model", "signal"], grouped=options.is_terminal)
        yield Text(_LEGEND, style="dim")


def _finite(values: ArrayLike) -> np.ndarray:
    """What can be drawn: NaN instead of -inf."""
    array = np.asarray(values, dtype=np.float64)
    return np.where(np.isfinite(array), array, np.nan)


def _edges(lags: np.ndarray) -> np.ndarray:
    """Edges of cells around the lags."""
    if len(lags) == 1:
        return np.array([lags[0] - 0.5, lags[0] + 0.5])
    middles = (lags[1:] + lags[:-1]) / 2
    return np.concatenate([[2 * lags[0] - middles[0]], middles, [2 * lags[-1] - middles[-1]]])


def _dress(ax: Axes, words: str, handles: list[Line2D] | None = None) -> Axes:
    ax.set(xlabel="lag k (steps back)", ylabel="log10 of the gradient's norm")
    title(ax, words)
    ax.grid(axis="y")
    ax.legend(handles=handles)
    return ax


def _measured(flow: GradientFlow) -> str:
    count = len(flow.targets)
    return f"{count:,} target{'s' if count > 1 else ''} in {flow.text}, lags {flow.lags[0]} to {flow.lags[-1]}"


_LEGEND = (
    "Medians over targets. Half-life: steps beyond lag 1. Vanishes: first lag below float32's resolution of what it "
    "is at the smallest lag. Slopes: nats per step; along: of the path along the carried state alone."
)


def _card(summary: pd.DataFrame, names: list[str], grouped: bool = False) -> Table:
    """The summary to be printed; grouped, a model's name stands once."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for name in names:
        table.add_column(name, vertical="bottom", overflow="fold")
    for name in ("first\nnorm", "half-life\nsteps", "vanishes\nat lag", "slope\nnats/step", "along\nnats/step"):
        table.add_column(name, justify="right", no_wrap=True)
    small = bool(summary["below"].any())
    if small:
        table.add_column("below\n1.2e-38", justify="right", no_wrap=True)
    above = None
    for row in summary.to_dict("records"):
        cells = [Text("" if grouped and name == "model" and row[name] == above else row[name]) for name in names]
        above = row.get("model")
        cells += [f"{row['first']:.2g}", _steps(row["half_life"]), _steps(row["vanishes"])]
        cells += [f"{row[name]:+.3f}" if np.isfinite(row[name]) else "-" for name in ("slope", "slope_along")]
        table.add_row(*cells, *([f"{row['below']:.1%}"] if small else []))
    return table


def _handle(label: str, colour: tuple[float, ...], **line: Any) -> Line2D:
    return Line2D([], [], color=colour, label=label, **line)  # pyright: ignore[reportArgumentType]


def _colours(names: Sequence[str]) -> dict[str, tuple[float, ...]]:
    """A colour for each name; those of steps of a training follow each other."""
    steps = [name for name in names if re.search(r"(^|\W)step-\d+$", name)]
    others = colours([name for name in names if name not in steps])
    return {name: to_rgb(colour) for name, colour in others.items()} | dict(
        zip(steps, map(to_rgb, AMOUNTS(np.linspace(0, 0.85, len(steps)))), strict=True)
    )


def _style(state: str) -> str:
    return "--" if state == "c" else "-"


def _pale(colour: Sequence[float], strength: float) -> tuple[float, ...]:
    """A colour mixed with white, which it is all of at a strength of 0."""
    return tuple(1 - strength * (1 - part) for part in colour)


def _steps(value: float) -> str:
    if np.isnan(value):
        return "-"
    return "never" if np.isinf(value) else f"{value:.1f}" if value % 1 else f"{value:.0f}"
