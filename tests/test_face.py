"""The public face: what is offered, and what it costs to come in."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType

import pytest

import rnnscope
from rnnscope import probes

HEAVY = ("rich", "torch", "sklearn", "seaborn", "captum", "numpy", "pandas", "xarray", "zarr", "matplotlib")


def loaded_after(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint('LOADED', *sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(result.stdout.rsplit("LOADED", 1)[1].split())


@pytest.mark.parametrize("module", [rnnscope, probes], ids=["rnnscope", "probes"])
def test_every_public_name_can_be_loaded_and_is_listed(module: ModuleType) -> None:
    assert module.__all__ == sorted(module.__all__)
    for name in module.__all__:
        assert getattr(module, name).__name__ == name
        assert name in dir(module)


@pytest.mark.parametrize("module", [rnnscope, probes], ids=["rnnscope", "probes"])
def test_an_unknown_name_is_an_attribute_error(module: ModuleType) -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        module.nothing  # noqa: B018


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert loaded_after("import rnnscope").isdisjoint(HEAVY)


def test_the_concepts_alone_load_no_estimator() -> None:
    assert loaded_after("import rnnscope.probes.concepts").isdisjoint({"torch", "sklearn"})


@pytest.mark.parametrize("arguments", [["--help"], ["trace", "--help"], ["train", "--help"], ["import", "--help"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    statement = f"from rnnscope.cli import main\ntry: main({arguments!r})\nexcept SystemExit: pass"
    assert loaded_after(statement).isdisjoint(HEAVY)
