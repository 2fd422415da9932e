"""How long a unit remembers, told in three ways: by its gate, by what it does, and by its Jacobian."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, RenderResult
from rich.progress import Progress
from rich.table import Table
from rich.text import Text
from torch import Tensor, nn

from rnnscope.analysis.counts import whole
from rnnscope.analysis.gradients.stretches import Reading
from rnnscope.errors import ModelError, TextError
from rnnscope.progress import progress_bar
from rnnscope.recording.adapter import adapter_of
from rnnscope.recording.address import Address
from rnnscope.recording.recorder import addresses_of, memories, recurrent_layers
from rnnscope.shown import Shown
from rnnscope.style import FAINT, colours, given_panels, logarithmic, new_panels, style
from rnnscope.tracing.documents import Numbers, Texts
from rnnscope.tracing.passages import Source, open_source
from rnnscope.tracing.trace import Trace

from .autocorrelation import decay_lags
from .saturation import check_finite, everything

WAYS = ("forget", "autocorrelation", "jacobian")

FACTOR = 2.0
"""By how much two ways may differ before they disagree."""

_LEGEND = (
    "Forget: -1 / mean ln of the gate that keeps. Autocorrelation: first lag below 1/e. Jacobian: of the mode of the "
    "mean one-step Jacobian that the unit takes most part in. Disagree: the ways differ by a factor above 2."
)

_PLACES = 500
"""Places of the text over which the one-step Jacobian is averaged."""

_FEWEST = 100
"""Steps from which on a timescale can be told."""


@dataclass(frozen=True, eq=False, repr=False)
class Timescales(Shown):
    """How long each unit remembers, in steps, in three ways. Made by `rnnscope.timescales`.

    Attributes
    ----------
    steps : int
        Steps of the text that were read.
    table : DataFrame
        One row a unit of each layer's memory: ``signal``, its address, such as ``l0.c``; ``unit``; ``forget``,
        ``autocorrelation`` and ``jacobian``, in steps, infinite where it does not decay, NaN where that way has nothing
        to say; ``ratio`` of the longest to the shortest, what is below one step taken as one; ``disagree``, whether it
        is above 2.
    """

    steps: int
    table: pd.DataFrame

    @property
    def disagree(self) -> pd.DataFrame:
        """The units whose timescales differ by more than a factor of 2, the worst first."""
        return self.table.query("disagree").sort_values("ratio", ascending=False, kind="stable")

    @property
    def summary(self) -> pd.DataFrame:
        """One row a layer's memory, indexed by ``signal``: the medians, the share that disagree, and ``units``."""
        by_signal = self.table.groupby("signal", sort=False)
        return by_signal[[*WAYS]].median().assign(disagree=by_signal["disagree"].mean(), units=by_signal.size())

    @style()
    def plot(self, ax: Sequence[Axes] | None = None) -> list[Axes]:
        """Each way against each other, a dot a unit, on logarithmic axes; those that have values.

        On new axes if none are given, as many as `Timescales.pairs`, one at least.
        """
        table = self.table.assign(layer=[Address.parse(signal).node for signal in self.table["signal"]])
        count = max(1, len(self.pairs))
        if ax is None:
            panels = new_panels(1, count, min(6.9, 0.6 + 2.3 * count), 2.3)
        else:
            panels = given_panels(ax, count)
        layers = colours(list(table["layer"].unique()))
        for panel, (one, other) in zip(panels, self.pairs, strict=False):
            finite: Any = table[np.isfinite(table[[one, other]]).all(axis=1) & (table[[one, other]] > 0).all(axis=1)]
            for layer, own in finite.groupby("layer", sort=False):
                panel.scatter(own[one], own[other], 6, layers[layer], alpha=0.6, linewidths=0, label=layer)
            ends = (finite[[one, other]].min(axis=None), finite[[one, other]].max(axis=None))
            panel.plot(ends, ends, "--", color=FAINT, linewidth=0.8, zorder=0)
            panel.set(xlabel=f"{one} (steps)", ylabel=f"{other} (steps)")
            logarithmic(panel, "xy")
        if len(layers) > 1:
            panels[-1].legend(title="layer", handletextpad=0)
        return panels

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The ways that have values, each with each other; a single one with itself."""
        known = [way for way in WAYS if np.isfinite(self.table[way]).any()]
        return list(combinations(known, 2)) or [(way, way) for way in known]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text("Timescales of units", style="bold")
        yield Text(f"In steps, over {self.steps:,} of them; of each layer the median, then the longest units.")
        table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
        table.add_column("", no_wrap=True)
        for title in (*WAYS, "disagree"):
            table.add_column(title, justify="right", no_wrap=True)
        for row in self.summary.reset_index().to_dict("records"):
            ways = (_number(row[way]) for way in WAYS)
            table.add_row(f"{row['signal']}, {row['units']:,.0f} units", *ways, f"{row['disagree']:.0%}")
        table.add_section()
        longest = self.table.sort_values(["autocorrelation", "jacobian"], ascending=False).head(8)
        for row in longest.to_dict("records"):
            ways = (_number(row[way]) for way in WAYS)
            table.add_row(
                f"{row['signal']}.{row['unit']}", *ways, "×" + _number(row["ratio"]) if row["disagree"] else ""
            )
        yield table
        yield Text(_LEGEND, style="dim")


def timescales(
    model: nn.Module | Trace,
    text: Texts | Numbers | None = None,
    *,
    seed: int = 0,
    limit: int = 100_000,
    characters: Sequence[str] | None = None,
) -> Timescales:
    """Measure how long each unit of each layer's memory (c of an LSTM, else h) remembers, in three ways.

    forget
        -1 / mean(ln f) over time, with f the forget gate of an LSTM, or z of a GRU, the share of h that stays: how long
        what the unit holds would last if nothing were added. NaN for other cells.
    autocorrelation
        The first lag at which the autocorrelation of the unit's series is below 1/e, within documents and never across
        them: how long it in fact stays alike. Infinite if it stays above up to the largest lag that can be told, the
        lesser of 5,000 and half of the longest document. NaN for a unit that is constant.
    jacobian
        -1 / ln |lambda|, with lambda the eigenvalue of the layer's mean one-step Jacobian d s_t / d s_{t-1} (s all
        states of the layer, over 500 random places) in whose mode the unit takes most part. The part of a unit u in a
        mode m is |V_um (V^-1)_mu|, V the right eigenvectors (participation factors: Perez-Arriaga, Verghese,
        Schweppe 1982). Unlike the gate, it knows that units feed each other. Infinite if |lambda| is 1 or more. NaN for
        traces, and networks that do not read forward one after another.

    Parameters
    ----------
    model : nn.Module in eval mode, or Trace
        As for `rnnscope.find_units`.
    text : str, Document, Path, File, or a sequence of these
        None for a trace.
    seed : int
        Of the places.
    limit : int
        Steps to read at most; the series of all units over them are held in memory.
    characters
        As for `rnnscope.trace`.

    Returns
    -------
    Timescales

    Raises
    ------
    TextError
        If the text cannot be read, or has fewer than 100 steps.
    ModelError, RecordingError
        If there is no recurrent layer, or values are not finite.
    """
    limit, seed = whole(limit, "limit", 1), whole(seed, "seed")
    wanted = _wanted(model)
    source = open_source(model, text, [str(address) for pair in wanted for address in pair if address], characters)
    if min(len(source), limit) < _FEWEST:
        raise TextError(f"Timescales need at least {_FEWEST} steps; the text has {min(len(source), limit):,}.")
    with progress_bar() as bar, torch.no_grad():
        series, forget = _read(source, wanted, limit, bar)
        jacobian = {} if text is None else _jacobian(model, text, characters, limit, seed, bar)
        tables = [
            _table(source, memory, values, forget.get(memory), jacobian.get(memory), limit)
            for memory, values in series.items()
        ]
    return Timescales(int(min(len(source), limit)), pd.concat(tables, ignore_index=True))


def _wanted(model: object) -> list[tuple[Address, Address | None]]:
    """The memory of each layer, and the gate that keeps it, if there is one."""
    if isinstance(model, Trace):
        nodes: dict[str, dict[str, Address]] = {}
        for address in model.addresses:
            nodes.setdefault(address.node, {})[address.signal] = address
        return [(own.get("c") or own.get("h") or next(iter(own.values())), _keeper(own)) for own in nodes.values()]
    if not isinstance(model, nn.Module):
        raise ModelError(f"A network or a trace was expected; got {type(model).__name__}. rnnscope.load opens a file.")
    found: list[tuple[Address, Address | None]] = []
    layers, signals = recurrent_layers(model), memories(model)
    for path, layer in layers.items():
        own_nodes: dict[str, dict[str, Address]] = {}
        for address in addresses_of(layer, path):
            own_nodes.setdefault(address.node, {})[address.signal] = address
        stock = adapter_of(layer) is None or isinstance(layer, nn.LSTMCell | nn.GRUCell)
        found += [(own[signals[path]], _keeper(own) if stock else None) for own in own_nodes.values()]
    return found


def _keeper(signals: dict[str, Address]) -> Address | None:
    """The gate that says which share of an LSTM's c or a GRU's h stays."""
    if {"i", "f", "g", "o"} <= signals.keys():
        return signals["f"]
    return signals["z"] if {"r", "z", "n"} <= signals.keys() else None


def _read(
    source: Source, wanted: list[tuple[Address, Address | None]], limit: int, bar: Progress
) -> tuple[dict[Address, np.ndarray], dict[Address, np.ndarray]]:
    """The series of each memory, of shape (time, unit), NaN where its layer takes no step; and what its gate says."""
    steps = min(len(source), limit)
    series: dict[Address, np.ndarray] = {}
    logs: dict[Address, tuple[Tensor, int]] = {}
    keepers = {gate for _, gate in wanted if gate}
    task = bar.add_task("reading", total=steps * len(source.addresses))
    for passage in source.passages(everything(source, limit)):
        for address, values in passage.signals.items():
            check_finite(address, values)
            if address in keepers:
                total, count = logs.get(address, (0.0, 0))
                tiny = torch.finfo(values.dtype).tiny
                logs[address] = (
                    total + values.clamp_min(tiny).log().sum(dim=0, dtype=torch.float64),
                    count + len(values),
                )
            else:
                if address not in series:
                    series[address] = np.full((steps, values.shape[1]), np.nan, np.float32)
                series[address][passage.steps] = values.numpy()
            bar.advance(task, len(values))
    means = {address: (total / count).numpy() for address, (total, count) in logs.items()}
    return series, {memory: _decay(means[gate]) for memory, gate in wanted if gate in means}


def _decay(logs: np.ndarray) -> np.ndarray:
    """-1 over logarithms of what is left after a step; infinite where nothing is lost."""
    with np.errstate(divide="ignore"):
        return np.where(logs < 0, -1 / np.minimum(logs, -0.0), np.inf)


def _jacobian(
    model: object, text: Texts | Numbers, characters: Sequence[str] | None, limit: int, seed: int, bar: Progress
) -> dict[Address, np.ndarray]:
    """The timescale of each state's units in the modes in which they take most part, if the network can be stepped."""
    assert isinstance(model, nn.Module)
    try:
        reading = Reading(model, text, characters, limit)
        places = min(_PLACES, int(np.maximum(reading.lengths - 1, 0).sum()))
        stretches = reading.read(reading.random(places, 1, seed), 1, bar)
    except (ModelError, TextError):
        return {}
    sizes = [state.shape[-1] for state in stretches.states]
    mean = stretches.states[0].new_zeros(sum(sizes), sum(sizes))
    one = torch.eye(sum(sizes), dtype=mean.dtype, device=mean.device)
    task = bar.add_task("averaging", total=places)
    for group in torch.arange(places).split(max(1, 2**22 // len(mean) ** 2)):
        states = tuple(state[group] for state in stretches.states)
        _, slopes = stretches.step(stretches.x[0, group], states)
        mean += stretches.step.push(slopes, one.expand(len(group), -1, -1)).sum(dim=0) / places
        bar.advance(task, len(group))
    return _modes(mean.cpu().numpy(), stretches.addresses, sizes)


def _modes(mean: np.ndarray, addresses: Sequence[Address], sizes: Sequence[int]) -> dict[Address, np.ndarray]:
    """By state: each layer has modes of its own, the block of the layer in the mean Jacobian."""
    found: dict[Address, np.ndarray] = {}
    ends = np.cumsum(sizes)
    for node in dict.fromkeys(address.node for address in addresses):
        own = [place for place, address in enumerate(addresses) if address.node == node]
        block = slice(ends[own[0]] - sizes[own[0]], ends[own[-1]])
        values, vectors = np.linalg.eig(mean[block, block])
        part = np.abs(vectors * np.linalg.pinv(vectors).T)
        with np.errstate(divide="ignore"):
            decays = _decay(np.log(np.abs(values)))[part.argmax(axis=1)]
        for place, decay in zip(own, np.split(decays, np.cumsum([sizes[p] for p in own])[:-1]), strict=True):
            found[addresses[place]] = decay
    return found


def _table(
    source: Source,
    memory: Address,
    values: np.ndarray,
    forget: np.ndarray | None,
    jacobian: np.ndarray | None,
    limit: int,
) -> pd.DataFrame:
    taken = ~np.isnan(values[:, 0])
    documents = np.searchsorted(source.starts, np.arange(len(values)), side="right")
    unknown = np.full(values.shape[1], np.nan)
    ways = {
        "forget": unknown if forget is None else forget,
        "autocorrelation": decay_lags(values[taken], documents[taken]),
        "jacobian": unknown if jacobian is None else jacobian,
    }
    units = [source.unit(memory, place).unit for place in range(values.shape[1])]
    table = pd.DataFrame({"signal": str(memory), "unit": units, **ways})
    known = table[[*WAYS]].clip(lower=1)  # what is gone within a step is gone
    longest, shortest = known.max(axis=1), known.min(axis=1)
    table["ratio"] = (longest / shortest).where(longest > shortest, 1.0).where(known.notna().sum(axis=1) > 1)
    table["disagree"] = table["ratio"] > FACTOR
    return table


def _number(value: float) -> str:
    return (
        "-" if np.isnan(value) else "inf" if np.isinf(value) else f"{value:,.3g}" if value < 1000 else f"{value:,.0f}"
    )
