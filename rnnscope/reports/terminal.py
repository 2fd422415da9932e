"""A unit in the terminal: the text coloured by it, a legend and a sparkline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import xarray as xr
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.style import Style
from rich.table import Table
from rich.text import Text

from rnnscope.analysis.units import UnitRanking, timescale_words
from rnnscope.lines import lines
from rnnscope.recording.address import Address
from rnnscope.shown import Shown
from rnnscope.style import BARS, on_colour

from .scale import Scale

_LEGEND_STEPS = 24


class ColouredText(Shown):
    """A text with each character on the colour of a unit's value there.

    Where the terminal has no colours, a row of bars stands below each line instead.

    Parameters
    ----------
    text : str
    series : DataArray of dims (time,), named by its address
    start : int
        The step of the first character in the trace, for the caption.
    headings : dict of int to str
        What stands above the line that begins with a step of the series, such as the name of a document.
    """

    def __init__(
        self, text: str, series: xr.DataArray, start: int = 0, headings: Mapping[int, str] | None = None
    ) -> None:
        self.text, self.start, self.headings = text, start, headings or {}
        self.values = np.asarray(series, dtype=np.float32)
        self.address = Address.parse(str(series.name))
        self.scale = Scale.of(self.address.signal, self.values)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        coloured = console.color_system in ("256", "truecolor") and not console.no_color
        yield self._caption()
        yield self._legend(coloured)
        yield Text(sparkline(self.values, options.max_width, self.scale))
        yield Text()
        for line in lines(self.text, options.max_width, self.headings):
            if heading := self.headings.get(line[0][0]):
                yield Text(heading, style="dim", no_wrap=True, overflow="ellipsis")
            yield from self._coloured(line) if coloured else self._barred(line)

    def _caption(self) -> Text:
        stop = self.start + len(self.values)
        there = self.values[~np.isnan(self.values)]
        extent = "no value"
        if len(there):
            extent = f"mean {there.mean():+.2f}  min {there.min():+.2f}  max {there.max():+.2f}"
        return Text.assemble((str(self.address), "bold"), f"  steps {self.start:,} to {stop:,}  {extent}")

    def _legend(self, coloured: bool) -> Text:
        values = np.linspace(self.scale.low, self.scale.high, _LEGEND_STEPS if coloured else len(BARS))
        shades = [(" ", self._style(value)) for value in values] if coloured else [bars(values, self.scale)]
        return Text.assemble(f"{self.scale.low:+.2f} ", *shades, f" {self.scale.high:+.2f}")

    def _coloured(self, line: list[tuple[int, str]]) -> Iterator[Text]:
        row = Text(no_wrap=True, end="\n")
        for step, character in line:
            row.append(character, self._style(self.values[step]))
        yield row

    def _barred(self, line: list[tuple[int, str]]) -> Iterator[Text]:
        yield Text("".join(character for _, character in line), no_wrap=True)
        pads = (" " * (cell_len(character) - 1) for _, character in line)
        marks = bars(self.values[[step for step, _ in line]], self.scale).plain
        yield Text("".join(mark + pad for mark, pad in zip(marks, pads, strict=True)), style="dim", no_wrap=True)

    def _style(self, value: float) -> Style:
        if np.isnan(value):
            return Style(dim=True)
        return on_colour(self.scale.rgb(np.asarray(value)))


def bars(values: np.ndarray, scale: Scale) -> Text:
    """A bar a value, from ▁ at the low end of the scale to █ at the high end; a space where there is none."""
    places = np.rint(scale.place(values) * (len(BARS) - 1))
    return Text("".join(" " if np.isnan(place) else BARS[int(place)] for place in places))


def sparkline(values: np.ndarray, width: int, scale: Scale) -> str:
    """A series in one line: means over equal stretches, a space where a stretch has no value."""
    stretches = (stretch[~np.isnan(stretch)] for stretch in np.array_split(values, min(width, len(values))))
    return bars(np.array([stretch.mean() if len(stretch) else np.nan for stretch in stretches]), scale).plain


class SignalOverview(Shown):
    """The most telling units of a signal, each with its sparkline.

    Parameters
    ----------
    series : DataArray of dims (time, unit)
    ranking : UnitRanking
    count : int
        Units a group.
    """

    def __init__(self, series: xr.DataArray, ranking: UnitRanking, count: int = 8) -> None:
        self.series, self.ranking, self.count = series, ranking, count

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        groups = (("Most switch-like", self.ranking.switches), ("Longest memory", self.ranking.longest))
        for title, choose in groups:
            table = Table(box=None, title=title, title_justify="left", title_style="bold", pad_edge=False)
            for name in ("unit", "switch", "on", "timescale"):
                table.add_column(name, justify="left" if name == "unit" else "right", no_wrap=True)
            roomy = options.max_width >= 60
            if roomy:
                table.add_column("over the text", no_wrap=True)
            for row in choose(self.count).reset_index(names="address").to_dict("records"):
                values = self.series.sel(unit=row["unit"]).values
                scale = Scale(float(np.fmin.reduce(values)), float(np.fmax.reduce(values)))
                line = sparkline(values, max(10, options.max_width - 44), scale)
                numbers = (f"{row['switch']:.2f}", f"{row['on']:.0%}", timescale_words(row["timescale"]))
                table.add_row(row["address"], *numbers, *([line] if roomy else []))
            yield table
            yield Text()
