"""Pictures hold what the series hold: values, characters and units at their places."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from matplotlib.backends.backend_agg import FigureCanvasAgg

from rnnscope.errors import OutputError
from rnnscope.reports import figures
from rnnscope.reports.coloured_text import coloured_text
from rnnscope.reports.heatmaps import heatmap
from rnnscope.reports.scale import Scale, reach
from rnnscope.style import Width, new_axes, new_figure, new_panels

TEXT = ("the end.\n" * 40)[:330]


def make_series(units: int = 5, signal: str = "f", dtype: str = "float32") -> xr.DataArray:
    values = np.random.default_rng(0).uniform(size=(len(TEXT), units)).astype(dtype)
    coordinates = {"unit": np.arange(units) * 10}
    return xr.DataArray(values, dims=("time", "unit"), coords=coordinates, name=f"l0.{signal}")


def rows(pages: list[figures.Figure]) -> list[figures.Axes]:
    return [axes for page in pages for axes in page.axes if axes.collections]


def test_a_heatmap_shows_each_value_under_its_character_and_beside_its_unit() -> None:
    series = make_series()
    panels = rows(heatmap(TEXT, series, order="address"))
    assert len(panels) == 4
    drawn = np.concatenate([np.asarray(panel.collections[0].get_array()) for panel in panels], axis=1)
    np.testing.assert_allclose(drawn[:, : len(TEXT)], series.values.T, rtol=1e-6)
    characters = "".join(label.get_text() for panel in panels for label in panel.get_xticklabels())
    assert characters == TEXT.replace("\n", "⏎").replace(" ", "·")
    assert [label.get_text() for label in panels[0].get_yticklabels()] == ["0", "10", "20", "30", "40"]
    assert [panel.texts[0].get_text() for panel in panels] == ["0", "100", "200", "300"]


def test_clustering_reorders_units_with_their_labels() -> None:
    series = make_series(6)
    series[:, 5] = series[:, 0]
    panel = rows(heatmap(TEXT, series))[0]
    labels = [int(label.get_text()) for label in panel.get_yticklabels()]
    assert sorted(labels) == [0, 10, 20, 30, 40, 50]
    assert abs(labels.index(0) - labels.index(50)) == 1
    drawn = np.asarray(panel.collections[0].get_array())
    np.testing.assert_allclose(drawn, series.sel(unit=labels).values[:100].T, rtol=1e-6)


def test_the_units_of_a_state_are_drawn_by_their_own_reach() -> None:
    series = make_series(3, signal="c") * xr.DataArray([0.01, 1.0, 1000.0], dims="unit")
    panel = rows(heatmap(TEXT, series.rename("l0.c"), order="address"))[0]
    np.testing.assert_allclose(
        np.asarray(panel.collections[0].get_array()), (series.values / reach(series.values, axis=0))[:100].T, rtol=1e-6
    )


def test_many_units_leave_the_most_switch_like() -> None:
    series = make_series(50)
    series[:, 7] = (np.arange(len(TEXT)) // 20) % 2
    panel = rows(heatmap(TEXT, series, most=8))[0]
    labels = [label.get_text() for label in panel.get_yticklabels()]
    assert len(labels) == 8
    assert "70" in labels


def test_half_precision_and_dead_units_are_drawn() -> None:
    series = make_series(4, signal="c", dtype="float16")
    series[:, 1] = 0
    series[:, 2] = series[:, 2] * 1000
    assert len(rows(heatmap(TEXT, series))) == 4


def test_a_coloured_text_has_each_character_on_the_colour_of_its_value() -> None:
    series = make_series(signal="h")[:, 2].rename("l0.h.20")
    (page,) = coloured_text(TEXT, series)
    curve, body = page.axes[0], page.axes[1]
    np.testing.assert_allclose(np.asarray(curve.lines[0].get_ydata()), series.values, rtol=1e-6)
    image = np.asarray(body.images[0].get_array())
    scale = Scale.of("h", series.values)
    step = 0
    for text in body.texts:
        x, y = (int(place) for place in text.get_position())
        assert text.get_text() == TEXT[step].replace("\n", "⏎")
        np.testing.assert_allclose(image[y, x], scale.rgb(series.values[step]))
        step += 1
    assert step == len(TEXT)


def test_one_character_is_enough() -> None:
    assert len(heatmap("a", make_series()[:1])) == 1
    assert len(coloured_text("a", make_series()[:1, 0].rename("l0.f.0"))) == 1


def test_pages_are_numbered_and_a_pdf_holds_all(tmp_path: Path) -> None:
    pages = heatmap(TEXT, make_series(60), most=60)
    assert [page.texts[0].get_text().partition(", page ")[2] for page in pages] == [
        "1 of 4",
        "2 of 4",
        "3 of 4",
        "4 of 4",
    ]
    drawn = [new_figure(height=0.5), new_axes(height=0.5), new_panels(1, 2, height=0.5)]
    assert [path.name for path in figures.save(drawn, tmp_path / "map.png")] == ["map-1.png", "map-2.png", "map-3.png"]
    assert figures.save(drawn, tmp_path / "map.pdf") == [tmp_path / "map.pdf"]
    assert (tmp_path / "map.pdf").read_bytes().count(b"/Type /Page ") == 3
    with pytest.raises(OutputError, match=r"\.png, \.svg, \.pdf"):
        figures.save(drawn, tmp_path / "map.bmp")


def with_gaps(series: xr.DataArray, documents: int = 3) -> xr.DataArray:
    """A layer that steps at each third character, over several documents."""
    stepped = series.where(xr.DataArray(np.arange(len(series)) % 3 == 2, dims="time"))
    return stepped.assign_coords(document=("time", np.arange(len(series)) * documents // len(series)))


def test_a_heatmap_shows_gaps_and_where_documents_begin() -> None:
    series = with_gaps(make_series(6, signal="h"))
    panels = rows(heatmap(TEXT, series))
    drawn = np.ma.concatenate([panel.collections[0].get_array() for panel in panels], axis=1)
    np.testing.assert_array_equal(np.ma.getmaskarray(drawn)[0], np.isnan(series.values[:, 0]))
    begins = [100 * i + np.asarray(line.get_xdata())[0] for i, panel in enumerate(panels) for line in panel.lines]
    assert begins == [110, 220]


def test_units_are_clustered_by_the_steps_they_have() -> None:
    series = make_series(6, signal="h")
    series[:, 5] = series[:, 0]
    panel = rows(heatmap(TEXT, with_gaps(series)))[0]
    labels = [int(label.get_text()) for label in panel.get_yticklabels()]
    assert abs(labels.index(0) - labels.index(50)) == 1


def test_a_coloured_text_has_headings_and_leaves_gaps_white() -> None:
    series = with_gaps(make_series(signal="h"))[:, 2].rename("l0.h.20")
    headings = {0: "0  a", 110: "1  $b$", 220: "2  c"}
    (page,) = coloured_text(TEXT, series, 1000, headings)
    curve, body = page.axes[0], page.axes[1]
    there = ~np.isnan(series.values)
    np.testing.assert_array_equal(curve.lines[0].get_xdata(), 1000 + np.flatnonzero(there))
    image = np.asarray(body.images[0].get_array())
    titles = [text for text in body.texts if text.get_text() in headings.values()]
    assert [text.get_text() for text in titles] == list(headings.values())
    characters = [text for text in body.texts if text not in titles]
    for step, text in enumerate(characters):
        x, y = (int(place) for place in text.get_position())
        assert (image[y, x] == 255).all() == bool(np.isnan(series.values[step]))
        if step in headings:
            assert (x, y) == (0, titles[list(headings).index(step)].get_position()[1] + 1)


def test_a_series_without_any_value_is_drawn(tmp_path: Path) -> None:
    text, series = TEXT[:20], make_series(4, signal="c")[:20] * np.nan
    pages = heatmap(text, series.rename("l0.c")) + coloured_text(text, series[:, 0].rename("l0.c.0"))
    assert len(figures.save(pages, tmp_path / "map.png")) == 2


@pytest.mark.parametrize(("width", "inches", "across"), [("column", 3.3, 60), ("page", 6.9, 100)])
def test_a_heatmap_can_be_read_at_the_width_it_is_printed_at(width: Width, inches: float, across: int) -> None:
    (page, *_) = heatmap(TEXT, make_series(), order="address", width=width)
    assert page.get_figwidth() == inches
    page.set_dpi(600)  # to the pixel
    panel = rows([page])[0]
    labels = panel.get_xticklabels()
    assert "".join(label.get_text() for label in labels) == TEXT[:across].replace("\n", "⏎").replace(" ", "·")
    renderer = FigureCanvasAgg(page).get_renderer()
    page.draw(renderer)
    step = panel.get_window_extent().width / across
    for label in [*labels, *panel.get_yticklabels()]:
        assert float(label.get_fontsize()) >= 5.5
    assert max(label.get_window_extent(renderer).width for label in labels) <= step * 1.02
    box = page.get_tightbbox(renderer)
    assert box.x0 >= 0 and box.x1 <= inches and box.y0 >= 0 and box.y1 <= page.get_figheight()


def test_a_text_can_be_as_wide_as_a_column() -> None:
    (page,) = coloured_text(TEXT, make_series()[:, 0].rename("l0.f.0"), width="column")
    assert page.get_figwidth() == 3.3
    box = page.get_tightbbox(FigureCanvasAgg(page).get_renderer())
    assert box.x0 >= 0 and box.x1 <= 3.35 and box.y1 <= page.get_figheight()


def test_pictures_are_the_same_files_each_time(tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg", "a.pdf", "b.pdf"):
        figures.save(coloured_text("abc", make_series()[:3, 0].rename("l0.f.0")), tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()
