"""The task of forecasting: forward in time, beside its baselines, and data with faults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import LinearRegression

import rnnscope
from rnnscope.errors import RecipeError, TextError
from rnnscope.models.forecaster import Forecaster, normal_nats
from rnnscope.training.recipe_file import recipe_of
from rnnscope.training.task import Share
from rnnscope.training.tasks.forecasting import NETWORK, Forecasting, autoregress, moving_deviation, verdict

TRAINING = {"streams": 4, "window": 10, "warmup": 0, "learning_rate": 0.02, "validate_every": 100, "epochs": 30}


def tents(length: int = 600) -> np.ndarray:
    """Prices whose changes follow from the one before by the tent map, which nothing linear foretells."""
    changes = [0.3]
    for _ in range(length - 1):
        changes.append(1 - 1.95 * abs(changes[-1]))
    return 50 * np.exp(np.cumsum(changes) * 0.02)


def walk(length: int = 600) -> np.ndarray:
    """Prices whose changes nothing foretells."""
    return 50 * np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.02, length)))


def content(folder: Path, values: np.ndarray, **model: Any) -> dict[str, Any]:
    path = folder / "prices.csv"
    path.write_text("price\n" + "".join(f"{float(value)!r}\n" for value in values))
    corpus = {"path": str(path), "split": [0.6, 0.2, 0.2]}
    model = {"hidden_size": 8, **model}
    return {"name": "small", "task": "forecaster", "corpus": corpus, "model": model, "training": TRAINING}


def make_task(folder: Path, values: np.ndarray, **model: Any) -> Forecasting:
    return Forecasting(recipe_of(content(folder, values, **model)))


def shaken(task: Forecasting) -> Forecaster:
    """A network that foretells something, if nothing sensible."""
    torch.manual_seed(0)
    model = task.build().eval()
    torch.nn.init.normal_(model.head.weight, std=0.3)
    return model


def test_autoregression_is_that_of_scikit_learn() -> None:
    changes = np.diff(np.log(tents(120)))
    lags = np.stack([changes[3 - lag : -lag] for lag in (1, 2, 3)], axis=1)
    fitted = LinearRegression().fit(lags[: 80 - 3], changes[3:80])
    np.testing.assert_allclose(autoregress(changes, 3, 80)[3:], fitted.predict(lags), atol=1e-12)
    np.testing.assert_allclose(autoregress(changes, 0, 80), changes[:80].mean(), atol=1e-12)


def test_a_moving_deviation_is_that_of_pandas_a_step_later() -> None:
    changes = np.diff(np.log(walk(50)))
    squares = pd.Series(np.concatenate(([0.03**2], changes**2)))
    expected = squares.ewm(alpha=0.1, adjust=False).mean().to_numpy() ** 0.5
    np.testing.assert_allclose(moving_deviation(changes, 0.03, 0.9), expected[:-1])


@pytest.mark.parametrize("logarithmic", [True, False])
def test_scores_are_one_step_ahead_with_everything_before_known(tmp_path: Path, logarithmic: bool) -> None:
    values = walk(300)
    task = make_task(tmp_path, values, logarithmic=logarithmic)
    model = shaken(task)
    found = {(score.part, score.measure): score for score in task.scores(model)}
    for part, place in (("validation", range(180, 240)), ("test", range(240, 300))):
        forecast = np.array([model.forecast(values[:day])[-1] for day in place])
        rmse = found[part, "root mean squared error in the unit of the file"]
        assert rmse.value == pytest.approx(np.sqrt(((forecast - values[place]) ** 2).mean()), rel=1e-5)
        last = values[[day - 1 for day in place]]
        assert rmse.baselines["last value"] == pytest.approx(np.sqrt(((last - values[place]) ** 2).mean()))
        absolute = found[part, "mean absolute error in the unit of the file"]
        assert absolute.value == pytest.approx(np.abs(forecast - values[place]).mean(), rel=1e-5)
        assert absolute.baselines["last value"] == pytest.approx(np.abs(last - values[place]).mean())
        returns = ("test", "root mean squared error of log returns in percent")
        assert (returns in found) == logarithmic
        if logarithmic:
            off = np.log(values[place] / forecast)
            measured = found[part, returns[1]]
            assert measured.value == pytest.approx(100 * np.sqrt((off**2).mean()), rel=1e-4)


def test_nats_are_of_the_standardised_changes_of_a_part(tmp_path: Path) -> None:
    task = make_task(tmp_path, walk(300))
    model = shaken(task)
    changes = np.diff(np.log(walk(300)))
    scaled = torch.from_numpy((changes - changes[:179].mean()) / changes[:179].std()).float()
    with torch.no_grad():
        mean, log_variance, _ = model(torch.cat((torch.zeros(1), scaled))[:, None])
    expected = normal_nats(scaled, mean[:-1, 0], log_variance[:-1, 0])
    scores = {score.part: score for score in task.scores(model) if score.measure == "nats per step"}
    assert task.validate(model) == pytest.approx(float(expected[179:239].mean()), rel=1e-4)
    assert scores["validation"].value == pytest.approx(task.validate(model), rel=1e-6)
    assert scores["test"].value == pytest.approx(float(expected[239:].mean()), rel=1e-4)
    constant = normal_nats(scaled, torch.zeros(()), torch.zeros(()))[239:].mean()
    assert scores["test"].baselines["constant variance"] == pytest.approx(float(constant), rel=1e-5)


def test_nothing_is_learnt_from_the_future(tmp_path: Path) -> None:
    values, other = walk(300), walk(300)
    other[240:] = np.linspace(1, 900, 60)
    task, changed = make_task(tmp_path, values), make_task(tmp_path, other)
    model = shaken(task)
    assert float(task.build().change_deviation) == float(changed.build().change_deviation)
    assert torch.equal(task.streams.tokens, changed.streams.tokens)
    assert task.validate(model) == changed.validate(model)
    before, after = (t.scores(model) for t in (task, changed))
    assert [s for s in before if s.part == "validation"] == [s for s in after if s.part == "validation"]
    assert [s for s in before if s.part == "test"] != [s for s in after if s.part == "test"]


@pytest.mark.parametrize("count", [1, 2, 4])
def test_windows_carry_the_state_and_their_shares_give_the_mean(tmp_path: Path, count: int) -> None:
    task = make_task(tmp_path, walk(300))
    model = shaken(task)
    inputs, targets = (task.streams.tokens[:30], task.streams.tokens[1:31])
    mean, log_variance, _ = model(inputs)
    expected = normal_nats(targets, mean, log_variance).view(3, 10, 4).mean(dim=(1, 2))
    for index in (0, 1, 2):
        shares = torch.stack([task.loss(model, index, Share(place, count)) for place in range(count)])
        assert float(shares.mean().detach()) == pytest.approx(float(expected[index].detach()), rel=1e-5)
    again = make_task(tmp_path, walk(300))
    again.restore(task.state())
    one = Share(0, count)
    assert torch.equal(again.loss(model, 3, one), task.loss(model, 3, one))
    assert float(task.loss(model, len(task), Share()).detach()) == pytest.approx(float(expected[0].detach()), rel=1e-5)


def test_shares_that_do_not_divide_the_streams_are_refused(tmp_path: Path) -> None:
    task = make_task(tmp_path, walk(300))
    with pytest.raises(RecipeError, match="training.streams must be a multiple of 3.*got 4"):
        task.loss(task.build(), 0, Share(0, 3))


def train(folder: Path, values: np.ndarray, epochs: int) -> Forecaster:
    tables = content(folder, values)
    tables["training"] = TRAINING | {"epochs": epochs}
    lines = ["name = 'small'\ntask = 'forecaster'\n"]
    for name in ("corpus", "model", "training"):
        lines.append(f"[{name}]\n" + "".join(f"{key} = {value!r}\n" for key, value in tables[name].items()))
    (folder / "recipe.toml").write_text("".join(lines))
    model = rnnscope.train(folder / "recipe.toml", folder / "run", device="cpu")
    assert isinstance(model, Forecaster) and model.card is not None
    return model


def test_a_trained_forecaster_beats_the_last_value_where_there_is_something_to_learn(tmp_path: Path) -> None:
    model = train(tmp_path, tents(), 30)
    assert model.card is not None
    assert "better than its best baseline in root mean squared error" in dict(model.card.rows())["verdict"]
    scores = {(s["part"], s["measure"]): s for s in model.card.training["scores"]}
    rmse = scores["test", "root mean squared error in the unit of the file"]
    assert rmse["value"] < 0.5 * min(rmse["baselines"].values())
    value = float(tents(601)[600])
    assert abs(model.forecast(tents())[-1] - value) < abs(tents()[-1] - value)


def test_the_card_says_plainly_who_wins(tmp_path: Path) -> None:
    model = train(tmp_path, walk(), 1)
    assert model.card is not None
    said = dict(model.card.rows())["verdict"]
    assert said.startswith("on the test part the network is ") and "nats per step (" in said
    assert f"| verdict | {said} |" in model.card.markdown()


def test_a_verdict_tells_apart_what_differs_by_more_than_chance() -> None:
    noise = np.random.default_rng(0).normal(0, 1, 400)
    rivals = {"last value": np.full(400, 3.0), "autoregression": np.full(400, 2.0)}
    losses = {
        "a": {NETWORK: 2.5 + noise, **rivals},
        "b": {NETWORK: 1.5 + noise, **rivals},
        "c": {NETWORK: 2.1 + noise, **rivals},
        "d": {NETWORK: np.full(400, 2.0), **rivals},
        "e": {NETWORK: np.full(1, 9.0), "last value": np.full(1, 2.0)},
    }
    assert verdict(losses) == (
        "on the test part the network is worse than its best baseline in a (behind autoregression); neither better "
        "nor worse, beyond chance, than its best baseline in c (behind autoregression), d (level with autoregression), "
        "e (behind last value); better than its best baseline in b (ahead of autoregression)"
    )


def test_values_that_are_not_above_zero_are_read_as_differences(tmp_path: Path) -> None:
    values = walk(300) - 50
    task = make_task(tmp_path, values)
    below = int((values <= 0).sum())
    assert any(f"{below:,} values are not above zero, so the network reads differences" in r for r in task.remarks)
    model = task.build()
    assert not model.config.logarithmic
    np.testing.assert_allclose(model.forecast(values) - values, np.diff(values[:180]).mean(), atol=1e-5)
    asked = make_task(tmp_path, values, logarithmic=False)
    assert not any("differences" in remark for remark in asked.remarks)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (walk(70), "41 changes; 4 streams with a window of 10 need at least 44.*training.window"),
        (np.full(300, 5.0), "standard deviation of 0; a finite one above zero is needed"),
        (walk(0), "at least one row"),
        (np.tile([1e308, -1e308], 150), "a finite one above zero is needed"),
        (np.array([1.0, 2.0]), "part has none of the 2 values"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid value")
def test_series_that_cannot_be_learnt_from_are_refused(tmp_path: Path, values: np.ndarray, words: str) -> None:
    with pytest.raises(TextError, match=words):
        make_task(tmp_path, values)
