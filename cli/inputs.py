"""What several commands share: one concept by its name, and tables as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from rnnscope import Concept


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
