"""Passages: the same signals as a trace's, whatever the order, the length and the kind of network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import rnnscope
from rnnscope.errors import AddressError, ModelError, RecordingError
from rnnscope.models.classifier import ClassifierConfig, SequenceClassifier
from rnnscope.text import Vocabulary
from rnnscope.tracing.passages import Source, Span, open_source

TEXT = 'abc def.\n\n"ghij," abc.\nfade\n\n' * 40
ALPHABET = "abcdefghij \n\"'.,"


def gathered(source: Source, spans: list[Span]) -> dict[str, np.ndarray]:
    """All passages put in their places, NaN where there is none; a step comes once."""
    found: dict[str, np.ndarray] = {}
    for passage in source.passages(spans):
        for address, values in passage.signals.items():
            whole = found.setdefault(str(address), np.full((len(source), values.shape[1]), np.nan))
            assert np.isnan(whole[passage.steps]).all()
            whole[passage.steps] = values.numpy()
    return found


def checked(source: Source, spans: list[Span], trace: rnnscope.Trace, tolerance: float) -> None:
    found = gathered(source, spans)
    inside = np.concatenate([np.arange(*span) for span in spans])
    assert set(found) == {str(address) for address in source.addresses}
    for address, values in found.items():
        np.testing.assert_allclose(values[inside], trace[address].values[inside], atol=tolerance)
        values[inside] = np.nan
        assert np.isnan(values).all()


@pytest.fixture
def small_passages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rnnscope.tracing.passages._VALUES", 3_000)
    monkeypatch.setattr("rnnscope.tracing.passages._SHORTEST", 16)


SPANS = [Span(0, 100), Span(100, 611), Span(620, 1_000)]


@pytest.mark.usefixtures("small_passages")
@pytest.mark.parametrize("layers", [1, 2])
def test_a_language_model_reads_stretches_as_if_they_were_one(
    layers: int, make_model: Callable[..., rnnscope.CharLanguageModel]
) -> None:
    model = make_model(cell="lstm", layers=layers)
    source = open_source(model, TEXT, None)
    checked(source, SPANS, rnnscope.trace(model, TEXT), 1e-4)


@pytest.mark.usefixtures("small_passages")
def test_short_documents_are_read_exactly(make_model: Callable[..., rnnscope.CharLanguageModel]) -> None:
    model = make_model(cell="gru")
    documents = [TEXT[:n] for n in (5, 200, 61, 1, 300)]
    source = open_source(model, documents, ["h"])
    ends = np.cumsum([len(document) for document in documents])
    spans = [Span(int(end) - len(document), int(end)) for document, end in zip(documents, ends, strict=True)]
    checked(source, spans, rnnscope.trace(model, documents, signals=["h"]), 1e-6)


@pytest.mark.usefixtures("small_passages")
def test_a_trace_is_read_in_slices(make_model: Callable[..., rnnscope.CharLanguageModel], tmp_path: Path) -> None:
    trace = rnnscope.trace(make_model(), TEXT, tmp_path / "t.zarr", units=[2, 5])
    source = open_source(trace, None, ["l0.h"])
    checked(source, SPANS, trace, 0)
    assert [str(source.unit(address, 1)) for address in source.addresses] == ["l0.h.5"]
    assert source.documents[0].text == TEXT


def test_a_network_of_both_directions_reads_documents_whole(
    make_model: Callable[..., rnnscope.CharLanguageModel],
) -> None:
    model = make_model(bidirectional=True)
    documents = [TEXT[:300], TEXT[:200]]
    source = open_source(model, documents, None)
    checked(source, [Span(250, 300), Span(300, 310)], rnnscope.trace(model, documents), 1e-6)


def test_a_classifier_reads_lines(tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = ClassifierConfig(hidden_size=6, embedding_size=4)
    model = SequenceClassifier(config, Vocabulary(ALPHABET), ("yes", "no")).eval()
    path = tmp_path / "lines.txt"
    path.write_text(TEXT)
    source = open_source(model, path, None)
    assert len(source.documents) == 120
    checked(source, [Span(0, len(source))], rnnscope.trace(model, path), 1e-6)


def test_what_cannot_be_opened(make_model: Callable[..., rnnscope.CharLanguageModel]) -> None:
    with pytest.raises(RecordingError, match="needs a text"):
        open_source(make_model(), None, None)
    with pytest.raises(ModelError, match="training mode"):
        open_source(make_model().train(), TEXT, None)
    with pytest.raises(AddressError, match="no layer 'l7'"):
        open_source(rnnscope.trace(make_model(), TEXT), None, ["l7.c"])
