"""The task of classification: losses of shares, scores beside the baselines, and data with faults."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score
from torch.nn import functional

import rnnscope
from rnnscope.corpora.splitting import PARTS, split_by_key
from rnnscope.errors import RecipeError, TextError
from rnnscope.models import SequenceClassifier
from rnnscope.training.recipe_file import recipe_of
from rnnscope.training.task import Share
from rnnscope.training.tasks.classification import Classification

MODEL = {"cell": "gru", "hidden_size": 8, "embedding_size": 6}
TRAINING = {"batch_size": 7, "warmup": 0, "learning_rate": 0.03, "validate_every": 40, "epochs": 8}
SPLIT = [0.6, 0.2, 0.2]


def invented(count: int = 120) -> list[tuple[str, str]]:
    """Labels and texts; which of two marks comes first decides, so that n-grams alone cannot tell."""
    random = np.random.default_rng(0)
    rows = []
    for number in range(count):
        first, second = "+-" if random.random() < 0.7 else "-+"
        gaps = ("".join(random.choice(list("abc"), size=random.integers(1, 6))) for _ in range(3))
        before, between, after = gaps
        rows.append(("up" if first == "+" else "down", f"{before}{first}{between}{second}{after}{number}"))
    return rows


def content(folder: Path, rows: list[tuple[str, str]], **corpus: Any) -> dict[str, Any]:
    path = folder / "texts.tsv"
    path.write_text("".join(f"{label}\t{text}\n" for label, text in rows))
    table = {"path": str(path), "split": SPLIT, **corpus}
    return {"name": "small", "task": "classifier", "corpus": table, "model": MODEL, "training": TRAINING}


def make_task(folder: Path, rows: list[tuple[str, str]], **corpus: Any) -> Classification:
    return Classification(recipe_of(content(folder, rows, **corpus)))


def of_part(part: str, word: str) -> str:
    """A text with this word that goes to a part."""
    texts = [f"{word} {number}" for number in range(100)]
    return split_by_key(texts, texts, SPLIT)[part][0]


@pytest.fixture
def task(tmp_path: Path) -> Classification:
    return make_task(tmp_path, invented())


@torch.no_grad()
def logits_one_by_one(model: SequenceClassifier, texts: list[str]) -> torch.Tensor:
    tokens = [torch.from_numpy(model.vocabulary.encode(text)).unsqueeze(-1) for text in texts]
    return torch.cat([model(those, torch.tensor([len(those)])) for those in tokens])


def test_the_loss_of_a_batch_is_the_mean_over_its_texts(task: Classification) -> None:
    torch.manual_seed(0)
    model = task.build()
    train = task.parts["train"]
    losses = functional.cross_entropy(
        logits_one_by_one(model, [example.text for example in train]),
        torch.tensor([task.labels.index(example.label) for example in train]),
        reduction="none",
    )
    seen = []
    for index in range(len(task)):
        chosen = task.batches[index]
        assert task.loss(model, index, Share()).item() == pytest.approx(losses[chosen].mean().item(), abs=1e-6)
        seen += chosen
    assert sorted(seen) == list(range(len(train)))
    assert task.batch_size * len(task) == pytest.approx(len(train))


@pytest.mark.parametrize("count", [2, 3, 10])
def test_the_mean_over_shares_is_the_loss_of_the_batch(task: Classification, count: int) -> None:
    torch.manual_seed(0)
    model = task.build()
    whole = task.loss(model, 0, Share())
    shares = torch.stack([task.loss(model, 0, Share(index, count)) for index in range(count)])
    torch.testing.assert_close(shares.mean(), whole)
    expected = torch.autograd.grad(whole, list(model.parameters()))
    for found, wanted in zip(torch.autograd.grad(shares.mean(), list(model.parameters())), expected, strict=True):
        torch.testing.assert_close(found, wanted, atol=1e-6, rtol=1e-4)


def test_validation_and_scores_are_those_of_the_texts_one_by_one(task: Classification) -> None:
    torch.manual_seed(0)
    model = task.build().eval()
    scores = {(score.part, score.measure): score for score in task.scores(model)}
    assert list(scores) == [(part, measure) for part in PARTS[1:] for measure in ("accuracy", "F1 of down")]
    for part in PARTS[1:]:
        logits = logits_one_by_one(model, [example.text for example in task.parts[part]])
        truth = torch.tensor([task.labels.index(example.label) for example in task.parts[part]])
        if part == "validation":
            assert task.validate(model) == pytest.approx(float(functional.cross_entropy(logits, truth)), abs=1e-6)
        guesses = logits.argmax(dim=-1)
        assert scores[part, "accuracy"].value == pytest.approx(float((guesses == truth).float().mean()))
        hits = int(((guesses == 0) & (truth == 0)).sum())
        f1 = 2 * hits / max(1, int((guesses == 0).sum() + (truth == 0).sum()))
        assert scores[part, "F1 of down"].value == pytest.approx(f1)
        majority = scores[part, "accuracy"].baselines["majority class"]
        assert majority == pytest.approx(float((truth == 1).float().mean()))
        assert scores[part, "F1 of down"].baselines["majority class"] == 0.0


def test_more_than_two_classes_are_scored_by_macro_f1(tmp_path: Path) -> None:
    rows = [(label, f"{label}{number}") for label in ("ant", "bee", "cow") for number in range(40)]
    task = make_task(tmp_path, rows)
    model = task.build().eval()
    truth = [example.label for example in task.parts["test"]]
    guesses = [max(belief, key=belief.__getitem__) for belief in (model.classify(e.text) for e in task.parts["test"])]
    score = task.scores(model)[3]
    assert (score.part, score.measure) == ("test", "macro F1")
    assert score.value == pytest.approx(f1_score(truth, guesses, average="macro"))
    assert score.baselines["logistic regression on character n-grams"] == 1.0


def test_duplicates_and_contradictions_are_told_of(tmp_path: Path) -> None:
    task = make_task(tmp_path, [*invented(), ("up", "Same TEXT"), ("up", "same  text"), ("down", "same text")])
    assert task.facts["notes"]["duplicates"].startswith("1 texts left out")
    assert "1 have several labels" in task.facts["notes"]["duplicates"]
    assert sum(task.facts["parts"].values()) == 122
    ups = [sum(example.label == "up" for example in task.parts[part]) for part in PARTS]
    assert f"up {' + '.join(map(str, ups))}, down" in task.facts["notes"]["classes"]
    assert task.facts["notes"]["largest class"] == f"up, {sum(ups) / 122:.1%} of the texts"


def test_a_class_of_one_text_is_trained_on(tmp_path: Path) -> None:
    task = make_task(tmp_path, [*invented(), ("odd", of_part("test", "odd"))])
    assert "odd" in {example.label for example in task.parts["train"]}
    assert "The class 'odd' has one text" in task.remarks[-1]


def test_a_label_that_the_training_part_lacks_counts_as_an_error(tmp_path: Path) -> None:
    strange = [("odd", of_part("test", "odd")), ("odd", of_part("validation", "odd"))]
    plain, task = make_task(tmp_path, invented()), make_task(tmp_path, invented() + strange)
    assert task.labels == ("down", "up")
    for part in PARTS[1:]:
        said = f"1 texts of the {part} part have labels that the training part lacks (odd): they count as errors."
        assert said in task.remarks
    torch.manual_seed(0)
    model = task.build().eval()
    for ours, theirs in zip(task.scores(model), plain.scores(model), strict=True):
        if ours.measure == "accuracy":
            count = len(plain.parts[ours.part])
            share = count / (count + 1)
            assert ours.value == pytest.approx(theirs.value * share)
            assert ours.baselines["majority class"] == pytest.approx(theirs.baselines["majority class"] * share)
    assert task.validate(model) == pytest.approx(plain.validate(model))


def test_rare_characters_are_read_as_the_unknown_symbol(task: Classification, tmp_path: Path) -> None:
    counts = Counter(character for example in task.parts["train"] for character in set(example.text))
    assert set(task.build().vocabulary.characters[1:]) == {c for c, count in counts.items() if count > 1}
    rare = make_task(tmp_path, [*invented(), ("up", of_part("train", "§"))]).build().vocabulary
    assert "§" not in rare
    assert "+" in rare


def test_long_texts_are_cut(tmp_path: Path) -> None:
    task = make_task(tmp_path, [*invented(), ("up", "b" * 300)], longest=50)
    assert max(len(example.text) for part in task.parts.values() for example in part) == 50
    assert "1 texts were cut to their first 50 characters." in task.remarks
    with pytest.raises(RecipeError, match="corpus.longest must be more than 0"):
        make_task(tmp_path, invented(), longest=0)


@pytest.mark.parametrize(
    ("places", "said"),
    [
        ({"up": ("train", "train", "test"), "down": ("train", "test")}, "validation part has no text of a class"),
        ({"up": ("train", "validation"), "down": ("train", "validation")}, "test part has no text of a class"),
        ({"up": ("train", "validation"), "down": ("test", "test")}, "training part has texts of 1 classes"),
    ],
    ids=["nothing to validate", "nothing to test", "one class to train on"],
)
def test_parts_that_lack_what_training_needs_are_refused(
    tmp_path: Path, places: dict[str, tuple[str, ...]], said: str
) -> None:
    rows = [
        (label, of_part(part, f"{label}{number}"))
        for label, parts in places.items()
        for number, part in enumerate(parts)
    ]
    with pytest.raises(TextError, match=said):
        make_task(tmp_path, rows)


def test_a_trained_network_beats_the_words_where_order_decides(tmp_path: Path) -> None:
    recipe = content(tmp_path, invented(300))
    lines = [f"{key} = {value!r}" for key, value in recipe.items() if isinstance(value, str)]
    for table in ("corpus", "model", "training"):
        lines += [f"[{table}]", *(f"{key} = {value!r}" for key, value in recipe[table].items())]
    (tmp_path / "recipe.toml").write_text("\n".join(lines))
    model = rnnscope.train(tmp_path / "recipe.toml", tmp_path / "run", device="cpu")
    assert isinstance(model, SequenceClassifier)
    assert model.card is not None
    score = {(s["part"], s["measure"]): s for s in model.card.training["scores"]}["test", "accuracy"]
    assert score["value"] > 0.95 > score["baselines"]["logistic regression on words"]
    again = rnnscope.load(tmp_path / "run" / "model.pt")
    assert isinstance(again, SequenceClassifier)
    assert again.classify("ab+ba-c") == model.classify("ab+ba-c")
    assert again.classify("ab+ba-c")["up"] > 0.9 > 0.1 > again.classify("ab-ba+c")["up"]
