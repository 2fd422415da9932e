"""One style for all pictures: sizes for a paper, colours that people with any colour vision can tell apart.

    @style()
    def plot(self, ax: Axes | None = None) -> Axes:
        ax = ax or new_axes(height=2.2)

Nothing outside changes: matplotlib's settings are what they were when the block or function ends. Text in an SVG or a
PDF stays text, so that it can be searched, read aloud and edited; the font is DejaVu Sans, which comes with matplotlib
and is wide, so that labels keep their room where another one has to stand in for it.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import cycle
from textwrap import fill
from typing import Any, Literal

import matplotlib
import seaborn as sns
from cycler import cycler
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure, SubFigure
from matplotlib.ft2font import FT2Font
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from matplotlib.transforms import ScaledTranslation
from rich.style import Style

from .errors import ReportError
from .text import Vocabulary, in_a_line

Width = Literal["column", "page"]

WIDTHS: dict[Width, float] = {"column": 3.3, "page": 6.9}
"""Inches of a column of a paper, and of its page."""

SIGNALS = matplotlib.colormaps["PuOr_r"]
"""Values about zero: purple is low, white is the middle, orange is high (Brewer 2003)."""

AMOUNTS = matplotlib.colormaps["viridis"]
"""Values that have no middle, such as probabilities: from dark to light."""

FOCUS, BESIDE = "#d55e00", "#0173b2"
"""What a picture is about, such as a unit; and what it is set beside, such as the network as it is."""

CONTROL, FAINT, PALE, INK = "#949494", "#bbbbbb", "#e4e4e4", "#333333"
"""Controls and baselines; lines at zero or chance; bands; and text or curves that are nobody's."""

CELLS = {"lstm": "#0173b2", "gru": "#de8f05", "rnn": "#029e73"}
"""The colour of a kind of network."""

CATEGORIES: tuple[str, ...] = (
    "#0173b2",
    "#de8f05",
    "#029e73",
    "#d55e00",
    "#cc78bc",
    "#ca9161",
    "#56b4e9",
    "#ece133",
    "#fbafe4",
)
"""Colours of things that have none of their own; seaborn's colour-blind palette without its grey."""

SMALLEST = 5.5
"""Points of the smallest type."""

BARS = "▁▂▃▄▅▆▇█"
"""Values from low to high, where a terminal has no colours."""


@contextmanager
def style() -> Iterator[None]:
    """The settings of matplotlib under which pictures are made and written; usable as a decorator."""
    with matplotlib.rc_context(_settings()):
        yield


@cache
def _settings() -> Any:
    return {
        **sns.axes_style("ticks"),
        **sns.plotting_context("paper", font_scale=0.75),
        "font.sans-serif": ["DejaVu Sans"],
        "axes.linewidth": 0.6,
        "axes.titlesize": 7.5,
        "axes.titlepad": 5,
        "axes.labelpad": 2.5,
        "axes.axisbelow": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.prop_cycle": cycler(color=CATEGORIES),
        "grid.color": "#eeeeee",
        "grid.linewidth": 0.6,
        "legend.frameon": False,
        "legend.handlelength": 1.5,
        "lines.linewidth": 1.1,
        "lines.markersize": 3.5,
        "errorbar.capsize": 1.8,
        **{f"{axis}tick.major.{what}": size for axis in "xy" for what, size in (("size", 2.5), ("width", 0.6))},
        **{f"{axis}tick.minor.{what}": size for axis in "xy" for what, size in (("size", 1.5), ("width", 0.4))},
        **{f"{axis}tick.major.pad": 2 for axis in "xy"},
        "savefig.dpi": 300,
        "pdf.fonttype": 42,
        "svg.fonttype": "none",
        "svg.hashsalt": "rnnscope",
    }


class Picture(Figure):
    """A figure that is written in the style in which it was drawn, and that shows itself in a notebook."""

    @style()
    def savefig(self, fname: Any, **options: Any) -> None:
        super().savefig(fname, **options)

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        self.savefig(file, format="png", dpi=144)
        return file.getvalue()


def new_figure(width: Width | float = "column", height: float = 2.2) -> Picture:
    """An empty figure of a paper's width, or of so many inches; its height in inches."""
    inches = WIDTHS[width] if isinstance(width, str) else width
    return Picture(figsize=(inches, height), layout="constrained")


@style()
def new_axes(width: Width | float = "column", height: float = 2.2) -> Axes:
    """New axes on a figure of their own."""
    return _settled(new_figure(width, height).subplots())


@style()
def new_panels(
    rows: int = 1, columns: int = 1, width: Width | float = "page", height: float = 2.2, **subplots: Any
) -> list[Axes]:
    """New axes on one figure, row by row; more options as for matplotlib's ``Figure.subplots``."""
    grid = new_figure(width, height).subplots(rows, columns, squeeze=False, **subplots)
    return [_settled(ax) for ax in grid.flat]


def given_panels(ax: Iterable[Axes], count: int) -> list[Axes]:
    """The axes that a picture of so many panels was given.

    Raises
    ------
    ReportError
        If they are not as many.
    """
    panels: list[Axes] = list(ax) if isinstance(ax, Iterable) else [ax]
    if len(panels) != count:
        raise ReportError(
            f"This picture has {count} panels, and draws on a sequence of {count} axes, such as those of "
            f"figure.subplots(1, {count}); got {len(panels)}."
        )
    return panels


def figure_of(ax: Axes | Sequence[Axes] | Figure) -> Figure:
    """The figure that a ``.plot()`` has drawn, whatever it returned: axes, several of them, or the figure itself."""
    if isinstance(ax, Figure):
        return ax
    return (ax if isinstance(ax, Axes) else ax[0]).get_figure(root=True)  # pyright: ignore[reportReturnType]


def colours(names: Sequence[str]) -> dict[str, str]:
    """A colour for each name: that of its kind of cell where it says one, to the first of several; then the others."""
    free = list(CATEGORIES)
    found: dict[str, str] = {}
    for name in names:
        kind = next((kind for kind in CELLS if re.search(rf"(?<![a-z]){kind}(?![a-z])", name.lower())), None)
        if kind and CELLS[kind] in free:
            found[name] = CELLS[kind]
            free.remove(found[name])
    others = cycle(free or CATEGORIES)
    return {name: found.get(name) or next(others) for name in names}


def ink(colour: Iterable[Any]) -> Literal["white", "black"]:
    """What can be read on a colour, given as red, green and blue from 0 to 255."""
    red, green, blue, *_ = map(int, colour)
    return "white" if 0.299 * red + 0.587 * green + 0.114 * blue < 128 else "black"


def on_colour(colour: Iterable[Any]) -> Style:
    """The same for a terminal: a character on a colour."""
    red, green, blue, *_ = map(int, colour)
    return Style(color="bright_white" if ink(colour) == "white" else "black", bgcolor=f"rgb({red},{green},{blue})")


def title(ax: Axes, text: str) -> None:
    """Put a title over axes, in as many lines as it takes; text that is data is safe in it."""
    figure: Figure | SubFigure = ax.figure
    inches = ax.get_position().width * figure.bbox.width / ax.get_figure(root=True).dpi  # pyright: ignore
    wide = 0.55 * matplotlib.rcParams["font.size"] / 72
    ax.set_title(label(fill(in_a_line(text), max(16, int(inches / wide)))))


def logarithmic(ax: Axes, axes: str = "x") -> None:
    """Make the axes logarithmic, ``"x"``, ``"y"`` or ``"xy"``, with plain numbers; after everything is drawn."""
    for name in axes:
        axis: Axis = getattr(ax, f"{name}axis")
        ax.set(**{f"{name}scale": "log"})
        low, high = axis.get_view_interval()
        axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 100 * low else (1,)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
        axis.set_minor_formatter(NullFormatter())


def legend_below(ax: Axes, columns: int = 2, **options: Any) -> None:
    """A legend under the label of the x-axis."""
    ticks = max((text.get_fontsize() for text in ax.get_xticklabels()), default=0)
    points = 7 + 1.2 * ticks + 1.3 * ax.xaxis.label.get_fontsize()  # pyright: ignore[reportOperatorIssue]
    below = ScaledTranslation(0, -points / 72, ax.get_figure(root=True).dpi_scale_trans)  # pyright: ignore
    place: Any = {"loc": "upper center", "bbox_to_anchor": (0.5, 0), "bbox_transform": ax.transAxes + below}
    ax.legend(ncols=columns, columnspacing=1.2, borderaxespad=0, **place, **options)


def label(text: str, most: int | None = None) -> str:
    """A text that is data as a label: drawn as it is, whatever stands in it, and cut where it is too long."""
    shown = "\n".join(map(drawable, text.split("\n")))
    if most is not None and len(shown) > most:
        shown = f"{shown[: most - 1]}…"
    return shown.replace("$", r"\$")


def drawable(text: str) -> str:
    """A text as one line in which each character can be seen, and is one that the font has."""
    font = _font()
    return "".join(one if font.get_char_index(ord(one)) else Vocabulary.UNKNOWN for one in in_a_line(text))


def _settled(ax: Axes) -> Axes:
    """The axes, with ticks that look the same when matplotlib makes them later, out of the style."""
    settings: Any = matplotlib.rcParams
    for axis in ("x", "y"):
        for which in ("major", "minor"):
            size, width = (settings[f"{axis}tick.{which}.{what}"] for what in ("size", "width"))
            ax.tick_params(axis, which=which, length=size, width=width, labelsize=settings[f"{axis}tick.labelsize"])
    return ax


@cache
def _font() -> FT2Font:
    return font_manager.get_font(font_manager.findfont("DejaVu Sans Mono"))
