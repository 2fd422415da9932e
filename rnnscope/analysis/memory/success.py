"""Whether a network does a memory problem at lengths that it was not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from rnnscope.arguments import ascending, whole
from rnnscope.errors import ModelError
from rnnscope.models.network import check_mode
from rnnscope.models.transducer import Transducer
from rnnscope.problems.problem import LONGEST, Problem, generator
from rnnscope.progress import progress_bar
from rnnscope.shown import Shown, card_table
from rnnscope.style import BESIDE, CONTROL, FAINT, legend_below, logarithmic, new_axes, style, title

_FACTORS = (0.25, 0.5, 1, 1.5, 2, 3, 4)
_TOGETHER = 100
"""Sequences that are read side by side."""

_SOLVED = 0.99
_BRANCH = 3
"""Where in the tree of draws these sequences grow; training and its scored parts have 0 to 2."""


@dataclass(frozen=True, eq=False, repr=False)
class TaskSuccess(Shown):
    """How well a network does its problem, by the length. Made by `rnnscope.task_success`.

    Attributes
    ----------
    problem : Problem
    network : str
        Its architecture in words.
    trained : int
        The length of training.
    sequences : int
        Read at each length.
    table : DataFrame
        One row a length, its index. Columns: ``success``, the mean over the sequences by the problem's criterion,
        from 0 to 1, with its standard ``error``; ``chance``, that of what has no memory; ``loss``, in the problem's
        unit, low is good; ``floor``, that of what has no memory.
    """

    problem: Problem
    network: str
    trained: int
    sequences: int
    table: pd.DataFrame

    @property
    def solved(self) -> int | None:
        """The largest length up to which the success is at least 0.99 at each one tried; None if at none."""
        right = self.table["success"].to_numpy() >= _SOLVED
        count = int(np.logical_and.accumulate(right).sum())
        return int(self.table.index[count - 1]) if count else None

    @property
    def _verdict(self) -> str:
        if self.solved is None:
            return f"Success is below {_SOLVED} at the shortest of these."
        times = f"{self.solved / self.trained:.3g} times that of training"
        return f"Success is at least {_SOLVED} at all up to {self.solved:,}, {times}."

    @style()
    def plot(self, ax: Axes | None = None) -> Axes:
        """Success against length, with that of what has no memory; on new axes if none are given."""
        ax = ax or new_axes(height=2.4)
        table = self.table
        ax.axvline(self.trained, color=FAINT, linestyle=":", label="length of training", zorder=0)
        ax.errorbar(table.index, table["success"], yerr=table["error"], marker="o", color=BESIDE, label="network")
        ax.plot(table.index, table["chance"], color=CONTROL, linestyle="--", label=self.problem.forgetful)
        logarithmic(ax)
        ax.set_xticks(table.index, [f"{length:,}" for length in table.index])
        ax.set_xlim(table.index[0] / 1.1, table.index[-1] * 1.1)
        ax.set(xlabel="length (steps)", ylabel=self.problem.criterion, ylim=(-0.03, 1.03))
        title(ax, f"{self.problem.name}: {self.network}")
        legend_below(ax, 1)
        return ax

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        problem = self.problem
        yield Text.assemble((problem.name, "bold"), f"  {problem.about}; {self.network}")
        table = card_table("length", "success", "error", "no memory", "loss", "floor", words=0, gap=2)
        for length, row in self.table.iterrows():
            style = "bold" if length == self.trained else ""
            cells = (f"{length:,}", *(f"{row[name]:.3f}" for name in ("success", "error", "chance")))
            table.add_row(*cells, f"{row['loss']:.4f}", f"{row['floor']:.4f}", style=style)
        yield table
        yield Text(
            f"Success: {problem.criterion}, with its standard error. Loss: {problem.unit}. No memory and floor: "
            f"the same for the best answer without memory ({problem.forgetful}). "
            f"Trained on length {self.trained:,}; {self.sequences:,} sequences at each. {self._verdict}"
        )


def task_success(
    model: object,
    lengths: Sequence[int] | None = None,
    *,
    sequences: int = 500,
    seed: int = 0,
) -> TaskSuccess:
    """Success and loss of a network on its problem at other lengths than that of its training.

    Parameters
    ----------
    model : Transducer
        In eval mode.
    lengths : sequence of int, optional
        What a length is, the problem says; from a quarter of that of the training to four times it if not given.
    sequences : int
        Drawn at each length.
    seed : int
        Of the draws, none of which is in training or its test.

    Returns
    -------
    TaskSuccess

    Raises
    ------
    ModelError
        If the network is no `Transducer`, or in training mode.
    ArgumentError
        If a length, the number of sequences or the seed is no whole number.
    RecipeError
        If the problem has no sequences of a length.

    Examples
    --------
    >>> import torch
    >>> import rnnscope
    >>> from rnnscope.models.transducer import TransducerConfig
    >>> seed = torch.manual_seed(0)
    >>> model = rnnscope.Transducer(TransducerConfig(hidden_size=8, problem="dyck1", length=10)).eval()
    >>> success = rnnscope.task_success(model, [10, 40], sequences=20)
    >>> success.table[["success", "loss", "floor"]].round(1)
            success  loss  floor
    length
    10          0.0   1.9    0.6
    40          0.0   1.8    0.3
    >>> print(success.solved)
    None
    """
    model = check_transducer(model)
    sequences = whole(sequences, "sequences", 1)
    chosen = _lengths(model, lengths)
    rows = []
    with progress_bar("lengths") as bar:
        for length in bar.track(chosen, description="reading"):
            rows.append(_row(model, length, sequences, whole(seed, "seed")))
    table = pd.DataFrame(rows, index=pd.Index(chosen, name="length"))
    return TaskSuccess(model.problem, model.config.words, model.config.length, sequences, table)


def check_transducer(model: object) -> Transducer:
    """The network, if it is a `Transducer` in eval mode.

    Raises
    ------
    ModelError
    """
    if not isinstance(model, Transducer):
        got = getattr(model, "task", type(model).__name__)
        raise ModelError(
            f"A network that was trained on a memory problem was expected (Transducer); got {got}. "
            'Train one with task = "memory-task" in its recipe.'
        )
    check_mode(model)
    return model


def _lengths(model: Transducer, lengths: Sequence[int] | None) -> list[int]:
    """In rising order, each once."""
    if lengths is None:
        least, trained = model.problem.shortest, model.config.length
        return sorted({min(max(least, round(factor * trained)), LONGEST) for factor in _FACTORS})
    chosen = ascending(lengths, "lengths", 1).tolist()
    for length in chosen:
        model.problem.check_length(length)
    return chosen


def _row(model: Transducer, length: int, sequences: int, seed: int) -> dict[str, float]:
    """Loss and success at a length, beside those of what has no memory."""
    sizes = [min(_TOGETHER, sequences - start) for start in range(0, sequences, _TOGETHER)]
    rng = generator(seed, _BRANCH, length)
    rating = model.rate(model.problem.batch(rng, size, length) for size in sizes)
    successes = rating.successes
    return {
        "success": rating.success,
        "error": float(successes.std() / np.sqrt(len(successes))),
        "chance": model.problem.chance(length),
        "loss": rating.loss,
        "floor": model.problem.floor(length),
    }
