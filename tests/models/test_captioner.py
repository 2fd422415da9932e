"""The captioner against the equations, its texts against a search by hand, and what it refuses."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

import rnnscope
from rnnscope import Vocabulary, checkpoint
from rnnscope.errors import ModelError, RecipeError
from rnnscope.models.captioner import Captioner, CaptionerConfig
from rnnscope.models.decoding import END, START
from tests import equations

SHAPES = [
    {"cell": "lstm"},
    {"cell": "gru", "layers": 2},
    {"cell": "rnn"},
    {"cell": "lstm", "layers": 2, "dropout": 0.5},
]
IMAGES = torch.from_numpy(np.random.default_rng(0).uniform(0, 16, (5, 6))).float()


def make_captioner(**config: Any) -> Captioner:
    torch.manual_seed(0)
    sizes: dict[str, Any] = {"hidden_size": 7, "embedding_size": 5, "image_size": 6}
    model = Captioner(CaptionerConfig(**sizes | config), Vocabulary.of(START, END, "abc")).eval()
    model.standardise(8.0, 5.0)
    return model


@torch.no_grad()
def sharpen(model: Captioner) -> None:
    """Make the odds so uneven that images get different texts."""
    last = model.encoder[-1]
    assert isinstance(last, torch.nn.Linear)
    last.weight.mul_(20)
    model.head.weight.mul_(20)


def expected_logits(model: Captioner, images: np.ndarray, tokens: np.ndarray) -> np.ndarray:
    """The same in float64, layer by layer."""
    w = {name: parameter.detach().double().numpy() for name, parameter in model.named_parameters()}
    first, last = (f"encoder.{place}" for place in (0, 2))
    encoded = np.tanh((images - 8) / 5 @ w[f"{first}.weight"].T + w[f"{first}.bias"])
    encoded = encoded @ w[f"{last}.weight"].T + w[f"{last}.bias"]
    layers, units = model.config.layers, model.config.hidden_size
    states = [part.reshape(len(images), layers, units).swapaxes(0, 1) for part in np.split(encoded, _states(model), 1)]
    signals = equations.network(model.rnn, w["embedding.weight"][tokens], states)
    return signals[f"l{layers - 1}.h"] @ w["head.weight"].T + w["head.bias"]


def _states(model: Captioner) -> int:
    return 2 if model.config.cell == "lstm" else 1


@pytest.mark.parametrize("shape", SHAPES)
def test_the_logits_are_those_of_the_equations(shape: dict[str, Any]) -> None:
    model = make_captioner(**shape)
    tokens = torch.randint(6, (4, 5), generator=torch.Generator().manual_seed(1))
    logits = model(IMAGES, tokens).detach().numpy()
    np.testing.assert_allclose(logits, expected_logits(model, IMAGES.double().numpy(), tokens.numpy()), atol=1e-5)


@torch.no_grad()
def greedy(model: Captioner, image: torch.Tensor, longest: int) -> str:
    """One image, one character after the other, everything read anew each time."""
    written = START
    for _ in range(longest):
        tokens = torch.from_numpy(model.vocabulary.encode(written))[:, None]
        logits = model(image[None], tokens)[-1, 0]
        allowed = [i for i, c in enumerate(model.vocabulary.characters) if c not in (START, Vocabulary.UNKNOWN)]
        best = max(allowed, key=lambda i: float(logits[i]))
        written += model.vocabulary.characters[best]
        if written.endswith(END):
            break
    return written.removeprefix(START).removesuffix(END)


@pytest.mark.parametrize("shape", SHAPES)
def test_captions_take_the_most_probable_character_each_time(shape: dict[str, Any]) -> None:
    model = make_captioner(**shape)
    sharpen(model)
    captions = model.caption(IMAGES, longest=12)
    assert captions == [greedy(model, image, 12) for image in IMAGES]
    assert len(set(captions)) > 1


def test_symbols_that_are_no_character_of_a_text_are_never_written() -> None:
    model = make_captioner()
    with torch.no_grad():
        model.head.bias[model.vocabulary.encode(Vocabulary.UNKNOWN + START)] = 50.0
    assert all(set(text) <= set("abc") for text in model.caption(IMAGES, longest=9))


@torch.no_grad()
def log_probability(model: Captioner, image: torch.Tensor, text: str) -> float:
    """The mean over the characters of a text, in nats, among the characters that can be written."""
    tokens = torch.from_numpy(model.vocabulary.encode(START + text))[:, None]
    logits = model(image[None], tokens[:-1])[:, 0]
    logits[:, model.vocabulary.encode(Vocabulary.UNKNOWN + START)] = -torch.inf
    return -float(functional.cross_entropy(logits, tokens[1:, 0]))


def test_a_wide_beam_finds_the_most_probable_of_all_short_texts() -> None:
    model = make_captioner()
    sharpen(model)
    ended = ["".join(text) + END for length in range(3) for text in itertools.product("abc", repeat=length)]
    cut_off = ["".join(text) for text in itertools.product("abc", repeat=3)]
    found = model.caption(IMAGES, beam=64, longest=3)
    for image, text in zip(IMAGES, found, strict=True):
        best = max(ended + cut_off, key=lambda text: log_probability(model, image, text))
        assert text == best.removesuffix(END)
    assert len(set(found)) > 1


def test_a_checkpoint_keeps_all_that_a_caption_needs(tmp_path: Path) -> None:
    model = make_captioner(cell="gru")
    checkpoint.save(tmp_path / "model.pt", model, {})
    again = rnnscope.load(tmp_path / "model.pt")
    assert isinstance(again, Captioner)
    assert again.config == model.config and again.architecture == model.architecture
    assert (float(again.pixel_mean), float(again.pixel_deviation)) == (8.0, 5.0)
    assert again.caption(IMAGES.numpy(), longest=9) == model.caption(IMAGES, longest=9)


def test_its_layers_can_be_recorded() -> None:
    model = make_captioner(layers=2)
    tokens = torch.zeros((4, 5), dtype=torch.int64)
    with rnnscope.record(model) as recording:
        model(IMAGES, tokens)
    assert recording["l1.c"].shape == (4, 5, 7)


@pytest.mark.parametrize("images", [torch.zeros(6), torch.zeros(2, 5), torch.zeros(2, 2, 3)])
def test_images_of_another_shape_are_refused(images: torch.Tensor) -> None:
    with pytest.raises(ModelError, match=r"shape \(batch, 6\) are expected"):
        make_captioner().caption(images)


def test_a_vocabulary_without_an_end_of_text_is_refused() -> None:
    with pytest.raises(ModelError, match=r"U\+0003"):
        Captioner(CaptionerConfig(), Vocabulary("abc" + START))


@pytest.mark.parametrize("wrong", [{"bidirectional": True}, {"image_size": 0}, {"embedding_size": 0}])
def test_a_configuration_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(RecipeError, match=next(iter(wrong))):
        CaptionerConfig(**wrong)
