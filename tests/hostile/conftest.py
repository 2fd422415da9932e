"""How many bad inputs, and how many kills: a sample and none, unless asked for."""

from __future__ import annotations

import pytest

_INPUTS, _KILLS = 81, 0


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--hostile", type=int, default=_INPUTS, metavar="N", help="Bad inputs to run.")
    parser.addoption("--kills", type=int, default=_KILLS, metavar="N", help="Times that a command is killed.")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for name, option, many in (("number", "--hostile", _INPUTS), ("kill", "--kills", _KILLS)):
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, range(metafunc.config.getoption(option, many) or 0))
