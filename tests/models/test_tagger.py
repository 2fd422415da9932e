"""The tagger against the equations word by word, and what it is asked to refuse."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from rnnscope import Vocabulary, checkpoint, record
from rnnscope.errors import ModelError, RecipeError, TextError
from rnnscope.models.tagger import LONGEST_SPELLING, Lexicon, SequenceTagger, TaggerConfig
from tests import equations

WORDS = ("the", "cat", "sees", "a", "dog", "Cat", ".")
LABELS = ("DET", "NOUN", "PUNCT", "VERB")
SENTENCES = [
    ["the", "cat", "sees", "a", "dog", "."],
    ["a", "unseen", "dog"],
    ["."],
    ["the", "the", "cat", "the", "dogs", "see", "the", "€", "."],
]
SHAPES = [
    {"cell": "lstm"},
    {"cell": "gru", "layers": 2},
    {"cell": "rnn", "bidirectional": False},
    {"cell": "lstm", "bias": False, "dropout": 0.4},
]


def make_tagger(**config: Any) -> SequenceTagger:
    torch.manual_seed(0)
    sizes: dict[str, Any] = {
        "hidden_size": 7,
        "word_embedding_size": 5,
        "embedding_size": 3,
        "character_hidden_size": 4,
    }
    return SequenceTagger(TaggerConfig(**sizes | config), Lexicon(WORDS, Vocabulary.of(*WORDS)), LABELS).eval()


def spelt(tagger: SequenceTagger, word: str) -> np.ndarray:
    """h of a word's last character, and, read from its end, of its first."""
    x = tagger.embedding.weight.detach().numpy()[tagger.lexicon.characters.encode(word)][:, None]
    zeros = np.zeros((2, 1, tagger.config.character_hidden_size))
    signals = equations.network(tagger.spelling, x, [zeros, zeros])
    return np.concatenate((signals["l0.h"][-1, 0], signals["l0r.h"][0, 0]))


def expected_logits(tagger: SequenceTagger, sentence: Sequence[str]) -> np.ndarray:
    config = tagger.config
    known = tagger.word_embedding.weight.detach().numpy()
    ids = [WORDS.index(word) + 1 if word in WORDS else 0 for word in sentence]
    x = np.stack([np.concatenate((known[i], spelt(tagger, word))) for i, word in zip(ids, sentence, strict=True)])
    zeros = np.zeros((config.layers * (1 + config.bidirectional), 1, config.hidden_size))
    signals = equations.network(tagger.rnn, x[:, None], [zeros, zeros])
    ways = ("", "r") if config.bidirectional else ("",)
    h = np.concatenate([signals[f"l{config.layers - 1}{way}.h"][:, 0] for way in ways], axis=-1)
    return h @ tagger.head.weight.detach().numpy().T + tagger.head.bias.detach().numpy()


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_logits_are_those_of_a_float64_loop_over_each_sentence(shape: dict) -> None:
    tagger = make_tagger(**shape).double()
    logits = tagger(*tagger.lexicon.encode(SENTENCES)).detach().numpy()
    assert logits.shape == (9, 4, len(LABELS))
    for column, sentence in enumerate(SENTENCES):
        expected = expected_logits(tagger, sentence)
        np.testing.assert_allclose(logits[: len(sentence), column], expected, rtol=0, atol=1e-12)
        assert not logits[len(sentence) :, column].any()


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_padded_batch_equals_each_sentence_alone(shape: dict) -> None:
    tagger = make_tagger(**shape)
    together = tagger(*tagger.lexicon.encode(SENTENCES))
    for column, sentence in enumerate(SENTENCES):
        alone = tagger(*tagger.lexicon.encode([sentence]))
        torch.testing.assert_close(together[: len(sentence), column], alone[:, 0], rtol=0, atol=1e-6)


def test_each_distinct_word_is_spelt_once() -> None:
    tokens, words, characters = make_tagger().lexicon.encode([["the", "dog", "the"], ["dog", "the", "xyz", "a"]])
    assert tokens.T.tolist() == [[0, 1, 0, -1], [1, 0, 2, 3]]
    assert words.tolist() == [1, 5, 0, 4]
    assert (characters >= 0).sum(dim=0).tolist() == [3, 3, 3, 1]


def test_words_that_are_unknown_are_told_apart_by_their_letters_alone() -> None:
    tagger = make_tagger()
    known, other, unread = (tagger(*tagger.lexicon.encode([[word]])) for word in ("seed", "deed", "€¥"))
    assert not torch.allclose(known, other)
    torch.testing.assert_close(unread, tagger(*tagger.lexicon.encode([["§§"]])))


def test_a_very_long_word_is_known_by_its_beginning() -> None:
    tagger = make_tagger()
    word = "ca" * LONGEST_SPELLING
    whole, cut = (tagger(*tagger.lexicon.encode([[spelling]])) for spelling in (word, word[:LONGEST_SPELLING]))
    assert torch.equal(whole, cut)


def test_in_training_some_words_are_read_as_the_unknown_one() -> None:
    tagger = make_tagger(word_dropout=0.3).train()
    batch = tagger.lexicon.encode([["the"] * 1000])
    tagger(*batch).sum().backward()
    gradient = tagger.word_embedding.weight.grad
    assert gradient is not None
    assert [i for i, row in enumerate(gradient) if row.any()] == [0, 1]
    read: list[torch.Tensor] = []
    tagger.word_embedding.register_forward_pre_hook(lambda _, inputs: read.append(inputs[0]))
    tagger(*batch)
    tagger.eval()(*batch)
    assert 0.24 < float((read[0] == 0).double().mean()) < 0.36
    assert (read[1] == 1).all()


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_it_learns_tags_that_only_letters_or_only_neighbours_tell(cell: str) -> None:
    """Words that are unknown are VERB if they end in s, else NOUN; ``the`` is DET, but before ``.`` NOUN."""
    tagger = make_tagger(cell=cell, hidden_size=16).train()
    sentences = [["the", "tes", "."], ["tac", "the", "."], ["ads", "the", "tet"], ["the", "tac"], ["tacs", "tet"]]
    tags = ["DET VERB PUNCT", "NOUN NOUN PUNCT", "VERB DET NOUN", "DET NOUN", "VERB NOUN"]
    batch = tagger.lexicon.encode(sentences)
    wanted = [torch.tensor([LABELS.index(tag) for tag in line.split()]) for line in tags]
    targets = torch.nn.utils.rnn.pad_sequence(wanted, padding_value=-100).flatten()
    optimizer = torch.optim.Adam(tagger.parameters(), 0.03)
    for _ in range(40):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(tagger(*batch).flatten(0, 1), targets).backward()
        optimizer.step()
    assert tagger.eval().tag_many(sentences) == [line.split() for line in tags]


def test_sentences_of_all_lengths_get_as_many_tags_in_their_order() -> None:
    tagger = make_tagger()
    sentences = [["cat"] * (number % 7) + ["dog", "."][: number % 3] for number in range(200)]
    tags = tagger.tag_many(sentences)
    assert tags == [tagger.tag(sentence) for sentence in sentences]
    assert [len(line) for line in tags] == [len(sentence) for sentence in sentences]
    assert tagger.tag([]) == []
    assert tagger.tag_many([]) == []


def test_its_two_layers_are_addressed_by_their_names() -> None:
    tagger = make_tagger()
    with record(tagger) as recording:
        tagger(*tagger.lexicon.encode(SENTENCES[:2]))
    names = {str(address).rpartition(".")[0] for address in recording}
    assert names == {"spelling.l0", "spelling.l0r", "rnn.l0", "rnn.l0r"}
    assert recording["rnn.l0.h"].shape == (6, 2, 7)
    assert recording.lengths("rnn.l0.h").tolist() == [6, 3]
    assert recording.lengths("spelling.l0.h").tolist() == [3, 3, 4, 1, 3, 1, 6]


def test_a_checkpoint_gives_the_same_tagger_back(tmp_path: Path) -> None:
    tagger = make_tagger(cell="gru")
    checkpoint.save(tmp_path / "model.pt", tagger, {})
    again = checkpoint.load(tmp_path / "model.pt")
    assert isinstance(again, SequenceTagger)
    assert again.config == tagger.config
    assert again.vocabularies == tagger.vocabularies
    assert again.tag_many(SENTENCES) == tagger.tag_many(SENTENCES)
    assert again.card is not None
    assert "gru, 1 layer of 7 units in both directions, word embedding of 5" in again.card.architecture


def test_a_text_in_place_of_words_and_empty_words_are_refused() -> None:
    tagger = make_tagger()
    with pytest.raises(TextError, match=r"words, not a text.*text\.split\(\)"):
        tagger.tag("the cat")
    with pytest.raises(TextError, match="words, not a text"):
        tagger.tag_many("the cat")
    with pytest.raises(TextError, match="at least one character"):
        tagger.tag(["the", "", "cat"])


@pytest.mark.parametrize(
    "config", [{"word_embedding_size": 0}, {"character_hidden_size": -1}, {"word_dropout": 1.0}, {"hidden_size": 0}]
)
def test_impossible_configurations_are_refused(config: dict) -> None:
    with pytest.raises(RecipeError, match=f"{next(iter(config))}.*got {next(iter(config.values()))}"):
        make_tagger(**config)


def test_symbols_given_twice_are_refused() -> None:
    with pytest.raises(ModelError, match="knows each word once"):
        Lexicon(["a", "b", "a"], Vocabulary("ab"))
    for labels in (["X"], ["X", "X"]):
        with pytest.raises(ModelError, match="two labels or more"):
            SequenceTagger(TaggerConfig(), Lexicon(["a"], Vocabulary("a")), labels)
