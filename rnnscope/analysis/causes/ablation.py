"""Whether a network uses a unit: what it loses without it, where a concept holds and where it does not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

import numpy as np
import pandas as pd

from rnnscope.analysis.intervals import bootstrap_interval
from rnnscope.analysis.language_models import LIMIT, check_model, read_documents
from rnnscope.arguments import check_one_of, whole
from rnnscope.concept import Concept
from rnnscope.errors import InterventionError
from rnnscope.models import CharLanguageModel
from rnnscope.recording.address import Address, Units
from rnnscope.recording.unroll import Where
from rnnscope.tracing.documents import Texts

from .ablation_result import Ablation
from .controls import Compared, ablate_beside_controls
from .subjects import Replacement, ablation_words, changed_signal, check_flag, check_replacement, named_units
from .targets import PLACES, Targets


def ablation(
    model: CharLanguageModel,
    text: Texts,
    units: Units,
    concept: Concept,
    *,
    replaced_by: Replacement = "mean",
    on: Where = "both",
    controls: int = 20,
    seed: int = 0,
    limit: int = LIMIT,
) -> Ablation:
    """Take units away and see what the network loses, where a concept holds and where it does not.

    The loss of a character is due to the state after the character before it. So a character counts as
    *inside* the concept if the concept held after the character before. The character at which a
    stretch *ends* (for quotes the closing one, where the network has to know that one is due) counts as
    inside, that at which one *begins* as outside.

    Beside them stand other units, ablated in the same way, one at a time: random ones of the same signal
    out of those that are nearest in the logarithm of their standard deviation.

    Parameters
    ----------
    model : CharLanguageModel that reads forward, in eval mode
    text : str, Document, Path, File, or a sequence of these
        Each is a document, read from a zero state.
    units : address, or a sequence of addresses that are ablated together
    concept : Concept of kind flag
    replaced_by : {"mean", "zero", "resample"}
        Whether a unit is replaced by its mean over this text, by zero, or at each step by its value at a
        random place of this text (units of a set by values from the same place). Zero is a value like any
        other: to a network whose unit is below zero where the concept does not hold, it may say that it
        half does. The mean stays nearer to what the network is used to.
    on : {"both", "above", "recurrence"}
        Of h: whether it is replaced for the layers above (or the head), for the next step, or for both. It
        has to be said: Lakretz et al. (2019) write of one and their program does another.
    controls : int
        Matched units to compare with.
    seed : int
        Of the controls, of random places and of the bootstrap.
    limit : int
        Characters to read: the first ones of the text.

    Returns
    -------
    Ablation

    Raises
    ------
    ModelError, AddressError
        If the network or the units are none of these.
    ArgumentError, InterventionError
        If the units cannot be ablated in this way.
    ConceptError
        If the concept is no flag, holds nowhere or everywhere in the text, or has labels that were made for another.
    TextError
        If no stretch of the concept ends in the text, or the network does not know most of its characters.

    Notes
    -----
    All variants are read side by side. A document of more than 4,000 characters is cut into streams: each
    begins with the intact network's state 500 characters earlier, and these are read with the unit
    ablated but not counted. What an ablation does after a longer time is missed there.

    Intervals are of 95 %, of the difference character by character, from a bootstrap over documents, or
    over 50 contiguous blocks of the text if there are fewer than ten documents.

    Examples
    --------
    >>> import rnnscope.trained
    >>> from rnnscope.probes.concepts import named
    >>> model = rnnscope.load(rnnscope.trained.path("prose-lstm"))
    >>> text = '"You are late," said Anna, and sat down. "I know."\\n' * 10
    >>> card = rnnscope.ablation(model, text, "l0.c.170", named("quotes")[0], controls=3)
    >>> card.table["change"].round(1)[["inside", "ends"]].to_dict()
    {'inside': 0.2, 'ends': 2.3}
    """
    check_model(model)
    addresses, concept = named_units(model, units), check_flag(concept)
    controls, seed = whole(controls, "controls"), whole(seed, "seed")
    check_replacement(replaced_by)
    _check_readers(model, addresses, on)
    documents, more = read_documents(text, limit)
    concept.check_length(sum(len(document.text) for document in documents) + more)
    targets = Targets.of(model.vocabulary, documents, concept)
    compared = ablate_beside_controls(
        model, targets.tokens, addresses, controls, replaced_by=replaced_by, on=on, seed=seed
    )
    others = _controls(compared, targets)
    return Ablation(
        units=tuple(map(str, addresses)),
        std=compared.std,
        concept=concept.name,
        what=ablation_words(model, addresses, replaced_by, on),
        text=targets.words(more),
        endings=dict(targets.characters_at("ends").most_common()),
        table=_table(compared.losses, targets, others, seed),
        controls=others,
    )


def _check_readers(model: CharLanguageModel, units: Sequence[Address], on: Where) -> None:
    check_one_of(on, "on", get_args(Where))
    for unit in units:
        if on != "both" and changed_signal(model, unit).signal != "h":
            raise InterventionError(f"on={on!r} can be said of h alone, which is read in two ways; got {unit}.")


def _table(losses: np.ndarray, targets: Targets, controls: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The effect of the unit at each place, beside that of the controls; see `Ablation`."""
    intact, ablated, groups = losses[0].astype(np.float64), losses[1].astype(np.float64), targets.groups
    rows = []
    for place in PLACES:
        there = targets.at(place)
        counts = np.bincount(groups[there], minlength=groups[-1] + 1)
        sums = np.bincount(groups[there], (ablated - intact)[there], minlength=groups[-1] + 1)
        low, high = bootstrap_interval(sums, counts, seed)
        change = _mean((ablated - intact)[there])
        others = controls[place].to_numpy()
        rows.append(
            {
                "characters": np.count_nonzero(there),
                "loss": _mean(intact[there]),
                "change": change,
                "low": low,
                "high": high,
                "probability": _mean(np.exp(-intact[there])),
                "probability_ablated": _mean(np.exp(-ablated[there])),
                "controls": _median(others),
                "controls_low": others.min(initial=np.inf) if len(others) else np.nan,
                "controls_high": others.max(initial=-np.inf) if len(others) else np.nan,
                "ratio": _ratio(change, _median(np.abs(others))),
                "exceeded": np.count_nonzero(others < change),
            }
        )
    return pd.DataFrame(rows, index=pd.Index(PLACES, name="place"))


def _controls(compared: Compared, targets: Targets) -> pd.DataFrame:
    """The change of loss by each control at each place, and how much it varies."""
    columns: dict[str, list[float]] = {"std": [_typical(spread) for spread in compared.spreads]}
    intact, _, *others = compared.losses
    for place in PLACES:
        there = targets.at(place)
        columns[place] = [_mean(loss[there] - intact[there].astype(np.float64)) for loss in others]
    names = [" ".join(map(str, one)) for one in compared.sets]
    return pd.DataFrame(columns, index=pd.Index(names, name="units"), dtype=float)


def _typical(spreads: list[float]) -> float:
    """The geometric mean, 0 if one is 0."""
    return float(np.exp(np.mean(np.log(spreads)))) if all(spreads) else 0.0


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _median(values: np.ndarray) -> float:
    return float(np.median(values)) if len(values) else float("nan")


def _ratio(change: float, of: float) -> float:
    """NaN where there is nothing to compare with, infinite where that has no effect at all."""
    if of == 0:
        return float("inf") if change else float("nan")
    return change / of
