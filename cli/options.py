"""Arguments and options that several commands share: one name and one wording for one thing.

A command lists them in this order: what is opened, what is asked, and then from here what is read (``directions``,
``texts``, ``limit``), how (``seed``, ``device``), and what is written (``path``, ``output``).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial, wraps
from inspect import signature
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from .opening import file, files
from .output import Output

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

_PATH = click.Path(path_type=Path)


class Command(click.Command):
    """A command that shows on standard error how far its work has come."""

    def invoke(self, ctx: click.Context) -> Any:
        from rnnscope.progress import show_progress

        from .console import standard_error

        with show_progress(standard_error()):
            return super().invoke(ctx)


command = partial(click.command, cls=Command)


class Whole(click.ParamType):
    """A whole number of a range, which ends at a billion if it is not said where."""

    name = "whole number"

    def __init__(self, least: int = 1, most: int = 10**9) -> None:
        self._least, self._most = least, most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            number = int(value)
        except ValueError:
            self.fail(f"{value!r} is no whole number.", param, ctx)
        if not self._least <= number <= self._most:
            self.fail(f"{number} is not in the range from {self._least:,} to {self._most:,}.", param, ctx)
        return number


class Words(click.ParamType):
    """Words with commas between them."""

    name = "words"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[str]:
        return value if isinstance(value, list) else [word.strip() for word in value.split(",") if word.strip()]


class Numbers(click.ParamType):
    """Numbers with commas between them: whole ones from 0 on, or any."""

    name = "numbers"

    def __init__(self, kind: type[int] | type[float]) -> None:
        self._kind = kind

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[Any]:
        if isinstance(value, list):
            return value
        words = value.replace(" ", "").split(",")
        try:
            if self._kind is int and not all(word.isdecimal() and len(word) < 10 for word in words):
                raise ValueError
            return [self._kind(word) for word in words]
        except ValueError:
            self.fail(f"{value!r} is no list of numbers such as 10,20,50.", param, ctx)


class Span(click.ParamType):
    """START:STOP, the first step and the one after the last."""

    name = "span"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> range:
        start, _, stop = value.replace(",", "").partition(":")
        if not all(word.isascii() and word.isdecimal() and len(word) < 19 for word in (start, stop)):
            self.fail(f"{value!r} is no span START:STOP such as 120:168.", param, ctx)
        return range(int(start), int(stop))


def whole(name: str, default: int | None, help: str, least: int = 1, most: int = 10**9, *short: str) -> Decorator:
    """An option that is a whole number."""
    kind = Whole(least, most)
    return click.option(
        *short, name, default=default, show_default=default is not None, metavar="N", type=kind, help=help
    )


def given(*names: str) -> list[str]:
    """Which of these options the user gave, as they are written."""
    ctx = click.get_current_context()
    sources = {name: ctx.get_parameter_source(name) for name in names}
    written = {option.name: option.opts[-1] for option in ctx.command.params}
    return [written[name] for name, source in sources.items() if source is not ParameterSource.DEFAULT]


def _as_one(name: str, made: Callable[..., Any], *given: Decorator) -> Decorator:
    """Arguments and options that a command gets as one argument, made of them when it runs."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def called(**values: Any) -> Any:
            parts = {part: values.pop(part) for part in signature(made).parameters}
            return command(**values, **{name: made(**parts)})

        decorated: Callable[..., Any] = called
        for option in reversed(given):
            decorated = option(decorated)
        return decorated

    return decorate


# What is opened.
model = click.argument("model", metavar="MODEL.pt")
models = click.argument("models", nargs=-1, required=True, metavar="MODEL.pt...")
model_or_trace = click.argument("model", metavar="MODEL.pt|TRACE")
trace = click.argument("trace", metavar="TRACE", type=_PATH)
address = click.argument("address", metavar="ADDRESS")

# What is asked.
concept = click.option(
    "--concept", required=True, metavar="CONCEPT", help="Such as quotes, or link=regex:https?://\\S+"
)
signal = click.option("--signal", metavar="ADDRESS", help="Such as l0.c [default: the top layer's memory, c or h].")
signals = click.option("--signals", type=Words(), metavar="NAMES", help="Such as h,c or l0.c [default: all].")
words = click.option("--words", is_flag=True, help="Words instead of characters.")
prompt = click.option("--prompt", default="\n", metavar="TEXT", help="Text to go on from [default: a newline].")


def _no_nan(ctx: click.Context, parameter: click.Parameter, value: float) -> float:
    if math.isnan(value):
        raise click.BadParameter("nan is no number.")
    return value


temperature = click.option(
    "--temperature",
    default=1.0,
    show_default=True,
    metavar="NUMBER",
    type=click.FloatRange(0, 1000),
    callback=_no_nan,
    help="Below 1 likely characters gain; above 1 is more varied; 0 takes the most probable.",
)
methods = click.option(
    "--method",
    "methods",
    multiple=True,
    metavar="NAME",
    help="integrated-gradients, saliency, input-x-gradient, gradient-shap, occlusion, feature-ablation or "
    "contextual-decomposition; may be repeated.",
)
target = click.option(
    "--target",
    metavar="NAME",
    help="A label, by name or number; e@120: the log-probability of e at step 120; l0.c.37@120: a unit. Steps from 0, "
    "or from the end: e@-1. [default: the label chosen; the text's last character]",
)
baseline = click.option(
    "--baseline",
    metavar="NAME",
    help="What takes a text's place: empty (spaces; the default), zero, mean, a character; shuffled (gradient-shap).",
)
train = click.option("--train", multiple=True, metavar="TEXT.txt", help="What n-grams learn from; may be repeated.")
width = click.option(
    "--width",
    default="page",
    show_default=True,
    type=click.Choice(["page", "column"]),
    help="Of the picture: a paper's page, 6.9 inches, or its column, 3.3.",
)


def concepts(command: Callable[..., Any]) -> Callable[..., Any]:
    """The names of concepts: with commas, and new ones."""
    listed = click.option(
        "--concepts",
        "listed",
        type=Words(),
        metavar="NAMES",
        help="Such as quotes,vowel, or a family: prose, c, python.",
    )
    given = click.option(
        "--concept",
        "given",
        multiple=True,
        metavar="CONCEPT",
        help="One more, which may be new, such as 'url=regex:https?://\\S+'; may be repeated.",
    )
    return _as_one("concepts", _joined, listed, given)(command)


def _joined(listed: list[str] | None, given: tuple[str, ...]) -> list[str]:
    return [*(listed or ()), *given]


def units(what: str, required: bool = False) -> Decorator:
    """Addresses that make one set."""
    words = f"{what}; may be repeated, for several together."
    return click.option("--unit", "units", multiple=True, required=required, metavar="ADDRESS", help=words)


document = whole("--document", None, "Count steps from the first of this document, the first of which is 0.", least=0)
controls = whole("--controls", 20, "Matched units, or sets of them, to compare with.", least=0, most=1000)


def shifts(default: int) -> Decorator:
    return whole("--shifts", default, "Shifts in time, for p.", least=19, most=9999)


def start(of: str) -> Decorator:
    return whole("--start", 0, f"First {of} to show.", least=0)


def length(default: int, what: str, least: int = 1) -> Decorator:
    return whole("--length", default, what, least, 10**9, "-n")


# What is read, and how.
directions = click.option(
    "--directions",
    multiple=True,
    type=_PATH,
    metavar="FILE.npz",
    help="More signals, such as l0.pc, made by rnnscope directions; may be repeated.",
)
encoding = click.option("--encoding", default="utf-8", show_default=True, metavar="NAME", help="Encoding of the text.")
documents = click.option(
    "--documents",
    type=click.Choice(["file", "line"]),
    help="What a document is [default: a line for a classifier, tagger or translator, else a file].",
)


def texts(required: bool = True) -> Decorator:
    """TEXTs, as files to be read; a dash is standard input."""
    metavar = "TEXT.txt..." if required else "[TEXT.txt...]"
    argument = click.argument("texts", nargs=-1, required=required, metavar=metavar)
    return _as_one("texts", files, argument, documents, encoding)


text = _as_one("text", file, click.argument("text", metavar="TEXT.txt"), documents, encoding)


def limit(default: int = 100_000, least: int = 2) -> Decorator:
    return whole("--limit", default, "Steps to read at most.", least=least)


SEEDS = 2**32 - 1
"""The largest."""
seed = whole("--seed", 0, "Of all that is drawn at random.", least=0, most=SEEDS)
device = click.option(
    "--device", default="auto", show_default=True, metavar="NAME", help="Where to run: auto, cpu, cuda, cuda:1, mps."
)

# What is written.
force = click.option("--force", is_flag=True, help="Replace outputs that exist.")


def path(what: str, default: str) -> Decorator:
    """Where to write what a command makes: the argument ``path``."""
    kind = "Folder" if what.startswith("FOLDER") else "File"
    return click.option(
        "-o", "--output", "path", type=_PATH, metavar=what, help=f"{kind} to write [default: {default}]."
    )


table = click.option("--table", type=_PATH, metavar="FILE", help="Table to write as well: .csv or .parquet.")


save = click.option("--save", type=_PATH, metavar="FILE", help="Picture to draw: .png, .svg or .pdf.")


def json(keys: str) -> Decorator:
    """An object on standard output that has these keys, and nothing beside it."""
    return click.option("--json", "as_json", is_flag=True, help=f"Print JSON instead: an object with {keys}.")


def output(keys: str) -> Decorator:
    """Where results go, a picture of them, too; the keys are those of the object that is printed as JSON."""
    return _as_one("output", Output, save, json(keys), force)
