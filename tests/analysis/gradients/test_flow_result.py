"""What is said of norms whose values are known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
import seaborn as sns
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from rnnscope.analysis.gradients.decay import half_life, log_quantiles, slope
from rnnscope.analysis.gradients.flow_comparison import GradientFlows
from rnnscope.analysis.gradients.flow_result import GradientFlow
from tests.printing import printed


def made(lags: Sequence[int], rate: float, signals: Sequence[str] = ("l0.h", "l0.c"), **options: Any) -> GradientFlow:
    """Three targets whose norms fall by a rate, in nats per step."""
    lags_ = np.asarray(lags)
    norms = {signal: np.outer([0.5, 1.0, 4.0], np.exp(rate * lags_)) for signal in signals}
    along = {signal: values**2 for signal, values in norms.items() if signal.endswith("c")}
    return GradientFlow(
        architecture="lstm, 1 layer",
        text="100 characters",
        targets=np.array([10, 11, 12]),
        lags=lags_,
        losses=np.array([1.0, 2.0, 3.0]),
        norms=norms,
        along=along,
        rest=along,
        characters="a\nb",
        **options,
    )


def test_the_summary_of_an_exponential() -> None:
    row = made(range(201), -0.1).summary.loc["l0.c"]
    assert row["first"] == pytest.approx(1.0)
    assert row["half_life"] == pytest.approx(math.log(2) / 0.1)
    assert row["vanishes"] == math.ceil(23 * math.log(2) / 0.1)
    assert row["slope"] == pytest.approx(-0.1)
    assert row["slope_along"] == pytest.approx(-0.2)
    assert (row["zero"], row["below"]) == (0, 0)


def test_gradients_that_grow_have_no_half_life_and_do_not_vanish() -> None:
    row = made(range(20), 0.05).summary.loc["l0.h"]
    assert row["half_life"] == math.inf
    assert math.isnan(row["vanishes"])
    assert math.isnan(row["slope_along"])
    assert row["slope"] == pytest.approx(0.05)


def test_the_table_has_the_quartiles_of_the_logarithm() -> None:
    flow = made([0, 2, 5], -0.3)
    table = flow.table
    assert len(table) == 6
    row = table[(table["signal"] == "l0.h") & (table["lag"] == 5)].iloc[0]
    logs = np.log10(flow.norms["l0.h"][:, 2])
    assert row[["lower", "median", "upper"]].tolist() == pytest.approx(np.quantile(logs, [0.25, 0.5, 0.75]).tolist())
    assert math.isnan(row["along"])


def test_quantiles_cope_with_zeros() -> None:
    norms = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 1.0], [0.0, 10.0, 1.0], [1.0, 100.0, 1.0]])
    expected = [[-math.inf, -math.inf, 0], [-math.inf, 0.5, 0], [-math.inf, 1.25, 0]]
    np.testing.assert_allclose(log_quantiles(norms), expected)


def test_half_life_begins_at_lag_one_and_lies_between_lags() -> None:
    assert half_life(np.array([0, 1, 2, 3]), np.log10([100.0, 8.0, 8.0, 2.0])) == pytest.approx(1.5)
    assert half_life(np.array([1, 5, 9]), np.array([0.0, 0.0, -math.inf])) == 4
    assert half_life(np.array([0, 1, 2]), np.array([0.0, -1.0, -1.1])) == math.inf
    assert math.isnan(half_life(np.array([0]), np.array([0.0])))
    assert math.isnan(half_life(np.array([0, 1]), np.array([0.0, -math.inf])))


def test_the_slope_leaves_out_lag_zero_and_zeros() -> None:
    median = np.array([5.0, -1.0, -2.0, -3.0, -math.inf])
    assert slope(np.arange(5), median) == pytest.approx(-math.log(10))
    assert math.isnan(slope(np.array([0, 1]), np.array([0.0, 1.0])))


def test_the_picture_has_a_line_for_each_signal_and_path() -> None:
    axes = made(range(30), -0.1).plot()
    assert [line.get_label() for line in axes.lines] == ["l0.h", "l0.c", "l0.c along itself alone"]
    given = Figure().subplots()
    assert made([0, 3], -0.1).plot(given) is given


def test_the_bound_of_a_vanilla_network_begins_at_lag_one() -> None:
    bound = pd.DataFrame({"log_bound": [-0.05]}, index=pd.Index(["l0"], name="layer"))
    flow = made(range(30), -0.1, ["l0.h"], bound=bound)
    line = flow.plot().lines[-1]
    x, y = line.get_xdata(), line.get_ydata()
    assert "-0.05 nats/step" in str(line.get_label())
    assert np.asarray(x)[0] == 1
    assert np.polyfit(np.asarray(x), np.asarray(y), 1)[0] == pytest.approx(-0.05 / math.log(10))
    assert np.asarray(y)[0] == pytest.approx(-0.1 / math.log(10))
    assert "of l0 bound its slope from above: -0.050" in printed(flow)


def test_cards_fit_eighty_columns() -> None:
    flows = GradientFlows({"one": made(range(30), -1e-3), "one (initial)": made(range(30), -5.0)})
    for card in (printed(flows), printed(made(range(30), -5.0))):
        assert max(map(len, card.splitlines())) <= 80
        assert "never" in card or "1.2e-38" in card
    assert printed(flows).count("3 targets in 100 characters, lags 0 to 29") == 1


def test_several_flows_in_one_table_and_picture() -> None:
    flows = GradientFlows(
        {"one": made(range(5), -0.1), "one (initial)": made(range(5), -0.2), "two": made([1], 0, ["l0.h"])}
    )
    assert flows.summary.index.names == ["model", "signal"]
    assert flows.summary.loc[("one (initial)", "l0.h"), "slope"] == pytest.approx(-0.2)
    assert flows.table["model"].unique().tolist() == ["one", "one (initial)", "two"]
    axes = flows.plot()
    assert len(axes.lines) == 5
    legend: Any = axes.get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["one", "one (initial)", "two", "h", "c"]


def test_weights_kept_in_a_training_go_from_dark_to_light_without_bands() -> None:
    steps = [f"mine step-{step:06}" for step in range(0, 8000, 1000)]
    axes = GradientFlows({name: made(range(5), -0.1, ["l0.h"]) for name in [*steps, "mine"]}).plot()
    *kept, last = [sum(to_rgb(line.get_color())) for line in axes.lines]
    assert (np.diff(kept) > 0).all()
    assert to_rgb(axes.lines[-1].get_color()) == pytest.approx(sns.color_palette("colorblind")[0])
    assert last != kept[-1]
    assert not axes.collections


def test_a_name_stands_once_in_the_card() -> None:
    card = printed(GradientFlows({"mine": made(range(5), -0.1), "yours": made(range(5), -0.1)}), colours=True)
    rows = card.split("──\n")[-1]
    assert rows.count("mine") == rows.count("yours") == 1
    assert rows.count("l0.c") == 2


def test_a_map_of_given_lags() -> None:
    axes = made([0, 1, 4, 10], -0.1).map("l0.c")
    mesh: Any = axes.collections[0]
    assert mesh.get_coordinates()[:, 0, 1].tolist() == [-0.5, 0.5, 2.5, 7, 13]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["a", "⏎", "b"]
    assert made([3], -0.1).map("l0.h").collections[0].get_array().shape == (1, 3)  # pyright: ignore[reportOptionalMemberAccess]
