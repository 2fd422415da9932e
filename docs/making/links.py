"""Links of pages to files of the repository: the site has those that are outside of docs/ under repository/."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

_LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)#\s]+)")
_OUTSIDE = "repository/"


def linked_files(docs: Path) -> dict[str, Path]:
    """What pages link to outside of docs/, and what those files link to in turn: names in the site, and paths."""
    found: dict[str, Path] = {}
    waiting = [(page.relative_to(docs).as_posix(), page) for page in docs.rglob("*.md")]
    while waiting:
        name, page = waiting.pop()
        for link in _LINK.findall(page.read_text()):
            target = _in_site(link, name)
            path = docs.parent / target.removeprefix(_OUTSIDE)
            if target.startswith(_OUTSIDE) and target not in found and path.is_file():
                found[target] = path
                if path.suffix == ".md":
                    waiting.append((target, path))
    return found


def rewritten(markdown: str, name: str) -> str:
    """A page's text with its links as they are in the site."""
    folder = posixpath.dirname(name) or "."
    return _LINK.sub(lambda link: posixpath.relpath(_in_site(link[1], name), folder), markdown)


def _in_site(link: str, name: str) -> str:
    """Where in the site the target of a page's link is."""
    page = name.removeprefix(_OUTSIDE) if name.startswith(_OUTSIDE) else f"docs/{name}"
    target = posixpath.normpath(posixpath.join(posixpath.dirname(page), link))
    target = re.sub(r"\.ipynb$", ".md", target)
    return target.removeprefix("docs/") if target.startswith("docs/") else _OUTSIDE + target
