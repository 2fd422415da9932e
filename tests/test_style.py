"""One style: every picture of the library passes the same tests, and nothing is left changed."""

from __future__ import annotations

import ast
import inspect
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure, SubFigure
from matplotlib.text import Text

from rnnscope.errors import ReportError
from rnnscope.style import (
    CATEGORIES,
    CELLS,
    SMALLEST,
    WIDTHS,
    colours,
    drawable,
    figure_of,
    given_panels,
    ink,
    label,
    legend_below,
    logarithmic,
    new_axes,
    new_panels,
    on_colour,
    style,
    title,
)
from tests.results import HOSTILE, HOSTILE_RESULTS, RESULTS, drawn, hostile_result, result

ROOT = Path(__file__).parents[1]

MEASURED = {
    "Ablation": "(nats per character)",
    "Contexts": "step",
    "CountingUnits": "symbols",
    "EffectiveContext": "(characters)",
    "ErrorAnalysis": "(nats per character)",
    "ForgettingTimes": "steps",
    "GradientFlow": "(steps back)",
    "GradientFlows": "(steps back)",
    "LyapunovSpectrum": "nats per step",
    "Patching": "steps",
    "Responses": "(standard deviations)",
    "StateJacobians": "(nats)",
    "TaskSuccess": "(steps)",
    "Timescales": "(steps)",
    "UnitRanking": "(steps)",
}
"""What is measured in a unit says so on an axis."""


def axes_of(drawn: Any) -> list[Axes]:
    if isinstance(drawn, (Figure, SubFigure)):
        return [ax for ax in drawn.figure.axes if ax.axison]  # pyright: ignore[reportAttributeAccessIssue]
    return [drawn] if isinstance(drawn, Axes) else list(drawn)


def drawn_classes() -> set[str]:
    """The names of the classes with a method ``plot``, read from the files."""
    found = set()
    for folder in ("rnnscope", "probes"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ClassDef) and any(getattr(part, "name", "") == "plot" for part in node.body):
                    found.add(node.name)
    return found


def test_every_result_that_can_be_drawn_is_among_the_examples() -> None:
    assert drawn_classes() == set(RESULTS)


@pytest.mark.parametrize("name", RESULTS)
def test_the_example_is_one_of_its_class_and_its_table_a_data_frame(name: str) -> None:
    assert type(result(name)).__name__ == name
    assert isinstance(result(name).table, pd.DataFrame)
    assert next(iter(inspect.signature(result(name).plot).parameters)) == "ax"


@pytest.mark.parametrize("name", RESULTS)
def test_a_picture_makes_its_own_axes_and_changes_no_setting(name: str) -> None:
    settings, open_figures = dict(matplotlib.rcParams), pyplot.get_fignums()
    one, other = drawn(name), result(name).plot()
    assert figure_of(one) is not figure_of(other)
    assert dict(matplotlib.rcParams) == settings
    assert pyplot.get_fignums() == open_figures
    assert figure_of(one).get_figwidth() <= WIDTHS["page"]


@pytest.mark.parametrize("name", RESULTS)
def test_axes_say_what_they_measure(name: str) -> None:
    axes = axes_of(drawn(name))
    if name == "Comparison":
        assert all(ax.get_title() for ax in axes)
        return
    assert all(ax.get_xlabel() and ax.get_ylabel() for ax in axes)
    said = " ".join(ax.get_xlabel() + ax.get_ylabel() for ax in axes)
    assert MEASURED.get(name, "") in said


@pytest.mark.parametrize("name", RESULTS)
def test_nothing_is_cut_off_and_no_type_is_too_small(name: str) -> None:
    figure = figure_of(drawn(name))
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    box, (width, height) = figure.get_tightbbox(renderer), figure.get_size_inches()
    assert box.x0 > -0.02 and box.y0 > -0.02 and box.x1 < width + 0.02 and box.y1 < height + 0.02
    words: list[Any] = figure.findobj(Text)
    assert min(word.get_fontsize() for word in words if word.get_text().strip() and word.get_visible()) >= SMALLEST


@pytest.mark.parametrize("name", RESULTS)
def test_a_picture_is_drawn_on_the_axes_that_are_given_and_nowhere_else(name: str) -> None:
    own = drawn(name)
    if isinstance(own, (Figure, SubFigure)):
        given, other = Figure().subfigures(1, 2)  # pyright: ignore[reportGeneralTypeIssues]
        assert result(name).plot(given) is given
        assert given.subfigs and not other.subfigs and not other.axes
        return
    several = isinstance(own, Sequence)
    count = len(own) if isinstance(own, Sequence) else 1
    *given, other = Figure(layout="constrained").subplots(1, count + 1)
    before = len(other.get_children())
    again = result(name).plot(given if several else given[0])
    assert list(again if several else [again]) == given
    assert len(other.get_children()) == before
    figure = other.figure
    added = [ax for ax in figure.axes if ax not in [*given, other]]
    assert all(ax.get_label() == "<colorbar>" for ax in added)
    assert not figure.legends and not figure.texts
    if several:
        with pytest.raises(ReportError, match=f"{count} panels"):
            result(name).plot([*given, other])


@pytest.mark.parametrize("name", ["Attribution", "Comparison", "GradientFlow", "Matches"])
def test_a_picture_is_saved_in_each_format(name: str) -> None:
    """Characters on cells, a page of subfigures, curves with bands, and a heatmap: one of each kind of drawing."""
    figure: Any = figure_of(drawn(name))
    for kind, head in (("pdf", b"%PDF"), ("svg", b"<?xml"), ("png", b"\x89PNG")):
        file = io.BytesIO()
        figure.savefig(file, format=kind, **({"dpi": 40} if kind == "png" else {}))
        assert file.getvalue().startswith(head)
        if kind == "pdf":
            assert b"/Type3" not in file.getvalue()
        if kind == "svg":
            assert b"<text" in file.getvalue()


@pytest.mark.parametrize("name", HOSTILE_RESULTS)
def test_a_hostile_text_is_drawn_as_text(name: str) -> None:
    figure: Any = figure_of(hostile_result(name).plot())
    file = io.BytesIO()
    figure.savefig(file, format="svg")
    assert b"<script" not in file.getvalue()
    figure.savefig(io.BytesIO(), format="png", dpi=40)


def test_nothing_of_the_library_imports_pyplot() -> None:
    paths = [path for folder in ("rnnscope", "probes", "cli") for path in (ROOT / folder).rglob("*.py")]
    imports = [
        node
        for path in paths
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert any("matplotlib" in ast.unparse(node) for node in imports)
    assert [node for node in map(ast.unparse, imports) if "pyplot" in node] == []


def test_the_style_holds_within_its_block_and_ends_with_it() -> None:
    before = matplotlib.rcParams["font.size"]
    with style():
        assert matplotlib.rcParams["pdf.fonttype"] == 42
        assert matplotlib.rcParams["font.size"] == pytest.approx(7.2)
    assert matplotlib.rcParams["font.size"] == before
    with pytest.raises(KeyError), style():
        raise KeyError
    assert matplotlib.rcParams["font.size"] == before


def test_new_axes_are_a_paper_wide() -> None:
    assert list(new_axes(height=2).figure.get_size_inches()) == [3.3, 2]  # pyright: ignore[reportAttributeAccessIssue]
    panels = new_panels(2, 3, sharex=True)
    assert len(panels) == 6
    assert panels[0].figure.get_figwidth() == 6.9  # pyright: ignore[reportAttributeAccessIssue]
    assert not panels[0].spines["top"].get_visible()


def test_a_picture_is_the_same_file_each_time_and_shows_itself() -> None:
    files = set()
    for _ in range(2):
        ax = new_axes()
        ax.plot([1, 2], [1, 1000])
        logarithmic(ax, "y")
        file = io.BytesIO()
        ax.figure.savefig(file, format="svg", metadata={"Date": None})  # pyright: ignore[reportAttributeAccessIssue]
        files.add(file.getvalue())
    assert len(files) == 1
    assert new_axes().figure._repr_png_().startswith(b"\x89PNG")  # pyright: ignore[reportAttributeAccessIssue]


def test_ticks_that_are_made_late_are_of_the_style() -> None:
    ax = new_axes()
    with style():
        tick_size = matplotlib.rcParams["xtick.labelsize"]
    ax.plot([0, 1], [0, 1])
    FigureCanvasAgg(figure_of(ax)).draw()
    assert {tick.label1.get_fontsize() for tick in ax.xaxis.get_major_ticks()} == {tick_size}


def test_cells_have_their_colours_and_others_take_the_rest() -> None:
    found = colours(["prose-lstm", "GRU 64", "rnn"])
    assert found == {"prose-lstm": CELLS["lstm"], "GRU 64": CELLS["gru"], "rnn": CELLS["rnn"]}
    found = colours(["a", "lstm", "code-lstm", "minlstm"])
    assert found["lstm"] == CELLS["lstm"]
    assert len(set(found.values())) == 4
    many = colours([f"model {number}" for number in range(30)])
    assert set(many.values()) == set(CATEGORIES) and colours([]) == {}


def test_what_stands_on_a_colour_can_be_read() -> None:
    assert [ink(colour) for colour in ((0, 0, 0), (45, 0, 75), (253, 184, 99), (255, 255, 255, 9))] == [
        "white", "white", "black", "black",
    ]  # fmt: skip
    assert str(on_colour(np.array([45, 0, 75], dtype=np.uint8))) == "bright_white on rgb(45,0,75)"


def test_labels_are_text_whatever_stands_in_them() -> None:
    assert label("$a$ b") == r"\$a\$ b"
    assert label("abcdef", 4) == "abc…"
    assert drawable("a\nb\t\x00\ud800") == "a⏎b→\ufffd\ufffd"
    ax = new_axes()
    title(ax, HOSTILE * 3)
    figure_of(ax).savefig(io.BytesIO(), format="png", dpi=40)
    assert "\n" in ax.get_title()


@pytest.mark.parametrize("size", [7, 18])
def test_a_legend_below_stands_under_the_label_of_any_size(size: int) -> None:
    with matplotlib.rc_context({"font.size": size}):
        ax = Figure(layout="constrained").subplots()
    with style():
        ax.plot([0, 1], label="one")
        ax.set_xlabel("steps")
        legend_below(ax)
    renderer = FigureCanvasAgg(figure_of(ax)).get_renderer()
    figure_of(ax).draw(renderer)
    legend: Any = ax.get_legend()
    gap = ax.xaxis.label.get_window_extent(renderer).y0 - legend.get_window_extent(renderer).y1
    assert -2 < gap < 15


def test_logarithmic_axes_have_plain_numbers() -> None:
    for high, expected in ((30, {"1", "2", "5", "10", "20"}), (50_000, {"1", "10", "100", "1,000", "10,000"})):
        ax = new_axes()
        ax.plot([1, high], [1, high])
        logarithmic(ax, "xy")
        FigureCanvasAgg(figure_of(ax)).draw()
        assert expected <= {text.get_text() for text in ax.get_xticklabels()}


def test_one_axes_is_given_as_it_is_and_a_wrong_number_is_refused() -> None:
    axes = Figure().subplots(1, 3)
    assert given_panels(axes, 3) == list(axes)
    assert given_panels(axes[0], 1) == [axes[0]]
    with pytest.raises(ReportError, match="sequence of 2 axes"):
        given_panels(axes, 2)
