"""TorchScript archives made by hand: what is no data is refused, and no tensor reaches beyond its bytes."""

from __future__ import annotations

import pickle
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

from rnnscope.errors import CheckpointError
from rnnscope.foreign.files import read_weights

NUMBERS = torch.arange(6, dtype=torch.float32)


def archive(path: Path, data: bytes, records: dict[str, bytes] | None = None, packed: bool = False) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as file:
        for name, content in {"constants.pkl": b"N.", "data.pkl": data, **(records or {})}.items():
            file.writestr(f"net/{name}", content)
    return path


def module(attributes: bytes, name: str = "__torch__ Net") -> bytes:
    """The pickle of a module, from the pickled dict of its attributes."""
    where, what = name.split()
    return b"\x80\x02c" + f"{where}\n{what}\n".encode() + b")\x81" + attributes + b"b."


def tensor(
    offset: int = 0, size: Any = (2, 3), stride: Any = (3, 1), key: str = "0", kind: str = "FloatStorage"
) -> bytes:
    def plain(value: object) -> bytes:
        return pickle.dumps(value, 2)[2:-1]

    storage = b"(" + plain("storage") + f"ctorch\n{kind}\n".encode() + plain(key) + plain("cpu") + plain(6) + b"tQ"
    rest = plain(offset) + plain(size) + plain(stride) + b"\x89N"
    attribute = b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + rest + b"tR"
    return b"}" + plain("w") + attribute + b"s"


BYTES = {"data/0": NUMBERS.numpy().tobytes(), "byteorder": sys.byteorder.encode()}


@pytest.mark.parametrize(
    ("offset", "size", "stride", "expected"),
    [
        (0, (2, 3), (3, 1), [[0, 1, 2], [3, 4, 5]]),
        (1, (3,), (2,), [1, 3, 5]),
        (0, (3, 2), (1, 3), [[0, 3], [1, 4], [2, 5]]),
        (6, (0, 3), (3, 1), []),
    ],
)
def test_tensors_are_read_with_their_strides(
    tmp_path: Path, offset: int, size: Any, stride: Any, expected: Any
) -> None:
    weights, _ = read_weights(archive(tmp_path / "net.pt", module(tensor(offset, size, stride)), BYTES))
    assert weights["w"].tolist() == expected


@pytest.mark.parametrize(
    "attributes",
    [
        tensor(offset=1),
        tensor(offset=-1),
        tensor(size=(3, 3)),
        tensor(size=(2, -3)),
        tensor(stride=(4, 1)),
        tensor(stride=(-3, 1)),
        tensor(size=(1000, 1000), stride=(0, 0)),
        tensor(size=(2,), stride=(3, 1)),
        tensor(size=("2", 3)),
        tensor(size=[2, 3]),
        tensor(offset=2**70),
        tensor(size=(2**40, 2**40), stride=(0, 0)),
        tensor(key="1"),
        tensor(key="../data.pkl"),
        tensor(kind="DoubleStorage"),
    ],
)
def test_a_tensor_beyond_its_bytes_is_refused(tmp_path: Path, attributes: bytes) -> None:
    assert attributes != tensor()
    with pytest.raises(CheckpointError, match="damaged"):
        read_weights(archive(tmp_path / "net.pt", module(attributes), BYTES))


@pytest.mark.parametrize(
    "data",
    [
        b"cos\nsystem\n(Vtouch marker\ntR.",
        b"cos\nmkdir\n(Vmarker\ntR.",
        b"cbuiltins\neval\n(V__import__('os').mkdir('marker')\ntR.",
        b"(Vmarker\nios\nmkdir\n.",
        b"(cos\nmkdir\nVmarker\no.",
        b"\x80\x04\x8c\x02os\x8c\x05mkdir\x93(\x8c\x06markertR.",
    ],
)
def test_code_is_refused_unrun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.chdir(tmp_path)
    path = archive(tmp_path / "net.pt", data, BYTES)
    with pytest.raises(CheckpointError, match="could run code"):
        read_weights(path)
    assert not (tmp_path / "marker").exists()
    pickle.loads(data)  # it would have run
    assert (tmp_path / "marker").exists()


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x04\x8c\x02os\x8c\x0bpath.exists\x93(\x8c\x06markertR.",
        b"ctorch.jit\nload\n(Vmarker\ntR.",
        b"ctorch\nQInt8Storage\n.",
        b"c__torchy__\nNet\n.",
        module(b"(Na"),
        b"ccollections\nOrderedDict\n}b.",
        b"c__torch__\nNet\n)\x81K\x01b.",
        b"c__torch__\nNet\n)\x81}K\x01K\x02sb.",
        b"c__torch__\nNet\n(N}V__reduce__\nccollections\nOrderedDict\nstb.",
        b"K\x01.",
        b"K\x01r\xff\xff\xff\x7f.",
        b".",
        b"",
    ],
)
def test_what_is_no_data_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(CheckpointError, match="could run code|damaged"):
        read_weights(archive(tmp_path / "net.pt", data, BYTES))


def test_modules_in_a_circle_are_refused(tmp_path: Path) -> None:
    circle = b"\x80\x02c__torch__\nNet\n)\x81q\x00}(X\x01\x00\x00\x00ah\x00X\x01\x00\x00\x00bh\x00ub."
    with pytest.raises(CheckpointError, match="damaged"):
        read_weights(archive(tmp_path / "net.pt", circle, BYTES))


def test_compressed_and_turned_bytes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="damaged"):
        read_weights(archive(tmp_path / "net.pt", module(tensor()), BYTES, packed=True))
    other = b"big" if sys.byteorder == "little" else b"little"
    with pytest.raises(CheckpointError, match="byte order"):
        read_weights(archive(tmp_path / "net.pt", module(tensor()), BYTES | {"byteorder": other}))


def test_a_damaged_byte_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "net.pt", module(tensor()), BYTES)
    data = path.read_bytes()
    place = data.index(BYTES["data/0"]) + 3
    path.write_bytes(data[:place] + b"\x7f" + data[place + 1 :])
    with pytest.raises(CheckpointError, match="checksums do not hold"):
        read_weights(path)
