"""rnnscope import"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from . import options
from .output import print_json

if TYPE_CHECKING:
    from rnnscope import CharLanguageModel


@options.command("import")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option(
    "--vocab", type=click.Path(path_type=Path), metavar="FILE", help="Vocabulary in JSON, or the text it was made from."
)
@click.option("--rnn", metavar="NAME", help="Which recurrent layers, if there are several.")
@click.option("--embedding", metavar="NAME", help="Which embedding, if several could be it.")
@click.option("--head", metavar="NAME", help="Which linear layer, if several could be the head.")
@click.option(
    "--gates", metavar="LETTERS", help="Order of the gates in the file, such as i,f,o,g [default: PyTorch's]."
)
@click.option("--nonlinearity", type=click.Choice(["tanh", "relu"]), help="Of a vanilla RNN [default: tanh].")
@options.encoding
@options.path("FILE", "model.pt")
@options.json("path, network, found, notes, next")
@options.force
def import_(
    file: Path, vocab: Path | None, encoding: str, path: Path | None, as_json: bool, force: bool, **names: str | None
) -> None:
    """Open a network that another program trained.

    FILE is a state_dict that torch.save wrote, or TorchScript; the weights tell what the network is. Nothing in
    it is run.
    """
    from rnnscope import File, checkpoint, import_model
    from rnnscope.errors import OutputError
    from rnnscope.output import new_path

    path = path or Path("model.pt")
    if path.exists() and file.exists() and path.samefile(file):
        raise OutputError(f"{path} would replace the file that it is imported from. Name another output with -o.")
    new_path(path, force)
    model = import_model(file, vocabulary=vocab and File(vocab, encoding=encoding), **names)
    assert model.card is not None
    checkpoint.save(path, model, model.card.training)
    record = model.card.training["imported"]
    if as_json:
        made = {"path": path, "network": model.card.architecture, "next": _next(model, path)}
        print_json(made | {name: record[name] for name in ("found", "notes")})
        return
    lines = [f"Wrote {path}: {model.card.architecture}"]
    lines += [f"  {name:<17} {text}" for name, text in record["found"].items()]
    lines += [f"  {'note':<17} {note}" for note in record["notes"]]
    click.echo("\n".join([*lines, f"Next: {_next(model, path)}"]))


def _next(model: CharLanguageModel, path: Path) -> str:
    """What shows best whether all is as it was: a network that writes as it was taught to."""
    name = shlex.quote(str(path))
    if model.config.bidirectional:
        return f"rnnscope trace {name} TEXT.txt"
    if "\n" in model.vocabulary:
        return f"rnnscope generate {name}"
    letters = [c for c in model.vocabulary.characters[1:] if c.isalpha()] or model.vocabulary.characters[1:]
    return f"rnnscope generate {name} --prompt {shlex.quote(letters[0])}"
