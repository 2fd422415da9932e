"""The card of a unit."""

from __future__ import annotations

import re

import pytest

import rnnscope
from tests.handmade import latch


def test_what_is_no_trace_is_refused() -> None:
    message = "A trace was expected, such as rnnscope.trace(model, text) gives; got CharLanguageModel."
    with pytest.raises(rnnscope.RnnscopeError, match=re.escape(message)) as caught:
        rnnscope.describe_unit(latch(), "l0.c.3")  # pyright: ignore[reportArgumentType]
    assert type(caught.value).__name__ == "TraceError"
