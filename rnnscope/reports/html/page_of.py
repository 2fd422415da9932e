"""A small page of a trace alone, to be shown inside another, such as a notebook."""

from __future__ import annotations

from collections.abc import Sequence

from rnnscope.recording.address import Address
from rnnscope.tracing.trace import Trace

from .building import Contents, build
from .stretches import stretches_of
from .subject import study
from .telling import named_units

SIZE = 1.5
"""Megabytes."""


def page_of(
    trace: Trace,
    *,
    units: Sequence[str | Address] = (),
    size: float = SIZE,
    title: str | None = None,
) -> str:
    """A trace as a page of HTML with nothing beside it, such as an iframe shows with ``srcdoc``.

    Parameters
    ----------
    trace : Trace
    units : sequence of str or Address
        Units to keep in full detail with all their signals.
    size : float
        Megabytes of the page, at most.
    title : str, optional
        The name of the network and of what it read, if not given.

    Raises
    ------
    AddressError, ReportError
    """
    stretches = stretches_of(trace)
    subject = study(trace, None, stretches, (), 0)
    contents = Contents(title or title_of(trace), [subject], stretches, named_units(trace, units))
    return build(contents, size).html


def title_of(trace: Trace) -> str:
    """The name of the network, and of what it read."""
    documents = trace.documents
    read = documents[0] if len(documents) == 1 else f"{len(documents):,} documents"
    return f"{trace.tree.attrs['model']}: {read}"
