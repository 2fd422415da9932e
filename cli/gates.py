"""rnnscope gates"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import options
from .opening import open_model_or_trace
from .output import Output

if TYPE_CHECKING:
    from rnnscope import File


@options.command()
@options.model_or_trace
@options.texts(required=False)
@options.limit(least=100)
@options.seed
@options.device
@options.output("saturation, summary, no_saturation, timescales")
def gates(model: str, texts: list[File], limit: int, seed: int, device: str, output: Output) -> None:
    """See how gates saturate and how long units remember.

    Saturation is told over all of the texts, timescales over as many steps as --limit says: by the forget gate, by what
    the unit does, and by the Jacobian. Give a MODEL and texts, or a TRACE alone.
    """
    from rnnscope.analysis.gates.saturation import saturation
    from rnnscope.analysis.gates.timescales import timescales
    from rnnscope.errors import ModelError

    for pages in (1, 2):  # a network without gates has its timescales alone
        output.check(pages)
    network, read = open_model_or_trace(model, texts, device)
    try:
        saturated, why = saturation(network, read), None
    except ModelError as error:  # it has no gates, but its units have timescales
        saturated, why = None, str(error)
    lasting = timescales(network, read, limit=limit, seed=seed)
    tables = {"saturation": saturated and saturated.table, "summary": saturated and saturated.summary}
    output.tell(saturated or why, lasting, json=tables | {"no_saturation": why, "timescales": lasting.table})
    output.plot(*filter(None, (saturated, lasting)))
