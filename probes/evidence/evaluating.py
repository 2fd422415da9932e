"""A probe's accuracy, and what has to stand beside it."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnscope.probes.decoders.fitting import copy_of
from rnnscope.probes.examples.examples import Examples

from .control import control_labels
from .division import Division
from .score import ProbeScore


def evaluate(probe: Any, examples: Examples, *, untrained: Examples | None = None, seed: int = 0) -> ProbeScore:
    """Train a probe on some groups of examples, test it on others, and say what its accuracy is worth.

    The task, its control task and the untrained network are each learned by a probe of their own, from the same
    examples, and tested on the same others.

    Parameters
    ----------
    probe : estimator
        Such as `LinearProbe`, or any classifier of scikit-learn; copies of it are trained.
    examples : Examples
    untrained : Examples, optional
        The same examples with the values of an untrained network.
    seed : int
        Of the division into groups, the control task and the interval.

    Returns
    -------
    ProbeScore

    Raises
    ------
    ProbeError
        If there is one class only, fewer than two groups, the untrained network's examples are not the same, or the
        probe is no estimator.

    Examples
    --------
    >>> import rnnscope.trained
    >>> from rnnscope.probes import SingleUnitProbe, concepts, evaluate, step_examples
    >>> shipped = rnnscope.trained.path("prose-lstm")
    >>> model, text = rnnscope.load(shipped), shipped.with_name("demo.txt")
    >>> found = evaluate(SingleUnitProbe(), step_examples(model, text, *concepts.named("quotes")))
    >>> round(found.accuracy, 2), round(found.majority, 2)
    (0.99, 0.64)
    """
    probe, division = copy_of(probe), Division.of(examples, seed)
    other = None if untrained is None else division.with_values(untrained)
    return score(division, division.trained(probe), probe, other, seed)


def score(division: Division, fitted: Any, probe: Any, untrained: Division | None, seed: int) -> ProbeScore:
    """What a trained probe is worth; copies of ``probe`` learn the control task and the untrained network."""
    examples = division.examples
    labels = examples.labels[division.test]
    right = division.predictions(fitted) == labels
    told = np.bincount(labels)
    return ProbeScore(
        float(right.mean()),
        *division.interval(right, seed),
        float(np.mean((np.bincount(labels, right) / told.clip(min=1))[told > 0])),
        division.majority,
        *_control(division, probe, seed),
        untrained.accuracy(untrained.trained(probe)) if untrained else np.nan,
        len(division.train),
        len(division.test),
        division.groups,
        examples.what,
    )


def _control(division: Division, probe: Any, seed: int) -> tuple[float, float]:
    """The accuracy on the control task, and that of who knows by heart all types that were trained on."""
    types = division.examples.types
    labels = control_labels(types, division.examples.labels, seed)
    trained, tested = labels[division.train], labels[division.test]
    known = np.isin(types[division.test], types[division.train])
    by_heart = float(np.mean(known | (tested == np.bincount(trained).argmax())))
    if np.ptp(trained) == 0:  # a few large types leave one class to train on
        return by_heart, by_heart
    return division.accuracy(division.trained(probe, labels), labels), by_heart
