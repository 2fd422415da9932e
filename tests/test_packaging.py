"""What pyproject.toml lists is all that an installed rnnscope needs: every package, and every file beside the code."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
SETUPTOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
MAPPED = SETUPTOOLS["package-dir"]
FOLDERS = {"rnnscope": ROOT / "rnnscope", **{package: ROOT / folder for package, folder in MAPPED.items()}}


def folder(package: str) -> Path:
    """Where a package lies: the longest part of its name that is mapped to a folder, and the rest below."""
    root = max((name for name in FOLDERS if f"{package}.".startswith(f"{name}.")), key=len)
    return FOLDERS[root].joinpath(*package.removeprefix(root).split("."))


def test_every_folder_with_code_is_a_package_that_is_installed() -> None:
    found = {init.parent for root in FOLDERS.values() for init in root.rglob("__init__.py")}
    assert {folder(package) for package in SETUPTOOLS["packages"]} == found


def test_every_file_beside_the_code_is_installed() -> None:
    lie = {path for root in FOLDERS.values() for path in root.rglob("*") if path.is_file()}
    beside = {path for path in lie if path.suffix != ".py" and "__pycache__" not in path.parts}
    data = SETUPTOOLS["package-data"]
    listed = {path for package, patterns in data.items() for each in patterns for path in folder(package).glob(each)}
    assert len(beside) > 50
    assert sorted(beside - listed) == []


def test_every_style_and_script_is_in_the_page_of_a_report() -> None:
    page = ROOT / "rnnscope" / "reports" / "html" / "page"
    files = {path.relative_to(page).as_posix() for path in page.rglob("*.?s*")}
    assert {name for name in files if f'"{name}"' not in (page / "page.html").read_text()} == set()
    assert len(files) > 20
