"""Addresses read back as they were written, and a wrong one is answered with what exists."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnscope.errors import AddressError
from rnnscope.recording.address import Address, find, whole_signals

NAMES = st.sampled_from(["l0", "l1r", "encoder", "_x", "0"]) | st.from_regex(r"[A-Za-z_]\w*", fullmatch=True)
ADDRESSES = st.builds(
    Address,
    module=st.lists(NAMES, max_size=3).map(".".join),
    layer=st.integers(0, 12),
    reverse=st.booleans(),
    signal=st.sampled_from(["h", "c", "l0", "l1r"]) | st.from_regex(r"[A-Za-z]\w*", fullmatch=True),
    unit=st.none() | st.integers(0, 5000),
)
KNOWN = [Address.parse(text) for text in ("l0.h", "l0.c", "l1r.h", "encoder.l0.h")]


@given(ADDRESSES)
def test_an_address_reads_back_as_it_was_written(address: Address) -> None:
    assert Address.parse(str(address)) == address


@given(ADDRESSES, st.integers(0, 5000))
def test_a_unit_belongs_to_its_whole_signal(address: Address, unit: int) -> None:
    assert address.of(unit).whole == address.whole
    assert str(address.of(unit)) == f"{address.whole}.{unit}"
    assert str(address.whole) == f"{address.node}.{address.signal}"


@pytest.mark.parametrize(
    ("text", "address", "node"),
    [
        ("l0.c", Address("", 0, False, "c"), "l0"),
        ("l0.c.37", Address("", 0, False, "c", 37), "l0"),
        ("l1r.h.5", Address("", 1, True, "h", 5), "l1r"),
        ("encoder.l0.c.37", Address("encoder", 0, False, "c", 37), "encoder.l0"),
        ("a.b.l10r.n", Address("a.b", 10, True, "n"), "a.b.l10r"),
    ],
)
def test_an_address_is_read(text: str, address: Address, node: str) -> None:
    assert Address.parse(text) == address
    assert address.node == node
    assert str(address) == text


@pytest.mark.parametrize("text", ["", "l0", "c.37", "l0.37", "l0.c.x", "l0.c.-1", "0.c", "l0.c.1.2", " l0.c", "l0.c\n"])
def test_what_is_no_address_is_answered_with_an_example(text: str) -> None:
    with pytest.raises(AddressError) as error:
        Address.parse(text)
    assert repr(text) in str(error.value)
    assert "l0.c.37" in str(error.value)


@pytest.mark.parametrize("text", ["l0.c", "l0.c.3", "l1r.h", "encoder.l0.h.0"])
def test_a_known_signal_is_found_with_its_unit(text: str) -> None:
    assert find(text, KNOWN) == find(Address.parse(text), iter(KNOWN)) == Address.parse(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("l0.f", "There is no signal 'f' in l0. It has: h, c."),
        ("encoder.l0.c.2", "There is no signal 'c' in encoder.l0. It has: h."),
        ("l1.h", "There is no layer 'l1'. Layers: l0, l1r, encoder.l0."),
        ("decoder.l0.h", "There is no layer 'decoder.l0'. Layers: l0, l1r, encoder.l0."),
        ("h", "'h' is not an address"),
    ],
)
def test_a_signal_that_is_not_there_is_answered_with_what_is(text: str, words: str) -> None:
    with pytest.raises(AddressError) as error:
        find(text, KNOWN)
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("signals", "chosen"),
    [
        (None, KNOWN),
        ("c", KNOWN[1:2]),
        ("h", [KNOWN[0], *KNOWN[2:]]),
        (["encoder.l0.h", "c"], [KNOWN[1], KNOWN[3]]),
        (KNOWN[2], KNOWN[2:3]),
    ],
    ids=str,
)
def test_signals_are_chosen_by_name_or_address_in_the_order_of_the_network(signals: Any, chosen: list[Address]) -> None:
    assert whole_signals(signals, KNOWN) == chosen
