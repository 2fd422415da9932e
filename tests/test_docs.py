"""The site of docs/: it builds without a warning, has every public name and command, and loads nothing from outside."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click import Command, Group

import rnnscope
import rnnscope.probes
from rnnscope.cli import main

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
NAMES = [f"{module.__name__}.{name}" for module in (rnnscope, rnnscope.probes) for name in module.__all__]


class Parsed(HTMLParser):
    """What a page refers to: anchors, what it loads, and pictures with their words."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.loaded: list[str] = []
        self.silent: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.anchors.add(values.get("id") or "")
        if tag in ("script", "img", "iframe", "source", "video"):
            self.loaded.append(values.get("src") or "")
        if tag == "link" and values.get("rel") not in ("canonical", "next", "prev"):
            self.loaded.append(values.get("href") or "")
        if tag == "img" and not values.get("alt"):
            self.silent.append(values.get("src") or "")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built strictly; its notebooks are run, with what they check."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, Parsed]:
    return {path.relative_to(site).as_posix(): Parsed(path.read_text()) for path in site.rglob("*.html")}


def commands(group: Group, path: str) -> list[tuple[str, Command]]:
    """All commands below a group, with the words that call them."""
    found = []
    for name, command in group.commands.items():
        found.append((f"{path} {name}", command))
        if isinstance(command, Group):
            found += commands(command, f"{path} {name}")
    return found


def test_every_public_name_is_in_the_reference(pages: dict[str, Parsed]) -> None:
    anchors = set().union(*(page.anchors for name, page in pages.items() if name.startswith("reference/")))
    assert sorted(set(NAMES) - anchors) == []


def test_every_command_and_option_is_in_the_reference(site: Path, pages: dict[str, Parsed]) -> None:
    page = (site / "reference" / "commands.html").read_text()
    found = commands(main, "rnnscope")
    assert len(found) > 20
    for path, command in found:
        assert path.replace(" ", "-") in pages["reference/commands.html"].anchors
        for option in command.params:
            assert all(name in page for name in option.opts if name.startswith("--")), (path, option.name)


def test_a_page_loads_only_what_is_in_the_site(pages: dict[str, Parsed], site: Path) -> None:
    for name, page in pages.items():
        for address in page.loaded:
            if address and not address.startswith("data:"):
                folder = site if address.startswith("/") else (site / name).parent
                assert (folder / address.partition("?")[0].lstrip("/")).exists(), f"{name} loads {address}"


def test_style_sheets_load_nothing_from_outside(site: Path) -> None:
    for sheet in site.rglob("*.css"):
        assert re.findall(r"url\(['\"]?(?:https?:)?//[^)]*|@import[^;]*", sheet.read_text()) == [], sheet.name


def test_every_picture_has_words(pages: dict[str, Parsed]) -> None:
    assert sum("![" in page.read_text() for page in PAGES) > 5
    assert {name: page.silent for name, page in pages.items() if page.silent} == {}
    for page in PAGES:
        assert "![](" not in page.read_text(), page


def test_every_page_is_in_the_navigation(pages: dict[str, Parsed], site: Path) -> None:
    home = (site / "index.html").read_text()
    for page in (ROOT / "docs").rglob("*.md"):
        name = page.relative_to(ROOT / "docs").with_suffix(".html").as_posix()
        assert f'href="{name}"' in home, name


@pytest.mark.parametrize("notebook", sorted((ROOT / "docs").glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_outputs_and_checks_what_it_says(notebook: Path) -> None:
    cells = json.loads(notebook.read_text())["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    checks = ["".join(cell["source"]) for cell in code if "remove-cell" in cell["metadata"].get("tags", ())]
    assert sum(check.count("assert") for check in checks) >= 3
