"""Splits by key: nothing lost, nothing torn apart, the same for everybody."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnscope.corpora.splitting import PARTS, check_fractions, split_by_key
from rnnscope.errors import ArgumentError

SHARES = st.tuples(*[st.integers(0, 10)] * 2, st.integers(1, 10)).map(
    lambda weights: tuple(weight / sum(weights) for weight in weights)
)


@given(st.lists(st.text(max_size=2)), SHARES)
def test_examples_of_one_key_are_in_one_part_and_none_is_lost(keys: list[str], shares: tuple[float, ...]) -> None:
    parts = split_by_key(range(len(keys)), keys, shares)
    assert tuple(parts) == PARTS
    assert sorted(example for part in parts.values() for example in part) == list(range(len(keys)))
    assert all(part == sorted(part) for part in parts.values())
    homes = {(keys[example], name) for name, part in parts.items() for example in part}
    assert len(homes) == len(set(keys))


def test_the_part_follows_from_the_first_digits_of_the_sha256() -> None:
    keys = [str(number) for number in range(200)]
    places = [int(hashlib.sha256(key.encode()).hexdigest()[:8], 16) / 16**8 for key in keys]
    assert split_by_key(keys, keys, (0.5, 0.25, 0.25)) == {
        "train": [key for key, place in zip(keys, places, strict=True) if place < 0.5],
        "validation": [key for key, place in zip(keys, places, strict=True) if 0.5 <= place < 0.75],
        "test": [key for key, place in zip(keys, places, strict=True) if 0.75 <= place],
    }


def test_many_keys_come_near_the_shares() -> None:
    keys = [str(number) for number in range(5000)]
    counts = [len(part) / 5000 for part in split_by_key(keys, keys, (0.8, 0.15, 0.05)).values()]
    assert counts == pytest.approx([0.8, 0.15, 0.05], abs=0.02)


def test_a_key_that_is_no_proper_unicode_has_a_part_too() -> None:
    assert sum(map(len, split_by_key(["x"], ["\udcff"], (0.8, 0.1, 0.1)).values())) == 1


def test_a_key_too_few_is_an_error() -> None:
    with pytest.raises(ValueError, match="shorter"):
        split_by_key([1, 2], ["a"], (0.8, 0.1, 0.1))


@pytest.mark.parametrize(
    "shares", [(0.8, 0.2), (0.8, 0.1, 0.2), (1.1, -0.1, 0.0), (), (float("nan"), 0.1, 0.1), (0.25,) * 4]
)
def test_shares_that_are_no_split_are_refused(shares: tuple[float, ...]) -> None:
    with pytest.raises(ArgumentError, match="three shares that add up to 1"):
        check_fractions(shares)
    with pytest.raises(ArgumentError, match="three shares that add up to 1"):
        split_by_key([], [], shares)


def test_a_share_may_be_nothing() -> None:
    keys = [str(number) for number in range(300)]
    assert split_by_key(keys, keys, (1.0, 0.0, 0.0)) == {"train": keys, "validation": [], "test": []}
    assert split_by_key(keys, keys, (0.0, 0.0, 1.0)) == {"train": [], "validation": [], "test": keys}
