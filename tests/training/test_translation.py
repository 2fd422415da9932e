"""The task of translation: losses of shares, scores beside what memory alone gives, and data with faults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

import rnnscope
from rnnscope.corpora.pairs import Pair
from rnnscope.errors import DownloadError, RecipeError, TextError
from rnnscope.models import Translator
from rnnscope.models.translator import source_tokens, target_tokens
from rnnscope.training.recipe_file import recipe_of
from rnnscope.training.task import Share
from rnnscope.training.tasks.translation import MEASURES, Translation, nearest, references

MODEL = {"hidden_size": 8, "embedding_size": 4, "bidirectional": True}
TRAINING = {"batch_size": 7, "warmup": 0, "learning_rate": 0.02, "validate_every": 20, "epochs": 4}
LETTERS = str.maketrans("abc", "xyz")


def invented(count: int = 60) -> str:
    """Sources with the same in other letters, and, of every third, also backward."""
    random = np.random.default_rng(0)
    lines = []
    for number in range(count):
        source = "".join(random.choice(list("abc "), size=random.integers(2, 9))).strip() or "a"
        target = source.translate(LETTERS)
        lines += [f"{source}\t{target}"] + [f"{source}\t{target[::-1]}"] * (number % 3 == 0)
    return "\n".join(lines)


def content(folder: Path, text: str = "", **corpus: Any) -> dict[str, Any]:
    path = folder / "pairs.tsv"
    path.write_text(text or invented(), encoding="utf-8")
    table = {"path": str(path), "split": [0.6, 0.2, 0.2], "longest": 40, **corpus}
    return {"name": "small", "task": "translator", "corpus": table, "model": MODEL, "training": TRAINING}


@pytest.fixture
def task(tmp_path: Path) -> Translation:
    return Translation(recipe_of(content(tmp_path)))


def test_the_loss_is_the_mean_over_the_characters_of_a_batch_with_their_ends(task: Translation) -> None:
    model = task.build().eval()
    total, count = 0.0, 0
    for place in task.batches[2]:
        source, target = task.examples["train"][place]
        given, wanted = target_tokens([target], model.target)
        logits = model(*source_tokens([source], model.source), given)
        total += functional.cross_entropy(logits[:, 0], wanted[:, 0], reduction="sum").item()
        count += len(target) + 1
    assert task.loss(model, 2, Share()).item() == pytest.approx(total / count, rel=1e-5)


@pytest.mark.parametrize("count", [2, 3, 10], ids=["two", "three", "more than pairs"])
def test_shares_have_the_loss_and_the_gradient_of_the_whole(task: Translation, count: int) -> None:
    model = task.build().eval()
    whole = task.loss(model, 1, Share())
    whole.backward()
    expected = {name: parameter.grad for name, parameter in model.named_parameters()}
    model.zero_grad()
    shares = torch.stack([task.loss(model, 1, Share(index, count)) for index in range(count)]).mean()
    shares.backward()
    torch.testing.assert_close(shares, whole)
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(parameter.grad, expected[name], rtol=1e-4, atol=1e-6)


def test_validation_is_the_mean_over_all_characters_of_the_part(task: Translation) -> None:
    model = task.build().eval()
    total, count = 0.0, 0
    for source, target in task.examples["validation"]:
        given, wanted = target_tokens([target], model.target)
        logits = model(*source_tokens([source], model.source), given)
        total += functional.cross_entropy(logits[:, 0], wanted[:, 0], reduction="sum").item()
        count += len(target) + 1
    assert task.validate(model) == pytest.approx(total / count, rel=1e-5)


def test_a_source_is_an_example_with_each_of_its_translations(task: Translation) -> None:
    for part, pairs in task.parts.items():
        assert task.examples[part] == [(pair.source, target) for pair in pairs for target in pair.targets]
    assert max(len(pair.targets) for pair in task.parts["train"]) == 2
    assert task.facts["parts"] == {part: len(examples) for part, examples in task.examples.items()}
    assert sorted(place for i in range(len(task)) for place in task.batches[i]) == list(
        range(len(task.examples["train"]))
    )


PAIRS = [
    Pair("a", ("das ist ein kleines Haus", "dies ist ein Haus", "das Haus ist klein")),
    Pair("b", ("ich gehe jetzt nach Hause",)),
    Pair("c", ("wo bist du denn gewesen", "wo warst du")),
]


@pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES)
def test_a_reference_that_a_source_lacks_counts_as_one_that_it_has_already(measure: Any) -> None:
    texts = ["das Haus ist sehr klein", "ich gehe nach Hause", "wo bist du denn nur gewesen"]
    full = [[pair.targets[i % len(pair.targets)] for pair in PAIRS] for i in range(3)]
    assert references(PAIRS)[2] == ["das Haus ist klein", None, None]
    score = measure.corpus_score(texts, references(PAIRS)).score
    assert score == pytest.approx(measure.corpus_score(texts, full).score, rel=1e-12)
    assert 20 < score < 100
    last = [pair.targets[-1] for pair in PAIRS]
    assert measure.corpus_score(last, references(PAIRS)).score == pytest.approx(100)


def test_the_nearest_source_lends_its_first_translation() -> None:
    known = [Pair("I see a dog.", ("hund", "x")), Pair("Go home.", ("geh",)), Pair("We see cats.", ("katzen",))]
    assert nearest(known, ["Go home!", "We see a cat.", "A dog.", "We see cats."]) == [
        "geh",
        "katzen",
        "hund",
        "katzen",
    ]


def test_a_network_that_knows_the_answers_has_full_scores(task: Translation, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {pair.source: pair.targets[-1] for pairs in task.parts.values() for pair in pairs}
    asked: list[tuple[int, int]] = []

    def translate(_: Translator, texts: list[str], beam: int, longest: int) -> list[str]:
        asked.append((beam, longest))
        return [answers[text] for text in texts]

    monkeypatch.setattr(Translator, "translate", translate)
    scores = task.scores(task.build().eval())
    assert [score.measure for score in scores if score.part == "test"] == [
        "nats per character",
        "chrF2, greedy",
        "BLEU, greedy",
        "chrF2, beam of 5",
        "BLEU, beam of 5",
    ]
    assert asked == [(1, 40), (5, 40)] * 2
    for score in scores:
        if score.measure.startswith("chrF"):
            assert score.value == pytest.approx(100)
            assert 0 < score.baselines["nearest training sentence"] < 100
            assert score.baselines["source copied"] < 10


def test_training_lowers_the_loss_and_the_card_tells_the_scores(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.toml"
    content(tmp_path)
    model, training = (" \n".join(f"{k} = {str(v).lower()}" for k, v in table.items()) for table in (MODEL, TRAINING))
    recipe.write_text(
        'name = "small"\ntask = "translator"\n[corpus]\npath = "pairs.tsv"\nsplit = [0.6, 0.2, 0.2]\nlongest = 40\n'
        f"[model]\n{model}\n[training]\n{training}\n"
    )
    trained = rnnscope.train(recipe, tmp_path / "run", device="cpu")
    assert isinstance(trained, Translator)
    assert trained.card is not None
    record = trained.card.training
    task = Translation(recipe_of(content(tmp_path)))
    torch.manual_seed(0)
    assert task.validate(trained) < 0.8 * task.validate(task.build().eval())
    assert task.validate(trained) == pytest.approx(record["scores"][0]["value"], rel=1e-6)
    page = (tmp_path / "run" / "card.md").read_text()
    assert "BLEU, beam of 5; source copied" in page
    assert "| references |" in page


@pytest.mark.parametrize(
    ("text", "corpus", "error", "message"),
    [
        ("ab\txy\n" * 3, {}, TextError, "The .* part has no pair"),
        ("ab\txy\nab\n", {}, TextError, "Line 2 of .* has 1 columns"),
        ("", {"longest": 0}, RecipeError, "corpus.longest must be more than 0"),
        ("abc\txy\n" * 3, {"longest": 2}, TextError, "side of more than 2 characters"),
        ("", {"path": "", "name": "german"}, TextError, "no pairs 'german'"),
        ("", {"path": "", "name": "english-german"}, DownloadError, "eng-deu.tsv"),
    ],
)
def test_data_with_faults_is_refused(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    corpus: dict[str, Any],
    error: type[Exception],
    message: str,
) -> None:
    monkeypatch.setenv("RNNSCOPE_CACHE", str(tmp_path / "empty"))
    with pytest.raises(error, match=message):
        Translation(recipe_of(content(tmp_path, text, **corpus)))


def test_characters_that_training_never_saw_are_told_of(tmp_path: Path) -> None:
    known = Translation(recipe_of(content(tmp_path)))
    pair = known.parts["test"][0]
    text = invented().replace(f"{pair.source}\t", f"{pair.source}\té", 1)
    task = Translation(recipe_of(content(tmp_path, text)))
    assert known.remarks == ()
    assert task.remarks == ("1 characters of the test part are unknown to the vocabularies of the training part.",)
    assert np.isfinite(task.scores(task.build().eval())[0].value)
