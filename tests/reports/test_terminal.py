"""What stands in the terminal: the text as it was, in the colours of the values, within the width."""

from __future__ import annotations

import io

import numpy as np
import pytest
import xarray as xr
from rich.cells import cell_len
from rich.console import Console, RenderableType

from rnnscope.analysis.units import rank_units
from rnnscope.reports.scale import Scale
from rnnscope.reports.terminal import ColouredText, SignalOverview, bars, sparkline

TEXT = "It was late.\nHe [b]said[/b] 日本 nothing at all to anybody, and left.\n"
VALUES = np.linspace(-1, 1, len(TEXT)).astype("float32")
SERIES = xr.DataArray(VALUES, dims="time", name="l0.h.3")


def console(width: int, colours: bool) -> Console:
    system = "truecolor" if colours else None
    return Console(file=io.StringIO(), width=width, color_system=system, force_terminal=colours, legacy_windows=False)


def shown(renderable: RenderableType, width: int = 60, colours: bool = False) -> list[str]:
    screen = console(width, colours)
    screen.print(renderable)
    return screen.file.getvalue().splitlines()  # pyright: ignore[reportAttributeAccessIssue]


def test_each_character_is_on_the_colour_of_its_value() -> None:
    screen = console(200, colours=True)
    segments = list(screen.render(ColouredText(TEXT, SERIES)))
    first = next(i for i, segment in enumerate(segments) if segment.text == "I")
    scale = Scale.of("h", VALUES)
    body = [segment for segment in segments[first:] if segment.text != "\n"]
    assert "".join(segment.text for segment in body) == TEXT.replace("\n", "⏎")
    for segment, value in zip(body, VALUES, strict=True):
        assert segment.style is not None and segment.style.bgcolor is not None
        assert segment.style.bgcolor.triplet == tuple(scale.rgb(np.asarray(value)))


@pytest.mark.parametrize("width", [20, 33, 80])
def test_no_line_of_the_text_is_wider_than_the_terminal(width: int) -> None:
    for line in shown(ColouredText(TEXT, SERIES), width):
        assert cell_len(line) <= width


def test_bars_stand_below_their_characters_where_there_are_no_colours() -> None:
    lines = shown(ColouredText(TEXT, SERIES))
    place = lines.index("It was late.⏎")
    assert lines[place + 1] == bars(VALUES[:13], Scale.of("h", VALUES)).plain
    below = lines[place + 3]
    assert cell_len(below) == cell_len(lines[place + 2])


@pytest.mark.parametrize("colours", [False, True])
def test_the_legend_has_the_ends_of_the_scale(colours: bool) -> None:
    legend, scale = shown(ColouredText(TEXT, SERIES), colours=colours)[1], Scale.of("h", VALUES)
    assert legend.startswith(f"{scale.low:+.2f} ") and legend.endswith(f" {scale.high:+.2f}")


GAPS = np.where(np.arange(len(TEXT)) % 3 == 2, VALUES, np.nan).astype("float32")
"""A layer that steps at each third character."""


def test_characters_without_a_value_have_no_colour() -> None:
    screen = console(200, colours=True)
    segments = list(screen.render(ColouredText(TEXT, SERIES.copy(data=GAPS))))
    first = next(i for i, segment in enumerate(segments) if segment.text == "I")
    body = [segment for segment in segments[first:] if segment.text != "\n"]
    assert "".join(segment.text for segment in body) == TEXT.replace("\n", "⏎")
    for segment, value in zip(body, GAPS, strict=True):
        assert segment.style is not None and (segment.style.bgcolor is None) == np.isnan(value)
    assert f"min {np.nanmin(GAPS):+.2f}" in shown(ColouredText(TEXT, SERIES.copy(data=GAPS)))[0]


def test_no_bar_stands_below_a_character_without_a_value() -> None:
    lines = shown(ColouredText(TEXT, SERIES.copy(data=GAPS)))
    marks = lines[lines.index("It was late.⏎") + 1]
    assert [mark == " " for mark in marks.ljust(13)] == np.isnan(GAPS[:13]).tolist()


@pytest.mark.parametrize("colours", [False, True])
def test_a_text_without_any_value_is_shown(colours: bool) -> None:
    lines = shown(ColouredText("abc", SERIES[:3].copy(data=np.full(3, np.nan))), colours=colours)
    assert "no value" in lines[0]
    assert "abc" in "".join(lines).replace("\x1b[2m", "").replace("\x1b[0m", "")


def test_documents_begin_on_a_line_below_their_heading() -> None:
    lines = shown(ColouredText("abcdef", SERIES[:6], headings={0: "0  a.txt", 4: "1  b.txt:7"}))
    assert [lines.index(line) for line in ("0  a.txt", "abcd", "1  b.txt:7", "ef")] == [4, 5, 7, 8]


def test_a_sparkline_has_means_over_equal_stretches() -> None:
    assert sparkline(np.array([0, 0, 1, 1, 0, 1]), 3, Scale(0, 1)) == "▁█▅"
    assert sparkline(np.array([0.0, 1.0]), 50, Scale(0, 1)) == "▁█"
    assert sparkline(np.array([0, np.nan, np.nan, np.nan, np.nan, 1]), 3, Scale(0, 1)) == "▁ █"


def test_an_overview_shows_constant_units_too() -> None:
    values = np.stack([np.ones(200), np.arange(200) // 20 % 2], axis=1).astype("float32")
    series = xr.DataArray(values, dims=("time", "unit"), coords={"unit": [4, 9]}, name="l0.f")
    lines = shown(SignalOverview(series, rank_units(series)), width=80)
    assert next(line for line in lines if line.startswith("l0.f.")).startswith("l0.f.9")
    assert any("l0.f.4" in line and "▅" * 36 in line for line in lines)


def test_an_overview_leaves_out_steps_without_values() -> None:
    values = np.full((200, 2), np.nan, dtype="float32")
    values[50:150] = np.stack([np.ones(100), np.arange(100) // 10 % 2], axis=1)
    series = xr.DataArray(values, dims=("time", "unit"), coords={"unit": [4, 9]}, name="l0.f")
    lines = shown(SignalOverview(series, rank_units(series)), width=84)
    assert any("l0.f.4" in line and line.count("▅") == 20 and " " * 10 + "▅" * 20 in line for line in lines)
    nothing = shown(SignalOverview(series[:40], rank_units(series[:40])), width=84)
    assert any("l0.f.9" in line for line in nothing)
