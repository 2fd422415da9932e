"""Which unit counts: the one that follows the depth of a string, along a line."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from rnnscope.arguments import whole
from rnnscope.cells import CELLS
from rnnscope.errors import ModelError
from rnnscope.models.transducer import Transducer
from rnnscope.problems.counting import CounterLanguage
from rnnscope.problems.problem import generator
from rnnscope.recording.recorder import record
from rnnscope.shown import Shown, card_table
from rnnscope.style import new_axes, style, title

from .success import check_transducer

_BRANCH = 4
"""Where in the tree of draws these strings grow."""

_SHOWN = 8


@dataclass(frozen=True, eq=False, repr=False)
class CountingUnits(Shown):
    """How each unit follows the depth of strings. Made by `rnnscope.counting_units`.

    Attributes
    ----------
    problem : CounterLanguage
    network : str
        Its architecture in words.
    length, sequences : int
        Of the strings that were read, and how many.
    table : DataFrame
        One row a unit, indexed by its address, the most linear first. ``correlation`` with the depth, from -1 to 1;
        ``linearity``, from 0 to 1: the square of the correlation, times the smaller of the slopes over the lower and
        the upper half of the depths over the largest slope, 0 where the two differ in sign; ``slope``, its change
        for each step of depth. NaN for a unit that does not vary.
    means : DataFrame
        The mean of each unit, a column, at each depth, a row.
    """

    problem: CounterLanguage
    network: str
    length: int
    sequences: int
    table: pd.DataFrame
    means: pd.DataFrame

    @style()
    def plot(self, ax: Axes | None = None, count: int = 3) -> Axes:
        """The mean of the most linear units at each depth, each scaled by its range; on new axes if none are given."""
        ax = ax or new_axes()
        for address in self.table.index[:count]:
            means = self.means[address].to_numpy()
            scaled = (means - means.min()) / max(np.ptp(means), 1e-12)
            linearity = self.table["linearity"][address]
            ax.plot(self.means.index, scaled, marker=".", label=f"{address} ({linearity:.2f})")
        ax.set(xlabel="depth (symbols that are open)", ylabel="mean of the unit, over its range")
        title(ax, f"{self.problem.name}: units that follow the depth")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.legend(title="linearity")
        return ax

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text.assemble((self.problem.name, "bold"), f"  units that follow the depth; {self.network}")
        table = card_table("unit", "linearity", "correlation", "slope", gap=2)
        for address, row in self.table.head(_SHOWN).iterrows():
            table.add_row(str(address), f"{row['linearity']:.3f}", f"{row['correlation']:+.3f}", f"{row['slope']:+.4f}")
        yield table
        yield Text(
            f"Of {len(self.table):,} units, on {self.sequences:,} strings of length {self.length:,}, "
            f"to a depth of {self.means.index.max():,}."
        )


def counting_units(model: object, length: int | None = None, *, sequences: int = 200, seed: int = 0) -> CountingUnits:
    """How well each unit of a network follows the depth of a^n b^n or of brackets.

    The depth is how many more symbols that count up were read than such that count down. All units of h, and of c
    where there is one, are looked at, at all steps of strings that are not in training.

    Parameters
    ----------
    model : Transducer
        Of the problem anbn or dyck1, in eval mode.
    length : int, optional
        Of the strings; that of the training if not given.
    sequences : int
        Of these strings, how many are read.
    seed : int
        Of the draws.

    Returns
    -------
    CountingUnits

    Raises
    ------
    ModelError
        If the network does another problem, or is in training mode.
    ArgumentError
        If a length, the number of sequences or the seed is no whole number.
    RecipeError
        If the problem has no strings of that length.

    Examples
    --------
    >>> import torch
    >>> import rnnscope
    >>> from rnnscope.models.transducer import TransducerConfig
    >>> seed = torch.manual_seed(0)
    >>> model = rnnscope.Transducer(TransducerConfig(hidden_size=8, problem="dyck1", length=10)).eval()
    >>> units = rnnscope.counting_units(model, sequences=20)
    >>> units.table.head(3)[["correlation", "linearity"]].round(1)
            correlation  linearity
    unit
    l0.h.1          0.5        0.2
    l0.c.6         -0.5        0.2
    l0.h.6         -0.5        0.2
    """
    model = check_transducer(model)
    problem = model.problem
    if not isinstance(problem, CounterLanguage):
        raise ModelError(
            f"Units that count are looked for in networks of anbn and dyck1; this one does {problem.name}."
        )
    length = model.config.length if length is None else whole(length, "length", 1)
    problem.check_length(length)
    batch = problem.batch(generator(whole(seed, "seed"), _BRANCH, length), whole(sequences, "sequences", 1), length)
    values = _values(model, batch.inputs, batch.mask)
    depth = problem.depth(batch.inputs)[batch.mask]
    table = follow(values.to_numpy(), depth)
    table.index = values.columns.rename("unit")
    means = pd.DataFrame(values.groupby(pd.Index(depth.astype(int), name="depth")).mean())
    table = table.sort_values("linearity", ascending=False, kind="stable")
    return CountingUnits(problem, model.config.words, length, sequences, table, means)


@torch.no_grad()
def _values(model: Transducer, inputs: np.ndarray, mask: np.ndarray) -> pd.DataFrame:
    """Each unit, a column, at each step of each string, a row."""
    with record(model, [state.name for state in CELLS[model.config.cell].states]) as recording:
        model(torch.from_numpy(inputs).to(model.device))
    columns = {}
    for address in recording:
        values = recording[address].float().cpu().numpy()[mask]
        columns |= {f"{address}.{unit}": values[:, unit] for unit in range(values.shape[1])}
    return pd.DataFrame(columns)


def follow(values: np.ndarray, depth: np.ndarray) -> pd.DataFrame:
    """Correlation, linearity and slope of units over a depth; see `CountingUnits`.

    Parameters
    ----------
    values : array of shape (time, unit)
    depth : array of shape (time,)

    Returns
    -------
    DataFrame with a row for each unit
    """
    values, depth = values.astype(float), depth.astype(float)
    middle = (depth.min() + depth.max()) / 2
    lower, upper = (_slopes(values[half], depth[half]) for half in (depth <= middle, depth >= middle))
    slope = _slopes(values, depth)
    spread = values.std(axis=0)
    correlation = np.where(spread > 1e-6, slope * depth.std() / np.where(spread > 0, spread, 1.0), np.nan)
    sizes = np.abs([lower, upper, slope])
    steady = np.divide(sizes[:2].min(axis=0), sizes.max(axis=0), out=np.zeros_like(slope), where=sizes[2] > 0)
    linearity = correlation**2 * np.where(lower * upper > 0, steady, 0.0)
    return pd.DataFrame({"correlation": correlation, "linearity": linearity, "slope": slope})


def _slopes(values: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Of the regression of each unit on the depth; 0 where the depth does not vary."""
    centred = depth - depth.mean()
    variance = (centred**2).sum()
    return centred @ values / variance if variance > 0 else np.zeros(values.shape[1])
