"""The character language model against the equations, and what it is asked to refuse."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch.nn import functional

from rnnscope import CharLanguageModel, Vocabulary
from rnnscope.errors import ModelError, RecipeError, TextError
from rnnscope.models import LanguageModelConfig
from tests import equations

SHAPES = [
    {"cell": "lstm"},
    {"cell": "gru", "layers": 2},
    {"cell": "rnn", "nonlinearity": "relu"},
    {"cell": "rnn", "embedding_size": 0},
    {"cell": "gru", "bias": False},
    {"cell": "lstm", "layers": 3, "embedding_size": 12, "tied": True, "dropout": 0.3},
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_logits_are_those_of_a_float64_loop(make_model: Callable[..., CharLanguageModel], shape: dict) -> None:
    model = make_model(**shape).double()
    tokens = torch.randint(0, len(model.vocabulary), (17, 3))
    if model.embedding is None:
        x = functional.one_hot(tokens, len(model.vocabulary)).double().numpy()
    else:
        x = model.embedding.weight.detach().numpy()[tokens.numpy()]
    zeros = np.zeros((3, 12))
    for number in range(model.config.layers):
        x = equations.layer(model.rnn, number, x, [zeros, zeros])["h"]
    expected = x @ model.head.weight.detach().numpy().T + model.head.bias.detach().numpy()
    np.testing.assert_allclose(model(tokens)[0].detach().numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_a_carried_state_continues_the_text(make_model: Callable[..., CharLanguageModel], cell: str) -> None:
    model = make_model(cell=cell, layers=2)
    tokens = torch.randint(0, len(model.vocabulary), (20, 2))
    whole, _ = model(tokens)
    first, state = model(tokens[:11])
    second, _ = model(tokens[11:], state)
    torch.testing.assert_close(torch.cat((first, second)), whole)


def test_a_tied_head_shares_the_embedding(make_model: Callable[..., CharLanguageModel]) -> None:
    model = make_model(tied=True, embedding_size=12)
    assert model.embedding is not None
    assert model.head.weight is model.embedding.weight
    free = make_model(embedding_size=12)
    saved = free.head.weight.numel()
    assert sum(p.numel() for p in free.parameters()) - sum(p.numel() for p in model.parameters()) == saved


def test_forget_gates_start_open_and_recurrent_blocks_orthogonal(make_model: Callable[..., CharLanguageModel]) -> None:
    _, weight, bias_ih, bias_hh = make_model().rnn.all_weights[0]
    assert (bias_ih + bias_hh).tolist() == [0.0] * 12 + [1.0] * 12 + [0.0] * 24
    for block in weight.detach().chunk(4):
        torch.testing.assert_close(block @ block.T, torch.eye(12), atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ({"cell": "elman"}, "rnn, gru, lstm"),
        ({"nonlinearity": "gelu"}, "tanh or relu"),
        ({"hidden_size": 0}, "hidden_size"),
        ({"layers": 0}, "layers"),
        ({"embedding_size": -1}, "one-hot"),
        ({"dropout": 1.0}, "dropout"),
        ({"tied": True, "embedding_size": 7}, "equal"),
        ({"tied": True, "embedding_size": 8, "hidden_size": 8, "bidirectional": True}, "equal"),
        ({"proj_size": -1}, "proj_size of at least 0"),
        ({"proj_size": 8, "hidden_size": 8}, "smaller than hidden_size"),
        ({"proj_size": 4, "cell": "gru"}, "the cell lstm to have a proj_size"),
    ],
    ids=str,
)
def test_an_impossible_shape_is_refused(option: dict, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        LanguageModelConfig(**option)


def test_a_sample_can_be_made_again_and_holds_known_characters_only(
    make_model: Callable[..., CharLanguageModel],
) -> None:
    model = make_model()

    def sample(seed: int, temperature: float = 1.0) -> str:
        return "".join(model.generate("a", 200, temperature, torch.Generator().manual_seed(seed)))

    assert sample(1) == sample(1) != sample(2)
    assert sample(1, temperature=0) == sample(2, temperature=0)
    assert len(sample(3)) == 200
    assert Vocabulary.UNKNOWN not in sample(3)


def test_nothing_is_written_after_nothing(make_model: Callable[..., CharLanguageModel]) -> None:
    with pytest.raises(TextError, match="prompt is empty"):
        list(make_model().generate("", 3))


def test_temperature_zero_takes_the_most_probable_character(make_model: Callable[..., CharLanguageModel]) -> None:
    model = make_model()
    text = "a" + "".join(model.generate("a", 30, temperature=0))
    logits, _ = model(torch.from_numpy(model.vocabulary.encode(text[:-1])))
    logits[:, 0] = -torch.inf
    assert model.vocabulary.decode(logits.argmax(dim=-1).tolist()) == text[1:]


def test_a_bidirectional_network_gives_both_directions_to_the_head_and_cannot_write(
    make_model: Callable[..., CharLanguageModel],
) -> None:
    model = make_model(bidirectional=True, embedding_size=24, tied=True)
    assert model(torch.zeros(3, 2, dtype=torch.long))[0].shape == (3, 2, len(model.vocabulary))
    with pytest.raises(ModelError, match="bidirectional network cannot write.*can be traced"):
        next(model.generate("a", 5))
