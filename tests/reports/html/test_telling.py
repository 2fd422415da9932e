"""Which units tell most."""

from __future__ import annotations

from rnnscope.recording.address import Address
from rnnscope.reports.html.telling import in_turns, telling_units

LOW, HIGH = Address.parse("l0.c"), Address.parse("l1.c")
STATES = {LOW: list(range(6)), HIGH: list(range(6))}


def measured(switch: list[float | None]) -> dict[str, list[float | None]]:
    return {"switch": switch, "timescale": [1, 2, 3, 4, 5, 6], "counter": [None] * 6}


def test_the_units_that_a_page_opens_on_come_first() -> None:
    measures = {"l0.c": measured([0.9] * 6), "l1.c": measured([0.1, 0.4, None, 0.3, 0.2, 0.5])}
    order = telling_units(STATES, measures, None, HIGH)
    assert order[:3] == [("l1", 5), ("l1", 1), ("l1", 3)]
    assert len(order) == len(set(order)) == 12


def test_a_memory_that_is_a_gate_is_passed_over() -> None:
    measures = {"l0.c": measured([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])}
    assert telling_units({LOW: STATES[LOW]}, measures, None, Address.parse("l1.o"))[0] == ("l0", 5)


def test_orders_take_turns() -> None:
    first, second, third = ("l0", 1), ("l1", 2), ("l0", 3)
    assert in_turns([first, third], [second, first], []) == [first, second, third]
