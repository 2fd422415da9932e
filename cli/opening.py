"""What a command was given to work on, opened: texts, networks, traces, concepts."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rnnscope import Concept, File, Trace


def file(text: str, documents: Any = None, encoding: str = "utf-8") -> File:
    """The file of a name; a dash is standard input."""
    from rnnscope import File

    if text == "-" and sys.stdin is None:
        raise click.UsageError("TEXT is -, but there is no standard input.")
    return File(sys.stdin.buffer if text == "-" else Path(text), documents, encoding)


def files(texts: Sequence[str], documents: Any = None, encoding: str = "utf-8") -> list[File]:
    """The files of some names."""
    return [file(text, documents, encoding) for text in texts]


def open_model(model: str, device: str = "cpu", directions: Sequence[Path] = ()) -> Any:
    """A checkpoint by its path, or a shipped network by its name; seen along directions while the command runs.

    It is a `rnnscope.Network` of any task; what is asked of it says which it takes.
    """
    from rnnscope import load, trained
    from rnnscope.errors import CheckpointError
    from rnnscope.recording.along import along
    from rnnscope.recording.directions import Directions

    if Path(model).is_file() or Path(model).suffix:
        network = load(model, device)
    elif model in trained.names():
        network = load(trained.path(model), device)
    else:
        raise CheckpointError(
            f"There is no file {model}, and no shipped network of that name ({', '.join(trained.names())})."
        )
    if directions:
        click.get_current_context().with_resource(along(network, [Directions.load(path) for path in directions]))
    return network


def open_models(models: Sequence[str], device: str) -> dict[str, Any]:
    """Networks by short names: of the file, of its folder where each network's file is called so, else the path."""
    paths = [Path(model) for model in models]
    short = [path.resolve().parent.name if path.stem in ("model", "last") else path.stem for path in paths]
    names = [name if short.count(name) == 1 else model for name, model in zip(short, models, strict=True)]
    if len(set(names)) < len(names):
        raise click.UsageError("A network is given twice.")
    return {name: open_model(model, device) for name, model in zip(names, models, strict=True)}


def is_trace(name: str) -> bool:
    """Whether a name is that of a trace, not of a network."""
    return Path(name).is_dir() or Path(name).suffix == ".zarr"


def open_model_or_trace(
    model: str, texts: list[File], device: str, directions: Sequence[Path] = ()
) -> tuple[Any | Trace, list[File] | None]:
    """A network and what it is to read, or a trace alone; seen along directions while the command runs."""
    from rnnscope import open_trace
    from rnnscope.recording.directions import Directions

    if is_trace(model) == bool(texts):
        raise click.UsageError("Give a model and texts to read, or a trace alone, which has its text.")
    if is_trace(model):
        return open_trace(model).along([Directions.load(path) for path in directions]), None
    return open_model(model, device, directions), texts


def one_concept(name: str) -> Concept:
    """The concept of a name or specification."""
    from rnnscope.errors import ConceptError
    from rnnscope.probes.concepts import named

    found = named(name)
    if len(found) > 1:
        raise ConceptError(f"{name} stands for {len(found)} concepts; name one of them, such as {found[0].name}.")
    return found[0]
