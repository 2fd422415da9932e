"""Given networks beside each other: the table, the page, and what cannot be compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import rnnscope
from rnnscope.comparison.columns import Column, column
from rnnscope.comparison.comparing import compare
from rnnscope.comparison.result import Comparison
from rnnscope.errors import ArgumentError, ModelError, OutputError, TextError
from rnnscope.models import SequenceClassifier, Transducer, TransducerConfig
from rnnscope.models.classifier import ClassifierConfig
from rnnscope.probes.concepts import named
from tests.printing import printed

TEXT = 'abc def. "ghij," abc.\n' * 100

Make = Callable[..., rnnscope.CharLanguageModel]


def transducer(problem: str = "adding") -> Transducer:
    return Transducer(TransducerConfig(hidden_size=4, problem=problem, length=4)).eval()


@pytest.fixture(scope="module")
def drawn() -> Comparison:
    """Two experiments, three cells, two seeds; made up."""
    rows = [
        {"experiment": experiment, "name": cell, "cell": cell, "seed": seed, "learning_rate": 0.01, "folder": "x"}
        | {"parameters": 1000.0, "training_speed": 1_234_567.0 * (1 + seed), "test:nats": 1 + seed + index}
        | {"half_life:memory": np.inf if cell == "rnn" else 3.0 + seed, "never": np.nan}
        for experiment in ("prose", "adding")
        for index, cell in enumerate(("rnn", "gru", "lstm"))
        for seed in (0, 1)
    ]
    sweep = pd.DataFrame(
        {"experiment": "prose", "cell": "rnn", "learning_rate": [0.1, 1.0], "validation_loss": [2, np.inf]}
    )
    return Comparison(pd.DataFrame(rows), sweep.assign(chosen=[True, False]), ("A note.",))


def test_networks_are_rows_and_measures_columns(make_model: Make) -> None:
    models = {cell: make_model(cell=cell) for cell in ("rnn", "lstm")}
    found = compare(models, TEXT, concepts=named("quotes"), limit=1500)
    assert found.table.index.tolist() == ["rnn", "lstm"]
    for name in ("parameters", "loss", "half_life:h", "half_life:memory", "jacobian_slope", "unit:quotes"):
        assert not found.table[name].hasnans, name
        assert set(found.table[f"{name}_error"].isna()) == {True}
    assert found.table["gates_keep"].isna().tolist() == [True, False]
    assert found.runs["cell"].tolist() == ["rnn", "lstm"]
    assert set(found.runs["seed"].isna()) == {True}
    assert any("on 1,500 characters, the first of 2,200." in note for note in found.notes)
    alone = compare([models["lstm"]], TEXT, concepts=named("quotes"), limit=1500)
    assert alone.runs.loc[0, "loss"] == found.runs.loc[1, "loss"]


def test_a_sequence_is_called_by_its_cards_and_numbered_where_these_are_the_same(make_model: Make) -> None:
    found = compare([make_model(), make_model(cell="gru")], TEXT[:60])
    assert found.table.index.tolist() == ["CharLanguageModel 1", "CharLanguageModel 2"]


def test_memory_tasks_need_no_text() -> None:
    found = compare({"a": transducer(), "b": transducer("flip-flop")})
    assert {"parameters", "success_far"} <= set(found.table)
    assert "loss" not in found.table


def test_different_characters_are_named(make_model: Make) -> None:
    models = {"one": make_model("abc\n"), "two": make_model("abd")}
    with pytest.raises(ModelError, match="two does not know ⏎ c; one does not know d") as error:
        compare(models, TEXT)
    assert str(error.value).startswith("one and two know different characters")
    many = {"one": make_model("".join(map(chr, range(200, 300)))), "two": make_model("a")}
    with pytest.raises(ModelError, match="and 80 more"):
        compare(many, TEXT)


def test_what_cannot_be_compared_is_said(make_model: Make) -> None:
    model = make_model()
    classifier = SequenceClassifier(ClassifierConfig(hidden_size=4), model.vocabulary, ("a", "b")).eval()
    with pytest.raises(ModelError, match="no network"):
        compare({}, TEXT)
    with pytest.raises(ModelError, match="a is classifier"):
        compare({"a": classifier}, TEXT)
    with pytest.raises(ModelError, match="a is int"):
        compare({"a": 3}, TEXT)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ModelError, match="a is bidirectional"):
        compare({"a": make_model(bidirectional=True)}, TEXT)
    with pytest.raises(ModelError, match="a is in training mode"):
        compare({"a": make_model().train()}, TEXT)
    with pytest.raises(ModelError, match="b of memory-task"):
        compare({"a": model, "b": transducer()}, TEXT)
    with pytest.raises(ModelError, match="compared on a text"):
        compare({"a": model})
    with pytest.raises(TextError, match="The text is empty"):
        compare({"a": model}, "")
    with pytest.raises(ArgumentError, match="limit"):
        compare({"a": model}, TEXT, limit=1)


def test_a_text_that_is_short_leaves_measures_out_and_says_why(make_model: Make) -> None:
    found = compare({"a": make_model(), "b": make_model(cell="gru")}, "abc def.", concepts=named("quotes"))
    assert not found.table["loss"].hasnans
    assert "unit:quotes" not in found.table
    assert any(note.startswith("No best units of a, b: ") for note in found.notes)


def test_the_table_has_means_with_standard_errors(drawn: Comparison) -> None:
    table = drawn.table
    assert table.index.tolist() == ["rnn", "gru", "lstm"]
    assert table["prose.test:nats"].tolist() == [1.5, 2.5, 3.5]
    assert table["adding.test:nats_error"].tolist() == pytest.approx([0.5] * 3)
    assert table.loc["rnn", "prose.half_life:memory"] == np.inf
    assert np.isnan(table.loc["rnn", "prose.half_life:memory_error"])
    assert not [name for name in table if "never" in name]


def test_it_is_written_as_a_table(drawn: Comparison, tmp_path: Path) -> None:
    path = drawn.save(tmp_path / "table.csv")
    assert pd.read_csv(path, index_col=0)["prose.test:nats"].tolist() == [1.5, 2.5, 3.5]
    with pytest.raises(OutputError, match=r"ending must be .csv or .parquet"):
        drawn.save(tmp_path / "table.txt")


def test_it_reads_well_at_eighty_columns(drawn: Comparison) -> None:
    said = printed(drawn)
    lines = said.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].split() == ["prose", "rnn", "gru", "lstm"]
    assert "half-life, memory (steps)" in said
    assert "∞" in said
    assert "1.85M ±0.62M" in said
    assert "prose, rnn, validation loss by learning rate: 0.1 2.0000 (chosen), 1 diverged" in " ".join(said.split())
    assert lines[-1].strip() == "A note."


def test_many_networks_are_put_into_several_tables() -> None:
    names = [f"a-rather-long-name-{number}" for number in range(7)]
    rows = [dict.fromkeys(("experiment", "cell", "folder"), "x") | {"name": n, "seed": 0, "loss": 1.0} for n in names]
    said = printed(Comparison(pd.DataFrame(rows), pd.DataFrame(columns=["experiment", "cell"]), ()))
    assert max(map(len, said.splitlines())) <= 80
    assert said.count("loss (nats/character)") >= 3
    assert all(name in said for name in names)


def test_the_page_has_a_picture_for_each_measure_of_each_experiment(drawn: Comparison) -> None:
    figure = drawn.plot()
    assert isinstance(figure, Figure)
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert len(titles) == 2 * 4
    assert titles[0] == "parameters"
    assert [part.get_suptitle() for part in figure.subfigs] == drawn.experiments
    figure.canvas.draw()


def test_the_page_of_nothing_is_empty(drawn: Comparison) -> None:
    nothing = replace(drawn, runs=drawn.runs[["experiment", "name", "cell", "seed", "learning_rate", "folder"]])
    assert not [axes for axes in nothing.plot().axes if axes.get_title()]


@pytest.mark.parametrize(
    ("form", "value", "error", "words"),
    [
        (Column("", 2), 1.234, 0.056, "1.23 ±0.06"),
        (Column("", 2), 1.234, 0.0, "1.23"),
        (Column("", 2), 1.234, np.nan, "1.23"),
        (Column(""), 1234.5678, 1000, "1,235 ±1,000"),
        (Column("", short=True), 999, 3, "999 ±3"),
        (Column("", short=True), 12_345, 678, "12.35k ±0.68k"),
        (Column("", short=True), 2.5e9, np.nan, "2,500.00M"),
        (Column(""), np.nan, np.nan, "-"),
        (Column(""), np.inf, np.nan, "∞"),
        (Column(""), -np.inf, np.nan, "-∞"),
    ],
)
def test_a_figure_is_written_with_its_error(form: Column, value: float, error: float, words: str) -> None:
    assert form.written(value, error) == words


def test_a_column_that_is_not_known_is_called_by_its_key() -> None:
    assert column("unit:quotes").title == "best unit, quotes"
    assert column("odd").title == "odd"
