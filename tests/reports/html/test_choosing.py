"""Which units a page holds, and how finely."""

from __future__ import annotations

import numpy as np
import pytest

from rnnscope.recording.address import Address
from rnnscope.reports.html.choosing import choose
from rnnscope.reports.html.quantising import FINEST
from rnnscope.reports.html.room import Choice, Unit
from rnnscope.reports.html.survey import LEVELS, Survey

UNITS = 10
STATE, GATE = Address.parse("l0.c"), Address.parse("l0.f")


def surveyed(address: Address, units: int = UNITS) -> Survey:
    """A signal each of whose units costs as many bytes as it has levels."""
    costs = {levels: np.full(units, float(levels)) for levels in LEVELS}
    return Survey(address, np.arange(units), np.ones(units), np.ones(units), 0, 0, costs, np.zeros((1, units)))


def chosen(room: float, named: list[Unit] | None = None) -> Choice:
    telling = [("l0", unit) for unit in reversed(range(UNITS))]
    return choose({address: surveyed(address) for address in (STATE, GATE)}, named or [], telling, room)


def cost(choice: Choice) -> int:
    return sum(level for levels in choice.levels.values() for level in levels.values())


@pytest.mark.parametrize("room", [0, 10, 60, 200, 700, 1_500, 3_000])
def test_the_room_is_kept_to_but_for_the_one_unit_that_a_page_needs(room: int) -> None:
    choice = chosen(room)
    assert any(choice.levels.values())
    assert cost(choice) <= max(room, LEVELS[-1])


def test_all_is_there_in_full_where_there_is_room() -> None:
    choice = chosen(2 * UNITS * FINEST)
    assert choice.units(STATE) == choice.units(GATE) == list(range(UNITS))
    assert set(choice.steps(STATE)) == set(choice.steps(GATE)) == {FINEST}


def test_the_most_telling_units_have_all_their_signals_in_full() -> None:
    choice = chosen(1_100)
    assert choice.whole == [("l0", UNITS - 1)]
    assert choice.levels[STATE][UNITS - 1] == choice.levels[GATE][UNITS - 1] == FINEST
    assert choice.units(STATE) == list(range(UNITS))
    assert choice.levels[STATE][0] >= 15
    assert choice.units(GATE) == list(range(UNITS))


def test_states_of_all_units_come_before_gates() -> None:
    choice = chosen(60)
    assert choice.units(STATE) == list(range(UNITS))
    assert choice.units(GATE) == []


def test_of_a_long_text_the_most_telling_units_are_there() -> None:
    choice = chosen(48)
    assert choice.units(STATE) == [7, 8, 9]
    assert set(choice.steps(STATE)) == {15}


def test_named_units_come_first() -> None:
    choice = chosen(600, [("l0", 2), ("l0", 4)])
    assert choice.whole[:2] == [("l0", 2), ("l0", 4)]
    assert choice.levels[GATE][2] == choice.levels[STATE][4] == 63
    assert chosen(3_000, [("l0", 2)]).levels[STATE][2] == FINEST
