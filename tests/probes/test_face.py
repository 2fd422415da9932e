"""The names of `rnnscope.probes`, and what it costs to come in for the concepts alone."""

from __future__ import annotations

import subprocess
import sys

import pytest

from rnnscope import probes


def test_every_public_name_can_be_loaded_and_is_listed() -> None:
    assert probes.__all__ == sorted(probes.__all__)
    for name in probes.__all__:
        assert getattr(probes, name).__name__ == name
        assert name in dir(probes)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        probes.nothing  # noqa: B018


def test_the_concepts_alone_load_no_estimator() -> None:
    code = "import sys, rnnscope.probes.concepts\nprint('LOADED', *sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"sklearn", "torch"}.isdisjoint(result.stdout.rsplit("LOADED", 1)[1].split())
