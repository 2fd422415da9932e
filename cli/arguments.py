"""Arguments, options and output that several commands share."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    import pandas as pd

    from rnnscope import Concept, File, Trace
    from rnnscope.models import Network

model_argument = click.argument("model", metavar="MODEL.pt")
device_option = click.option(
    "--device", default="auto", show_default=True, metavar="NAME", help="Where to run: auto, cpu, cuda, cuda:1, mps."
)
force_option = click.option("--force", is_flag=True, help="Replace outputs that exist.")
directions_option = click.option(
    "--directions",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE.npz",
    help="Give the network signals more, such as l0.pc; made by rnnscope directions.",
)
documents_option = click.option(
    "--documents",
    type=click.Choice(["file", "line"]),
    help="Whether a file is one document, or each line of it [default: line for a classifier, tagger or translator].",
)
limit_option = click.option(
    "--limit", default=100_000, show_default=True, metavar="N", type=click.IntRange(2), help="Characters to read."
)
_PICTURE: dict[str, Any] = {
    "type": click.Path(path_type=Path),
    "metavar": "FILE",
    "help": "Picture to draw as well: .png, .svg or .pdf.",
}
save_option = click.option("--save", **_PICTURE)
plot_option = click.option("--plot", **_PICTURE)
"""Where ``--save`` writes a table."""
width_option = click.option(
    "--width",
    default="page",
    show_default=True,
    type=click.Choice(["page", "column"]),
    help="Of the picture: a paper's page, 6.9 inches, or its column, 3.3.",
)
encoding_option = click.option("--encoding", default="utf-8", show_default=True, help="Encoding of the text.")


def json_option(keys: str) -> Callable[..., Any]:
    """An object on standard output that has these keys, and nothing beside it."""
    return click.option("--json", "as_json", is_flag=True, help=f"Print JSON instead: an object with {keys}.")


def seed_option(of: str) -> Callable[..., Any]:
    """Of all that is random in a command."""
    return click.option("--seed", default=0, show_default=True, metavar="N", type=click.IntRange(0, 2**32 - 1), help=of)


def files(texts: Sequence[str], encoding: str = "utf-8", documents: Any = None) -> list[File]:
    """The files of the names given; a dash is standard input."""
    from rnnscope import File

    if "-" in texts and sys.stdin is None:
        raise click.UsageError("TEXT is -, but there is no standard input.")
    return [File(sys.stdin.buffer if text == "-" else Path(text), documents, encoding) for text in texts]


def words(ctx: click.Context, parameter: click.Parameter, value: str | None) -> list[str] | None:
    """The words of a list with commas."""
    return None if value is None else [word.strip() for word in value.split(",") if word.strip()]


def concepts_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The concepts of a command: names with commas, and new ones."""

    def join(ctx: click.Context, parameter: click.Parameter, value: tuple[str, ...]) -> list[str]:
        listed = words(ctx, parameter, ctx.params.pop("listed", None)) or []
        return [*listed, *value]

    listed = click.option(
        "--concepts",
        "listed",
        is_eager=True,
        metavar="NAMES",
        help="Such as quotes,vowel, or a family: prose, c or python.",
    )
    given = click.option(
        "--concept",
        "concepts",
        multiple=True,
        callback=join,
        metavar="CONCEPT",
        help="One more, which may be new, such as 'url=regex:https?://\\S+'.",
    )
    return listed(given(command))


def open_model(model: str, device: str = "cpu", directions: Sequence[Path] = ()) -> Network:
    """A checkpoint by its path, or a shipped network by its name; seen along directions while the command runs."""
    from rnnscope import load, trained
    from rnnscope.errors import CheckpointError
    from rnnscope.recording.along import along
    from rnnscope.recording.directions import Directions

    if Path(model).exists() or Path(model).suffix:
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


def open_model_or_trace(
    model: str, read: Sequence[File], device: str, directions: Sequence[Path] = ()
) -> tuple[Network | Trace, list[File] | None]:
    """A network and what it is to read, or a trace alone; seen along directions while the command runs."""
    from rnnscope import open_trace
    from rnnscope.recording.directions import Directions

    traced = Path(model).is_dir() or Path(model).suffix == ".zarr"
    if traced == bool(read):
        raise click.UsageError("Give a model and texts to read, or a trace alone, which has its text.")
    if traced:
        return open_trace(model).along([Directions.load(path) for path in directions]), None
    return open_model(model, device, directions), list(read)


def one_concept(name: str) -> Concept:
    """The concept of a name or specification."""
    from rnnscope.errors import ConceptError
    from rnnscope.probes.concepts import named

    found = named(name)
    if len(found) > 1:
        raise ConceptError(f"{name} stands for {len(found)} concepts; name one of them, such as {found[0].name}.")
    return found[0]


def rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table, its index as a column if it has a name; None where there is no finite number."""
    named = table.reset_index() if table.index.name else table
    return json.loads(named.to_json(orient="records", double_precision=15) or "[]")


def print_json(found: Mapping[str, Any]) -> None:
    """An object on standard output: tables as lists of rows, None for what is no finite number."""
    click.echo(json.dumps(_known(found), allow_nan=False))


def _known(value: Any) -> Any:
    """What JSON knows of a value."""
    import numpy as np
    import pandas as pd

    if isinstance(value, pd.DataFrame):
        return rows(value)
    if isinstance(value, np.ndarray | np.generic):
        return _known(value.tolist())
    if isinstance(value, Mapping):
        return {str(key): _known(inner) for key, inner in value.items()}
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    return [_known(inner) for inner in value] if isinstance(value, Iterable) else str(value)


def check_picture(path: Path | None, force: bool, pages: int = 1) -> None:
    """Refuse a picture that cannot be drawn, or would replace one, before the work begins."""
    from rnnscope.output import new_path
    from rnnscope.reports import figures

    if path is not None:
        for page in figures.page_paths(figures.check_format(path), pages):
            new_path(page, force)


def draw(results: Iterable[Any], path: Path | None, as_json: bool) -> None:
    """Draw results, a page each, if there is a path to draw them to."""
    from rnnscope.reports import figures

    if path is not None:
        say_drawn(figures.save([result.plot() for result in results], path), as_json)


def say_drawn(pages: Sequence[Path], as_json: bool) -> None:
    """Which pictures there are now; beside JSON on standard error."""
    click.echo(f"Drew {', '.join(map(str, pages))}", err=as_json)
