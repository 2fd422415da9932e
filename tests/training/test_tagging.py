"""The task of tagging: losses of shares, scores beside the baseline, and data with faults."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

import rnnscope
from rnnscope.corpora.tagged import TaggedSentence
from rnnscope.errors import RecipeError, TextError
from rnnscope.models.tagger import SequenceTagger
from rnnscope.training.recipe_file import read_recipe, recipe_of
from rnnscope.training.task import Share
from rnnscope.training.tasks.tagging import MostFrequentTag, Tagging

TRAINED = Path(__file__).parents[2] / "trained" / "pos-tagger"
MODEL = {"hidden_size": 8, "word_embedding_size": 6, "embedding_size": 4, "character_hidden_size": 4}
TRAINING = {"batch_size": 7, "warmup": 0, "learning_rate": 0.03, "validate_every": 40, "epochs": 12}
TAGS = {"d": "DET", "n": "NOUN", "v": "VERB", ".": "PUNCT"}


def invented(count: int = 120, seed: int = 0) -> list[str]:
    """Sentences whose tags follow from the first letters of their words, one line a word."""
    random = np.random.default_rng(seed)
    sentences = []
    for _ in range(count):
        kinds = random.choice(list("dnv"), size=random.integers(1, 9))
        words = [f"{kind}{random.integers(12)}" for kind in kinds] + ["."]
        sentences.append("".join(f"{word}\t{TAGS[word[0]]}\n" for word in words))
    return sentences


def content(folder: Path, sentences: Sequence[str], **corpus: Any) -> dict[str, Any]:
    path = folder / "tags.tsv"
    path.write_text("\n".join(sentences))
    table = {"path": str(path), "split": [0.6, 0.2, 0.2], **corpus}
    return {"name": "small", "task": "tagger", "corpus": table, "model": MODEL, "training": TRAINING}


def make_task(folder: Path, sentences: Sequence[str], **corpus: Any) -> Tagging:
    return Tagging(recipe_of(content(folder, sentences, **corpus)))


@pytest.fixture
def task(tmp_path: Path) -> Tagging:
    return make_task(tmp_path, invented())


def part_of(task: Tagging, tmp_path: Path, part: str, word: str) -> str:
    """A sentence that its words send to a part; its last word bears ``word`` and a number."""
    for number in range(1000):
        sentence = f"{word}{number}\tNEW\n"
        parts = make_task(tmp_path, [*invented(), sentence]).parts
        if any(s.tags == ("NEW",) for s in parts[part]):
            return sentence
    raise AssertionError


def test_the_loss_is_the_mean_over_the_words_of_a_batch(task: Tagging) -> None:
    model = task.build().eval()
    total, count = 0.0, 0
    for i in task.batches[3]:
        sentence = task.parts["train"][i]
        logits = model(*task.lexicon.encode([sentence.words]))[:, 0]
        targets = torch.tensor([task.labels.index(tag) for tag in sentence.tags])
        total += functional.cross_entropy(logits, targets, reduction="sum").item()
        count += len(sentence)
    assert task.loss(model, 3, Share()).item() == pytest.approx(total / count, rel=1e-5)


@pytest.mark.parametrize("count", [2, 3, 10], ids=["two", "three", "more than sentences"])
def test_shares_have_the_loss_and_the_gradient_of_the_whole(task: Tagging, count: int) -> None:
    model = task.build().eval()
    expected = task.loss(model, 1, Share())
    expected.backward()
    whole = {name: parameter.grad for name, parameter in model.named_parameters()}
    model.zero_grad()
    losses = [task.loss(model, 1, Share(index, count)) for index in range(count)]
    for loss in losses:
        (loss / count).backward()
    torch.testing.assert_close(torch.stack(losses).mean(), expected)
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(parameter.grad, whole[name], rtol=1e-4, atol=1e-6)


def test_the_validation_loss_is_the_mean_over_all_words(task: Tagging) -> None:
    model = task.build().eval()
    losses = []
    for sentence in task.parts["validation"]:
        odds = model(*task.lexicon.encode([sentence.words]))[:, 0].log_softmax(dim=-1)
        losses += [-row[task.labels.index(tag)].item() for row, tag in zip(odds, sentence.tags, strict=True)]
    assert task.validate(model) == pytest.approx(np.mean(losses), rel=1e-5)


def test_scores_count_words_and_new_words_apart(task: Tagging) -> None:
    model = task.build().eval()
    seen = {word for sentence in task.parts["train"] for word in sentence.words}
    scores = {(score.part, score.measure): score for score in task.scores(model)}
    for part in ("validation", "test"):
        rows = [
            (word not in seen, tag == guess, tag == usual)
            for s in task.parts[part]
            for word, tag, guess, usual in zip(
                s.words, s.tags, model.tag(s.words), task.baseline.tag(s.words), strict=True
            )
        ]
        new, right, usual = (np.array(column) for column in zip(*rows, strict=True))
        score = scores[part, "accuracy"]
        assert (score.value, score.baselines["most frequent tag"]) == (right.mean(), usual.mean())
        if new.any():
            score = scores[part, "accuracy on words that are not in the training part"]
            assert (score.value, score.baselines["most frequent tag"]) == (right[new].mean(), usual[new].mean())


def test_the_baseline_gives_new_words_the_commonest_tag_of_rare_ones() -> None:
    lines = ["a/D dog/N runs/V", "a/D run/N", "a/D run/V", "a/D run/V", "cat/N a/D zoo/N", "old/A"]
    pairs = [[pair.split("/") for pair in line.split()] for line in lines]
    baseline = MostFrequentTag([TaggedSentence(*map(tuple, zip(*line, strict=True))) for line in pairs])
    assert baseline.tag(["a", "run", "runs", "moon"]) == ["D", "V", "V", "N"]
    assert "run" in baseline
    assert "moon" not in baseline
    twice = MostFrequentTag([TaggedSentence(("x", "x", "y", "y"), ("B", "B", "A", "A"))])
    assert twice.tag(["moon"]) == ["A"]


def test_what_occurs_too_seldom_is_unknown_to_the_network(tmp_path: Path) -> None:
    sentences = [*invented(), *["rare\tNOUN\n"] * 2]
    words = {count: make_task(tmp_path, sentences, minimum_count=count).lexicon for count in (1, 2, 3)}
    assert [("rare" in lexicon.words, "a" in lexicon.characters) for lexicon in words.values()] in (
        [(True, True), (True, True), (False, False)],
        [(False, False)] * 3,  # where both sentences are no training
    )
    assert len(words[1].words) >= len(words[2].words) >= len(words[3].words) > 10


def test_a_long_sentence_is_cut_and_said(tmp_path: Path) -> None:
    long = "n1\tNOUN\n" * 31
    task = make_task(tmp_path, [*invented(), long], longest=10)
    lengths = [len(sentence) for sentences in task.parts.values() for sentence in sentences]
    assert sorted(lengths)[-3:] == [10, 10, 10]
    assert sum(lengths) == sum(task.facts["parts"].values())
    assert "Sentences of more than 10 words (corpus.longest) were cut into pieces: 1." in task.remarks


def test_a_tag_that_training_lacks_is_an_error_and_said(task: Tagging, tmp_path: Path) -> None:
    for part in ("validation", "test"):
        strange = make_task(tmp_path, [*invented(), part_of(task, tmp_path, part, "n")])
        assert strange.labels == task.labels
        expected = f"Words of the {part} part whose tag is not in training count as errors: NEW (1)."
        assert expected in strange.remarks
        model = strange.build().eval()
        count = sum(map(len, strange.parts[part]))
        score = next(s for s in strange.scores(model) if s.part == part)
        plain = next(s for s in task.scores(model) if s.part == part)
        assert score.value * count == pytest.approx(plain.value * (count - 1))
        assert strange.validate(model) == pytest.approx(task.validate(model), rel=1e-5)


def test_a_tag_with_one_example_is_said(task: Tagging, tmp_path: Path) -> None:
    alone = make_task(tmp_path, [*invented(), part_of(task, tmp_path, "train", "n")])
    assert "NEW" in alone.labels
    assert "Tags with a single example in training, too few to learn: NEW." in alone.remarks


def test_data_with_nothing_to_learn_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TextError, match="two tags or more.* the same, 'X'"):
        make_task(tmp_path, [f"word{number}\tX\n" for number in range(60)])
    with pytest.raises(RecipeError, match="corpus.longest must be more than 0"):
        make_task(tmp_path, invented(), longest=0)


def test_facts_tell_of_the_parts_and_of_other_data(task: Tagging, tmp_path: Path) -> None:
    assert task.facts["counted"] == "words"
    assert task.facts["parts"] == {part: sum(map(len, s)) for part, s in task.parts.items()}
    assert task.batch_size * len(task) == task.facts["parts"]["train"]
    other = make_task(tmp_path, [line.replace("VERB", "V") for line in invented()])
    assert other.facts["parts"] == task.facts["parts"]
    assert all(other.facts["sha256"][part] != task.facts["sha256"][part] for part in task.facts["parts"])


def test_a_recipe_makes_a_tagger_that_beats_the_baseline(tmp_path: Path) -> None:
    (tmp_path / "tags.tsv").write_text("\n".join(invented()))
    tables = {"corpus": {"path": "tags.tsv", "split": [0.6, 0.2, 0.2]}, "model": MODEL, "training": TRAINING}
    lines = ['name = "small"', 'task = "tagger"']
    for name, table in tables.items():
        lines += [f"[{name}]", *(f"{key} = {value!r}" for key, value in table.items())]
    recipe = tmp_path / "recipe.toml"
    recipe.write_text("\n".join(lines))
    model = rnnscope.train(recipe, tmp_path / "run", device="cpu")
    assert isinstance(model, SequenceTagger)
    assert model.tag(["d3", "n99", "v1", "."]) == ["DET", "NOUN", "VERB", "PUNCT"]
    assert model.card is not None
    scores = model.card.training["scores"]
    assert all(score["value"] >= max(score["baselines"].values()) for score in scores)
    assert scores[0]["measure"] == "accuracy"
    assert "accuracy; most frequent tag" in (tmp_path / "run" / "card.md").read_text()


def test_the_shipped_tagger_knows_english() -> None:
    model = rnnscope.load(TRAINED / "model.pt")
    assert isinstance(model, SequenceTagger)
    assert model.card is not None
    assert recipe_of(model.card.training["recipe"]) == read_recipe(TRAINED / "recipe.toml")
    words, tags = "She reads a blue book , but I can not .".split(), "PRON VERB DET ADJ NOUN PUNCT CCONJ PRON AUX PART"
    assert model.tag(words) == [*tags.split(), "PUNCT"]
    assert model.tag(["They", "frobbled", "the", "glimworts", "."]) == ["PRON", "VERB", "DET", "NOUN", "PUNCT"]
    (score,) = (s for s in model.card.training["scores"] if (s["part"], s["measure"]) == ("test", "accuracy"))
    assert score["value"] > 0.94 > 0.9 > score["baselines"]["most frequent tag"]
