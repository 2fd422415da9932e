"""One file of many: the page with its styles, its scripts and its data, and a policy that lets nothing else run."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from pathlib import Path

from rnnscope.shown import encodable

from .blocks import Blocks

PAGE = Path(__file__).parent / "page"
"""What runs in the browser: page.html names the styles and scripts, in their order."""

_STYLE = re.compile(r'<link rel="stylesheet" href="([\w./-]+)">')
_SCRIPT = re.compile(r'<script src="([\w./-]+)"></script>')


def assembled(title: str, blocks: Blocks, page: Path = PAGE) -> str:
    """The page as one text of HTML, with nothing beside it."""
    template, hashes = (page / "page.html").read_text("utf-8"), {"style": [], "script": []}

    def inline(element: str, name: str) -> str:
        content = f"\n{(page / name).read_text('utf-8').strip()}\n"
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        hashes[element].append(f"'sha256-{digest}'")
        return f"<{element}>{content}</{element}>"

    template = _STYLE.sub(lambda found: inline("style", found[1]), template)
    template = _SCRIPT.sub(lambda found: inline("script", found[1]), template)
    policy = (
        f"default-src 'none'; script-src {' '.join(hashes['script'])}; style-src {' '.join(hashes['style'])}; "
        "img-src blob: data:; base-uri 'none'; form-action 'none'"
    )
    marks = {
        "{{policy}}": policy,
        "{{title}}": html.escape(encodable(title)),
        "<!-- data -->": "".join(blocks.elements()),
    }
    return re.sub("|".join(map(re.escape, marks)), lambda found: marks[found[0]], template)


def overhead(page: Path = PAGE) -> int:
    """Bytes of a page without data."""
    return len(assembled("", Blocks(), page).encode())
