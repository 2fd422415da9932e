"""How a trace shows itself in a notebook, told from above.

A trace lies below the reports and knows nothing of them. So it asks this table, which `rnnscope` itself fills when it
is imported: ``views["Trace"]`` takes a trace and gives HTML, and loads the reports when it is first called. Where the
table is empty, a notebook shows what Python prints.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

views: dict[str, Callable[[Any], str]] = {}
"""By the name of a class."""


class Inline:
    """What shows itself in a notebook by a view of its class."""

    def _repr_html_(self) -> str | None:
        view = views.get(type(self).__name__)
        return None if view is None else view(self)
