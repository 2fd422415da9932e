"""Comparisons that take a second."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rnnscope.comparison import measures

ADDING = """
name = "adding"
task = "memory-task"
[corpus]
name = "adding"
length = 4
[training]
epochs = 0.2
batch_size = 4
warmup = 2
validate_every = 10
"""

CELLS = """
name = "cells"
cells = ["rnn", "lstm"]
seeds = [0, 1]
[[experiment]]
recipe = "adding.toml"
parameters = 1580
learning_rates = [1e-2, 1e-3]
sweep_epochs = 0.1
"""


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
