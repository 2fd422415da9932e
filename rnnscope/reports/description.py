"""What is known of a unit without asking for it, on a card."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from rnnscope.analysis.contexts import Contexts, top_contexts
from rnnscope.analysis.explanations import Explanation, explain
from rnnscope.analysis.responses import Responses, often_enough, responses
from rnnscope.analysis.unit_series import UnitSeries
from rnnscope.analysis.units import UnitRanking, event_name, rank_units, timescale_words
from rnnscope.concept import Concept
from rnnscope.recording.address import Address
from rnnscope.shown import Shown, card_html
from rnnscope.style import CONTROL, given_panels, new_panels, style
from rnnscope.text import counted
from rnnscope.tracing.trace import Trace, check_trace

from .notebook import trace_html
from .scale import Scale
from .terminal import bars

_RANKED = ("switch", "counter", "timescale")
_BINS = 30
"""Of the histogram in a picture."""


@dataclass(frozen=True, eq=False, repr=False)
class UnitCard(Shown):
    """All that can be said of one unit from a trace.

    In a notebook the trace stands below the card, opened at the unit.

    Attributes
    ----------
    trace : Trace
    address : str
    values : float32 array
        The unit at the steps that the layer takes.
    ranking : UnitRanking
        Of all units of the signal.
    responses : Responses
    contexts : Contexts
    explanation : Explanation or None
    """

    trace: Trace
    address: str
    values: np.ndarray
    ranking: UnitRanking
    responses: Responses
    contexts: Contexts
    explanation: Explanation | None

    @property
    def table(self) -> pd.DataFrame:
        """The unit's row of the ranking."""
        return self.ranking.table.loc[[self.address]]

    @property
    def row(self) -> dict[str, Any]:
        """The same as a dict."""
        return self.table.iloc[0].to_dict()

    @property
    def ranks(self) -> dict[str, int | None]:
        """The unit's place among those of its signal, from 1 on, by each measure; None where it cannot be told."""
        order = self.ranking.table[list(_RANKED)].rank(ascending=False, method="min").loc[self.address]
        return {name: None if np.isnan(order[name]) else int(order[name]) for name in _RANKED}

    @style()
    def plot(self, ax: Sequence[Axes] | None = None) -> list[Axes]:
        """How often each value is taken, what changes it, and where it is highest and lowest.

        On three new axes if none are given; the second and third picture are those of `Responses` and `Contexts`.
        """
        panels = new_panels(1, 3, height=2.6) if ax is None else given_panels(ax, 3)
        panels[0].hist(self.values, _BINS, color=CONTROL)
        panels[0].set(xlabel="value of the unit", ylabel="steps", title=self.address)
        self.responses.plot(panels[1])
        self.contexts.plot(panels[2])
        panels[1].set_title("What changes it")
        panels[2].set_title("Where it is highest and lowest")
        return panels

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        kind = "" if self.row["kind"] == "-" else f", a {_IN_WORDS[self.row['kind']]}"
        yield Text.assemble((self.address, "bold"), f"{kind}  {counted(len(self.values), 'step')}")
        yield from self._histogram(max(8, min(60, options.max_width - 20, 2 * int(len(self.values) ** 0.5))))
        yield self._measures()
        for title, part in (
            ("Mean change at a character", self.responses),
            ("Where it is highest and lowest", self.contexts),
            ("When it is on, over the concepts", self.explanation),
        ):
            if part is not None:
                yield Text(f"\n{title}", style="bold")
                yield part

    def _repr_html_(self) -> str:
        return card_html(self) + trace_html(self.trace, self.address)

    def _histogram(self, bins: int) -> Iterator[Text]:
        """How often each value is taken, from the lowest to the highest; a bar is as high as the root of the count."""
        low, high = float(self.values.min()), float(self.values.max())
        if low == high:
            yield Text(f"always {low:+.2f}")
            return
        counts = np.sqrt(np.histogram(self.values, bins, (low, high))[0])
        yield Text(f"{low:+.2f} {bars(counts, Scale(0.0, float(counts.max()))).plain} {high:+.2f}")

    def _measures(self) -> Table:
        row, units = self.row, len(self.ranking.table)
        table = Table(box=None, pad_edge=False, show_header=False)
        words = (
            f"{row['switch']:.2f}, on {row['on']:.0%} of the steps, its rarer mode {row['dwell']:,.0f} at a time",
            Text(f"{row['counter']:.2f} from ").append_text(event_name(row["event"])) if row["event"] else "-",
            f"{timescale_words(row['timescale'])} steps" if row["timescale"] > 0 else "cannot be told",
        )
        for name, said in zip(_RANKED, words, strict=True):
            rank = self.ranks[name]
            table.add_row(name, said, Text(f"{rank} of {units}" if rank else "", style="dim"))
        return table


_IN_WORDS = {"switch": "switch", "counter": "counter", "slow": "slow unit"}


def describe_unit(trace: Trace, unit: str | Address, concepts: Concept | Sequence[Concept] = ()) -> UnitCard:
    """The card of one unit of a trace, read once from its start to its end.

    Parameters
    ----------
    trace : Trace
    unit : str or Address
        The unit's address.
    concepts : Concept, or a sequence of these
        What the unit may be explained by.

    Returns
    -------
    UnitCard

    Raises
    ------
    TraceError
        If it is no trace.
    AddressError, TextError, ConceptError

    Examples
    --------
    >>> import rnnscope.trained
    >>> model = rnnscope.load(rnnscope.trained.path("prose-lstm"))
    >>> text = '"You are late," said Anna, and sat down. "I know."\\n' * 20
    >>> card = rnnscope.describe_unit(rnnscope.trace(model, text), "l0.c.170")
    >>> card.row["kind"]
    'switch'
    """
    read = UnitSeries.read(check_trace(trace)[unit])
    there = {"document": ("time", read.document), "codepoint": ("time", read.codes)}
    series = xr.DataArray(read.values, dims="time", coords=there, name=str(read.address))
    return UnitCard(
        trace,
        str(read.address),
        read.values[read.steps],
        rank_units(trace[read.address.whole]),
        responses(series, fewest=often_enough(len(trace))),
        top_contexts(series),
        explain(series, concepts) if concepts else None,
    )
