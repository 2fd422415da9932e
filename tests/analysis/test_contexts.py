"""The places where a unit is highest and lowest, against a plain search."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from rich.cells import cell_len

from rnnscope.analysis import unit_series
from rnnscope.analysis.contexts import signal_contexts, top_contexts
from rnnscope.analysis.units import two_groups
from rnnscope.text import codepoints
from tests.printing import printed

STEPS = 900
TEXT = "".join(np.random.default_rng(1).choice(list("abc \n"), STEPS))


def of(values: np.ndarray, document: np.ndarray | None = None, name: str = "l0.h.3", text: str = TEXT) -> xr.DataArray:
    coordinates = {"codepoint": ("time", codepoints(text))}
    if document is not None:
        coordinates["document"] = ("time", document)
    return xr.DataArray(values.astype("float32"), dims="time", coords=coordinates, name=name)


def smooth(seed: int) -> np.ndarray:
    values = np.random.default_rng(seed).normal(size=STEPS)
    return np.convolve(values, np.ones(12), mode="same").astype("float32")


def by_search(values: np.ndarray, document: np.ndarray, count: int, width: int, sign: int) -> list[int]:
    """Steps in order of their values, if no better one was in the same stretch, or nearer than the width."""
    threshold = two_groups(values.astype(float))[1]
    on = sign * values > sign * threshold
    stretch = np.cumsum(np.r_[True, (on[1:] != on[:-1]) | (document[1:] != document[:-1])])
    peaks = [max(np.flatnonzero((stretch == s) & on), key=lambda t: sign * values[t]) for s in np.unique(stretch[on])]
    chosen: list[int] = []
    for step in sorted(peaks, key=lambda t: -sign * values[t]):
        if all(abs(step - other) >= width or document[step] != document[other] for other in chosen):
            chosen.append(int(step))
    return chosen[:count]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("parted", [False, True])
def test_the_places_are_those_of_a_plain_search(seed: int, parted: bool) -> None:
    values, document = smooth(seed), np.arange(STEPS) // 90 if parted else np.zeros(STEPS, dtype=int)
    result = top_contexts(of(values, document), count=6, width=25)
    assert result.highest["step"].tolist() == by_search(values, document, 6, 25, 1)
    assert result.lowest["step"].tolist() == by_search(values, document, 6, 25, -1)
    for row in result.table.to_dict("records"):
        step, first = row["step"], np.flatnonzero(document == row["document"])[0]
        last = np.flatnonzero(document == row["document"])[-1]
        assert row["value"] == pytest.approx(values[step])
        assert row["before"] == TEXT[max(first, step - 25) : step]
        assert row["at"] == TEXT[step]
        assert row["after"] == TEXT[step + 1 : min(last + 1, step + 26)]


def test_one_long_stretch_is_one_place() -> None:
    values = np.where((np.arange(STEPS) > 100) & (np.arange(STEPS) < 700), 1.0 + smooth(0) / 100, 0.0)
    result = top_contexts(of(values), width=5)
    assert len(result.highest) == 1
    assert len(result.lowest) == 2


def test_steps_are_those_of_the_trace_where_the_layer_does_not_step() -> None:
    values = np.where(np.arange(STEPS) % 4 == 3, smooth(2), np.nan)
    steps = top_contexts(of(values)).table["step"].to_numpy()
    assert len(steps) and (steps % 4 == 3).all()
    assert np.nanargmax(values) == steps[0]


def test_a_unit_that_never_changes_has_no_places() -> None:
    result = top_contexts(of(np.full(STEPS, 2.0)))
    assert result.table.empty
    assert "never changes" in printed(result)


@pytest.mark.parametrize("width", [50, 80, 120])
def test_the_place_stands_below_the_mark(width: int) -> None:
    letters = np.random.default_rng(0).choice(list("abc 日\n"), STEPS)
    places = np.arange(30, STEPS, 97)
    letters[places] = "X"
    values = np.zeros(STEPS)
    values[places] = 1 + np.arange(len(places)) / 10
    lines = printed(top_contexts(of(values, np.arange(STEPS) // 300, text="".join(letters))), width).splitlines()
    assert all(cell_len(line) <= width for line in lines)
    mark = cell_len(lines[0][: lines[0].index("▼")])
    for line in lines[1 : 1 + len(places)]:
        assert cell_len(line[: line.index("X")]) == mark


def test_a_layer_that_reads_from_the_end_has_more_room_for_what_follows() -> None:
    def mark(name: str) -> int:
        return printed(top_contexts(of(smooth(0), name=name))).splitlines()[0].index("▼")

    assert mark("l0r.h.3") < mark("l0.h.3")


def test_a_plot_has_a_dot_for_each_place() -> None:
    result = top_contexts(of(smooth(0)))
    dots = np.concatenate([np.asarray(end.get_offsets()) for end in result.plot().collections])
    assert dots == pytest.approx(result.table[["step", "value"]].to_numpy(dtype=float))


def test_no_place_is_given_if_none_is_asked_for() -> None:
    assert top_contexts(of(smooth(0)), count=0).table.empty


def test_all_units_of_a_signal_at_once_are_each_unit_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unit_series, "_VALUES", 2_000)  # two units at a time
    values = np.stack([smooth(seed) for seed in range(5)], axis=1)
    values[:, 3] = 0.25
    values[::7] = np.nan
    coordinates = {"document": ("time", np.arange(STEPS) // 90), "codepoint": ("time", codepoints(TEXT))}
    signal = xr.DataArray(values, dims=("time", "unit"), coords=coordinates, name="l0.c")
    many = signal_contexts(signal, count=4, width=25)
    assert set(many["unit"]) == {0, 1, 2, 4}
    for unit in range(5):
        alone = top_contexts(signal[:, unit].rename(f"l0.c.{unit}"), count=4, width=25).table
        own = many[many["unit"] == unit]
        for name in ("end", "step", "value"):
            assert own[name].tolist() == alone[name].tolist()
