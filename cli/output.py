"""What becomes of results: they are printed, or JSON is, and drawn."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Output:
    """Where the results of a command go, as ``--save``, ``--json`` and ``--force`` say."""

    save: Path | None
    as_json: bool
    force: bool

    def check(self, pages: int = 1, table: Path | None = None) -> None:
        """Refuse a picture or a table that cannot be made, or would replace one, before the work begins."""
        from rnnscope.output import check_table, new_path
        from rnnscope.reports import figures

        if self.save is not None:
            for page in figures.page_paths(figures.check_format(self.save), pages):
                new_path(page, self.force)
        if table is not None:
            new_path(check_table(table), self.force)

    def show(self, *results: Any, json: Mapping[str, Any]) -> None:
        """Print results below each other, or an object instead, and draw each on a page."""
        self.tell(*results, json=json)
        self.plot(*results)

    def tell(self, *results: Any, json: Mapping[str, Any], columns: int = 80) -> None:
        """Print results below each other, or an object instead."""
        from .console import standard_output

        if self.as_json:
            print_json(json)
            return
        for number, result in enumerate(results):
            standard_output(columns).print(*[""][:number], result, sep="\n", markup=False)

    def keep(self, result: Any, path: Path | None) -> None:
        """Write the table of a result, if there is a file for it, and say so; beside JSON on standard error."""
        if path is not None:
            click.echo(f"Wrote {result.save(path)}", err=self.as_json)

    def plot(self, *results: Any) -> None:
        """Draw each result on a page, if there is a file for them."""
        if self.save is not None:
            self.draw(*[result.plot() for result in results])

    def draw(self, *pages: Any) -> None:
        """Write figures, or panels of them, if there is a file for them, and say so; beside JSON on standard error."""
        from rnnscope.reports import figures

        if self.save is not None:
            click.echo(f"Drew {', '.join(map(str, figures.save(pages, self.save)))}", err=self.as_json)


def picked(result: Any, names: str) -> dict[str, Any]:
    """Some attributes of a result."""
    return {name: getattr(result, name) for name in names.split()}


def print_json(found: Mapping[str, Any]) -> None:
    """An object on standard output: tables as lists of rows, None for what is no finite number."""
    click.echo(json.dumps(_known(found), allow_nan=False))


def _known(value: Any) -> Any:
    """What JSON knows of a value."""
    import numpy as np
    import pandas as pd

    if isinstance(value, pd.DataFrame):
        return _rows(value)
    if isinstance(value, np.ndarray | np.generic):
        return _known(value.tolist())
    if isinstance(value, Mapping):
        return {str(key): _known(inner) for key, inner in value.items()}
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    return [_known(inner) for inner in value] if isinstance(value, Iterable) else str(value)


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table, its index as a column if it has a name; None where there is no finite number."""
    named = table.reset_index() if table.index.name else table
    return json.loads(named.to_json(orient="records", double_precision=15) or "[]")
