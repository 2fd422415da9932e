"""rnnscope compare"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .arguments import (
    check_picture,
    concepts_options,
    device_option,
    draw,
    encoding_option,
    files,
    force_option,
    json_option,
    limit_option,
    open_model,
    plot_option,
    print_json,
)

if TYPE_CHECKING:
    from rnnscope.models import Network

_WIDE = 10_000
"""Columns in which any number of cells stands side by side."""


@click.command()
@click.argument("compared", nargs=-1, required=True, metavar="RECIPE.toml|MODEL.pt...")
@click.option("--text", "texts", multiple=True, metavar="TEXT.txt", help="What to measure on; several: a text each.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder of the runs [default: runs/NAME].")
@click.option(
    "--jobs", metavar="N", type=click.IntRange(1), help="Training runs at a time [default: as many as there are cores]."
)
@concepts_options
@limit_option
@click.option("--save", type=click.Path(path_type=Path), metavar="FILE", help="Table to write as well: .csv.")
@plot_option
@json_option("table, runs, sweep, notes")
@encoding_option
@device_option
@force_option
def compare(
    compared: tuple[str, ...],
    texts: tuple[str, ...],
    output: Path | None,
    jobs: int | None,
    concepts: list[str],
    limit: int,
    save: Path | None,
    plot: Path | None,
    as_json: bool,
    encoding: str,
    device: str,
    force: bool,
) -> None:
    """Compare recurrent cells, trained for it or as they are.

    A RECIPE names cells, seeds and learning rates; all of them are trained with as many parameters, and measured. Given
    again, it goes on where it was left. MODELs are measured as they are, language models on a --text.
    """
    from rnnscope.comparison.comparing import compare as compare_networks
    from rnnscope.comparison.experiments import run_comparison
    from rnnscope.comparison.result import check_csv
    from rnnscope.output import new_path
    from rnnscope.probes.concepts import named

    from .console import standard_output

    check_picture(plot, force)
    if save is not None:
        new_path(check_csv(save), force)
    by_recipe = [name for name in compared if name.endswith(".toml")]
    if by_recipe and len(compared) > 1:
        raise click.UsageError("Give one recipe of a comparison, or networks alone.")
    if not by_recipe and (output is not None or jobs is not None):
        raise click.UsageError("--output and --jobs are for a recipe: networks that are given are not trained.")
    asked, text = named(*concepts) if concepts else (), files(texts, encoding) or None
    if by_recipe:
        try:
            result = run_comparison(
                by_recipe[0],
                output,
                jobs=jobs,
                concepts=asked,
                text=text,
                limit=limit,
                device=device,
            )
        except KeyboardInterrupt:
            click.echo("Interrupted; the same command goes on.", err=True)
            raise SystemExit(130) from None
    else:
        models = _opened(compared, device)
        result = compare_networks(models, text, concepts=asked, limit=limit)
    if as_json:
        print_json({"table": result.table, "runs": result.runs, "sweep": result.sweep, "notes": result.notes})
    else:
        standard_output(columns=_WIDE).print(result)
    if save is not None:
        click.echo(f"Wrote {result.save(save)}", err=as_json)
    draw([result], plot, as_json)


def _opened(paths: tuple[str, ...], device: str) -> dict[str, Network]:
    """The networks by short names, or by their paths where those are the same."""
    short = [_short(Path(path)) for path in paths]
    names = [name if short.count(name) == 1 else path for name, path in zip(short, paths, strict=True)]
    if len(set(names)) < len(names):
        raise click.UsageError("A network is given twice.")
    return {name: open_model(path, device) for name, path in zip(names, paths, strict=True)}


def _short(path: Path) -> str:
    """The name of a file, or of its folder if each network's file is called so."""
    return path.resolve().parent.name if path.stem in ("model", "last") else path.stem
