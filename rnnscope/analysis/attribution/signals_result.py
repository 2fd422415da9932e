"""What a target owes to the units of a signal: a table, a picture, a card."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from rnnscope.recording.address import Address
from rnnscope.shown import Shown, card_table
from rnnscope.style import SIGNALS, SMALLEST, label, new_axes, style, title
from rnnscope.text import in_a_line

from .shading import extent

_MEANINGS = {
    "gradient": "By how much the target changes with a unit at a step, through all later steps too.",
    "gradient-x-activation": "A unit's value at a step, times how much the target changes with it, through all later "
    "steps too. A state holds what came before it: sums over steps count things many times.",
    "integrated-gradients": "What a unit does at a step besides its effect on the same signal at later steps. "
    "The scores add up over units and steps.",
    "conductance": "The part of the characters' integrated gradients that passes through a unit at a step. What it "
    "carries passes through it at each step: sums over steps count it many times.",
}

_SHOWN, _DRAWN = 8, 24
"""Units of the card, and of the picture."""

_NAMED = 100
"""Steps of the longest text whose characters are written below the picture."""


@dataclass(frozen=True, eq=False, repr=False)
class UnitAttribution(Shown):
    """What a target owes to each unit of a signal at each step. Made by `rnnscope.attribute_units`.

    Attributes
    ----------
    signal : str
        Its address.
    target, method : str
    how : str
        What the method was given that its name does not say.
    value : float
        The target for the text.
    gap : float
        By how much the sum of all scores is above what integrated gradients promise, in the unit of the target; NaN for
        the other methods, which promise nothing.
    characters : tuple of str
        One for each step.
    scores : float64 array of shape (time, unit)
        In the unit of the target, for a gradient in that per unit of the signal. Above 0 where it speaks for the
        target.
    values : float64 array of shape (time, unit)
        Of the signal.
    """

    signal: str
    target: str
    method: str
    how: str
    value: float
    gap: float
    characters: tuple[str, ...]
    scores: np.ndarray
    values: np.ndarray

    @property
    def table(self) -> pd.DataFrame:
        """One row a unit, indexed by address, those that carry most first.

        Columns: ``score``, the one of the largest size, ``step`` and ``character`` where it is, ``value`` of the unit
        there; ``mean``, the mean size of its scores; ``sum`` of them over steps, which counts things many times but for
        integrated gradients.
        """
        steps = np.abs(self.scores).argmax(axis=0)
        units = np.arange(self.scores.shape[1])
        rows = pd.DataFrame(
            {
                "score": self.scores[steps, units],
                "step": steps,
                "character": [self.characters[step] for step in steps],
                "value": self.values[steps, units],
                "mean": np.abs(self.scores).mean(axis=0),
                "sum": self.scores.sum(axis=0),
            },
            index=pd.Index([f"{self.signal}.{unit}" for unit in units], name="unit"),
        )
        return rows.sort_values("score", key=np.abs, ascending=False, kind="stable")

    @property
    def title(self) -> str:
        return f"{self.target}: what it owes to {self.signal}, by {self.method}"

    @style()
    def plot(self, ax: Axes | None = None) -> Axes:
        """The units that carry most against the text; on new axes if none are given."""
        rows = self.table.head(_DRAWN)
        ax = ax or new_axes("page", 1.1 + 0.13 * len(rows))
        shown = pd.DataFrame(self.scores.T, index=[f"{self.signal}.{unit}" for unit in range(self.scores.shape[1])])
        shown = shown.loc[rows.index]
        width = extent(shown.to_numpy())
        names = list(map(label, self.characters))
        few = len(names) <= _NAMED
        sns.heatmap(
            shown, vmin=-width, vmax=width, cmap=SIGNALS, ax=ax, yticklabels=True,
            xticklabels=names if few else "auto", cbar_kws={"label": "score", "pad": 0.01},
        )  # fmt: skip
        ax.tick_params(axis="both", length=0, pad=2)
        ax.tick_params(axis="x", rotation=0, labelsize=SMALLEST if few else None, labelfontfamily="monospace")
        ax.set(xlabel="text" if few else "step", ylabel="unit")
        title(ax, self.title)
        return ax

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(self.title, style="bold")
        adds = "" if np.isnan(self.gap) else f" They add up to {self.scores.sum():+.3f}, within {abs(self.gap):.2g}."
        how = f" ({self.how})" if self.how else ""
        yield Text(f"Value {self.value:+.3f}{how}. {_MEANINGS[self.method]}{adds}")
        yield Text()
        table = card_table("unit", "score", "at step", gap=2)
        table.add_column("read", overflow="fold")
        for name in ("value", "mean size"):
            table.add_column(name, justify="right", no_wrap=True)
        for row in self.table.head(_SHOWN).reset_index().to_dict("records"):
            table.add_row(
                row["unit"], f"{row['score']:+.4f}", f"{row['step']:,}", self._context(row["step"]),
                f"{row['value']:+.3f}", f"{row['mean']:.4f}",
            )  # fmt: skip
        yield table

    def _context(self, step: int) -> Text:
        """The text about a step, as far as it had been read; of a layer that reads backward, from there on."""
        backward = Address.parse(self.signal).reverse
        names = self.characters[step : step + 16] if backward else self.characters[max(0, step - 15) : step + 1]
        apart = " " if any(len(name) > 1 for name in names) else ""
        text = apart.join(map(in_a_line, names))
        return Text(text[:16] if backward else text[-16:])
