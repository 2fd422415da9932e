"""Units aligned with those of another network: one with its units permuted, and numpy's correlations."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.ndimage
import torch
import xarray as xr
from matplotlib.figure import Figure

import rnnscope
from rnnscope import CharLanguageModel, Trace
from rnnscope.analysis import alignment
from rnnscope.analysis.alignment import align_units
from rnnscope.errors import AddressError, ArgumentError, TraceError
from tests import handmade
from tests.printing import printed

TEXT = handmade.dialogue(np.random.default_rng(0), 700)


def trace_of(first: np.ndarray, second: np.ndarray) -> tuple[Trace, Trace]:
    """Two traces of the text whose ``l0.h`` are these, of shape (time, unit)."""
    found = rnnscope.trace(handmade.random_network(0), TEXT, signals=["h"])
    return with_values(found, first), with_values(found, second)


def with_values(trace: Trace, values: np.ndarray) -> Trace:
    tree = trace.tree.copy(deep=True)
    tree["l0"] = xr.DataTree(xr.Dataset({"h": (("time", "l0_unit"), values.astype("float32"))}))
    return Trace(tree)


def noise(seed: int, units: int, steps: int = len(TEXT)) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(steps, units)).astype("float32")


def permuted(model: CharLanguageModel, order: list[int], signs: list[int]) -> CharLanguageModel:
    """The same LSTM with its units in another order, and some of them turned over."""
    twin = handmade.random_network(1)
    twin.load_state_dict(model.state_dict())
    turned, rows = torch.tensor(signs, dtype=torch.float32), torch.tensor(order)
    with torch.no_grad():
        for name, weights in twin.rnn.named_parameters():
            gates = weights.view(4, len(order), -1)
            if "weight_hh" in name:
                gates = (gates * turned)[..., rows]
            gates = gates.clone()
            gates[2] *= turned[:, None]
            weights.copy_(gates[:, rows].reshape(weights.shape))
        twin.head.weight.copy_((twin.head.weight * turned)[:, rows])
    return twin


def test_a_network_is_found_in_itself_with_its_units_permuted_and_turned_over() -> None:
    order, signs = [3, 1, 7, 0, 2, 6, 5, 4], [1, -1, 1, 1, -1, -1, 1, -1]
    model = handmade.random_network(0)
    traces: Any = [rnnscope.trace(network, TEXT) for network in (model, permuted(model, order, signs))]
    assert traces[1].tree.dataset["nll"].values == pytest.approx(
        traces[0].tree.dataset["nll"].values, abs=1e-4, nan_ok=True
    )
    result = align_units(*traces)
    assert result.signals == ("l0.c", "l0.c") and result.steps == len(TEXT)
    assert result.table["partner"].tolist() == [f"l0.c.{order.index(unit)}" for unit in range(8)]
    assert result.table["correlation"].to_numpy() == pytest.approx(signs, abs=1e-6)
    assert result.table["slope"].to_numpy() == pytest.approx(signs, abs=1e-4)
    assert result.table["offset"].to_numpy() == pytest.approx(0, abs=1e-4)
    assert result.table["matched"].tolist() == result.table["partner"].tolist()
    assert set(result.table["mutual"]) == {True} and set(result.table["diverges"].isna()) == {True}
    assert set(result.table["p"]) == {0.01} and len(result.aligned) == 8
    assert result.first_guess is None and result.same_guess == 1 and result.first_cost is None


@pytest.mark.parametrize("block", [2**21, 50])
def test_correlations_and_chance_are_those_of_numpy(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alignment, "_VALUES", block)
    first, second = noise(0, 5), 100 + noise(1, 7).cumsum(axis=0)
    second[:, 2] -= 9 * first[:, 4]
    result = align_units(*trace_of(first, second), shifts=19, seed=3)
    expected = np.corrcoef(first.T, second.T, dtype=float)[:5, 5:]
    best = np.abs(expected).argmax(axis=1)
    assert result.table["partner"].tolist() == [f"l0.h.{unit}" for unit in best]
    assert result.table["correlation"].to_numpy() == pytest.approx(expected[np.arange(5), best], abs=1e-6)
    for unit, row in enumerate(result.table.to_dict("records")):
        slope, offset = np.polyfit(second[:, best[unit]].astype(float), first[:, unit].astype(float), 1)
        assert (row["slope"], row["offset"]) == pytest.approx((slope, offset), abs=1e-5)
        assert row["mutual"] == (np.abs(expected[:, best[unit]]).argmax() == unit)
    shifted = [
        np.abs(np.corrcoef(first.T, np.roll(second, -move, axis=0).T)[:5, 5:]).max(axis=1)
        for move in np.random.default_rng(3).permutation(np.arange(-(-len(TEXT) // 4), 3 * len(TEXT) // 4 + 1))[:19]
    ]
    assert result.table["chance"].to_numpy() == pytest.approx(np.mean(shifted, axis=0), abs=1e-5)
    as_good = np.sum(np.array(shifted) >= np.abs(expected).max(axis=1), axis=0)
    assert result.table["p"].to_numpy() == pytest.approx((1 + as_good) / 20)


def test_a_short_text_is_shifted_each_way_once() -> None:
    traces: Any = [rnnscope.trace(handmade.random_network(seed), TEXT[:40]) for seed in (0, 1)]
    result = align_units(*traces)
    assert result.shifts == 21  # by 10 to 30 of 40 steps
    assert (result.table["p"].to_numpy() >= 1 / 22).all()


def test_slow_noise_finds_good_partners_that_are_no_better_than_chance() -> None:
    first, second = (scipy.ndimage.uniform_filter1d(noise(seed, 20), 40, axis=0, mode="wrap") for seed in (2, 3))
    result = align_units(*trace_of(first, second))
    assert np.abs(result.table["correlation"]).mean() > 0.35
    assert result.table["chance"].to_numpy().mean() == pytest.approx(result.table["correlation"].abs().mean(), abs=0.05)
    assert len(result.aligned) <= 3


def test_where_each_has_a_partner_of_its_own_the_sum_of_correlations_is_the_highest() -> None:
    first = noise(4, 4)
    second = first[:, [0, 0, 1, 2]] + noise(5, 4) * [0.5, 0.6, 2, 2]
    table = align_units(*trace_of(first, second)).table
    size = np.abs(np.corrcoef(first.T, second.T)[:4, 4:])
    best = max(permutations(range(4)), key=lambda places: sum(size[unit, place] for unit, place in enumerate(places)))
    assert table["matched"].tolist() == [f"l0.h.{place}" for place in best]
    assert table["matched_correlation"].abs().to_numpy() == pytest.approx(size[np.arange(4), list(best)], abs=1e-6)
    few = align_units(*trace_of(first, second[:, :2])).table
    assert (few["matched"].count(), few["partner"].count()) == (2, 4)
    assert few["matched_correlation"].isna().tolist() == few["matched"].isna().tolist()


def test_a_pair_diverges_where_it_first_is_far_apart_and_unusually_so() -> None:
    first = noise(6, 2)
    second = first + noise(7, 2) * 0.1
    second[[300, 500], 0] += [3, -8]
    result = align_units(*trace_of(first, second))
    for unit, step in enumerate(result.table["diverges"]):
        slope, offset = np.polyfit(second[:, unit], first[:, unit], 1)
        rest = np.abs(first[:, unit] - slope * second[:, unit] - offset)
        far = rest > max(first[:, unit].std(), 4 * rest.std())
        assert (None if step is pd.NA else step) == (far.argmax() if far.any() else None)
    assert result.table["diverges"].iloc[0] == 300 and result.table["diverges"].isna().iloc[1]


def test_units_that_never_change_or_are_not_finite_have_no_partner_and_are_none() -> None:
    first, second = noise(8, 4), noise(9, 4)
    second[:, 1] = first[:, 0]
    first[:, 1], second[:, 0] = 0.1, 0.7
    first[5, 2], second[9, 2] = np.nan, np.inf
    table = align_units(*trace_of(first, second)).table
    assert table["partner"].isna().tolist() == [False, True, True, False]
    assert table["correlation"].isna().tolist() == [False, True, True, False]
    assert table.loc["l0.h.0", "partner"] == "l0.h.1" and table.loc["l0.h.3", "partner"] in ("l0.h.1", "l0.h.3")
    assert table[["slope", "offset", "chance", "p"]].notna().sum().tolist() == [2, 2, 2, 2]
    nothing = align_units(*trace_of(first, np.zeros((len(TEXT), 3))))
    assert set(nothing.table["partner"]) == set(nothing.table["matched"]) == {None} and nothing.aligned.empty
    assert "0 of 4 units" in printed(nothing)
    nothing.plot()


def test_steps_that_one_of_the_layers_does_not_take_are_left_out() -> None:
    first, second = noise(10, 3), noise(11, 3)
    second += first
    first[::3], second[1::5] = np.nan, np.nan
    taken = ~np.isnan(first).any(axis=1) & ~np.isnan(second).any(axis=1)
    result = align_units(*trace_of(first, second))
    assert result.steps == taken.sum()
    expected = np.corrcoef(first[taken].T, second[taken].T)[:3, 3:]
    assert result.table["correlation"].to_numpy() == pytest.approx(expected.diagonal(), abs=1e-6)


def test_where_guesses_and_costs_first_differ() -> None:
    traces: Any = [rnnscope.trace(handmade.random_network(seed), [TEXT[:200], TEXT[200:400]]) for seed in (0, 1)]
    roots = [trace.tree.dataset for trace in traces]
    guesses = [
        [trace.outcomes[g] if g >= 0 else None for g in root["guess"][:, 0].values]
        for trace, root in zip(traces, roots, strict=True)
    ]
    differ = [step for step in range(400) if guesses[0][step] is not None and guesses[0][step] != guesses[1][step]]
    costs = np.abs(roots[0]["nll"].values - roots[1]["nll"].values) > 1
    result = align_units(*traces)
    assert result.first_guess == differ[0]
    assert result.same_guess == pytest.approx(1 - len(differ) / 398)
    assert result.first_cost == (int(np.flatnonzero(costs)[0]) if costs.any() else None)


def test_guesses_are_compared_by_what_they_say() -> None:
    trace = rnnscope.trace(handmade.random_network(0), TEXT)
    tree, size = trace.tree.copy(deep=True), len(trace.outcomes)
    guesses = tree.dataset["guess"]
    tree.dataset = tree.to_dataset().assign(guess=guesses.where(guesses < 0, size - 1 - guesses))
    tree.attrs["outcomes"] = list(trace.outcomes)[::-1]
    assert align_units(trace, Trace(tree)).same_guess == 1
    tree.attrs["task"] = "classifier"
    other = align_units(trace, Trace(tree))
    assert other.first_guess is None and np.isnan(other.same_guess)


def test_traces_on_disk_give_the_same(tmp_path: Path) -> None:
    models = [handmade.random_network(0), handmade.random_network(3, cell="gru", units=5)]
    stored: Any = [rnnscope.trace(model, TEXT, tmp_path / f"{place}.zarr") for place, model in enumerate(models)]
    result = align_units(*stored)
    assert result.signals == ("l0.c", "l0.h")
    in_memory: Any = [rnnscope.trace(model, TEXT) for model in models]
    held = align_units(*in_memory)
    assert result.table.equals(held.table)
    assert align_units(*stored, signals=("l0.h", "l0.h")).signals == ("l0.h", "l0.h")
    assert align_units(*stored, signals="l0.h").table.index[0] == "l0.h.0"


def test_other_texts_are_refused_with_the_step_at_which_they_differ() -> None:
    model = handmade.random_network(0)
    first = rnnscope.trace(model, "abcd" * 10)
    with pytest.raises(TraceError, match="at step 5 the first has 'b' and the second '⏎'"):
        align_units(first, rnnscope.trace(model, "abcda\n" + "cd" * 17))
    with pytest.raises(TraceError, match="the first has 40 steps, the second 44"):
        align_units(first, rnnscope.trace(model, "abcd" * 11))
    with pytest.raises(TraceError, match="at step 20 the first has document 0 and the second document 1"):
        align_units(first, rnnscope.trace(model, ["abcd" * 5] * 2))


def test_what_cannot_be_aligned_is_refused() -> None:
    model = handmade.random_network(0)
    trace, short = rnnscope.trace(model, TEXT), rnnscope.trace(model, "abc")
    with pytest.raises(TraceError, match="A trace was expected.* got str"):
        align_units(trace, "l0.c")  # pyright: ignore[reportArgumentType]
    with pytest.raises(TraceError, match=r"At least 20 steps that l0\.c and l0\.c both take are needed; there are 3"):
        align_units(short, short)
    with pytest.raises(AddressError, match=r"give l0\.h, not l0\.h\.3"):
        align_units(trace, trace, signals="l0.h.3")
    with pytest.raises(AddressError):
        align_units(trace, trace, signals=("l0.h", "l7.h"))
    with pytest.raises(AddressError, match="got 3"):
        align_units(trace, trace, signals=("l0.h", "l0.h", "l0.h"))  # pyright: ignore[reportArgumentType]
    with pytest.raises(AddressError):
        align_units(trace, trace, signals=3)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ArgumentError, match="shifts is a whole number of at least 1; got 0"):
        align_units(trace, trace, shifts=0)


def test_it_prints_its_pairs_and_plots_them() -> None:
    traces: Any = [rnnscope.trace(handmade.random_network(seed), TEXT) for seed in (0, 0)]
    result = align_units(*traces)
    page = printed(result)
    assert all(len(line) <= 80 for line in page.splitlines())
    assert "8 of 8 units" in page and "+1.000" in page and "l0.c.5  l0.c.5" in page
    axes = result.plot()
    best, own, chance = (line.get_ydata() for line in axes.get_lines())
    assert np.asarray(best) == pytest.approx(np.sort(result.table["correlation"].abs())[::-1])
    assert len(np.asarray(own)) == len(np.asarray(chance)) == 8
    given = Figure().subplots()
    assert result.plot(given) is given
