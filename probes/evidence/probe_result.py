"""What a network knows of a concept: the line that a paper needs, a table, a picture, a direction."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from rnnscope.errors import ProbeError
from rnnscope.recording.address import Address
from rnnscope.recording.directions import Directions
from rnnscope.shown import Shown, card_table
from rnnscope.style import CONTROL, FOCUS, legend_below, new_axes, style, title
from rnnscope.text import counted

from .score import ProbeScore

_SHOWN = 3
"""Units that are named, at most."""


@dataclass(frozen=True, eq=False, repr=False)
class ProbeResult(Shown):
    """What can be read of a concept from the units of a network. Made by `rnnscope.probes.probe`.

    Attributes
    ----------
    concept : str
        Its name.
    classes : tuple of str
    units : tuple of str
        The addresses of all units that the probe reads.
    score : ProbeScore
        Of the probe on all units.
    compression : float
        Bits of the labels over those of the online code with the units known, see `MDLProbe`; more is better. The mean
        code of three orders of the groups.
    compressions : (float, float)
        The least and the most of the three.
    frequency_compression : float
        The same by the frequencies of the labels alone.
    k : int or None
        The fewest units, among the numbers in ``table``, that gain 95 % of what all units gain over the majority
        baseline, in cross-validation over the groups to train on; None where all units gain nothing.
    table : DataFrame
        One row a number of units: ``k``; ``accuracy`` on the examples to test on; ``validated``, that in
        cross-validation; ``gain``, the share there of what all units gain over the majority baseline; ``units``, their
        addresses, in the order in which they were chosen. The last row is that of all units.
    single : str or None
        The one unit that tells two classes apart best by a threshold, see `SingleUnitProbe`; None for more classes.
    single_accuracy : float
        Of that threshold on the examples to test on; NaN for more classes.
    weights : array of shape (direction, unit)
        Of the probe on all units: what a class's log-chance gains by each unit. One row for two classes.
    mean, std : arrays of shape (unit,)
        Of the units over the examples to train on.
    """

    concept: str
    classes: tuple[str, ...]
    units: tuple[str, ...]
    score: ProbeScore
    compression: float
    compressions: tuple[float, float]
    frequency_compression: float
    k: int | None
    table: pd.DataFrame
    single: str | None
    single_accuracy: float
    weights: np.ndarray
    mean: np.ndarray
    std: np.ndarray

    @property
    def line(self) -> str:
        """What a paper needs, in a line."""
        low, high = self.compressions
        return (
            f"{self.concept} from {_of_signals(self.units)}: {self.score.line}, compression {self.compression:.1f} "
            f"({low:.1f} to {high:.1f}, labels alone {self.frequency_compression:.1f}), {self._fewest()}"
        )

    def directions(self) -> Directions:
        """The directions that the probe reads, to be searched, ablated or clamped: see `rnnscope.along`.

        The signal ``probe`` of the layer, a whole basis. For two classes its first unit is high where the second class
        is; for K classes the first K - 1 are the probe's, those that tell most first. The others are random, at right
        angles to these, and serve as controls. They are directions of units each divided by its standard deviation.

        Raises
        ------
        ProbeError
            If the probe did not read the units of one signal, all of them.
        """
        addresses = [Address.parse(unit) for unit in self.units]
        whole = addresses[0].whole
        if addresses != [whole.of(unit) for unit in range(len(addresses))]:
            raise ProbeError(
                f"A probe's direction is one of one whole signal; this probe reads {_of_signals(self.units)}. Name one "
                f"whole signal as its units, such as {whole}."
            )
        scale = np.where(self.std > 0, self.std, 1.0)
        vectors = self.weights * scale
        if len(vectors) > 1:
            vectors = np.linalg.svd(vectors - vectors.mean(axis=0), full_matrices=False)[2][: len(self.classes) - 1]
        others = np.random.default_rng(0).standard_normal((len(scale) - len(vectors), len(scale)))
        return Directions.spanning(str(whole), "probe", np.vstack((vectors, others)), self.mean, scale)

    @style()
    def plot(self, ax: Axes | None = None) -> Axes:
        """Accuracy against the number of units, with the baselines as lines; on new axes if none are given."""
        ax = ax or new_axes(height=2.6)
        ax.plot(self.table["k"], self.table["accuracy"], "o-", color=FOCUS)
        for value, words, dashes in self._baselines():
            ax.axhline(value, color=CONTROL, linewidth=0.8, linestyle=dashes, zorder=0, label=f"{words} {value:.3f}")
        ax.set_xscale("log", base=2)
        ax.set_xticks(self.table["k"], [f"{k:,}" for k in self.table["k"]])
        ax.set(xlabel="units", ylabel="accuracy")
        title(ax, f"{self.concept} from {_of_signals(self.units)}")
        legend_below(ax, 2)
        return ax

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(self.line, style="bold")
        single = f", a threshold on {self.single} {self.single_accuracy:.3f}" if self.single else ""
        yield Text(
            f"Read: {self.score.what}. {self.score.division} Balanced accuracy {self.score.balanced:.3f}, "
            f"{self.score.controlled}{single}."
        )
        yield self._curve()

    def _curve(self) -> Table:
        table = card_table("units", "accuracy", "validated", "gain", words=0)
        table.add_column("which")
        for row in self.table.to_dict("records"):
            gain = "-" if np.isnan(row["gain"]) else f"{row['gain']:.0%}"
            validated = "-" if np.isnan(row["validated"]) else f"{row['validated']:.3f}"
            which = "all" if row["k"] == len(self.units) else _first(row["units"], _SHOWN)
            table.add_row(f"{row['k']:,}", f"{row['accuracy']:.3f}", validated, gain, which)
        return table

    def _fewest(self) -> str:
        if self.k is None:
            return "no k: in cross-validation nothing is gained over the majority"
        row = self.table.set_index("k").loc[self.k]
        which = "all" if self.k == len(self.units) > 1 else _first(row["units"], _SHOWN)
        return f"k {self.k:,} with {row['accuracy']:.3f} ({which})"

    def _baselines(self) -> list[tuple[float, str, str]]:
        score = self.score
        lines = [(score.accuracy, "all units", "-"), (score.untrained, "untrained", "--")]
        lines += [(score.control, "control task", "-."), (score.majority, "majority", ":")]
        return [line for line in lines if not np.isnan(line[0])]


def _first(units: tuple[str, ...], most: int) -> str:
    """The first of some units, by their names."""
    return ", ".join((*units[:most], "...") if len(units) > most else units)


def _of_signals(units: tuple[str, ...]) -> str:
    """Units in words: by their names, or how many of which signals."""
    if len(units) <= 3:
        return ", ".join(units)
    counts = Counter(unit.rpartition(".")[0] for unit in units)
    if len(set(counts.values())) == 1:
        each = " each" if len(counts) > 1 else ""
        return f"{counted(len(units) // len(counts), 'unit')}{each} of {', '.join(counts)}"
    return " and ".join(f"{counted(count, 'unit')} of {signal}" for signal, count in counts.items())
