"""The classifier against a float64 loop and against itself: alone, in a padded batch, and as it reads."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch

from rnnscope import Vocabulary
from rnnscope.errors import ModelError, RecipeError, TextError
from rnnscope.models import ClassifierConfig, SequenceClassifier
from tests import equations

LABELS = ("calm", "loud", "odd")
POOLINGS = ("last", "mean", "max")
CELLS = ("rnn", "gru", "lstm")
LENGTHS = (4, 11, 1, 7)


def make(**config: object) -> SequenceClassifier:
    torch.manual_seed(0)
    shape = ClassifierConfig(**{"hidden_size": 9, "embedding_size": 5, **config})  # pyright: ignore[reportArgumentType]
    return SequenceClassifier(shape, Vocabulary("abcdefg !"), LABELS).eval()


def padded_batch(model: SequenceClassifier) -> tuple[torch.Tensor, torch.Tensor]:
    """Texts of several lengths in no order; what stands beyond a text's end is noise that must not be read."""
    generator = torch.Generator().manual_seed(1)
    tokens = torch.randint(0, len(model.vocabulary), (max(LENGTHS), len(LENGTHS)), generator=generator)
    return tokens, torch.tensor(LENGTHS)


@pytest.mark.parametrize(("pooling", "cell", "bidirectional"), list(product(POOLINGS, CELLS, (False, True))))
def test_a_text_in_a_padded_batch_gives_what_it_gives_alone(pooling: str, cell: str, bidirectional: bool) -> None:
    model = make(cell=cell, pooling=pooling, bidirectional=bidirectional, layers=2)
    tokens, lengths = padded_batch(model)
    together = model(tokens, lengths)
    for number, length in enumerate(LENGTHS):
        alone = model(tokens[:length, number : number + 1], torch.tensor([length]))
        torch.testing.assert_close(together[number], alone[0], atol=1e-6, rtol=0)


@pytest.mark.parametrize(("pooling", "bidirectional"), list(product(POOLINGS, (False, True))))
def test_training_reads_as_evaluation_does(pooling: str, bidirectional: bool) -> None:
    model = make(pooling=pooling, bidirectional=bidirectional, layers=2)
    tokens, lengths = padded_batch(model)
    results = []
    for mode in (True, False):
        logits = model.train(mode)(tokens, lengths)
        results.append((logits, *torch.autograd.grad(logits.square().sum(), list(model.parameters()))))
    for trained, evaluated in zip(*results, strict=True):
        torch.testing.assert_close(trained, evaluated, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize(("pooling", "cell"), list(product(POOLINGS, CELLS)))
def test_logits_are_those_of_a_float64_loop(pooling: str, cell: str) -> None:
    model = make(cell=cell, pooling=pooling, bidirectional=True).double()
    tokens = torch.randint(0, len(model.vocabulary), (8, 1))
    x = model.embedding.weight.detach().numpy()[tokens.numpy()]
    zeros = np.zeros((1, 9))
    forward = equations.layer(model.rnn, 0, x, [zeros, zeros])["h"]
    backward = equations.layer(model.rnn, 0, x, [zeros, zeros], reverse=True)["h"]
    steps = np.concatenate((forward, backward), axis=-1)
    pooled = {
        "last": np.concatenate((forward[-1], backward[0]), axis=-1),
        "mean": steps.mean(axis=0),
        "max": steps.max(axis=0),
    }[pooling]
    expected = pooled @ model.head.weight.detach().numpy().T + model.head.bias.detach().numpy()
    logits = model(tokens, torch.tensor([8])).detach().numpy()
    np.testing.assert_allclose(logits, expected, atol=1e-12)


@pytest.mark.parametrize(("pooling", "cell"), list(product(POOLINGS, CELLS)))
def test_running_logits_are_those_of_each_beginning_of_the_text(pooling: str, cell: str) -> None:
    model = make(cell=cell, pooling=pooling, layers=2)
    tokens, _ = padded_batch(model)
    running = model.running(tokens)
    assert running.shape == (max(LENGTHS), len(LENGTHS), len(LABELS))
    torch.testing.assert_close(model.running(tokens[:, 0]), running[:, 0], atol=1e-6, rtol=0)
    for stop in range(1, max(LENGTHS) + 1):
        ended = model(tokens[:stop], torch.full((len(LENGTHS),), stop))
        torch.testing.assert_close(running[stop - 1], ended, atol=1e-6, rtol=0)


def test_a_network_of_both_directions_has_no_running_logits() -> None:
    with pytest.raises(ModelError, match="also reads from the end"):
        make(bidirectional=True).running(torch.zeros(3, dtype=torch.long))


def test_a_text_is_classified_into_probabilities_of_the_labels() -> None:
    model = make()
    belief = model.classify("cab a fee!")
    tokens = torch.from_numpy(model.vocabulary.encode("cab a fee!"))
    logits = model.running(tokens)[-1]
    assert tuple(belief) == LABELS
    assert sum(belief.values()) == pytest.approx(1)
    assert list(belief.values()) == pytest.approx(logits.softmax(dim=-1).tolist())
    with pytest.raises(TextError, match="empty"):
        model.classify("")


def test_a_network_is_built_again_from_its_configuration_and_symbols() -> None:
    model = make(pooling="mean", bidirectional=True)
    again = SequenceClassifier.build(model.config, {name: list(those) for name, those in model.vocabularies.items()})
    again.load_state_dict(model.state_dict())
    assert again.eval().classify("bad egg") == model.classify("bad egg")
    assert model.vocabularies == {"characters": tuple("abcdefg !"), "labels": LABELS}
    assert model.architecture == "lstm, 1 layer of 9 units in both directions, embedding of 5, mean pooling"


@pytest.mark.parametrize(
    ("option", "said"),
    [({"pooling": "sum"}, "last, mean, max"), ({"embedding_size": 0}, "embedding_size"), ({"cell": "elman"}, "cell")],
    ids=str,
)
def test_an_impossible_shape_is_refused(option: dict, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        ClassifierConfig(**option)


@pytest.mark.parametrize("labels", [(), ("spam",), ("spam", "spam")], ids=str)
def test_labels_that_tell_nothing_apart_are_refused(labels: tuple[str, ...]) -> None:
    with pytest.raises(ModelError, match="two labels or more"):
        SequenceClassifier(ClassifierConfig(), Vocabulary("ab"), labels)


def test_many_texts_are_read_in_any_order_as_each_alone() -> None:
    model, texts = make(bidirectional=True), ["gab", "a", "fed cab!", "bag"]
    alone = [list(model.classify(text).values()) for text in texts]
    np.testing.assert_allclose(model.logits_of(texts).softmax(dim=-1), alone, atol=1e-6)
