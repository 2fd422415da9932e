"""What has been found of how long units remember: tables, a picture, a card."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, SymmetricalLogLocator
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from rnnscope.shown import Shown, card_table
from rnnscope.style import CONTROL, INK, colours, new_axes, style

_LONGEST = 10
"""Units on the card."""


@dataclass(frozen=True, eq=False, repr=False)
class ForgettingTimes(Shown):
    """How many steps each unit keeps the difference between two pasts. Made by `rnnscope.forgetting_times`.

    Attributes
    ----------
    horizon : int
        Steps that were read. A time is infinite where the difference outlasted them.
    table : DataFrame
        One row a unit of h, and of c where there is one, indexed by address. Columns: ``signal``; ``median``,
        the steps until it has forgotten, over places, with the quartiles ``lower`` and ``upper``;
        ``censored``, the share of places where it had not at the horizon. NaN for a unit that does not vary.
    times : dict of str to float array of shape (place, unit)
        The times themselves, by the address of the signal.
    text : str
        How much was read.
    """

    horizon: int
    table: pd.DataFrame
    times: dict[str, np.ndarray]
    text: str

    @property
    def summary(self) -> pd.DataFrame:
        """One row a signal, indexed by address.

        Columns: ``units`` that vary; ``constant``, those that do not; of the units' medians the
        ``median``, the quartiles ``lower`` and ``upper``, and the ``longest``, in steps; ``beyond``, the
        units whose median is more than the horizon.
        """
        rows = {}
        for signal, table in self.table.groupby("signal", sort=False):
            medians = table["median"].dropna().to_numpy()
            quartiles = (0.25, 0.5, 0.75)
            found = np.quantile(medians, quartiles, method="inverted_cdf") if len(medians) else [np.nan] * 3
            rows[signal] = {
                "units": len(medians),
                "constant": len(table) - len(medians),
                "median": found[1],
                "lower": found[0],
                "upper": found[2],
                "longest": medians.max() if len(medians) else np.nan,
                "beyond": np.count_nonzero(np.isinf(medians)),
            }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("signal")

    @property
    def longest(self) -> pd.DataFrame:
        """The table, the units that remember longest first."""
        keys = ["median", "censored", "upper", "lower"]
        return self.table.dropna(subset="median").sort_values(keys, ascending=False, kind="stable")

    @style()
    def plot(self, ax: Axes | None = None) -> Axes:
        """The units of each signal in the order of their medians, over their quartiles; on new axes if not given."""
        ax = ax or new_axes(height=2.5)
        top = 1.15 * self.horizon
        for signal, colour in colours(list(self.times)).items():
            rows = self.table.query("signal == @signal").dropna(subset="median").sort_values("median")
            share = 100 * (np.arange(len(rows)) + 0.5) / max(len(rows), 1)
            lower, upper = rows["lower"].clip(upper=top), rows["upper"].clip(upper=top)
            ax.vlines(share, lower, upper, color=colour, alpha=0.25, linewidth=0.8)
            ax.plot(share, rows["median"].clip(upper=top), color=colour, label=signal)
        ax.axhline(self.horizon, color=CONTROL, linewidth=0.8, linestyle="--", zorder=0)
        ax.annotate("horizon", (0, self.horizon), (2, -1), textcoords="offset points", va="top", color=INK, fontsize=6)
        ax.set_yscale("symlog", linthresh=1)
        ax.yaxis.set_major_locator(SymmetricalLogLocator(base=10, linthresh=1, subs=(1, 2, 5)))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:,g}"))
        ax.set(
            xlabel="units (%, in the order of their medians)",
            ylabel="steps until forgotten",
            title="How long units remember",
        )
        ax.set(xlim=(0, 100), ylim=(0.7 * max(0, self.table["lower"].min()), 1.4 * self.horizon))
        ax.legend(loc="lower right")
        return ax

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text("Forgetting times", style="bold")
        yield Text(
            "Steps until two runs over the same text, from different states, differ at a unit by at most 1 % of its "
            f"standard deviation, for good, within {self.horizon:,} steps. {self.text}"
        )
        yield self._summary()
        yield Text("The units that remember longest:")
        yield self._units()

    def _summary(self) -> Table:
        table = card_table("signal", "units", "median", "quartiles", "longest", f"beyond\n{self.horizon:,}", gap=2)
        for row in self.summary.reset_index().to_dict("records"):
            spread = f"{self._steps(row['lower'])} to {self._steps(row['upper'])}"
            median, longest = self._steps(row["median"]), self._steps(row["longest"])
            table.add_row(row["signal"], f"{row['units']:,.0f}", median, spread, longest, f"{row['beyond']:,.0f}")
        return table

    def _units(self) -> Table:
        table = card_table("unit", "median", "quartiles", f"places\nbeyond {self.horizon:,}", gap=2)
        for row in self.longest.head(_LONGEST).reset_index().to_dict("records"):
            spread = f"{self._steps(row['lower'])} to {self._steps(row['upper'])}"
            table.add_row(row["unit"], self._steps(row["median"]), spread, f"{row['censored']:.0%}")
        return table

    def _steps(self, value: float) -> str:
        if np.isnan(value):
            return "-"
        return f">{self.horizon:,}" if np.isinf(value) else f"{value:,.0f}"
