"""Each network's trace against a plain pass over each document alone: no document knows of another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor
from torch.nn import functional

import rnnscope
from rnnscope import CharLanguageModel, Trace, Vocabulary
from rnnscope.errors import TextError
from rnnscope.models.captioner import Captioner, CaptionerConfig
from rnnscope.models.classifier import ClassifierConfig, SequenceClassifier
from rnnscope.models.decoding import END, START
from rnnscope.models.forecaster import Forecaster, ForecasterConfig, changes_of
from rnnscope.models.tagger import LONGEST_SPELLING, Lexicon, SequenceTagger, TaggerConfig
from rnnscope.models.translator import Translator, TranslatorConfig, source_tokens, target_tokens
from rnnscope.recording.recorded import Recording
from rnnscope.text import Document
from rnnscope.tracing.readers import reader
from rnnscope.tracing.readers.forecaster import bars
from rnnscope.tracing.readers.written import MARK

TEXTS = ["abc def.", "a", "fed cba abc def", "bb bb"]
DIRECTIONS = pytest.mark.parametrize("bidirectional", [False, True], ids=["one direction", "both directions"])


@pytest.fixture(params=[16, reader.FEWEST], ids=["in several passes", "in one pass"])
def room(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """How many steps are read at once."""
    monkeypatch.setattr(reader, "FEWEST", request.param)
    monkeypatch.setattr(reader, "MOST", request.param)


def recorded(model: Any, *inputs: Tensor) -> tuple[Recording, Any]:
    with rnnscope.record(model) as recording, torch.no_grad():
        returned = model(*inputs)
    return recording, returned


class Read:
    """A trace in plain arrays, document by document."""

    def __init__(self, trace: Trace) -> None:
        self._signals = {str(address): trace[address].values for address in trace.addresses}
        self._root = {str(name): trace.tree.dataset[name].values for name in trace.tree.dataset}
        self._spans = [trace.steps_of(number) for number in range(len(trace.documents))]

    def root(self, name: str, document: int) -> np.ndarray:
        return self._root[name][self._spans[document]]

    def assert_signal(self, address: object, document: int, places: Any, expected: Tensor) -> None:
        """That a signal has these values at some steps of a document, and is NaN at all others."""
        signal = self._signals[str(address)][self._spans[document]]
        np.testing.assert_allclose(signal[places], expected, atol=2e-6)
        assert np.isnan(np.delete(signal, places, axis=0)).all()

    def assert_guesses(self, document: int, places: Any, logits: Tensor) -> None:
        """That what is guessed at some steps is what logits (time, outcome) say, and nothing elsewhere."""
        odds, ranked = logits.softmax(dim=-1).topk(min(reader.GUESSES, logits.shape[-1]))
        guess, probability = self.root("guess", document), self.root("guess_probability", document)
        np.testing.assert_allclose(probability[places], odds, atol=1e-5)
        np.testing.assert_array_equal(guess[places], ranked)
        assert (np.delete(guess, places, axis=0) == -1).all()
        assert np.isnan(np.delete(probability, places, axis=0)).all()

    def assert_costs(self, document: int, places: Any, logits: Tensor, tokens: Tensor) -> None:
        nll = self.root("nll", document)
        costs = functional.cross_entropy(logits, tokens, reduction="none")
        np.testing.assert_allclose(nll[places], costs, atol=1e-5)
        assert np.isnan(np.delete(nll, places)).all()


@DIRECTIONS
@pytest.mark.usefixtures("room")
def test_a_language_model_reads_each_document_from_a_zero_state(
    make_model: Callable[..., CharLanguageModel], bidirectional: bool
) -> None:
    model = make_model(layers=2, bidirectional=bidirectional)
    texts = [*TEXTS, "abc, def. " * 9]
    trace = rnnscope.trace(model, texts)
    assert trace.text == "".join(texts)
    assert trace.documents == tuple(f"text {number}" for number in range(5))
    read = Read(trace)
    for number, text in enumerate(texts):
        tokens = torch.from_numpy(model.vocabulary.encode(text))
        recording, (logits, _) = recorded(model, tokens.unsqueeze(1))
        for address in recording:
            read.assert_signal(address, number, slice(None), recording[address][:, 0])
        if bidirectional:
            assert np.isnan(read.root("nll", number)).all()
        else:
            read.assert_costs(number, np.arange(1, len(text)), logits[:-1, 0], tokens[1:])
            read.assert_guesses(number, np.arange(1, len(text)), logits[:-1, 0])
        assert read.root("step", number).tolist() == list(range(len(text)))
        assert (read.root("document", number) == number).all()


@pytest.mark.parametrize("make", [list, tuple])
def test_several_documents_are_the_traces_of_each_one_after_another(
    make_model: Callable[..., CharLanguageModel], make: Any, tmp_path: Path
) -> None:
    model = make_model()
    (tmp_path / "a.txt").write_text("a file\nof lines\n")
    given = ["abc", tmp_path / "a.txt", Document("a name", "fed cba")]
    together = rnnscope.trace(model, make(given))
    alone = [rnnscope.trace(model, one) for one in given]
    assert together.documents == ("text 0", "a.txt", "a name")
    for address in together.addresses:
        np.testing.assert_allclose(together[address], np.concatenate([one[address] for one in alone]), atol=2e-6)
    for name in ("token", "codepoint", "step", "nll", "guess", "guess_probability"):
        expected = np.concatenate([one.tree.dataset[name] for one in alone])
        np.testing.assert_allclose(together.tree.dataset[name], expected, atol=1e-5)
    assert repr(together).startswith("<Trace of 3 documents, 26 steps, in memory")


def test_a_file_is_cut_into_lines_where_the_user_says(
    make_model: Callable[..., CharLanguageModel], tmp_path: Path
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("first\n\n  \n second \nthird")
    trace = rnnscope.trace(make_model(), rnnscope.File(path, documents="line"))
    assert trace.documents == ("a.txt:1", "a.txt:4", "a.txt:5")
    assert [trace.text[trace.steps_of(number)] for number in range(3)] == ["first", " second ", "third"]
    with path.open("rb") as file:
        assert rnnscope.trace(make_model(), rnnscope.File(file)).documents == ("a.txt",)
    path.write_text("\n \n")
    with pytest.raises(TextError, match=r"a\.txt has nothing but blank lines"):
        rnnscope.trace(make_model(), rnnscope.File(path, documents="line"))


@pytest.mark.parametrize(
    ("given", "said"), [(["abc", ""], "text 1 is empty"), ([Document("b", "")], "The text is empty"), ([], "empty")]
)
def test_an_empty_document_is_refused(make_model: Callable[..., CharLanguageModel], given: Any, said: str) -> None:
    with pytest.raises(TextError, match=said):
        rnnscope.trace(make_model(), given)


def test_interventions_reach_each_document(make_model: Callable[..., CharLanguageModel]) -> None:
    model = make_model()
    with rnnscope.intervene(model, {"l0.c.2": rnnscope.clamp(0.25, steps=range(2))}):
        trace = rnnscope.trace(model, TEXTS)
    steps = trace.tree.dataset["step"].values
    np.testing.assert_array_equal(trace["l0.c.2"].values == 0.25, steps < 2)


@DIRECTIONS
@pytest.mark.parametrize("pooling", ["last", "mean", "max"])
@pytest.mark.usefixtures("room")
def test_a_classifier_believes_what_it_would_say_of_the_text_so_far(pooling: str, bidirectional: bool) -> None:
    config = ClassifierConfig(hidden_size=6, layers=2, embedding_size=4, pooling=pooling, bidirectional=bidirectional)
    model = SequenceClassifier(config, Vocabulary("abcdef "), ["spam", "ham", "eggs"]).eval()
    trace = rnnscope.trace(model, TEXTS)
    assert trace.outcomes == ("spam", "ham", "eggs")
    assert trace.unknown == {".": 1}
    assert np.isnan(trace.tree.dataset["nll"]).all()
    read = Read(trace)
    for number, text in enumerate(TEXTS):
        tokens = torch.from_numpy(model.vocabulary.encode(text)).unsqueeze(1)
        recording, logits = recorded(model, tokens, torch.tensor([len(text)]))
        for address in recording:
            read.assert_signal(address, number, slice(None), recording[address][:, 0])
        if bidirectional:
            read.assert_guesses(number, [len(text) - 1], logits)
        else:
            beliefs = [model(tokens[:stop], torch.tensor([stop])) for stop in range(1, len(text) + 1)]
            read.assert_guesses(number, np.arange(len(text)), torch.cat(beliefs).detach())
        assert trace.answers[number] == max(model.classify(text).items(), key=lambda item: item[1])[0]


def test_a_classifier_in_one_direction_can_be_changed_while_it_reads() -> None:
    config = ClassifierConfig(hidden_size=6, embedding_size=4)
    model = SequenceClassifier(config, Vocabulary("abcdef "), ["spam", "ham"]).eval()
    with rnnscope.intervene(model, {"l0.h.1": rnnscope.clamp(0.5, steps=range(2))}):
        trace = rnnscope.trace(model, TEXTS * 2)
    np.testing.assert_array_equal(trace["l0.h.1"].values == 0.5, trace.tree.dataset["step"].values < 2)


@pytest.mark.usefixtures("room")
def test_a_tagger_has_a_clock_of_characters_and_one_of_words() -> None:
    config = TaggerConfig(hidden_size=5, layers=2, word_embedding_size=4, embedding_size=3, character_hidden_size=4)
    model = SequenceTagger(config, Lexicon(["abc", "def."], Vocabulary("abcdef.")), ["X", "Y"]).eval()
    sentences = ["abc  def. abc ", "a", "\tbb abc " + "f" * (LONGEST_SPELLING + 5)]
    trace = rnnscope.trace(model, sentences)
    assert {str(address) for address in trace.addresses} >= {"spelling.l0r.c", "rnn.l1.h"}
    read = Read(trace)
    for number, sentence in enumerate(sentences):
        words = sentence.split()
        batch = model.lexicon.encode([words])
        recording, logits = recorded(model, *batch)
        starts = _starts(sentence, words)
        ends = [start + len(word) - 1 for start, word in zip(starts, words, strict=True)]
        spelt = [
            (place, batch[0][n, 0], step)
            for n, (start, word) in enumerate(zip(starts, words, strict=True))
            for step, place in enumerate(range(start, start + min(len(word), LONGEST_SPELLING)))
        ]
        places, columns, steps = (np.array(part) for part in zip(*spelt, strict=True))
        for address in recording:
            if address.module == "rnn":
                expected, here = recording[address][:, 0], ends
            else:
                expected, here = recording[address][steps, columns], places
            read.assert_signal(address, number, here, expected)
        read.assert_guesses(number, ends, logits[:, 0])
        guess = read.root("guess", number)[ends, 0]
        assert [trace.outcomes[best] for best in guess] == model.tag(words)
    with pytest.raises(TextError, match="blank"):
        rnnscope.trace(model, ["abc", "  "])


def _starts(sentence: str, words: Sequence[str]) -> list[int]:
    """Where each word begins."""
    starts, place = [], 0
    for word in words:
        place = sentence.index(word, place)
        starts.append(place)
        place += len(word)
    return starts


@DIRECTIONS
@pytest.mark.parametrize("attention", ["none", "bilinear"])
@pytest.mark.usefixtures("room")
def test_a_translator_reads_the_source_and_writes_after_the_mark(attention: str, bidirectional: bool) -> None:
    config = TranslatorConfig(hidden_size=7, embedding_size=4, attention=attention, bidirectional=bidirectional)
    model = Translator(config, Vocabulary("abcdef "), Vocabulary("xyz")).eval()
    trace = rnnscope.trace(model, TEXTS)
    assert trace.outcomes == model.target.characters
    assert trace.unknown == {".": 1}
    read = Read(trace)
    for number, (text, written) in enumerate(zip(TEXTS, model.translate(TEXTS), strict=True)):
        assert trace.text[trace.steps_of(number)] == text + MARK + written
        given, _ = target_tokens([written], model.target)
        recording, logits = recorded(model, *source_tokens([text], model.source), given)
        reads, writes = np.arange(len(text)), np.arange(len(text), len(text) + 1 + len(written))
        for address in recording:
            here = reads if address.module == "encoder" else writes
            read.assert_signal(address, number, here, recording[address][:, 0])
        read.assert_costs(number, writes[1:], logits[:-1, 0], given[1:, 0])
        read.assert_guesses(number, writes[1:], logits[:-1, 0])


@pytest.fixture
def captioner() -> Captioner:
    model = Captioner(CaptionerConfig(hidden_size=7, embedding_size=4, image_size=6), Vocabulary([START, END, *"xyz"]))
    model.standardise(0.5, 2.0)
    return model.eval()


@pytest.mark.usefixtures("room")
def test_a_captioner_writes_after_the_mark_from_the_image(captioner: Captioner) -> None:
    images = torch.rand(4, 6)
    trace = rnnscope.trace(captioner, images.numpy())
    assert trace.documents == ("image 0", "image 1", "image 2", "image 3")
    read = Read(trace)
    for number, caption in enumerate(captioner.caption(images)):
        assert trace.text[trace.steps_of(number)] == MARK + caption
        tokens = torch.from_numpy(captioner.vocabulary.encode(START + caption)).unsqueeze(1)
        recording, logits = recorded(captioner, images[number : number + 1], tokens)
        for address in recording:
            read.assert_signal(address, number, slice(None), recording[address][:, 0])
        read.assert_costs(number, np.arange(1, len(tokens)), logits[:-1, 0], tokens[1:, 0])
        read.assert_guesses(number, np.arange(1, len(tokens)), logits[:-1, 0])


def test_images_come_in_several_shapes(captioner: Captioner, tmp_path: Path) -> None:
    images = np.random.default_rng(0).random((2, 6), dtype=np.float32)
    expected = rnnscope.trace(captioner, images)
    (tmp_path / "i.csv").write_text(
        "caption,a,b,c,d,e,f\n" + "".join(f"x,{','.join(map(str, image))}\n" for image in images)
    )
    for given in (images.reshape(2, 2, 3), images.reshape(2, 3, 2), torch.from_numpy(images), tmp_path / "i.csv"):
        trace = rnnscope.trace(captioner, given)
        np.testing.assert_array_equal(trace["l0.c"], expected["l0.c"])
    assert trace.documents == ("i.csv:2", "i.csv:3")
    assert rnnscope.trace(captioner, images[0].reshape(2, 3)).text == expected.text[expected.steps_of(0)]
    for wrong in (np.zeros((2, 5)), np.zeros((0, 6)), np.zeros(7)):
        with pytest.raises(TextError, match="reads images of 6 pixels"):
            rnnscope.trace(captioner, wrong)
    with pytest.raises(TextError, match="path of a CSV file"):
        rnnscope.trace(captioner, "a text")


@pytest.fixture(params=[True, False], ids=["log returns", "differences"])
def forecaster(request: pytest.FixtureRequest) -> Forecaster:
    model = Forecaster(ForecasterConfig(hidden_size=5, logarithmic=request.param))
    model.standardise(0.01, 0.3)
    torch.nn.init.normal_(model.head.weight)
    return model.eval()


SERIES = [np.exp(np.random.default_rng(0).normal(size=40).cumsum() / 9), np.array([3.0, 3.0, 1.0])]


@pytest.mark.usefixtures("room")
def test_a_forecaster_has_values_and_what_it_expected(forecaster: Forecaster) -> None:
    trace = rnnscope.trace(forecaster, SERIES)
    assert trace.documents == ("series 0", "series 1")
    read = Read(trace)
    for number, values in enumerate(SERIES):
        np.testing.assert_array_equal(read.root("value", number), values)
        prediction = read.root("prediction", number)
        assert np.isnan(prediction[0])
        np.testing.assert_allclose(prediction[1:], forecaster.forecast(values)[:-1])
        changes = np.append(0, (changes_of(values, forecaster.config.logarithmic) - 0.01) / 0.3).astype("float32")
        recording, (mean, log_variance, _) = recorded(forecaster, torch.from_numpy(changes).unsqueeze(1))
        for address in recording:
            read.assert_signal(address, number, slice(None), recording[address][:, 0])
        normal = torch.distributions.Normal(mean[:-1, 0], (0.5 * log_variance[:-1, 0]).exp())
        nll = read.root("nll", number)
        assert np.isnan(nll[0])
        np.testing.assert_allclose(nll[1:], -normal.log_prob(torch.from_numpy(changes[1:])), rtol=1e-4, atol=1e-4)
        assert trace.text[trace.steps_of(number)] == bars(values)
    assert trace.tree.dataset["guess"].shape == (43, 0)


def test_bars_rise_with_rank_and_ties_have_the_same() -> None:
    assert bars(np.array([8.0, 1, 2, 3, 4, 5, 6, 7])) == "█▁▂▃▄▅▆▇"
    assert bars(np.array([2.0, 2, 2])) == "▁▁▁"
    assert bars(np.array([5.0, 1, 1, 100])) == "▅▁▁▇"


@pytest.mark.parametrize("on_disk", [False, True], ids=["memory", "disk"])
def test_dates_are_a_coordinate(forecaster: Forecaster, tmp_path: Path, on_disk: bool) -> None:
    (tmp_path / "s.csv").write_text("Day,Price\n2024-01-30,2.5\n2024-02-01,\n2024-02-02,2.25\n")
    trace = rnnscope.trace(forecaster, tmp_path / "s.csv", tmp_path / "t.zarr" if on_disk else None)
    days = pd.to_datetime(["2024-01-30", "2024-02-02"])
    assert trace["l0.h.2"]["date"].values.tolist() == days.to_numpy().astype(trace["l0.h"]["date"].dtype).tolist()
    assert trace.tree.dataset["value"].values.tolist() == [2.5, 2.25]
    again = rnnscope.trace(forecaster, pd.Series([2.5, 2.25], index=days))
    np.testing.assert_array_equal(again["l0.h"], trace["l0.h"])
    assert (again["l0.h"]["date"] == trace["l0.h"]["date"]).all()
    assert "date" not in rnnscope.trace(forecaster, [1.0, 2.0])["l0.h"].coords


def test_a_file_of_several_series_is_refused(forecaster: Forecaster, tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("open,close\n1,2\n3,4\n")
    with pytest.raises(TextError, match="one column of values beside the dates; got open, close"):
        rnnscope.trace(forecaster, tmp_path / "s.csv")
    with pytest.raises(TextError, match="shape"):
        rnnscope.trace(forecaster, np.zeros((2, 2)))
