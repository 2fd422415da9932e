"""Comparisons that take a second."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rnnscope.comparison import measures

from .recipes import ADDING, CELLS


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A speed is taken once."""
    monkeypatch.setattr(measures, "PATIENCE", 0.0)


@pytest.fixture
def make_comparison(tmp_path: Path) -> Callable[..., Path]:
    """The recipe of a comparison, with words replaced, beside one of the adding problem."""

    def make(*replaced: tuple[str, str], recipe: str = ADDING) -> Path:
        (tmp_path / "adding.toml").write_text(recipe)
        text = CELLS
        for old, new in replaced:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "cells.toml"
        path.write_text(text)
        return path

    return make
