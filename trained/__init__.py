"""Shipped networks, one folder each: ``model.pt``, the ``recipe.toml`` that makes it again, and its ``card.md``."""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).parent


def names() -> list[str]:
    """The shipped networks."""
    return sorted(model.parent.name for model in _FOLDER.glob("*/model.pt"))


def path(name: str) -> Path:
    """The checkpoint of a shipped network; KeyError if there is none of this name."""
    if name not in names():
        raise KeyError(name)
    return _FOLDER / name / "model.pt"
