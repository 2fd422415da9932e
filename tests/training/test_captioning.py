"""The task of captioning: losses of shares, scores beside the baselines, and data with faults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

import rnnscope
from rnnscope.corpora.digits import CaptionedImages
from rnnscope.errors import RecipeError
from rnnscope.models.captioner import Captioner
from rnnscope.models.decoding import END, START
from rnnscope.training.recipe_file import recipe_of
from rnnscope.training.task import Share
from rnnscope.training.tasks.captioning import Captioning

MODEL = {"hidden_size": 16, "embedding_size": 6, "image_size": 2}
TRAINING = {"batch_size": 7, "warmup": 0, "learning_rate": 0.02, "validate_every": 50, "epochs": 12}


def invented(count: int = 150) -> list[str]:
    """Images of two pixels, with a caption that says which is larger."""
    random = np.random.default_rng(0)
    pixels = random.uniform(0, 200, (count, 2))
    return [f"{a:.3f},{'left' if a > b else 'the right'},{b:.3f}" for a, b in pixels]


def content(folder: Path, rows: list[str] | None = None, **model: Any) -> dict[str, Any]:
    path = folder / "images.csv"
    path.write_text("\n".join(["a,caption,b", *(rows or invented())]))
    corpus = {"path": str(path), "split": [0.6, 0.2, 0.2]}
    return {"name": "small", "task": "captioner", "corpus": corpus, "model": MODEL | model, "training": TRAINING}


@pytest.fixture
def task(tmp_path: Path) -> Captioning:
    return Captioning(recipe_of(content(tmp_path)))


@pytest.fixture
def model(task: Captioning) -> Captioner:
    torch.manual_seed(0)
    return task.build().eval()


def nats(model: Captioner, images: CaptionedImages, place: int) -> tuple[float, int]:
    """Of one caption alone, summed, and how many characters they are."""
    tokens = torch.from_numpy(model.vocabulary.encode(START + images.captions[place] + END))[:, None]
    with torch.no_grad():
        logits = model(torch.from_numpy(images.pixels[place : place + 1]), tokens[:-1])
    return float(functional.cross_entropy(logits[:, 0], tokens[1:, 0], reduction="sum")), len(tokens) - 1


@pytest.mark.parametrize("count", [1, 2, 3, 9])
def test_the_shares_of_a_batch_give_its_mean_over_the_characters(
    task: Captioning, model: Captioner, count: int
) -> None:
    train = task.images["train"]
    for index in (0, len(task) - 1):
        alone = [nats(model, train, place) for place in task.batches[index]]
        expected = sum(n for n, _ in alone) / sum(characters for _, characters in alone)
        shares = [task.loss(model, index, Share(place, count)) for place in range(count)]
        assert float(torch.stack(shares).mean().detach()) == pytest.approx(expected, rel=1e-5)
        for share in shares:
            share.backward()  # an empty share has gradients as well, all zero


def test_validation_is_the_mean_over_the_characters_of_the_part(task: Captioning, model: Captioner) -> None:
    part = task.images["validation"]
    alone = [nats(model, part, place) for place in range(len(part))]
    assert task.validate(model) == pytest.approx(sum(n for n, _ in alone) / sum(c for _, c in alone), rel=1e-5)


def test_pixels_are_standardised_by_the_training_part(task: Captioning, model: Captioner) -> None:
    pixels = task.images["train"].pixels
    scaled = (pixels - float(model.pixel_mean)) / float(model.pixel_deviation)
    assert scaled.mean() == pytest.approx(0, abs=1e-5) and scaled.std() == pytest.approx(1, rel=1e-5)


def test_scores_are_shares_of_what_is_written(task: Captioning, model: Captioner) -> None:
    found = {(score.part, score.measure): score for score in task.scores(model)}
    assert set(found) == {
        (part, measure)
        for part in ("validation", "test")
        for measure in ("nats per character", "share of captions right")
    }
    train, test = task.images["train"], task.images["test"]
    score = found["test", "share of captions right"]
    frequent = max(set(train.captions), key=train.captions.count)
    distances = np.linalg.norm(test.pixels[:, None] - train.pixels[None], axis=2)
    nearest = [train.captions[place] for place in distances.argmin(axis=1)]
    assert score.value == np.mean([a == b for a, b in zip(model.caption(test.pixels), test.captions, strict=True)])
    assert score.baselines == {
        "most frequent caption": np.mean([caption == frequent for caption in test.captions]),
        "nearest image's caption": np.mean([a == b for a, b in zip(nearest, test.captions, strict=True)]),
    }


def test_a_trained_captioner_beats_the_most_frequent_caption(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.toml"
    tables = content(tmp_path)
    lines = ["name = 'small'\ntask = 'captioner'\n"]
    for name in ("corpus", "model", "training"):
        lines.append(f"[{name}]\n" + "".join(f"{key} = {value!r}\n" for key, value in tables[name].items()))
    recipe.write_text("".join(lines))
    model = rnnscope.train(recipe, tmp_path / "run", device="cpu")
    assert isinstance(model, Captioner) and model.card is not None
    assert model.caption(np.array([[10.0, 150.0], [150.0, 10.0]])) == ["the right", "left"]
    test = [
        s for s in model.card.training["scores"] if (s["part"], s["measure"]) == ("test", "share of captions right")
    ]
    assert test[0]["value"] > 0.9 > test[0]["baselines"]["most frequent caption"]


def test_names_of_digits_are_scored_by_themselves() -> None:
    recipe = recipe_of({"name": "d", "task": "captioner", "model": MODEL | {"image_size": 64}})
    task = Captioning(recipe)
    scores = task.scores(task.build().eval())
    assert [score.measure for score in scores[:3]] == [
        "nats per character",
        "share of captions right",
        "share of names right",
    ]
    assert scores[2].value == 0 and scores[2].baselines["nearest image's caption"] > 0.95
    assert task.facts["name"] == "digits" and sum(task.facts["parts"].values()) == 1797


def test_images_of_another_size_than_the_networks_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="model.image_size must be 2, the pixels of an image of images.csv; got 64"):
        Captioning(recipe_of(content(tmp_path, image_size=64)))


def test_characters_that_training_never_saw_are_told(tmp_path: Path) -> None:
    plain = Captioning(recipe_of(content(tmp_path)))
    assert plain.remarks == ()
    pixel = f"{plain.images['test'].pixels[0, 0]:.3f},"
    rows = [
        row.replace("right", "ri§ht").replace("left", "l§ft") if row.startswith(pixel) else row for row in invented()
    ]
    strange = Captioning(recipe_of(content(tmp_path, rows)))
    assert len(strange.remarks) == 1 and "1 characters in captions of the test part are unknown" in strange.remarks[0]
    assert np.isfinite(strange.scores(strange.build().eval())[2].value)


def test_images_that_are_all_alike_can_be_read(task: Captioning) -> None:
    task.images["train"] = CaptionedImages(np.full((2, 2), 3.0, dtype=np.float32), ("a", "b"))
    model = task.build()
    assert (float(model.pixel_mean), float(model.pixel_deviation)) == (3, 1)
