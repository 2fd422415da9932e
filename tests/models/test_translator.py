"""The translator against the equations sentence by sentence, and what it is asked to refuse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import rnnscope
from rnnscope import Vocabulary, checkpoint
from rnnscope.errors import ArgumentError, ModelError, RecipeError, TextError
from rnnscope.models import Translator, TranslatorConfig
from rnnscope.models.decoding import END_ID, START_ID
from rnnscope.models.translator import source_tokens, target_tokens
from tests import equations

SOURCES = ["abc", "a", "cab bac", "b?b", "ccccc"]
TARGETS = ["xyx", "yyyyyy", "x", "z z", "zzz"]
SHAPES = [
    {"cell": "lstm", "attention": "none"},
    {"cell": "lstm", "attention": "dot", "layers": 2},
    {"cell": "lstm", "attention": "bilinear", "bidirectional": True, "layers": 2},
    {"cell": "gru", "attention": "bilinear", "bias": False},
    {"cell": "gru", "attention": "none", "bidirectional": True},
    {"cell": "rnn", "attention": "dot", "dropout": 0.4},
    {"cell": "rnn", "attention": "bilinear", "bidirectional": True, "layers": 2},
]


def make_translator(**config: Any) -> Translator:
    torch.manual_seed(0)
    options: dict[str, Any] = {"hidden_size": 6, "embedding_size": 4} | config
    return Translator(TranslatorConfig(**options), Vocabulary("abc "), Vocabulary("xyz ")).eval()


def batch_of(translator: Translator) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    given, _ = target_tokens(TARGETS, translator.target)
    return *source_tokens(SOURCES, translator.source), given


def weight(module: Any) -> np.ndarray:
    return module.weight.detach().numpy()


def bridged(translator: Translator, last: list[np.ndarray]) -> list[np.ndarray]:
    """The decoder's first states, from the encoder's last ones of shape (layer and direction, unit)."""
    if not translator.config.bidirectional:
        return last
    maps: Any = translator.bridge
    states = [weight(m) @ part.ravel() + m.bias.detach().numpy() for m, part in zip(maps.maps, last, strict=True)]
    states[0] = np.tanh(states[0])
    return [state.reshape(translator.config.layers, -1) for state in states]


def expected_logits(translator: Translator, source: str, target: str) -> np.ndarray:
    """For one sentence, in a loop over its steps."""
    config = translator.config
    ways, layers = ("", "r")[: 1 + config.bidirectional], range(config.layers)
    x = weight(translator.source_embedding)[translator.source.encode(source)][:, None]
    zeros = np.zeros((len(layers) * len(ways), 1, config.hidden_size))
    read = equations.network(translator.encoder, x, [zeros, zeros])
    memory = np.concatenate([read[f"l{layers[-1]}{way}.h"][:, 0] for way in ways], axis=-1)
    kept = ("h", "c") if config.cell == "lstm" else ("h",)
    last = [np.stack([read[f"l{n}{way}.{s}"][0 if way else -1, 0] for n in layers for way in ways]) for s in kept]
    tokens = [START_ID, *translator.target.encode(target)]
    x = weight(translator.target_embedding)[tokens][:, None]
    first = [part[:, None] for part in bridged(translator, last)]
    hidden = equations.network(translator.decoder, x, first)[f"l{layers[-1]}.h"][:, 0]
    rows = []
    for h in hidden:
        if translator.attention is not None:
            keys = memory if config.attention == "dot" else memory @ weight(translator.attention.key).T
            odds = np.exp(keys @ h)
            context = (odds / odds.sum()) @ memory
            h = np.tanh(weight(translator.attention.combine) @ np.concatenate([context, h]))
        rows.append(weight(translator.head) @ h + translator.head.bias.detach().numpy())
    return np.stack(rows)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_logits_are_those_of_a_float64_loop_over_each_sentence(shape: dict[str, Any]) -> None:
    translator = make_translator(**shape).double()
    logits = translator(*batch_of(translator)).detach().numpy()
    assert logits.shape == (7, 5, 7)
    for column, (source, target) in enumerate(zip(SOURCES, TARGETS, strict=True)):
        expected = expected_logits(translator, source, target)
        np.testing.assert_allclose(logits[: len(expected), column], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_padded_batch_equals_each_sentence_alone(shape: dict[str, Any]) -> None:
    translator = make_translator(**shape)
    together = translator(*batch_of(translator))
    for column, (source, target) in enumerate(zip(SOURCES, TARGETS, strict=True)):
        given, _ = target_tokens([target], translator.target)
        alone = translator(*source_tokens([source], translator.source), given)
        torch.testing.assert_close(together[: len(target) + 1, column], alone[:, 0], rtol=0, atol=1e-6)


def test_what_stands_at_the_padding_of_the_source_does_not_matter() -> None:
    translator = make_translator(bidirectional=True)
    source, lengths, given = batch_of(translator)
    other = torch.where(torch.arange(len(source))[:, None] < lengths, source, 3)
    longer = torch.cat([other, torch.full((4, len(SOURCES)), 2)])
    torch.testing.assert_close(
        translator(longer, lengths, given), translator(source, lengths, given), rtol=0, atol=1e-6
    )


def test_targets_are_given_after_the_start_and_wanted_with_the_end() -> None:
    given, wanted = target_tokens(["xy", ""], make_translator().target)
    assert given.T.tolist() == [[START_ID, 3, 4], [START_ID, 0, 0]]
    assert wanted.T.tolist() == [[3, 4, END_ID], [END_ID, -100, -100]]


@pytest.mark.parametrize("beam", [1, 3])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_translations_do_not_depend_on_what_is_translated_beside_them(shape: dict[str, Any], beam: int) -> None:
    translator = make_translator(**shape)
    together = translator.translate(SOURCES, beam=beam, longest=12)
    assert together == [translator.translate([source], beam=beam, longest=12)[0] for source in SOURCES]
    assert not any(set(text) - set("xyz ") for text in together)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_greedy_decoding_takes_the_likeliest_character_of_the_whole_prefix(shape: dict[str, Any]) -> None:
    translator = make_translator(**shape)
    source, expected = "cab", ""
    for _ in range(10):
        given, _ = target_tokens([expected], translator.target)
        logits = translator(*source_tokens([source], translator.source), given)[-1, 0]
        logits[[0, START_ID]] = -torch.inf
        if logits.argmax() == END_ID:
            break
        expected += translator.target.decode([int(logits.argmax())])
    assert translator.translate([source], longest=10) == [expected]


def test_many_texts_come_back_in_their_order() -> None:
    translator = make_translator()
    texts = [("abc"[i % 3] * (i % 5 + 1)) for i in range(300)]
    alone = {text: translator.translate([text], longest=5)[0] for text in set(texts)}
    assert translator.translate(texts, longest=5) == [alone[text] for text in texts]
    assert translator.translate([]) == []


@pytest.mark.parametrize("attention", ["none", "bilinear"])
def test_it_learns_to_write_a_text_backward_in_other_letters(attention: str) -> None:
    sources = ["abc", "cab", "bb", "a", "ccab", "bacc"]
    targets = [text[::-1].translate(str.maketrans("abc", "xyz")) for text in sources]
    translator = make_translator(hidden_size=24, embedding_size=8, attention=attention, bidirectional=True).train()
    source, lengths = source_tokens(sources, translator.source)
    given, wanted = target_tokens(targets, translator.target)
    optimizer = torch.optim.Adam(translator.parameters(), 0.02)
    for _ in range(80):
        optimizer.zero_grad()
        logits = translator(source, lengths, given)
        torch.nn.functional.cross_entropy(logits.flatten(0, 1), wanted.flatten()).backward()
        optimizer.step()
    assert translator.eval().translate(sources) == targets
    assert translator.translate(sources, beam=4) == targets


def test_an_alignment_has_a_row_of_weights_for_each_character_written() -> None:
    translator = make_translator(bidirectional=True)
    weights = translator.alignment("cab bac", "xyz")
    assert weights.shape == (3, 7)
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(3))
    seen: list[torch.Tensor] = []
    assert translator.attention is not None
    translator.attention.register_forward_hook(lambda _, inputs, outputs: seen.append(outputs[1]))
    translator(*batch_of(translator))
    assert (seen[0][0, :, 3:] == 0).all()  # padding has no weight
    torch.testing.assert_close(seen[0][0, :3, :3], translator.alignment("abc", "xyx"), rtol=0, atol=1e-6)


def test_what_cannot_be_aligned_or_read_is_refused() -> None:
    with pytest.raises(ModelError, match="no attention"):
        make_translator(attention="none").alignment("abc", "xyz")
    translator = make_translator()
    for call in (
        lambda: translator.alignment("abc", ""),
        lambda: translator.alignment("", "xyz"),
        lambda: translator.translate(["abc", ""]),
    ):
        with pytest.raises(TextError, match="at least one character"):
            call()
    with pytest.raises(ArgumentError, match="beam"):
        translator.translate(["abc"], beam=0)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"attention": "additive"}, "none, dot, bilinear; got 'additive'"),
        ({"attention": "dot", "bidirectional": True}, "bilinear or none to have a bidirectional encoder"),
        ({"embedding_size": 0}, "embedding_size of at least 1"),
        ({"hidden_size": 0}, "hidden_size of at least 1"),
    ],
)
def test_impossible_shapes_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        TranslatorConfig(**wrong)


def test_the_two_stacks_are_recorded_under_their_names() -> None:
    translator = make_translator(bidirectional=True)
    with rnnscope.record(translator) as recording:
        translator(*batch_of(translator))
    names = {str(address).rpartition(".")[0] for address in recording}
    assert names == {"encoder.l0", "encoder.l0r", "decoder.l0"}
    assert recording["encoder.l0.h"].shape == (7, 5, 6)
    assert recording["decoder.l0.c"].shape == (7, 5, 6)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_checkpoint_gives_the_same_network_back(shape: dict[str, Any], tmp_path: Path) -> None:
    translator = make_translator(**shape)
    checkpoint.save(tmp_path / "model.pt", translator, {})
    again = checkpoint.load(tmp_path / "model.pt")
    assert isinstance(again, Translator)
    assert again.config == translator.config
    assert (again.source, again.target) == (translator.source, translator.target)
    assert torch.equal(again(*batch_of(again)), translator(*batch_of(translator)))
    assert again.card is not None
    assert again.card.vocabularies == {"source characters": 4, "target characters": 4}


def test_the_architecture_in_words() -> None:
    one_way = make_translator(attention="none").architecture
    assert one_way == "encoder and decoder of lstm, 1 layer of 6 units each, no attention, embeddings of 4"
    both = make_translator(cell="gru", bidirectional=True).architecture
    assert both == (
        "encoder of gru, 1 layer of 6 units in both directions, decoder of gru, 1 layer of 6 units, "
        "bilinear attention, embeddings of 4"
    )
