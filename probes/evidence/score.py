"""A probe's accuracy with what stands beside it: a line, a table, a picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from rnnscope.shown import Shown
from rnnscope.style import CONTROL, FOCUS, new_axes, style, title


@dataclass(frozen=True, eq=False, repr=False)
class ProbeScore(Shown):
    """A probe's accuracy on groups that it was not trained on. Made by `rnnscope.probes.evaluate`.

    Attributes
    ----------
    accuracy : float
        From 0 to 1, as all that follow.
    low, high : float
        Its 95 % interval, by a bootstrap over the groups that it was tested on; NaN if there is one.
    balanced : float
        Balanced accuracy: the mean over the classes of how many of their examples are found. It does not profit from
        a class that is frequent.
    majority : float
        The accuracy of who always says the most frequent class of the training examples.
    control : float
        The accuracy of the same probe trained on a control task, where each type of example has one random label.
    by_heart : float
        What there is to be had in the control task: the accuracy of who knows by heart the labels of all types that
        were trained on, and says the most frequent class of others.
    untrained : float
        The accuracy of the same probe on an untrained network; NaN if there is none.
    trained_on, tested_on, groups : int
        Examples to train and to test on, and groups of the latter.
    what : str
        What was read.
    """

    accuracy: float
    low: float
    high: float
    balanced: float
    majority: float
    control: float
    by_heart: float
    untrained: float
    trained_on: int
    tested_on: int
    groups: int
    what: str

    @property
    def selectivity(self) -> float:
        """Accuracy less that on the control task (Hewitt & Liang, 2019).

        High where the probe reads what is there; near 0 where it could as well have learned any labels by heart.
        Below 0 where the types can be read from the units more easily than the task.
        """
        return self.accuracy - self.control

    @property
    def table(self) -> pd.DataFrame:
        """One row a figure, with the interval ``low`` to ``high`` where there is one."""
        names = ("accuracy", "balanced", "majority", "untrained", "control", "by_heart", "selectivity")
        rows = [(getattr(self, name), np.nan, np.nan) for name in names]
        rows[0] = (self.accuracy, self.low, self.high)
        return pd.DataFrame(rows, pd.Index(names, name="figure"), ["value", "low", "high"])

    @property
    def line(self) -> str:
        """What a paper needs, in a line."""
        interval = "" if np.isnan(self.low) else f" ({self.low:.3f} to {self.high:.3f})"
        untrained = "" if np.isnan(self.untrained) else f", untrained {self.untrained:.3f}"
        return (
            f"accuracy {self.accuracy:.3f}{interval}, majority {self.majority:.3f}{untrained}, "
            f"selectivity {self.selectivity:.3f}"
        )

    @property
    def controlled(self) -> str:
        """The control task, in words."""
        return f"control task {self.control:.3f} (by heart {self.by_heart:.3f})"

    @property
    def division(self) -> str:
        """How much was trained and tested on, in a sentence."""
        return (
            f"Trained on {self.trained_on:,} examples, tested on {self.tested_on:,} in {self.groups:,} other "
            f"group{'s' if self.groups > 1 else ''}."
        )

    @style()
    def plot(self, ax: Axes | None = None) -> Axes:
        """The accuracies, the probe's with its interval; on new axes if none are given."""
        rows = self.table["value"].drop(["balanced", "by_heart", "selectivity"]).dropna()
        ax = ax or new_axes(height=0.8 + 0.16 * len(rows))
        ax.plot(rows, np.arange(len(rows)), "D", color=CONTROL)
        reach = [[self.accuracy - self.low], [self.high - self.accuracy]]
        ax.errorbar(self.accuracy, 0, xerr=reach, fmt="D", color=FOCUS, markersize=4)
        names = {"accuracy": "probe"}
        ax.set_yticks(np.arange(len(rows)), [names.get(str(name), str(name).replace("_", " ")) for name in rows.index])
        ax.set_ylim(len(rows) - 0.5, -0.5)
        ax.set(xlabel="accuracy", ylabel="told by")
        title(ax, self.what)
        return ax

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(self.line, style="bold")
        yield Text(f"Read: {self.what}. {self.division} Balanced accuracy {self.balanced:.3f}, {self.controlled}.")
