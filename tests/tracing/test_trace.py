"""Traces: equal to one plain pass, whole or in chunks, in memory or on disk, and safe to write."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import xarray as xr
import zarr
from torch.nn import functional

import rnnscope
from rnnscope import CharLanguageModel
from rnnscope.errors import AddressError, ModelError, OutputError, RecordingError, TextError, TraceError
from rnnscope.tracing.readers import language_model, reader

TEXT = 'abc def. "ghij," abc.\n' * 40


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of 64 steps, so that a short text takes many."""
    monkeypatch.setattr(reader, "FEWEST", 64)
    monkeypatch.setattr(reader, "MOST", 64)


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
@pytest.mark.parametrize("on_disk", [False, True], ids=["memory", "disk"])
@pytest.mark.usefixtures("small_chunks")
def test_chunks_give_what_one_pass_gives(
    make_model: Callable[..., CharLanguageModel], cell: str, on_disk: bool, tmp_path: Path
) -> None:
    model = make_model(cell=cell, layers=2)
    trace = rnnscope.trace(model, TEXT, tmp_path / "t.zarr" if on_disk else None)
    tokens = torch.from_numpy(model.vocabulary.encode(TEXT))
    with rnnscope.record(model) as recording:
        logits, _ = model(tokens.unsqueeze(1))
    assert trace.addresses == tuple(recording)
    for address in recording:
        np.testing.assert_allclose(trace[address], recording[address][:, 0], atol=2e-6, err_msg=str(address))
    costs = functional.cross_entropy(logits[:-1, 0], tokens[1:], reduction="none")
    root = trace.tree.dataset
    assert np.isnan(root["nll"][0])
    np.testing.assert_allclose(root["nll"][1:], costs.detach(), atol=1e-5)
    np.testing.assert_array_equal(root["guess"][1:, 0], logits[:-1, 0].argmax(dim=-1))
    assert root["guess"][0].values.tolist() == [-1] * 5
    assert (np.diff(root["guess_probability"][1:], axis=1) <= 0).all()
    np.testing.assert_array_equal(root["step"], np.arange(len(TEXT)))
    assert trace.text == TEXT


def test_a_trace_on_disk_is_read_back_as_it_was(make_model: Callable[..., CharLanguageModel], tmp_path: Path) -> None:
    model = make_model()
    path = tmp_path / "t.zarr"
    written = rnnscope.trace(model, rnnscope.Document("a text", TEXT), path)
    opened = rnnscope.open_trace(path)
    for address in written.addresses:
        np.testing.assert_array_equal(opened[address], rnnscope.trace(model, TEXT)[address])
    attributes = opened.tree.attrs
    assert attributes["documents"] == ["a text"]
    assert attributes["initial_state"] == "zeros"
    assert attributes["recovery_error"] < 1e-5
    assert len(attributes["model_sha256"]) == 64
    assert opened.characters == model.vocabulary.characters
    assert xr.open_datatree(path, engine="zarr")["l0/c"].dims == ("time", "unit")


def test_a_trace_of_an_earlier_rnnscope_is_read(make_model: Callable[..., CharLanguageModel], tmp_path: Path) -> None:
    rnnscope.trace(make_model(), TEXT, tmp_path / "t.zarr")
    metadata = tmp_path / "t.zarr" / "zarr.json"
    content = json.loads(metadata.read_text())
    for name in ("outcomes", "task"):
        del content["attributes"][name]
    metadata.write_text(json.dumps(content))
    trace = rnnscope.open_trace(tmp_path / "t.zarr")
    assert trace.outcomes == trace.characters
    assert trace.answers == ()


def test_documents_are_found_by_number(make_model: Callable[..., CharLanguageModel], tmp_path: Path) -> None:
    trace = rnnscope.trace(make_model(), ["abc", "d", "efghij"], tmp_path / "t.zarr")
    assert [trace.steps_of(number) for number in range(3)] == [slice(0, 3), slice(3, 4), slice(4, 10)]
    assert trace["l0.c.1"][trace.steps_of(2)]["document"].values.tolist() == [2] * 6
    assert trace.headings(0, 10) == {0: "0  text 0", 3: "1  text 1", 4: "2  text 2"}
    assert trace.headings(2, 4) == {0: "0  text 0", 1: "1  text 1"}
    assert rnnscope.trace(make_model(), "abc").headings(0, 3) == {}
    for number in (-1, 3):
        with pytest.raises(TraceError, match=f"from 0 to 2; got {number}"):
            trace.steps_of(number)


@pytest.mark.usefixtures("small_chunks")
def test_chunks_hold_many_documents_and_documents_many_chunks(
    make_model: Callable[..., CharLanguageModel], tmp_path: Path
) -> None:
    model = make_model()
    texts = [TEXT[:length] for length in (1, 30, 2, 200, 64, 63, 65, 5)]
    trace = rnnscope.trace(model, texts, tmp_path / "t.zarr")
    assert trace.text == "".join(texts)
    for number, text in enumerate(texts):
        alone = rnnscope.trace(model, text)
        np.testing.assert_allclose(trace["l0.c"][trace.steps_of(number)], alone["l0.c"], atol=2e-6)
    arrays = (array for _, array in zarr.open_group(tmp_path / "t.zarr", mode="r").members(max_depth=None))
    chunks = {array.chunks[0] for array in arrays if isinstance(array, zarr.Array) and array.shape[0] == len(trace)}
    assert chunks == {64}


def test_a_document_beyond_memory_is_refused(
    make_model: Callable[..., CharLanguageModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sysconf", lambda name: 100)
    with pytest.raises(RecordingError, match=r"880 characters .* has to read it at once; the machine has 10\.0 kB"):
        rnnscope.trace(make_model(bidirectional=True), TEXT)
    assert len(rnnscope.trace(make_model(), TEXT)) == len(TEXT)


def test_a_unit_is_found_by_its_number_also_among_few(make_model: Callable[..., CharLanguageModel]) -> None:
    model = make_model()
    whole = rnnscope.trace(model, TEXT)
    few = rnnscope.trace(model, TEXT, signals=["c", "l0.f"], units=[7, 3])
    assert [str(a) for a in few.addresses] == ["l0.c", "l0.f"]
    assert few["l0.c"].dims == ("time", "unit")
    assert few["l0.c.3"].name == "l0.c.3"
    np.testing.assert_array_equal(few["l0.c.3"], whole["l0.c"].sel(unit=3))
    with pytest.raises(AddressError, match="Units: 7, 3"):
        few["l0.c.4"]
    with pytest.raises(AddressError, match="Units: 0 to 11"):
        whole["l0.c.12"]
    with pytest.raises(AddressError, match="It has: c, f"):
        few["l0.h"]


def test_half_precision_halves_the_signals(make_model: Callable[..., CharLanguageModel]) -> None:
    model = make_model()
    half, single = (rnnscope.trace(model, TEXT, dtype=dtype) for dtype in ("float16", "float32"))
    assert half["l0.c"].dtype == np.float16
    assert half["l0.c"].nbytes * 2 == single["l0.c"].nbytes
    np.testing.assert_allclose(half["l0.c"], single["l0.c"], atol=2e-3)


def test_what_float16_cannot_hold_is_refused(make_model: Callable[..., CharLanguageModel]) -> None:
    model = make_model(cell="rnn", nonlinearity="relu")
    with torch.no_grad():
        model.rnn.all_weights[0][1].copy_(2 * torch.eye(12))
    with pytest.raises(RecordingError, match="l0.h goes beyond 65,504"):
        rnnscope.trace(model, TEXT, dtype="float16")


def test_layers_keep_their_order_beyond_ten(make_model: Callable[..., CharLanguageModel], tmp_path: Path) -> None:
    trace = rnnscope.trace(make_model(layers=12), "abc", tmp_path / "t.zarr", signals=["c"])
    assert [str(address) for address in trace.addresses] == [f"l{layer}.c" for layer in range(12)]
    assert str(trace.memory) == "l11.c"


def test_a_model_in_training_mode_is_refused(make_model: Callable[..., CharLanguageModel]) -> None:
    with pytest.raises(ModelError, match="eval"):
        rnnscope.trace(make_model().train(), TEXT)


def test_texts_paths_and_tokens_give_the_same_trace(
    make_model: Callable[..., CharLanguageModel], tmp_path: Path
) -> None:
    model = make_model()
    (tmp_path / "text.txt").write_text(TEXT)
    tokens = model.vocabulary.encode(TEXT)
    from_text = rnnscope.trace(model, TEXT)["l0.h"]
    for source in (tmp_path / "text.txt", tokens, tokens.tolist(), torch.from_numpy(tokens)):
        trace = rnnscope.trace(model, source)
        np.testing.assert_array_equal(trace["l0.h"], from_text)
        assert trace.text == TEXT


def test_unknown_characters_are_kept_and_counted(make_model: Callable[..., CharLanguageModel]) -> None:
    trace = rnnscope.trace(make_model(), "ab€ab€😀")
    assert trace.text == "ab€ab€😀"
    assert trace.unknown == {"€": 2, "😀": 1}
    assert trace.tree.dataset["token"].values.tolist()[2] == 0


def test_the_memory_signal_is_the_top_cell_state(make_model: Callable[..., CharLanguageModel]) -> None:
    assert str(rnnscope.trace(make_model(layers=2), TEXT).memory) == "l1.c"
    assert str(rnnscope.trace(make_model(cell="gru"), TEXT).memory) == "l0.h"
    assert str(rnnscope.trace(make_model(), TEXT, signals=["f"]).memory) == "l0.f"


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "empty"), ([], "empty"), ([[1, 2]], "shape"), ([0.5], "whole numbers"), ([99], "from 0 to 16; got 99 to 99")],
    ids=str,
)
def test_what_is_no_text_is_refused(make_model: Callable[..., CharLanguageModel], text: list, said: str) -> None:
    with pytest.raises(TextError, match=said):
        rnnscope.trace(make_model(), text)


def test_units_that_do_not_exist_are_refused(make_model: Callable[..., CharLanguageModel]) -> None:
    for units in ([12], [-1], []):
        with pytest.raises(AddressError, match="from 0 to 11"):
            rnnscope.trace(make_model(), TEXT, units=units)


def test_a_trace_is_replaced_only_by_force_and_nothing_else_is(
    make_model: Callable[..., CharLanguageModel], tmp_path: Path
) -> None:
    model, path = make_model(), tmp_path / "t.zarr"
    rnnscope.trace(model, TEXT, path)
    with pytest.raises(OutputError, match="--force"):
        rnnscope.trace(model, "abc", path)
    assert rnnscope.open_trace(path).text == TEXT
    rnnscope.trace(model, "abc", path, force=True)
    assert rnnscope.open_trace(path).text == "abc"
    precious = tmp_path / "photos"
    precious.mkdir()
    (precious / "one.jpg").write_text("precious")
    with pytest.raises(OutputError, match="not a trace"):
        rnnscope.trace(model, "abc", precious, force=True)
    assert (precious / "one.jpg").exists()


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("failure", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left on device")], ids=repr)
def test_a_broken_trace_leaves_nothing(
    make_model: Callable[..., CharLanguageModel],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    failure: BaseException,
) -> None:
    calls, guess = 0, reader.guesses

    def guesses(log_p: torch.Tensor) -> dict[str, np.ndarray]:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise failure
        return guess(log_p)

    monkeypatch.setattr(language_model, "guesses", guesses)
    with pytest.raises(OutputError if isinstance(failure, OSError) else KeyboardInterrupt):
        rnnscope.trace(make_model(), TEXT, tmp_path / "t.zarr")
    assert list(tmp_path.iterdir()) == []


def test_a_disk_too_small_is_said_before_anything_is_written(
    make_model: Callable[..., CharLanguageModel], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1000))
    with pytest.raises(OutputError, match="1.0 kB free. Keep less with --signals"):
        rnnscope.trace(make_model(), TEXT, tmp_path / "t.zarr")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("part", ["l0/c/c", "l0/c", "document/c"])
def test_a_trace_with_missing_parts_is_refused(
    make_model: Callable[..., CharLanguageModel], tmp_path: Path, part: str
) -> None:
    rnnscope.trace(make_model(), TEXT, tmp_path / "t.zarr")
    missing = tmp_path / "t.zarr" / part
    shutil.rmtree(missing) if missing.is_dir() else missing.unlink()
    with pytest.raises(TraceError, match="damaged"):
        rnnscope.open_trace(tmp_path / "t.zarr")


@pytest.mark.parametrize("name", ["l0/c", "nll"])
def test_a_damaged_byte_is_found_when_it_is_read(
    make_model: Callable[..., CharLanguageModel], tmp_path: Path, name: str
) -> None:
    rnnscope.trace(make_model(), TEXT, tmp_path / "t.zarr")
    chunk = next(path for path in (tmp_path / "t.zarr" / name / "c").rglob("*") if path.is_file())
    data = bytearray(chunk.read_bytes())
    data[len(data) // 2] ^= 1
    chunk.write_bytes(data)
    trace = rnnscope.open_trace(tmp_path / "t.zarr")
    assert trace["l0.h"].values.shape == (len(TEXT), 12)
    with pytest.raises(TraceError, match="t.zarr is damaged"):
        _ = trace["l0.c.3"].values if name == "l0/c" else trace.tree.dataset[name].values


def test_what_is_no_trace_is_not_opened(make_model: Callable[..., CharLanguageModel], tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="There is no trace"):
        rnnscope.open_trace(tmp_path / "missing.zarr")
    with pytest.raises(TraceError, match="not a trace"):
        rnnscope.open_trace(tmp_path)
    (tmp_path / "file").write_text("hello")
    with pytest.raises(TraceError, match="not a trace"):
        rnnscope.open_trace(tmp_path / "file")
    rnnscope.trace(make_model(), TEXT, tmp_path / "t.zarr")
    metadata = tmp_path / "t.zarr" / "zarr.json"
    content = json.loads(metadata.read_text())
    content["attributes"]["version"] = 99
    metadata.write_text(json.dumps(content))
    with pytest.raises(TraceError, match="format 99"):
        rnnscope.open_trace(tmp_path / "t.zarr")
    metadata.write_text(json.dumps(content | {"attributes": 3}))
    with pytest.raises(TraceError, match="not a trace"):
        rnnscope.open_trace(tmp_path / "t.zarr")
