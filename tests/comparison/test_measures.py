"""Measures beside what they are made from, and kept beside a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

import rnnscope
from rnnscope.analysis.gradients.flow import gradient_flow
from rnnscope.comparison import measuring
from rnnscope.comparison.measures import MEASURES, Subject
from rnnscope.comparison.measuring import measure
from rnnscope.models import Transducer, TransducerConfig
from rnnscope.probes.concepts import named
from rnnscope.text import Document

TEXT = 'abc def. "ghij," abc.\n' * 100

Make = Callable[..., rnnscope.CharLanguageModel]


def subject(model: object, *texts: str, concepts: tuple[str, ...] = ()) -> Subject:
    documents = [Document(f"text {number}", text) for number, text in enumerate(texts)]
    return Subject(model, documents, named(*concepts) if concepts else (), seed=0)


def figures(of: Subject, name: str) -> dict[str, float]:
    assert MEASURES[name].applies(of)
    return MEASURES[name].figures(of)


def test_the_size_is_that_of_the_weights(make_model: Make) -> None:
    model = make_model()
    count = sum(p.numel() for p in model.parameters())
    assert figures(subject(model), "size") == {"parameters": count, "bytes": 4 * count}


def test_the_loss_is_over_all_characters_of_all_documents(make_model: Make) -> None:
    model, losses = make_model(), []
    for text in (TEXT[:50], TEXT[7:30]):
        tokens = torch.from_numpy(model.vocabulary.encode(text))
        with torch.no_grad():
            losses.append(functional.cross_entropy(model(tokens[:-1])[0], tokens[1:], reduction="none"))
    expected = torch.cat(losses).mean().item()
    assert figures(subject(model, TEXT[:50], "a", TEXT[7:30]), "text_loss") == {"loss": pytest.approx(expected)}


def test_a_text_of_single_characters_has_no_loss(make_model: Make) -> None:
    assert "it has no loss" in measure(subject(make_model(), "a", "b"), ["text_loss"]).reasons["text_loss"]


def test_the_gradient_is_that_of_the_top_layer_and_of_the_memory(make_model: Make) -> None:
    model = make_model(layers=2)
    found = figures(subject(model, TEXT), "gradients")
    summary = gradient_flow(model, TEXT).summary
    assert found["half_life:h"] == summary.loc["l1.h", "half_life"]
    assert found["half_life:memory"] == summary.loc["l1.c", "half_life"]
    assert found["gradient_slope:memory"] == summary.loc["l1.c", "slope"]
    gru = figures(subject(make_model(cell="gru"), TEXT), "gradients")
    assert gru["half_life:h"] == gru["half_life:memory"]


def test_gates_that_are_open_by_their_biases_are_seen_so(make_model: Make) -> None:
    model = make_model()
    with torch.no_grad():
        for weight in model.rnn.parameters():
            weight.zero_()
        dict(model.rnn.named_parameters())["bias_hh_l0"].copy_(
            torch.tensor([0.0, 5.0, 0.0, -5.0]).repeat_interleave(12)
        )
    found = figures(subject(model, TEXT), "gates")
    assert found == {"gates_left": pytest.approx(1 / 3), "gates_right": pytest.approx(1 / 3), "gates_keep": 1.0}
    assert not MEASURES["gates"].applies(subject(make_model(cell="rnn"), TEXT))


def test_the_best_units_are_those_of_a_search(make_model: Make) -> None:
    model, concepts = make_model(), named("quotes", "vowel")
    found = figures(subject(model, TEXT, concepts=("quotes", "vowel")), "best_units")
    table = rnnscope.find_units(model, TEXT, concepts).table
    assert found == {"unit:quotes": table.loc["quotes", "score"], "unit:vowel": table.loc["vowel", "score"]}
    assert not MEASURES["best_units"].applies(subject(model, TEXT))


def test_a_transducer_has_a_success_and_nothing_of_a_text() -> None:
    torch.manual_seed(0)
    model = Transducer(TransducerConfig(hidden_size=4, problem="adding", length=4)).eval()
    one = subject(model)
    found = measure(one, list(MEASURES))
    assert set(found.figures) == {"parameters", "bytes", "reading_speed", "success_far"}
    assert 0 <= found.figures["success_far"] <= 1
    assert not found.reasons


def test_what_cannot_be_told_has_a_reason(make_model: Make) -> None:
    short = subject(make_model(), "ab", concepts=("quotes",))
    found = measure(short, ["size", "effective_context", "best_units"])
    assert set(found.figures) == {"parameters", "bytes"}
    assert set(found.reasons) == {"effective_context", "best_units"}
    assert "1,000 steps" in found.reasons["best_units"]


def test_figures_are_kept_with_what_they_were_made_with(
    make_model: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, taken, take = make_model(), [], measuring._take

    def counting(of: Subject, name: str) -> dict[str, object]:
        taken.append(name)
        return take(of, name)

    monkeypatch.setattr(measuring, "_take", counting)
    names = ["size", "text_loss", "best_units"]

    def count(*texts: str, concepts: tuple[str, ...] = ("quotes",)) -> list[str]:
        taken.clear()
        measure(subject(model, *texts, concepts=concepts), names, tmp_path)
        return list(taken)

    first = measure(subject(model, TEXT, concepts=("quotes",)), names)
    assert count(TEXT) == names
    assert count(TEXT) == []
    assert measure(subject(model, TEXT, concepts=("quotes",)), names, tmp_path) == first
    assert count(TEXT, concepts=("vowel",)) == ["best_units"]
    assert count(TEXT[3:], concepts=("vowel",)) == ["text_loss", "best_units"]
    with torch.no_grad():
        model.head.bias.add_(1)
    assert count(TEXT[3:], concepts=("vowel",)) == names


@pytest.mark.parametrize("content", ["", "{", "[]", '{"size": 3}', '{"size": {}}'])
def test_a_file_that_is_none_of_these_is_made_anew(make_model: Make, tmp_path: Path, content: str) -> None:
    (tmp_path / "measures.json").write_text(content)
    found = measure(subject(make_model()), ["size"], tmp_path)
    assert found.figures["parameters"] == sum(p.numel() for p in make_model().parameters())
    assert measure(subject(make_model()), ["size"], tmp_path) == found


def test_a_speed_is_of_what_was_read(make_model: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter(np.arange(0, 100, 0.5))
    monkeypatch.setattr("time.perf_counter", lambda: next(seconds))
    assert figures(subject(make_model(), TEXT), "reading_speed") == {"reading_speed": 32 * 100 / 0.5}
