"""Ways to spoil a file: any, and those that get past the first look at a checkpoint, a trace, a recipe or a text."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch

NUMBERS: tuple[Any, ...] = (-1, 0, 1, 7, 10**30, 2**63, -(2**63), 1e308, 0.5, float("nan"), float("inf"))
WORDS: tuple[Any, ...] = ("", "\x1b[31m", "x" * 5000, "\ud800", "../out", "[bold]", "é\u0301\u202e🙂")
VALUES = (*NUMBERS, *WORDS, None, True, [], {}, [[]], {"a": None}, [None], ["a", "a"])


def spoil(path: Path, random: Random) -> str:
    """Spoil a file or a trace in one way; returns which."""
    ways: list[Callable[[Path, Random], None]] = [scramble]
    if path.is_dir():
        ways = [spoil_member, spoil_values, spoil_values, edit_metadata, edit_metadata, edit_metadata]
    elif path.suffix == ".pt":
        ways += [edit_archive, edit_checkpoint, edit_checkpoint, edit_checkpoint, hide_code]
    elif path.suffix == ".npz":
        ways += [edit_archive, edit_arrays, edit_arrays]
    elif path.suffix == ".toml":
        ways += [edit_recipe] * 5
    elif path.suffix == ".json":
        ways += [edit_json, encode]
    else:
        ways += [encode, edit_lines, edit_lines]
    way = random.choice(ways)
    way(path, random)
    return way.__name__


def displace(path: Path, random: Random) -> str:
    """Put something else in the place of a file or a trace; returns what."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    what = random.choice(("nothing", "folder", "link", "loop", "empty", "device", "memory", "pipe", "other", "other"))
    links = {"link": "nowhere", "loop": path.name, "device": "/dev/null", "memory": "/proc/self/mem"}
    if what in links:
        path.symlink_to(links[what])
    elif what == "folder":
        path.mkdir()
    elif what == "empty":
        path.touch()
    elif what == "pipe":
        os.mkfifo(path)
    elif what == "other":
        others = sorted(other for other in path.parent.iterdir() if other.suffix != path.suffix)
        other = random.choice(others or [path.parent])
        what = other.name
        shutil.copyfile(other, path) if other.is_file() else path.mkdir()
    return f"displace by {what}"


def scramble(path: Path, random: Random) -> None:
    """Flip bits, cut, repeat or insert."""
    path.write_bytes(scrambled(path.read_bytes(), random))


def scrambled(data: bytes, random: Random) -> bytes:
    changed, place = bytearray(data), random.randrange(len(data) + 1)
    way = random.choice(("flip", "flip", "flip", "cut", "cut", "blank", "repeat", "insert", "append", "tail"))
    if way == "flip" and data:
        for _ in range(random.choice((1, 2, 8, 64))):
            changed[random.randrange(len(data))] ^= 1 << random.randrange(8)
    elif way == "cut":
        del changed[place:]
    elif way == "blank":
        changed[place : place + 100] = bytes(len(changed[place : place + 100]))
    elif way == "repeat":
        changed[place:place] = changed[:place]
    elif way == "insert":
        changed[place:place] = random.randbytes(random.choice((1, 7, 1000)))
    elif way == "append":
        changed += random.randbytes(100)
    else:
        del changed[:place]
    return bytes(changed)


def edit_archive(path: Path, random: Random) -> None:
    """Spoil a member of a zip whose checksums hold, or lose, rename or repeat it."""
    if not zipfile.is_zipfile(path):
        return scramble(path, random)
    with zipfile.ZipFile(path) as archive:
        members = [[info.filename, archive.read(info)] for info in archive.infolist()]
    place, way = random.randrange(len(members)), random.choice(("scramble", "scramble", "lose", "rename", "swell"))
    if way == "lose":
        del members[place]
    elif way == "rename":
        members[place][0] = random.choice(("../out", "archive/data.pkl", "archive/constants.pkl", "vectors.npy", ""))
    elif way == "swell":
        members[place][1] = bytes(50_000_000)
    else:
        members[place][1] = scrambled(members[place][1], random)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED if way == "swell" else zipfile.ZIP_STORED) as archive:
        with warnings.catch_warnings(action="ignore"):  # of two members by one name
            for name, content in members:
                archive.writestr(name or "x", content)
    return None


def edit_checkpoint(path: Path, random: Random) -> None:
    """Change one thing in a checkpoint that PyTorch opens."""
    try:
        content = torch.load(path, weights_only=True)
    except Exception:  # TorchScript
        return edit_archive(path, random)
    weight = torch.ones(2, 3)
    tensors = (
        torch.tensor(float("nan")),
        weight.double(),
        weight.int(),
        weight.to_sparse(),
        weight.to(torch.complex64),
        weight.expand(4, 2, 3),
        torch.zeros(0),
        torch.zeros(10, 10, device="meta"),
        torch.full((3,), 1e38),
    )
    content = edited(content, random, (*VALUES, *tensors, tuple(weight), b"abc", {0: 1}))
    torch.save(content, path)
    return None


def hide_code(path: Path, random: Random) -> None:
    """Let whoever unpickles the file write another."""
    content = random.choice((_Code(), {"state_dict": _Code(), "format": "rnnscope"}, [_Code()]))
    if random.random() < 0.5:
        torch.save(content, path)
    else:
        path.write_bytes(pickle.dumps(content, random.choice((0, 2, 4))))


class _Code:
    def __reduce__(self) -> Any:
        return Path.write_text, (Path("ran"), "code was run")


def edit_arrays(path: Path, random: Random) -> None:
    """Change one array of an .npz file."""
    with np.load(path) as stored:
        arrays = {name: stored[name] for name in stored.files}
    odd = (
        np.array([1, "a"], dtype=object),
        np.zeros((0, 3)),
        np.full(8, np.nan),
        np.array("l9.q"),
        np.ones(3, complex),
    )
    arrays[random.choice(list(arrays))] = random.choice(
        (*odd, np.array("x" * 5000), np.array(b"l0.c"), np.array(-1), np.ones((3, 8)))
    )
    np.savez(path, **arrays)


def edited(content: Any, random: Random, values: tuple[Any, ...]) -> Any:
    """The same nested dicts and lists with one thing changed, taken away or added."""
    inner = list(content) if isinstance(content, dict) else list(range(len(content))) if _is_list(content) else []
    if not inner or random.random() < 0.15:
        return random.choice(values)
    key = random.choice(inner)
    changed = dict(content) if isinstance(content, dict) else list(content)
    way = random.random()
    if way < 0.1:
        del changed[key]
    elif way < 0.2 and isinstance(changed, dict):
        changed[random.choice((*WORDS, "unit", "l0.h"))] = changed[key]
    else:
        changed[key] = edited(content[key], random, values)
    return changed


def _is_list(content: Any) -> bool:
    return isinstance(content, list | tuple)


def edit_json(path: Path, random: Random) -> None:
    """Change one thing in a JSON file, or nest it beyond all reason."""
    try:
        content = json.loads(path.read_text())
    except ValueError:
        return scramble(path, random)
    text = json.dumps(edited(content, random, VALUES))
    path.write_text("[" * 100_000 if random.random() < 0.05 else text)
    return None


def spoil_member(path: Path, random: Random) -> None:
    """Spoil, lose or displace a file of a trace, or one of its folders."""
    inside = sorted(path.rglob("*"))
    if not inside:
        return
    member = random.choice(inside)
    if member.is_dir() or random.random() < 0.4:
        displace(member, random)
    else:
        scramble(member, random)


def spoil_values(path: Path, random: Random) -> None:
    """Spoil a chunk of values of a trace."""
    chunks = sorted(file for file in path.rglob("*") if file.is_file() and file.name != "zarr.json")
    if chunks:
        scramble(random.choice(chunks), random)


def edit_metadata(path: Path, random: Random) -> None:
    """Change one thing in what a trace says of itself: mostly in its root."""
    files = sorted(path.rglob("zarr.json"), key=lambda file: len(file.parts))
    if files:
        edit_json(files[0] if random.random() < 0.7 else random.choice(files), random)


_LITERALS = (
    *("-1", "0", "1", "0.5", "1e400", "nan", "-inf", "9" * 30, "9" * 5000, "1e-300", "true", "''", "'x'", "[]", "{}"),
    *("[1, 'a']", "['a', 'a']", "[nan]", "[0.5, 0.5, 0.0]", "[-1, 1, 1]", "1979-05-27", "'../..'", "'/dev/zero'"),
    *('"\\u001b[31m"', '"\\u0000"', f"'{'x' * 5000}'", "[" * 5000, "[" * 500 + "]" * 500, "{a = {b = 1}}", "", "'''"),
)


def edit_recipe(path: Path, random: Random) -> None:
    """Give a key another value, or misspell, lose, repeat or nest it."""
    lines = path.read_text(errors="replace").splitlines()
    place = random.randrange(len(lines))
    key, equals, _ = lines[place].partition(" = ")
    way = random.choice(("value",) * 6 + ("key", "lose", "repeat", "nest", "junk"))
    if way == "value" and equals:
        lines[place] = f"{key} = {random.choice(_LITERALS)}"
    elif way == "key":
        lines[place] = lines[place].replace(key, random.choice(("nme", "é", "a.b.c", '""', "[x]", "name")))
    elif way == "lose":
        del lines[place]
    elif way == "repeat":
        lines.insert(place, lines[place])
    elif way == "nest":
        lines[place] = random.choice(("a" + ".a" * 5000 + " = 1", "[" + "a." * 3000 + "a]", "[[[a]]]", "[[corpus]]"))
    else:
        lines.insert(place, random.choice(("\x00", "= 1", "]", "key", "\ufeff", "[model]", "[training", "é = 'ü'")))
    path.write_text("\n".join(lines))


def encode(path: Path, random: Random) -> None:
    """Write a text in an odd encoding, or fill it with odd characters."""
    text = path.read_text(errors="replace")[:3000]
    odd = "é ß 日本語 \u0301\u0301 🙂 \u202eabc \ufeff \u2028 \x85 \x0c\x1b[31m $x$ [red] &lt; \x7f"
    ways: tuple[bytes, ...] = (
        *(text.encode(name) for name in ("utf-16", "utf-16-le", "utf-32", "utf-32-be", "utf-7", "cp037")),
        *((text + "äöü¿").encode(name) for name in ("latin-1", "cp1252")),
        (text + "日本").encode("shift-jis"),
        (text + odd).encode(),
        odd.encode() * 30,
        (text + "\ud800\udfff").encode("utf-8", "surrogatepass"),
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"\xef\xbb\xbf" * 2 + text.encode(),
        b"",
        b"\n",
        b" ",
        b"\r" * 500,
        b"a",
        text.replace("\n", "\r\n").encode(),
        text.replace("\n", "\0").encode(),
        (text * 3000)[:2_000_000].replace("\n", " ").encode(),
        b"\n" * 5000,
        ("e" + "\u0301" * 2000).encode(),
        bytes(range(256)),
    )
    path.write_bytes(random.choice(ways))


def edit_lines(path: Path, random: Random) -> None:
    """Spoil the table that a text may be."""
    lines = path.read_text(errors="replace").split("\n")
    for _ in range(random.choice((1, 1, 5))):
        place = random.randrange(len(lines))
        line = lines[place]
        lines[place] = random.choice(
            ("", "\t", ",", line + "\tx", line + ",x", line[: len(line) // 2], '"' + line, line.replace("\t", " "))
            + (
                line.replace(",", "\t"),
                "nan,nan,nan",
                "1e999",
                "-1",
                "0",
                "x" * 200_000,
                line[::-1],
                "=1+1",
                "\x1b[31m",
            )
        )
    if random.random() < 0.3:
        lines = random.choice((lines[:1], lines[:2], lines[1:], lines[:1] * 100, lines[::-1], lines[:10]))
    path.write_text("\n".join(lines))
