"""A bad input by its number: which command, on which damaged file or with which absurd options."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import click

from rnnscope.cli import main

from .damage import displace, spoil
from .workshop import INVOCATIONS

KINDS = ("spoilt", "option", "spoilt", "output", "displaced", "conflict", "spoilt", "option")
"""What is wrong: what a file holds, what stands in its place, where output goes, an option, several options."""

_OUTPUTS = ("--output", "--save", "--table", "--save-direction")
_NUMBERS = (
    *("0", "-1", "1", "2", "3", "7", "1000000001", str(2**31), str(2**63 - 1), "9" * 30),
    *("9" * 5000, "-" + "9" * 30, "1e400", "1e300", "nan", "inf", "-inf", "0.5", "1e-320", "0x10", "1_0", "", "٣", "x"),
)
_ABSURD = (
    *("0", "-1", "7", "9" * 30, "nan", "inf"),
    *("", " ", ",", ",,", ":", "1:", ":1", "5:2", "0:0", "0:999999999", "-5:-1", "a:b", "x" * 10_000, "\x1b[31m"),
    *("é", "\udcff", "\u202e", "🙂", "[bold]", "None", "..", "../..", "/", "~", "l0", "l0.c", "l0.c.99", "l9.c.1"),
    *("l0.q.1", "l0.c.-1", "l0.c." + "9" * 30, "l0.c.1,l0.c.1", "x.l0.c.1", "-l0.c", "a@999", "a@-9999", "@", "a@"),
    *("cuda", "cuda:99", "meta", "hpu", "cpu:3", "mps", "utf-16", "rot13", "idna", "zlib", "undefined"),
    *("text.txt", "lm.pt", "lm.zarr", "folder", "nowhere"),
    *("x=regex:(", "x=regex:", "x=csv:text.txt:a", "x=csv:nowhere:a", "x=python:os:nothing", "x=python:nowhere:a"),
    *("x=python:os:getcwd", "x=query:c:((", "x=query:klingon:a", "=", "x=", "=regex:a", "quotes,quotes", "prose,c"),
    *("number=", "=plural", "number=plural=", "a=b", "good", "1,2,3", "3,2,1", "1,1", "1,,2", "0,5", "1,99999999"),
)


@dataclass(frozen=True)
class Case:
    """A command line to be run in a folder that has been damaged for it.

    Attributes
    ----------
    number : int
    arguments : list of str
    damage : str
        What is wrong, in words.
    """

    number: int
    arguments: list[str]
    damage: str

    def __str__(self) -> str:
        return f"{self.number}: rnnscope {shlex.join(a[:60] for a in self.arguments)}   [{self.damage}]"


def prepare(number: int, folder: Path) -> Case:
    """The case of a number: commands take turns, and so do kinds of damage; the folder is damaged for it."""
    random = Random(number)
    commands, turn = list(INVOCATIONS), number // len(INVOCATIONS)
    place = number % len(commands)
    kind = KINDS[(turn + place) % len(KINDS)]
    arguments = shlex.split(random.choice(INVOCATIONS[commands[place]]))
    damage, arguments = _KINDS[kind](arguments, folder, random)
    return Case(number, arguments, f"{kind}: {damage}")


def _spoilt(arguments: list[str], folder: Path, random: Random) -> tuple[str, list[str]]:
    return _damaged(spoil, arguments, folder, random)


def _displaced(arguments: list[str], folder: Path, random: Random) -> tuple[str, list[str]]:
    return _damaged(displace, arguments, folder, random)


def _damaged(
    way: Callable[[Path, Random], str], arguments: list[str], folder: Path, random: Random
) -> tuple[str, list[str]]:
    files = _inputs(arguments, folder)
    if not files:
        return _option(arguments, folder, random)
    file = random.choice(files)
    return f"{file.name}, {way(file, random)}", arguments


def _inputs(arguments: list[str], folder: Path) -> list[Path]:
    """The files that a command reads, and those that its recipes name."""
    found = {folder / name for argument in arguments for name in re.split("[=:]", argument) if name}
    found = {path for path in found if path.exists() and path != folder}
    for recipe in [path for path in found if path.suffix == ".toml"]:
        found |= {folder / name for name in re.findall(r'"([\w.]+\.\w+)"', recipe.read_text())}
    for inner in [path for path in found if path.is_dir() and path.suffix != ".zarr"]:
        found |= {path for path in inner.iterdir() if path.is_file()}
        found -= {inner}
    return sorted(found)


def _options(arguments: list[str]) -> list[click.Option]:
    options = [option for option in main.commands[arguments[0]].params if isinstance(option, click.Option)]
    return [option for option in options if option.name != "help"]


def _option(arguments: list[str], folder: Path, random: Random) -> tuple[str, list[str]]:
    """One absurd value: of an option, or in the place of an argument."""
    places = [place for place, argument in enumerate(arguments) if place and (folder / argument).exists()]
    if places and random.random() < 0.15:
        place, value = random.choice(places), random.choice((*_ABSURD, "-"))
        return "argument", [*arguments[:place], value, *arguments[place + 1 :]]
    options = [option for option in _options(arguments) if not option.is_flag and option.opts[-1] not in _OUTPUTS]
    if not options:
        return "argument", [*arguments, random.choice(_ABSURD)]
    option = random.choice(options)
    value = random.choice(_NUMBERS if isinstance(option.type, click.IntRange | click.FloatRange) else _ABSURD)
    return f"{option.opts[-1]} {value[:20]!r}", [*arguments, f"{option.opts[-1]}={value}"]


def _output(arguments: list[str], folder: Path, random: Random) -> tuple[str, list[str]]:
    """An output that cannot be written, or should not."""
    options = [option.opts[-1] for option in _options(arguments) if option.opts[-1] in _OUTPUTS]
    if not options:
        return _conflict(arguments, folder, random)
    option = random.choice(options)
    ending = random.choice((".png", ".pdf", ".csv", ".zarr", ".html", ".npz", ".pt", ".parquet", ".gif", ".PNG", ""))
    inputs = [str(path.relative_to(folder)) for path in _inputs(arguments, folder)] or ["text.txt"]
    values = (
        *(f"{name}{ending}" for name in ("missing/new", "text.txt/new", "folder/new", "link", "pipe", "loop", "full")),
        *(f"{name}{ending}" for name in ("x" * 300, "\udcff", "a\nb", "é🙂", "-", "/proc/new", "./new", "here")),
        *("folder", ".", "..", "", "new.png", *inputs, *inputs),
    )
    value = random.choice(values)
    _furnish_outputs(folder, ending)
    forced = ["--force"] * (random.random() < 0.5)
    return f"{option}{' --force' * bool(forced)}", [*arguments, f"{option}={value}", *forced]


def _furnish_outputs(folder: Path, ending: str) -> None:
    (folder / f"link{ending}").symlink_to("nowhere")
    (folder / f"loop{ending}").symlink_to(f"loop{ending}")
    (folder / f"here{ending}").symlink_to("text.txt")
    (folder / f"full{ending}").mkdir()
    (folder / f"full{ending}" / "kept").touch()
    os.mkfifo(folder / f"pipe{ending}")


def _conflict(arguments: list[str], folder: Path, random: Random) -> tuple[str, list[str]]:
    """Several options that are each well meant, or unknown, and a file too many or too few."""
    known = [word for call in sum(INVOCATIONS.values(), ()) for word in shlex.split(call)[1:]]
    for option in random.sample(options := _options(arguments), min(len(options), random.randint(1, 4))):
        name = option.opts[-1]
        if option.is_flag:
            arguments = [*arguments, name]
            continue
        values = [b for a, b in zip(known, known[1:], strict=False) if a == name] or known
        choices = getattr(option.type, "choices", None)
        arguments = [*arguments, f"{name}={random.choice(list(choices or values))}"]
    way = random.random()
    if way < 0.3:
        arguments = [*arguments, random.choice([word for word in known if "." in word])]
    elif way < 0.4:
        del arguments[random.randrange(1, len(arguments))]
    elif way < 0.5:
        arguments = [*arguments, "--nonsense"]
    elif way < 0.6:
        arguments = [*arguments, "-", "-"]
    return "options", arguments


_KINDS: dict[str, Callable[[list[str], Path, Random], tuple[str, list[str]]]] = {
    "spoilt": _spoilt,
    "displaced": _displaced,
    "option": _option,
    "output": _output,
    "conflict": _conflict,
}
