"""A recipe as a TOML file again."""

from __future__ import annotations

import json
from typing import Any


def toml(content: dict[str, Any]) -> str:
    """The TOML of a table: its keys, then its tables, one deep.

    Parameters
    ----------
    content : dict
        Of strings, numbers, flags, lists of these, and dicts of the same.
    """
    keys = {key: value for key, value in content.items() if not isinstance(value, dict)}
    tables = {key: value for key, value in content.items() if isinstance(value, dict)}
    parts = [_lines(keys), *(f"[{name}]\n{_lines(table)}" for name, table in tables.items())]
    return "\n".join(parts)


def _lines(table: dict[str, Any]) -> str:
    return "".join(f"{key} = {_value(value)}\n" for key, value in table.items())


def _value(value: Any) -> str:
    if isinstance(value, str):  # a string of JSON is one of TOML, but for a control character that JSON leaves as it is
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return repr(value)
