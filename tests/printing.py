"""What results look like in a terminal."""

from __future__ import annotations

import io

from rich.console import Console


def printed(result: object, width: int = 80, colours: bool = False) -> str:
    """What a result prints in a terminal of so many columns, which has colours or none; without their codes."""
    console = Console(width=width, record=True, file=io.StringIO(), force_terminal=colours)
    console.print(result)
    return console.export_text()
