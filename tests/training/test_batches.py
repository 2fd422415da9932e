"""Windows tile a text without gap or overlap, and a score does not depend on how it is read."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from rnnscope.errors import TextError
from rnnscope.models import CharLanguageModel, LanguageModelConfig
from rnnscope.text import Vocabulary
from rnnscope.training.batches import Shuffled, Streams
from rnnscope.training.tasks import language_model


@given(st.integers(1, 5), st.integers(1, 7), st.integers(0, 60))
def test_the_windows_of_an_epoch_tile_each_stretch(streams: int, window: int, spare: int) -> None:
    tokens = torch.arange(streams * (window + 1) + spare)
    batches = Streams(tokens, streams, window)
    inputs, targets = (torch.cat(parts) for parts in zip(*(batches[i] for i in range(len(batches))), strict=True))
    length = len(tokens) // streams
    starts = torch.arange(streams) * length
    assert inputs.shape == targets.shape == (len(batches) * window, streams)
    assert torch.equal(inputs, starts + torch.arange(len(inputs))[:, None])
    assert torch.equal(targets, inputs + 1)
    assert length - 1 - window < len(inputs) <= length - 1


def test_each_epoch_starts_anew_with_the_same_windows() -> None:
    batches = Streams(torch.arange(22), 2, 3)
    assert len(batches) == 3
    assert [batches.starts_anew(i) for i in range(7)] == [True, False, False, True, False, False, True]
    assert torch.equal(batches[1][0], batches[4][0])


def test_a_text_too_short_for_one_window_is_refused_with_numbers() -> None:
    assert len(Streams(torch.arange(3200 + 32), 32, 100)) == 1
    with pytest.raises(TextError) as error:
        Streams(torch.arange(3200 + 31), 32, 100)
    for words in ("3,231 characters", "32 streams", "window of 100", "at least 3,232", "training.streams"):
        assert words in str(error.value)


@pytest.fixture(scope="module")
def model() -> CharLanguageModel:
    torch.manual_seed(0)
    return CharLanguageModel(LanguageModelConfig(hidden_size=8, embedding_size=4), Vocabulary("abc")).double().eval()


def plain(model: CharLanguageModel, tokens: torch.Tensor) -> float:
    with torch.no_grad():
        logits, _ = model(tokens[:-1])
    return float(functional.cross_entropy(logits, tokens[1:]))


@pytest.mark.parametrize("window", [1, 7, 48, 49, 50, 1024])
def test_one_stream_scores_the_whole_text_whatever_the_window(
    model: CharLanguageModel, monkeypatch: pytest.MonkeyPatch, window: int
) -> None:
    tokens = torch.randint(4, (50,), generator=torch.Generator().manual_seed(1))
    monkeypatch.setattr(language_model, "_WINDOW", window)
    assert language_model.evaluate(model, tokens) == pytest.approx(plain(model, tokens), rel=1e-12)


def test_more_streams_score_each_stretch_from_zero(model: CharLanguageModel) -> None:
    tokens = torch.randint(4, (50,), generator=torch.Generator().manual_seed(1))
    stretches = [plain(model, tokens[start : start + 16]) for start in (0, 16, 32)]
    assert language_model.evaluate(model, tokens, streams=3) == pytest.approx(sum(stretches) / 3, rel=1e-12)


@pytest.mark.parametrize(("length", "streams"), [(0, 1), (1, 1), (5, 3)])
def test_a_text_without_a_target_in_each_stream_has_no_score(
    model: CharLanguageModel, length: int, streams: int
) -> None:
    with pytest.raises(TextError, match=f"{length} characters is too short to evaluate in {streams} streams"):
        language_model.evaluate(model, torch.zeros(length, dtype=torch.int64), streams)


@given(st.lists(st.integers(0, 99), min_size=1, max_size=300), st.integers(1, 20), st.integers(0, 3))
def test_shuffled_batches_hold_each_example_once_an_epoch(lengths: list[int], size: int, epoch: int) -> None:
    batches = Shuffled(lengths, size, seed=1)
    count = len(batches)
    assert count == math.ceil(len(lengths) / size)
    held = [batches[epoch * count + place] for place in range(count)]
    assert sorted(example for batch in held for example in batch) == list(range(len(lengths)))
    assert all(len(batch) <= size for batch in held)


def test_shuffled_batches_depend_on_their_number_and_the_seed_alone() -> None:
    lengths = list(range(100))
    there, back = Shuffled(lengths, 7, seed=1), Shuffled(lengths, 7, seed=1)
    forward = [there[index] for index in range(45)]
    assert [back[index] for index in reversed(range(45))] == forward[::-1]
    assert forward[:15] != forward[15:30]
    assert [Shuffled(lengths, 7, seed=2)[index] for index in range(15)] != forward[:15]


def test_examples_of_a_batch_are_of_similar_length() -> None:
    lengths = np.random.default_rng(0).integers(1, 1000, size=2000)
    batches = Shuffled(lengths.tolist(), 20, seed=0)
    spread = [np.ptp(lengths[batches[index]]) for index in range(len(batches))]
    assert np.median(spread) < 50
