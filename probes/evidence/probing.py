"""What a network knows of a concept: all units, few units, one, against everything that an accuracy owes to chance."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

import numpy as np
from torch import nn

from rnnscope.concept import Concept
from rnnscope.errors import ProbeError
from rnnscope.models import Network
from rnnscope.probes.decoders.linear import LinearProbe
from rnnscope.probes.decoders.mdl import MDLProbe
from rnnscope.probes.decoders.single_unit import SingleUnitProbe
from rnnscope.probes.decoders.standardised import scaling_of
from rnnscope.probes.examples.examples import Examples
from rnnscope.probes.examples.steps import step_examples
from rnnscope.progress import progress_bar
from rnnscope.recording.address import Units
from rnnscope.recording.along import along, shown
from rnnscope.tracing.documents import Texts
from rnnscope.tracing.trace import Trace
from rnnscope.training.first_weights import untrained as first_weights

from .division import Division
from .evaluating import score
from .fewest import accuracy_by_units, fewest
from .probe_result import ProbeResult

_ORDERS = 3
"""Orders of the groups that the online code is the mean of."""

_CODE_FOLDS = 3
"""Of the cross-validation that chooses a strength for each block of the code; it is most of the time."""


def probe(
    model: nn.Module | Trace,
    text: Texts | None = None,
    concept: Concept | None = None,
    *,
    units: Units | None = None,
    untrained: nn.Module | Trace | bool = True,
    limit: int = 100_000,
    seed: int = 0,
    characters: Sequence[str] | None = None,
) -> ProbeResult:
    """What can be read of a concept from the units of a network, in the figures that a paper needs.

    The text is divided into whole documents or contiguous stretches, some to train on and others to test on. Beside
    the accuracy of a linear probe on all units stand the majority baseline, its selectivity (Hewitt & Liang, 2019),
    the same probe on an untrained network, the compression by an online code (Voita & Titov, 2020), and how many units
    do nearly as well (Gurnee et al., 2023).

    Parameters
    ----------
    model : nn.Module in eval mode, or Trace
    text : str, Document, Path, File, or a sequence of these
        As for `rnnscope.trace`; none for a trace.
    concept : Concept
        See `rnnscope.probes.concepts`.
    units
        As for `step_examples`.
    untrained : nn.Module, Trace or bool
        The network to compare with, or a trace of the same text by it. True, which is the default, takes
        `rnnscope.untrained` of a network of rnnscope, and none for others; False takes none.
    limit : int
        Steps to read, at most; 2 or more.
    seed : int
        Of all that is random.
    characters
        As for `rnnscope.trace`.

    Returns
    -------
    ProbeResult

    Raises
    ------
    ProbeError
        If the concept applies nowhere or says the same of all, or there is too little text.
    TextError, ConceptError, AddressError, ModelError, RecordingError

    Examples
    --------
    >>> import rnnscope.trained
    >>> from rnnscope.probes import concepts, probe
    >>> shipped = rnnscope.trained.path("prose-lstm")
    >>> model, text = rnnscope.load(shipped), shipped.with_name("demo.txt")
    >>> found = probe(model, text, *concepts.named("quotes"), units="l0.c.170")
    >>> round(found.score.accuracy, 2), round(found.score.untrained, 2), round(found.score.majority, 2)
    (0.99, 0.64, 0.64)
    """

    def read(source: nn.Module | Trace) -> Examples:
        return step_examples(
            source,
            None if isinstance(source, Trace) else text,
            concept,
            units=units,
            limit=limit,
            seed=seed,
            characters=characters,
        )

    if isinstance(model, Trace) and text is not None:
        raise ProbeError("A trace has a text of its own; give a network to read another.")
    examples, other = read(model), _untrained_of(model, untrained)
    with _seen_alike(other, model):
        compared = None if other is None else read(other)
    return probe_examples(examples, concept=concept.name if concept else "", untrained=compared, seed=seed)


def probe_examples(
    examples: Examples,
    *,
    concept: str = "labels",
    untrained: Examples | None = None,
    seed: int = 0,
) -> ProbeResult:
    """The same as `probe` of examples that are at hand.

    Parameters
    ----------
    examples : Examples
    concept : str
        What is read from the units is called.
    untrained : Examples, optional
        The same examples with the values of an untrained network.
    seed
        As for `probe`.

    Returns
    -------
    ProbeResult

    Raises
    ------
    ProbeError
        If there are too few classes or groups, or the untrained network's examples are not the same.

    Examples
    --------
    >>> import rnnscope.trained
    >>> from rnnscope.probes import concepts, probe_examples, step_examples
    >>> shipped = rnnscope.trained.path("prose-lstm")
    >>> model, text = rnnscope.load(shipped), shipped.with_name("demo.txt")
    >>> examples = step_examples(model, text, *concepts.named("quotes"), units=["l0.c.61", "l0.c.170"])
    >>> found = probe_examples(examples, concept="quotes")
    >>> found.k, found.single
    (1, 'l0.c.170')
    """
    division = Division.of(examples, seed)
    other = None if untrained is None else division.with_values(untrained)
    own_seed = int(seed) % 2**32  # what numpy's RandomState takes
    linear = LinearProbe(random_state=own_seed)
    with progress_bar("parts") as bar:
        task = bar.add_task(f"probing {concept}", total=4)
        fitted = division.trained(linear)
        bar.advance(task)
        found = score(division, fitted, linear, other, seed)
        bar.advance(task)
        table, single = accuracy_by_units(division, fitted, own_seed), _single(division)
        bar.advance(task)
        code = _code(examples, own_seed)
        bar.advance(task)
    own = scaling_of(examples.take(division.train).values)
    return ProbeResult(
        concept,
        examples.classes,
        examples.units,
        found,
        *code,
        fewest(table),
        table,
        *single,
        fitted.coef_,
        own.mean,
        own.deviation,
    )


def _untrained_of(model: nn.Module | Trace, untrained: nn.Module | Trace | bool) -> nn.Module | Trace | None:
    """The network to compare with; None for none.

    Raises
    ------
    ProbeError
        If it is neither a network nor a trace.
    """
    if isinstance(untrained, nn.Module | Trace):
        return untrained
    if not isinstance(untrained, bool):
        raise ProbeError(f"The untrained network is a network, a trace, True or False; got {type(untrained).__name__}.")
    return first_weights(model) if untrained and isinstance(model, Network) else None


def _seen_alike(other: nn.Module | Trace | None, model: nn.Module | Trace) -> AbstractContextManager[None]:
    """Inside, a network shows the directions that the one it is compared with shows."""
    if isinstance(other, nn.Module) and isinstance(model, nn.Module):
        return along(other, shown(model))
    return nullcontext()


def _code(examples: Examples, seed: int) -> tuple[float, tuple[float, float], float]:
    """The compression by an online code, the least and the most of its orders, and that by the labels alone."""
    code = MDLProbe(LinearProbe(folds=_CODE_FOLDS, random_state=seed), orders=_ORDERS, random_state=seed)
    code.fit(examples.values, examples.labels, examples.groups)
    each = code.compressions_
    return code.compression_, (float(each.min()), float(each.max())), code.frequency_compression_


def _single(division: Division) -> tuple[str | None, float]:
    """The unit that does best by itself, and the accuracy of a threshold on it."""
    if len(division.examples.classes) > 2:
        return None, np.nan
    found = division.trained(SingleUnitProbe())
    return division.examples.units[found.unit_], division.accuracy(found)
