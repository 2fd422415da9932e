"""Traces and units in a notebook: the page of a report, inside the notebook's own.

The page stands in a frame whose text is in the notebook itself, so that it needs neither a server nor a file. The
frame may run scripts and offer downloads, and nothing else: it shares no origin with the notebook, and the page allows
no request. `rnnscope` tells traces of this module when it is imported, see `rnnscope.inline`.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json

from rnnscope.errors import ReportError
from rnnscope.recording.address import Address
from rnnscope.shown import encodable
from rnnscope.tracing.trace import Trace

from .html.page_of import page_of

_HEIGHT = 640
"""Pixels of the frame."""


def trace_html(trace: Trace, unit: str | Address | None = None) -> str:
    """A trace as HTML: its text, coloured by any unit, and the other views of a report of at most 1.5 MB.

    Parameters
    ----------
    trace : Trace
    unit : str or Address, optional
        What the page opens with, and holds in full detail.

    Raises
    ------
    AddressError
        If there is no such unit.
    """
    name = html.escape(encodable(repr(trace)))
    try:
        page = page_of(trace, units=[] if unit is None else [unit])
    except ReportError as error:
        return f"<p>{name}</p>\n<p>{html.escape(encodable(str(error)))}</p>"
    opened = page if unit is None else _opened_at(page, str(unit))
    return (
        f'<iframe srcdoc="{html.escape(opened)}" sandbox="allow-scripts allow-downloads" title="{name}" '
        f'style="width: 100%; height: {_HEIGHT}px; border: 1px solid #888888"></iframe>'
    )


def _opened_at(page: str, unit: str) -> str:
    """The page with a script of one line, which its policy then allows: a frame's text has no URL to say it in."""
    script = f"location.hash = {json.dumps(f'unit={unit}')};"
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    allowed = page.replace("script-src ", f"script-src 'sha256-{digest}' ", 1)
    return allowed.replace("</title>", f"</title>\n<script>{script}</script>", 1)
