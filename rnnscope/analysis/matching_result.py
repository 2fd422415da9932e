"""Where the units of a span are on together again: a table, a picture, a card."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from rich.cells import cell_len
from rich.columns import Columns
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from rnnscope.recording.address import Address
from rnnscope.shown import Shown
from rnnscope.style import SIGNALS, new_axes, style, title
from rnnscope.text import in_a_line
from rnnscope.tracing.trace import Trace

from .unit_series import as_seen

_AROUND = 12  # steps shown before and after a span
_UNITS = 40  # units listed
_PANELS, _PANEL = 8, 48  # spans in a plot, and steps shown of each


@dataclass(frozen=True, eq=False, repr=False)
class Matches(Shown):
    """Spans through which the units are on that are on through a given one, best first.

    Attributes
    ----------
    trace : Trace
    signal : Address
        Whose units these are.
    threshold : float
        Beyond which a unit is on, either way.
    span : tuple of int
        The given span: its first step in the trace, and the one after its last.
    units : DataFrame
        One row a unit that is on through the given span, indexed by address, the strongest first: ``unit``;
        ``sign``, 1 or -1; and its ``mean`` in the span (of tanh for a cell state).
    table : DataFrame
        One row a found span: the number of its ``document``; ``start`` and ``stop``, steps of the trace;
        ``step``, its first step in the document; ``shared``, how many of the units are on through it, more is
        better; ``others``, the units on through it that are not on, or not with that sign, through the given
        span, fewer is better; ``length`` in steps; and its ``text``.
    """

    trace: Trace
    signal: Address
    threshold: float
    span: tuple[int, int]
    units: pd.DataFrame
    table: pd.DataFrame

    @style()
    def plot(self, ax: Axes | None = None) -> Axes:
        """The units over the given span and the best found ones, with some steps around; on new axes if none are given.

        Lines stand where a span starts and stops; of a long one the first 48 steps are drawn.
        """
        units = self.units.head(_UNITS)
        ax = ax or new_axes("page", 1.3 + 0.11 * len(units))
        values, starts, begins, edges = self._panels(units["unit"].tolist())
        reach = float(np.nanmax(np.abs(values)))
        squashed = "tanh of the value" if self.signal.signal == "c" else "value"
        sns.heatmap(values, vmin=-reach, vmax=reach, cmap=SIGNALS, ax=ax, cbar_kws={"label": squashed, "pad": 0.01})
        ax.vlines(edges, 0, len(units), color="black", linewidth=0.8)
        ax.set_xticks(begins, [f"{start:,}" for start in starts], rotation=90)
        ax.set_yticks(np.arange(len(units)) + 0.5, list(units.index), rotation=0)
        ax.tick_params(axis="y", length=0)
        ax.set(xlabel="step where the span starts", ylabel="unit")
        title(ax, f"On through {self.span[0]:,}:{self.span[1]:,}, and the spans that match")
        return ax

    def _panels(self, units: list[int]) -> tuple[np.ndarray, list[int], list[int], list[int]]:
        """The values (unit, column) side by side; each span's first step and its column; and where the lines stand."""
        series = self.trace[self.signal].sel(unit=units)
        gap = np.full((2, len(units)), np.nan)
        panels, starts, begins, edges = [gap], [], [], []
        for start, stop in [self.span, *self.table[["start", "stop"]].head(_PANELS).to_numpy().tolist()]:
            first, last = surroundings(self.trace, start, min(stop, start + _PANEL), _AROUND)
            place = sum(map(len, panels)) - first
            panels += [as_seen(self.signal, np.asarray(series[first:last], np.float32)), gap]
            starts.append(start)
            begins.append(place + start)
            edges += [place + step for step in (start, stop) if step <= last]
        return np.concatenate(panels).T, starts, begins, edges

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        start, stop = self.span
        yield Text.assemble((str(self.signal), "bold"), f"  steps {start:,} to {stop:,}  threshold {self.threshold:g}")
        excerpt = self._excerpt(console, start, stop, 4 * options.max_width)
        excerpt.no_wrap = False
        yield excerpt
        yield Text(f"\nOn through it, {len(self.units)} of {self.trace[self.signal].sizes['unit']} units:")
        strongest = self.units["mean"].head(_UNITS)
        yield Columns([Text(f"{address} {mean:+.2f}") for address, mean in strongest.items()], padding=(0, 2))
        if len(self.units) > _UNITS:
            yield Text(f"and {len(self.units) - _UNITS} that are weaker")
        if self.table.empty:
            yield Text("\nThere is no other span through which half of them are on together.")
            return
        yield Text("\nWhere they are on together again:")
        columns = self._numbers()
        used = sum(max(map(cell_len, column)) + 2 for column in columns)
        table = Table(box=None, pad_edge=False)
        for heading, *_ in columns:
            table.add_column(heading, justify="left" if heading == "document" else "right", no_wrap=True)
        table.add_column("text", no_wrap=True)
        spans = zip(self.table["start"], self.table["stop"], strict=True)
        for (start, stop), *cells in zip(spans, *(column[1:] for column in columns), strict=True):
            excerpt = self._excerpt(console, start, stop, max(24, options.max_width - used))
            table.add_row(*(Text(cell, overflow="ellipsis") for cell in cells), excerpt)
        yield table

    def _numbers(self) -> list[list[str]]:
        """The columns beside the text, each with its heading."""
        shared = [f"{number}/{len(self.units)}" for number in self.table["shared"]]
        columns = [["shared", *shared]]
        columns += [[name, *(f"{number:,}" for number in self.table[name])] for name in ("others", "length", "step")]
        if len(self.trace.documents) > 1:
            names = [f"{number}  {self.trace.documents[number]}"[:20] for number in self.table["document"]]
            columns.append(["document", *names])
        return columns

    def _excerpt(self, console: Console, start: int, stop: int, room: int) -> Text:
        """A span in the text around it, emphasised; its middle left out where there is no room for it."""
        first, last = surroundings(self.trace, start, stop, min(_AROUND, room // 4))
        before, inside, after = (
            in_a_line(text)
            for text in (self.trace.text_between(*ends) for ends in ((first, start), (start, stop), (stop, last)))
        )
        marks = ("", "") if console.color_system else ("⟨", "⟩")
        room -= len(before) + len(after) + sum(map(len, marks))
        if len(inside) > room:
            inside = f"{inside[: room // 2]}…{inside[len(inside) - (room - room // 2 - 1) :]}"
        parts = (before, marks[0], (inside, "reverse"), marks[1], after)
        return Text.assemble(*parts, no_wrap=True, overflow="ellipsis")


def surroundings(trace: Trace, start: int, stop: int, reach: int) -> tuple[int, int]:
    """A span with so many steps before and after it, of its document."""
    first = max(0, start - reach)
    documents = trace.tree.dataset["document"][first : stop + reach].values
    own = np.flatnonzero(documents == documents[start - first])
    return first + int(own[0]), first + int(own[-1]) + 1
