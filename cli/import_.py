"""rnnscope import"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .arguments import encoding_option, force_option, json_option, print_json

if TYPE_CHECKING:
    from rnnscope import CharLanguageModel


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", default="model.pt", show_default=True, type=click.Path(path_type=Path), help="File to write."
)
@click.option("--vocab", type=click.Path(path_type=Path), help="Vocabulary in JSON, or the text it was made from.")
@click.option("--rnn", metavar="NAME", help="Which recurrent layers, if there are several.")
@click.option("--embedding", metavar="NAME", help="Which embedding, if several could be it.")
@click.option("--head", metavar="NAME", help="Which linear layer, if several could be the head.")
@click.option(
    "--gates", metavar="LETTERS", help="Order of the gates in the file, such as i,f,o,g [default: PyTorch's]."
)
@click.option("--nonlinearity", type=click.Choice(["tanh", "relu"]), help="Of a vanilla RNN [default: tanh].")
@json_option("path, network, found, notes, next")
@encoding_option
@force_option
def import_(
    file: Path,
    output: Path,
    vocab: Path | None,
    rnn: str | None,
    embedding: str | None,
    head: str | None,
    gates: str | None,
    nonlinearity: str | None,
    as_json: bool,
    encoding: str,
    force: bool,
) -> None:
    """Open a network that another program trained.

    FILE is a state_dict that torch.save wrote, or TorchScript; the weights tell what the network is. Nothing in
    it is run.
    """
    from rnnscope import checkpoint, import_model
    from rnnscope.errors import OutputError
    from rnnscope.output import new_path

    if output.exists() and file.exists() and output.samefile(file):
        raise OutputError(f"{output} would replace the file that it is imported from. Name another output with -o.")
    new_path(output, force)
    options = {"rnn": rnn, "embedding": embedding, "head": head, "gates": gates, "nonlinearity": nonlinearity}
    model = import_model(file, vocabulary=vocab, encoding=encoding, **options)
    assert model.card is not None
    checkpoint.save(output, model, model.card.training)
    _report(model, output, as_json)


def _report(model: CharLanguageModel, output: Path, as_json: bool) -> None:
    assert model.card is not None
    record = model.card.training["imported"]
    if as_json:
        about = {"path": output, "network": model.card.architecture, "found": record["found"]}
        print_json(about | {"notes": record["notes"], "next": _next(model, output)})
        return
    lines = [f"Wrote {output}: {model.card.architecture}"]
    lines += [f"  {name:<17} {text}" for name, text in record["found"].items()]
    lines += [f"  {'note':<17} {note}" for note in record["notes"]]
    click.echo("\n".join([*lines, f"Next: {_next(model, output)}"]))


def _next(model: CharLanguageModel, output: Path) -> str:
    """What shows best whether all is as it was: a network that writes as it was taught to."""
    name = shlex.quote(str(output))
    if model.config.bidirectional:
        return f"rnnscope trace {name} TEXT.txt"
    if "\n" in model.vocabulary:
        return f"rnnscope generate {name}"
    letters = [c for c in model.vocabulary.characters[1:] if c.isalpha()] or model.vocabulary.characters[1:]
    return f"rnnscope generate {name} --prompt {shlex.quote(letters[0])}"
