"""The ranking of units against series whose nature is known and against plain searches."""

from __future__ import annotations

from itertools import groupby

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import rnnscope
from rnnscope.analysis import units
from rnnscope.analysis.units import UnitRanking, rank_units
from rnnscope.errors import AddressError
from rnnscope.text import codepoints
from tests import handmade
from tests.printing import printed

STEPS = 4000
TIME = np.arange(STEPS)


def rank(*columns: np.ndarray, signal: str = "l0.h") -> UnitRanking:
    series = xr.DataArray(
        np.stack(columns, axis=1), dims=("time", "unit"), coords={"unit": np.arange(len(columns))}, name=signal
    )
    return rank_units(series)


def noise(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=STEPS)


def square(half: int) -> np.ndarray:
    return np.where(TIME // half % 2, 1.0, -1.0)


def autoregression(share: float) -> np.ndarray:
    """x_t = share x_{t-1} + noise: its autocorrelation at lag k is share**k."""
    values = noise()
    for t in range(1, STEPS):
        values[t] += share * values[t - 1]
    return values


def test_a_square_wave_is_a_switch_and_noise_is_none() -> None:
    ranking = rank(noise(), np.sin(TIME / 50), square(25) + 0.1 * noise(1), np.exp(noise(2)))
    assert ranking.table.index[0] == "l0.h.2"
    assert ranking.table["unit"].tolist()[0] == 2
    assert ranking.table["switch"].is_monotonic_decreasing
    assert ranking.table.loc["l0.h.2", "switch"] > 0.9
    assert ranking.table.loc["l0.h.0", "switch"] == pytest.approx(0.0, abs=0.03)
    assert ranking.switches(2).index.tolist() == ranking.table.index.tolist()[:2]


@pytest.mark.parametrize("half", [1, 2, 25, 500, 2000])
def test_two_values_alone_count_by_how_long_and_how_often(half: int) -> None:
    row = rank(square(half)).table.iloc[0]
    assert row["dwell"] == pytest.approx(half)
    assert row["switch"] == pytest.approx((1 - 1 / half) * (1 - 2 * half / STEPS))
    assert row["on"] == pytest.approx(0.5)
    assert row["threshold"] == pytest.approx(0.0)


@pytest.mark.parametrize("sign", [1, -1])
def test_the_dwell_is_that_of_the_rarer_mode(sign: int) -> None:
    bursts = sign * np.where(TIME % 100 < 5, 1.0, 0.0)
    row = rank(bursts).table.iloc[0]
    assert row["dwell"] == pytest.approx(5)
    assert row["on"] == pytest.approx(0.05 if sign == 1 else 0.95)


def test_a_lone_burst_dwells_as_long_as_it_lasts() -> None:
    assert rank(np.where((TIME >= 500) & (TIME < 800), 1.0, 0.0)).table["dwell"].tolist() == [300]


def test_a_cell_state_is_seen_through_tanh() -> None:
    column = 5 * noise() + 4 * square(40)
    cell, hidden = rank(column, signal="l0.c").table, rank(np.tanh(column)).table
    assert cell.index.tolist() == ["l0.c.0"]
    for name in ("switch", "threshold", "on", "dwell"):
        assert cell[name].to_numpy() == pytest.approx(hidden[name].to_numpy())


def test_rank_does_not_depend_on_units_of_measure() -> None:
    wave = square(25) + 0.3 * noise()
    first, second = (rank(column).table.iloc[0] for column in (wave, 1e-6 * wave + 5e-6))
    assert second[["switch", "on", "dwell", "timescale"]].tolist() == pytest.approx(
        first[["switch", "on", "dwell", "timescale"]].tolist()
    )


@pytest.mark.parametrize("signal", ["l0.h", "l0.c"])
@pytest.mark.parametrize("value", [0.0, 1.0, 0.1, -0.7, 1 / 3])
def test_a_constant_unit_is_no_switch_and_has_no_timescale(value: float, signal: str) -> None:
    row = rank(np.full(STEPS, value), signal=signal).table.iloc[0]
    assert (row["switch"], row["on"]) == (0.0, 0.0)
    assert np.isnan(row["timescale"])


@pytest.mark.parametrize("seed", range(3))
def test_the_threshold_parts_best_of_all(seed: int) -> None:
    random = np.random.default_rng(seed)
    values = np.concatenate([random.normal(-1, 0.8, 70), random.normal(2, 0.5, 30)]).round(1)
    random.shuffle(values)

    def between(threshold: float) -> float:
        above = values > threshold
        return above.mean() * (~above).mean() * (values[above].mean() - values[~above].mean()) ** 2

    levels = np.unique(values)
    best = max((levels[:-1] + levels[1:]) / 2, key=between)
    row = rank(values).table.iloc[0]
    assert row["threshold"] == pytest.approx(best)
    share = between(best) / values.var()
    bimodal = max(0.0, (share - 2 / np.pi) / (1 - 2 / np.pi))
    stretches = len(list(groupby(values > best)))
    assert row["switch"] == pytest.approx(bimodal * (1 - 1 / row["dwell"]) * (1 - 2 / stretches))


@pytest.mark.parametrize("column", [noise(), np.sin(TIME / 50), square(25), autoregression(0.9)])
@pytest.mark.parametrize("drift", [0, 30])
def test_the_timescale_is_the_first_lag_below_one_in_e_without_drift(column: np.ndarray, drift: float) -> None:
    column = column + drift * TIME / STEPS
    centred = column - np.polyval(np.polyfit(TIME, column, 1), TIME)
    lags = (lag for lag in range(STEPS) if centred[: STEPS - lag] @ centred[lag:] < centred @ centred / np.e)
    assert rank(column).table["timescale"].tolist() == [next(lags)]


def test_a_timescale_beyond_a_tenth_of_the_text_cannot_be_told() -> None:
    slow, ramp = np.sin(TIME / STEPS * 2 * np.pi), TIME / STEPS
    ranking = rank(slow, ramp + 0.01 * noise(), noise())
    assert np.isnan(ranking.table.loc["l0.h.0", "timescale"])
    assert ranking.longest(3).index.tolist() == ["l0.h.1", "l0.h.2"]
    assert ranking.table.loc["l0.h.1", "timescale"] == 1


def test_slow_units_remember_longer_than_fast_ones() -> None:
    ranking = rank(autoregression(0.5), autoregression(0.99), noise(), autoregression(0.9))
    assert ranking.longest(3).index.tolist() == ["l0.h.1", "l0.h.3", "l0.h.0"]
    assert ranking.table.loc["l0.h.3", "timescale"] == pytest.approx(-1 / np.log(0.9), rel=0.3)


def test_only_the_first_steps_of_a_long_series_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(units, "LONGEST", 1000)
    wave = square(25)
    assert rank(np.where(TIME < 1000, wave, 100.0)).table.equals(rank(wave[:1000]).table)


def parted(column: np.ndarray, *starts: int) -> UnitRanking:
    """The ranking of a series in which documents begin at these steps."""
    document = np.isin(TIME[: len(column)], starts).cumsum()
    series = xr.DataArray(column[:, None], dims=("time", "unit"), coords={"unit": [0]}, name="l0.h")
    return rank_units(series.assign_coords(document=("time", document)))


def test_no_stretch_reaches_from_one_document_into_the_next() -> None:
    column = square(500)
    whole, halves = parted(column).table.iloc[0], parted(column, 750, 2000, 2750).table.iloc[0]
    assert (whole["dwell"], halves["dwell"]) == (500, 2000 / 6)
    assert whole["switch"] == pytest.approx((1 - 1 / 500) * (1 - 2 / 8))
    assert halves["switch"] == pytest.approx((1 - 6 / 2000) * (1 - 2 / 10))


def test_no_lag_reaches_from_one_document_into_the_next() -> None:
    starts, column = (1000, 1700), autoregression(0.95)
    centred = column - np.polyval(np.polyfit(TIME, column, 1), TIME)
    documents = np.split(centred, starts)

    def products(lag: int) -> float:
        return sum((float(part[: len(part) - lag] @ part[lag:]) for part in documents if len(part) > lag), 0.0)

    expected = next(lag for lag in range(230) if products(lag) < products(0) / np.e)
    assert parted(column, *starts).table["timescale"].tolist() == [expected]
    assert parted(column).table["timescale"].tolist() != [expected]


def test_a_timescale_beyond_a_tenth_of_the_longest_document_cannot_be_told() -> None:
    column = autoregression(0.99)
    assert not np.isnan(parted(column).table["timescale"].to_numpy()).any()
    assert np.isnan(parted(column, *range(100, STEPS, 100)).table["timescale"].to_numpy()).all()


def test_steps_that_a_layer_does_not_take_are_left_out() -> None:
    column = square(25) + 0.3 * noise()
    gaps = np.full(2 * STEPS, np.nan)
    gaps[1::2] = column
    pd.testing.assert_frame_equal(rank(gaps).table, rank(column).table)
    document = np.repeat([0, 1], STEPS)
    series = xr.DataArray(gaps[:, None], dims=("time", "unit"), coords={"unit": [0]}, name="l0.h")
    with_documents = rank_units(series.assign_coords(document=("time", document))).table
    pd.testing.assert_frame_equal(with_documents, parted(column, STEPS // 2).table)
    nothing = rank(np.full(10, np.nan)).table
    assert nothing[["switch", "on"]].to_numpy().tolist() == [[0.0, 0.0]]
    assert np.isnan(nothing["timescale"].to_numpy()).all()


def test_one_step_is_enough_not_to_fail() -> None:
    assert rank(np.array([0.5])).table["switch"].tolist() == [0.0]


LINES = "".join("abcde"[int(letter)] for letter in np.random.default_rng(7).integers(0, 5, STEPS))
LINES = "".join("\n" if step % 40 == 39 else letter for step, letter in enumerate(LINES))
SINCE = (TIME + 1) % 40
"""Steps since the newline in LINES; at first since a newline before the text."""


def ranked_on(text: str, *columns: np.ndarray, document: np.ndarray | None = None) -> pd.DataFrame:
    """The table of a ranking with a text, the units in their own order."""
    stacked = np.stack(columns, axis=1)
    there = {"unit": np.arange(len(columns)), "codepoint": ("time", codepoints(text))}
    series = xr.DataArray(stacked, dims=("time", "unit"), coords=there, name="l0.h")
    if document is not None:
        series = series.assign_coords(document=("time", document))
    return rank_units(series).table.sort_values("unit")


@pytest.mark.parametrize("slope", [1.0, -0.01])
def test_a_count_since_a_character_is_a_counter_from_it(slope: float) -> None:
    row = ranked_on(LINES, 5 + slope * SINCE).iloc[0]
    assert row["counter"] == pytest.approx(1.0, abs=1e-4)
    assert (row["event"], row["kind"]) == ("\n", "counter")


def test_what_is_no_count_is_no_counter() -> None:
    walk = np.cumsum(noise(3))
    columns = {
        "constant": np.full(STEPS, 0.3),
        "drift": TIME / STEPS,
        "walk": walk,
        "noise": noise(),
        "decay": np.exp(-SINCE / 4.0),
        "early jump": np.where(SINCE > 8, 1.0, 0.0),
        "jump": np.where(SINCE > 18, 1.0, 0.0),
        "up and down": np.abs(SINCE - 18.0),
        "square": square(25),
    }
    table = ranked_on(LINES, *columns.values()).set_index(pd.Index(columns))
    assert max(table["counter"]) < 0.3
    assert "counter" not in set(table["kind"])
    assert table.loc["constant", "counter"] == 0
    assert table.loc["square", "kind"] == "switch"


def test_the_counter_is_the_best_of_plain_regressions() -> None:
    columns = [np.tanh(SINCE / 25.0) + 0.2 * noise(), SINCE + 5 * noise(1), noise(2)]
    lags = {}
    for event in sorted(set(LINES)):
        last, since = None, np.zeros(STEPS, dtype=int)
        for step, character in enumerate(LINES):
            last = step if character == event else last
            since[step] = 0 if last is None else step - last
        longest = int(np.quantile(since[since > 0], 0.9))
        if longest >= 6:
            lags[event] = np.where(since <= longest, since, 0)

    def score(column: np.ndarray, since: np.ndarray) -> float:
        longest = since.max()
        near, far = (since > 0) & (since <= (longest + 1) / 2), since > (longest + 1) / 2
        slopes = [float(np.polyfit(since[part], column[part], 1)[0]) for part in (near, far, since > 0)]
        explained = np.corrcoef(since[since > 0], column[since > 0])[0, 1] ** 2
        steady = min(map(abs, slopes[:2])) / max(map(abs, slopes))
        return explained * steady if slopes[0] * slopes[1] > 0 else 0.0

    table = ranked_on(LINES, *columns)
    for row, column in zip(table.to_dict("records"), columns, strict=True):
        expected = {event: score(column, since) for event, since in lags.items()}
        assert row["counter"] == pytest.approx(max(expected.values()), abs=1e-4)
        assert expected[row["event"]] == max(expected.values())


def test_a_count_ends_with_its_document_and_may_begin_with_it() -> None:
    begins = np.r_[0, np.sort(np.random.default_rng(2).choice(np.arange(1, STEPS), 60, replace=False))]
    document = np.isin(TIME, begins).cumsum() - 1
    in_document = TIME - begins[document]
    row = ranked_on("x" * STEPS, 1.0 * in_document, document=document).iloc[0]
    assert row["counter"] == pytest.approx(1.0, abs=1e-4)
    assert (row["event"], row["kind"]) == ("start", "counter")
    series = xr.DataArray(in_document[:, None], dims=("time", "unit"), coords={"unit": [0]}, name="l0.h")
    assert rank_units(series.assign_coords(document=("time", document))).table["event"].tolist() == ["start"]
    over = np.where(in_document < SINCE, 100.0 * noise(), SINCE)  # a line goes on, but in another document
    assert ranked_on(LINES, over, document=document).iloc[0]["counter"] > 0.9
    assert ranked_on(LINES, over).iloc[0]["counter"] < 0.1


def test_without_a_text_or_documents_nothing_is_counted() -> None:
    ranking = rank(1.0 * SINCE)
    assert np.isnan(ranking.table["counter"]).all() and ranking.table["event"].tolist() == [""]
    assert ranking.counters(3).empty
    assert len(rank(autoregression(0.9)).longest(3)) == 1


def test_what_hardly_counts_is_no_counter() -> None:
    series = xr.DataArray(
        np.stack([SINCE + 5 * noise(), SINCE + 100 * noise(1)], axis=1),
        dims=("time", "unit"),
        coords={"unit": [0, 1], "codepoint": ("time", codepoints(LINES))},
        name="l0.h",
    )
    ranking = rank_units(series)
    assert 0 < ranking.table["counter"].to_dict()["l0.h.1"] < 0.1
    assert ranking.counters(5).index.tolist() == ["l0.h.0"]


def test_a_layer_that_reads_from_the_end_counts_from_there() -> None:
    gaps = np.where(TIME % 5 == 0, np.nan, SINCE + 5 * noise())
    series = xr.DataArray(
        np.stack([gaps, np.where(TIME % 5 == 0, np.nan, square(25))], axis=1),
        dims=("time", "unit"),
        coords={"unit": [0, 1], "document": ("time", TIME // 350), "codepoint": ("time", codepoints(LINES))},
        name="l0.h",
    )
    forward = rank_units(series).table
    mirrored = rank_units(series[::-1].rename("l0r.h")).table
    assert max(forward["counter"]) > 0.4
    pd.testing.assert_frame_equal(mirrored.reset_index(drop=True), forward.reset_index(drop=True))


def test_what_is_no_signal_is_refused() -> None:
    series = xr.DataArray(np.zeros((3, 2)), dims=("time", "unit"), coords={"unit": [0, 1]}, name="l0.h")
    for wrong in (series[:, 0], series.values):
        with pytest.raises(AddressError, match="All units of a signal were expected"):
            rank_units(wrong)  # pyright: ignore[reportArgumentType]


def test_steps_that_are_not_taken_are_no_steps_of_a_count() -> None:
    gaps = np.full(2 * STEPS, np.nan)
    gaps[1::2] = SINCE
    text = "".join(f"?{character}" for character in LINES)
    assert ranked_on(text, gaps).iloc[0]["counter"] == pytest.approx(1.0, abs=1e-4)


def test_the_first_steps_of_a_long_text_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(units, "LONGEST", 1000)
    assert ranked_on(LINES[:1000], 1.0 * SINCE[:1000]).equals(ranked_on(LINES, 1.0 * SINCE))


def test_hand_built_networks_are_called_what_they_are() -> None:
    text = handmade.dialogue(np.random.default_rng(0), 6000)
    latch, counter = (rnnscope.trace(model, text) for model in (handmade.latch(), handmade.counter()))
    switches = rank_units(latch["l0.c"])
    assert switches.table.index[0] == "l0.c.3" and switches.table.loc["l0.c.3", "kind"] == "switch"
    counters = rank_units(counter["l0.c"])
    best = counters.counters(8)
    assert best.index[0] == "l0.c.3" and best.iloc[0][["event", "kind"]].tolist() == ["\n", "counter"]
    assert best["counter"].iloc[0] > 0.99
    untrained = rnnscope.trace(handmade.random_network(1), text)
    assert set(rank_units(untrained["l0.c"]).table["kind"]) <= {"-", "slow"}


def test_a_ranking_prints_the_eight_best_of_each_kind() -> None:
    ranking = rank(*(square(half) + 0.2 * noise(half) for half in range(2, 14)))
    said, switches, counters, longest = printed(ranking).split("\n\n")
    first = ranking.table.iloc[0]
    assert said.strip().startswith("l0.h  12 units: ") and "switch-like" in said
    for group, title, best in (
        (switches, "Most switch-like", ranking.switches(8)),
        (counters, "Best counters", ranking.counters(8)),
        (longest, "Longest memory", ranking.longest(8)),
    ):
        assert group.strip().startswith(title)
        assert [line.split()[0] for line in group.splitlines() if line.startswith("l0.")] == list(best.index)
    assert f"{first['switch']:.2f}" in switches and f"{first['on']:.0%}" in switches


def test_a_plot_has_a_dot_for_each_unit() -> None:
    ranking = rank(square(25) + 0.1 * noise(), noise(1), np.sin(TIME / 50))
    figure = plt.figure()
    axes = ranking.plot()
    dots = np.concatenate([np.asarray(kind.get_offsets()) for kind in axes.collections])
    figure.canvas.draw()
    plt.close(figure)
    expected = ranking.table[["switch", "timescale"]].to_numpy()
    assert dots[dots[:, 0].argsort()] == pytest.approx(expected[expected[:, 0].argsort()])
    assert (axes.get_yscale(), axes.get_title()) == ("log", "l0.h")
