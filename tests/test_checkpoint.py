"""Checkpoints come back as they were saved; every other file is refused, and none runs code."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch

from rnnscope import checkpoint
from rnnscope.card import Card, fingerprint
from rnnscope.errors import CheckpointError, OutputError
from rnnscope.models import CharLanguageModel, LanguageModelConfig
from rnnscope.output import atomic_path
from rnnscope.text import Vocabulary

SMALL = LanguageModelConfig(hidden_size=4, embedding_size=3)
TRAINING: dict[str, Any] = {
    "recipe": {
        "name": "small",
        "seed": 7,
        "description": "Reads a little.\n",
        "limits": "\nKnows three letters.",
        "training": {"method": "adamw", "learning_rate": 0.004, "precision": "32"},
    },
    "corpus": {
        "name": "letters",
        "source": "a drawer",
        "licence": "MIT",
        "counted": "characters",
        "parts": {"train": 10_000, "validation": 1_345, "test": 1_000},
        "notes": {"letters": "capital and small"},
    },
    "step": 2_000,
    "best_step": 1_800,
    "epoch": 1.5,
    "seconds": 120.0,
    "clipped_share": 0.125,
    "scores": [
        {"part": "validation", "measure": "nats per character", "value": 1.0, "baselines": {}},
        {"part": "test", "measure": "accuracy", "value": 0.875, "baselines": {"a coin": 0.5, "a habit": 0.75}},
    ],
}


def small_model(config: LanguageModelConfig = SMALL) -> CharLanguageModel:
    torch.manual_seed(0)
    return CharLanguageModel(config, Vocabulary("cab"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "model.pt"
    checkpoint.save(path, small_model(), TRAINING)
    return path


def change(path: Path, **changes: Any) -> None:
    content = torch.load(path, weights_only=True)
    torch.save({key: value for key, value in (content | changes).items() if value is not ...}, path)


@pytest.mark.parametrize(
    "config",
    [
        SMALL,
        LanguageModelConfig(cell="rnn", nonlinearity="relu", hidden_size=4, embedding_size=0, layers=2, dropout=0.5),
        LanguageModelConfig(cell="gru", hidden_size=4, embedding_size=4, tied=True),
        LanguageModelConfig(hidden_size=4, bias=False, proj_size=2, bidirectional=True, embedding_size=4, tied=True),
    ],
)
def test_a_network_comes_back_as_it_was_saved(tmp_path: Path, config: LanguageModelConfig) -> None:
    model = small_model(config)
    checkpoint.save(tmp_path / "model.pt", model, TRAINING)
    loaded = checkpoint.load(tmp_path / "model.pt")
    assert isinstance(loaded, CharLanguageModel)
    assert loaded.config == config
    assert loaded.vocabulary == model.vocabulary
    assert not loaded.training
    assert loaded.state_dict().keys() == model.state_dict().keys()
    for name, tensor in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor)
    assert loaded.card == checkpoint.describe(model, TRAINING)
    assert loaded.card is not None and loaded.card.sha256 == fingerprint(model)
    assert (loaded.head.weight is (loaded.embedding and loaded.embedding.weight)) == config.tied


def test_a_checkpoint_keeps_what_resuming_needs(tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "last.pt", small_model(), {}, resume={"best": 1.5})
    assert checkpoint.read(tmp_path / "last.pt")["resume"] == {"best": 1.5}
    checkpoint.load(tmp_path / "last.pt")


def test_a_missing_checkpoint_and_a_folder_are_said_to_be_that(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no file .*absent.pt"):
        checkpoint.load(tmp_path / "absent.pt")
    with pytest.raises(CheckpointError, match="cannot be read: Is a directory"):
        checkpoint.load(tmp_path)


@pytest.mark.parametrize(
    "data", [b"", b"hello world\n", b"The quick brown fox\n", b'{"layers": 1}', b"\xff\xd8\xff\xe0\0\x10JFIF", b"."]
)
def test_another_file_is_no_checkpoint_and_not_accused_of_code(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match="notes.txt is not a checkpoint"):
        checkpoint.load(path)


def test_a_checkpoint_cut_short_is_said_to_be_that(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(CheckpointError, match="model.pt is cut short.*Copy it again"):
        checkpoint.load(path)


def test_a_damaged_byte_is_refused_or_harmless(path: Path) -> None:
    data, sha256, vocabulary = path.read_bytes(), fingerprint(small_model()), small_model().vocabulary
    surprises = []
    for offset in range(0, len(data), 61):
        path.write_bytes(data[:offset] + bytes([data[offset] ^ 1]) + data[offset + 1 :])
        try:
            model = checkpoint.load(path)
        except CheckpointError:
            continue
        except Exception as error:
            surprises.append((offset, repr(error)))
        else:
            if fingerprint(model) != sha256 or model.vocabulary != vocabulary:
                surprises.append((offset, "read as another network"))
    assert not surprises


class Touch:
    """Pickled, it is a call that makes a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str, str]]:
        return open, (str(self.marker), "w")


@pytest.mark.parametrize("protocol", [2, pickle.DEFAULT_PROTOCOL])
def test_a_pickle_with_code_in_it_is_refused_unrun(tmp_path: Path, protocol: int) -> None:
    path, marker = tmp_path / "model.pt", tmp_path / "marker"
    path.write_bytes(pickle.dumps({"format": "rnnscope", "training": Touch(marker)}, protocol))
    with pytest.raises(CheckpointError, match="run code"):
        checkpoint.load(path)
    assert not marker.exists()


@pytest.mark.parametrize("as_zip", [True, False])
def test_a_checkpoint_with_code_in_it_is_refused_unrun(path: Path, as_zip: bool) -> None:
    marker = path.with_name("marker")
    content = torch.load(path, weights_only=True) | {"training": Touch(marker)}
    torch.save(content, path, _use_new_zipfile_serialization=as_zip)
    with pytest.raises(CheckpointError, match="run code"):
        checkpoint.load(path)
    assert not marker.exists()


@pytest.mark.parametrize("content", [torch.zeros(3), {"state_dict": {}}, {"format": "other", "version": 1}, [1, 2]])
def test_other_pytorch_data_is_no_checkpoint(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "model.pt")
    with pytest.raises(CheckpointError, match="not an rnnscope checkpoint.*rnnscope train"):
        checkpoint.load(tmp_path / "model.pt")


def test_a_newer_format_asks_for_an_update(path: Path) -> None:
    change(path, version=2)
    with pytest.raises(CheckpointError, match="format 2; this rnnscope reads format 1. Update"):
        checkpoint.load(path)
    change(path, version=torch.ones(2))
    with pytest.raises(CheckpointError, match="this rnnscope reads format 1"):
        checkpoint.load(path)


def test_missing_parts_are_named(path: Path) -> None:
    change(path, vocabularies=..., state_dict=...)
    with pytest.raises(CheckpointError, match="model.pt lacks vocabularies, state_dict"):
        checkpoint.load(path)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_named(path: Path, value: float) -> None:
    state_dict = small_model().state_dict()
    state_dict["rnn.weight_hh_l0"][0, :2] = value
    change(path, state_dict=state_dict)
    with pytest.raises(CheckpointError, match="2 weights that are NaN or infinite in rnn.weight_hh_l0"):
        checkpoint.load(path)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"config": asdict(SMALL) | {"hidden_size": 5}}, "rnn.weight_hh_l0"),
        ({"config": asdict(SMALL) | {"layers": 2}}, "rnn.weight_ih_l1"),
        ({"config": asdict(SMALL) | {"hidden_size": "4"}}, "hidden_size"),
        ({"config": asdict(SMALL) | {"cell": "lstn"}}, "lstn"),
        ({"config": asdict(SMALL) | {"depth": 2}}, "depth"),
        ({"config": [4]}, "list"),
        ({"vocabularies": {"characters": ["a", "b"]}}, "head.weight"),
        ({"vocabularies": {"characters": ["a", "a", "b"]}}, "once"),
        ({"vocabularies": {"characters": [1, 2, 3]}}, "int"),
        ({"vocabularies": {"words": ["a"]}}, "characters"),
        ({"vocabularies": ["a", "b"]}, "list"),
        ({"task": "chess"}, "chess"),
        ({"task": None}, "and is missing"),
        ({"state_dict": {}}, "head.weight"),
        ({"state_dict": {"head.weight": 3}}, "head.weight"),
        ({"state_dict": {3: torch.zeros(1)}}, ""),
        ({"state_dict": [1]}, "list"),
        ({"state_dict": small_model().state_dict() | {"head.bias": torch.zeros(4).to_sparse()}}, "head.bias"),
        ({"state_dict": small_model().state_dict() | {"head.bias": torch.zeros(4, device="meta")}}, "head.bias"),
        ({"config": asdict(SMALL) | {"layers": 10**9}}, "layers"),
        ({"config": asdict(SMALL) | {"hidden_size": 10**7}}, "weight_hh_l0"),
        ({"config": asdict(SMALL) | {"embedding_size": 10**30}}, ""),
        ({"vocabularies": torch.zeros(2)}, "Tensor"),
        ({"training": torch.zeros(2)}, "Tensor"),
        ({"training": TRAINING | {"step": torch.zeros(2)}}, "training"),
        ({"training": TRAINING | {"corpus": None}}, ""),
    ],
)
def test_parts_that_do_not_fit_together_are_refused(path: Path, changes: dict[str, Any], word: str) -> None:
    change(path, **changes)
    with pytest.raises(CheckpointError, match="does not fit together") as error:
        checkpoint.load(path)
    assert word in str(error.value)


def test_a_checkpoint_is_not_written_where_there_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="absent/model.pt cannot be written"):
        checkpoint.save(tmp_path / "absent" / "model.pt", small_model(), {})


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full on this system")
def test_a_full_disk_keeps_the_old_checkpoint(path: Path) -> None:
    before = path.read_bytes()
    with atomic_path(path) as partial:
        partial.write_bytes(before)
    partial.symlink_to("/dev/full")
    with pytest.raises(OutputError, match="The disk is full"):
        checkpoint.save(path, small_model(), {})
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_fingerprint_tells_weights_apart(path: Path) -> None:
    model = small_model()
    assert fingerprint(model) == fingerprint(small_model()) == fingerprint(checkpoint.load(path))
    with torch.no_grad():
        model.head.bias[0] += 1e-6
    assert fingerprint(model) != fingerprint(small_model())
    assert fingerprint(small_model().double()) != fingerprint(small_model())


def test_a_card_shows_the_network_and_its_training(path: Path) -> None:
    card = checkpoint.load(path).card
    assert card is not None
    page = card.markdown()
    assert page.startswith("# small\n\nReads a little.\n\n| | |\n|---|---|\n| task | language-model |\n")
    assert page.endswith("\n\n## Limits\n\nKnows three letters.\n")
    for row in (
        "| network | lstm, 1 layer of 4 units, embedding of 3 |",
        f"| parameters | {4 * 3 + 16 * (3 + 4 + 2) + 4 * (4 + 1)} |",
        "| knows | 3 characters |",
        f"| weights | sha256 {fingerprint(small_model())} |",
        "| corpus | letters, 12,345 characters |",
        "| letters | capital and small |",
        "| split | train 10,000, validation 1,345, test 1,000 characters |",
        "| trained | 2,000 steps, 1.5 epochs, 2 minutes; best at step 1,800 |",
        "| method | adamw, learning rate 0.004, precision 32, seed 7 |",
        "| clipped | 12.5% of the steps |",
        "| validation | 1.0000 nats per character (1.4427 bits) |",
        "| test | 0.8750 accuracy; a coin 0.5000, a habit 0.7500 |",
    ):
        assert f"\n{row}\n" in page


def test_an_untrained_network_has_a_card_without_training() -> None:
    card: Card = checkpoint.describe(small_model(), {})
    assert card.name == "untrained"
    assert [name for name, _ in card.rows()] == ["task", "network", "parameters", "knows", "weights"]
    assert card.markdown().startswith("# untrained\n\n| | |\n")


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (
            LanguageModelConfig(cell="rnn", nonlinearity="relu", hidden_size=4, layers=2, embedding_size=0),
            "rnn (relu), 2 layers of 4 units, one-hot input",
        ),
        (
            LanguageModelConfig(cell="gru", hidden_size=4, embedding_size=4, tied=True),
            "gru, 1 layer of 4 units, embedding of 4, tied head",
        ),
        (
            LanguageModelConfig(hidden_size=4, bias=False, proj_size=2, bidirectional=True, embedding_size=4),
            "lstm, 1 layer of 4 units in both directions, without biases, projected to 2, embedding of 4",
        ),
    ],
)
def test_an_architecture_is_told_in_one_line(config: LanguageModelConfig, words: str) -> None:
    assert checkpoint.describe(small_model(config), {}).architecture == words
