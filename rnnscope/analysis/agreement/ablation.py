"""What a network's preference in minimal pairs loses without some units, beside others that vary as much."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
import torch

from rnnscope.analysis.causes.controls import ablate_beside_controls
from rnnscope.analysis.causes.subjects import Replacement, ablation_words, check_replacement, named_units
from rnnscope.analysis.intervals import bootstrap_interval
from rnnscope.analysis.language_models import check_model
from rnnscope.arguments import whole
from rnnscope.corpora.minimal_pairs import MinimalPair
from rnnscope.models import CharLanguageModel
from rnnscope.recording.address import Units

from .ablation_result import AgreementAblation
from .columns import chosen_conditions, forms_of, pair_columns, parts
from .sentences import AFTER, BEFORE, Sentences
from .statistics import separation


def agreement_ablation(
    model: CharLanguageModel,
    pairs: Sequence[MinimalPair],
    units: Units,
    *,
    by: str | Sequence[str] | None = None,
    replaced_by: Replacement = "mean",
    controls: int = 20,
    before: str = BEFORE,
    after: str = AFTER,
    seed: int = 0,
) -> AgreementAblation:
    """Take units away together and see what is left of the preference for the good sentences.

    Beside them stand random sets of other units, matched in signal and standard deviation and ablated in the same
    way, as for `rnnscope.ablation`: units that carry the number cost more than these.

    Parameters
    ----------
    model : CharLanguageModel that reads forward, in eval mode
    pairs : sequence of MinimalPair
        Some hundreds: each is read 2 + ``controls`` times step by step.
    units : address, or a sequence of addresses that are ablated together
    by : str or sequence of str, optional
        The conditions by which the result is told, as for `rnnscope.agreement`.
    replaced_by : {"mean", "zero", "resample"}
        What takes the place of a unit at each step.
    controls : int
        Matched sets to compare with.
    before, after
        As for `rnnscope.agreement`.
    seed : int
        Of the controls, random places and the bootstrap.

    Returns
    -------
    AgreementAblation

    Raises
    ------
    ModelError, AddressError, InterventionError, TextError

    Examples
    --------
    >>> import rnnscope.trained
    >>> from rnnscope.corpora.minimal_pairs import MinimalPair
    >>> model = rnnscope.load(rnnscope.trained.path("prose-lstm"))
    >>> pairs = [MinimalPair("She is here", "She are here"), MinimalPair("They are here", "They is here")]
    >>> found = rnnscope.agreement_ablation(model, pairs, ["l0.c.3", "l0.c.5"], controls=3)
    >>> found.table["ablated"].round(1).to_dict()
    {('all', 'right'): 1.0, ('all', 'auc'): 1.0, ('all', 'margin'): 1.5}
    """
    check_model(model)
    addresses, seed, controls = named_units(model, units), whole(seed, "seed"), whole(controls, "controls")
    check_replacement(replaced_by)
    sentences, columns = Sentences.of(pairs, model.vocabulary, before, after), pair_columns(pairs)
    conditions = chosen_conditions(columns, by)
    tokens = [torch.from_numpy(model.vocabulary.encode(text)) for text in sentences.texts]
    compared = ablate_beside_controls(model, tokens, addresses, controls, replaced_by=replaced_by, seed=seed)
    ends = np.cumsum([len(text) - 1 for text in sentences.texts])[:-1]
    margins = np.stack([sentences.margins(np.split(-variant, ends)) for variant in compared.losses])
    return AgreementAblation(
        units=tuple(map(str, addresses)),
        std=compared.std,
        what=ablation_words(model, addresses, replaced_by, text="these sentences"),
        text=sentences.words,
        by=conditions,
        table=pd.DataFrame(_rows(margins, columns, conditions, seed)).set_index(["condition", "measure"]),
        controls=tuple(" ".join(map(str, one)) for one in compared.sets),
    )


def _rows(
    margins: np.ndarray, columns: pd.DataFrame, conditions: Sequence[str], seed: int
) -> Iterator[dict[str, str | float]]:
    """One row a condition and measure; see `AgreementAblation`."""
    for name, part in parts(columns, conditions):
        here, forms = margins[:, part.index], forms_of(part)
        hits = (np.sign(here) + 1) / 2
        areas = np.array([separation(variant, forms) for variant in here])
        yield {"condition": name, "measure": "right", "pairs": len(part)} | _compared(hits.mean(axis=1), hits, seed)
        yield {"condition": name, "measure": "auc", "pairs": len(part)} | _compared(areas, None, seed)
        yield {"condition": name, "measure": "margin", "pairs": len(part)} | _compared(here.mean(axis=1), here, seed)


def _compared(values: np.ndarray, by_pair: np.ndarray | None, seed: int) -> dict[str, float]:
    """A measure of the intact network, of the ablated one, and of the controls."""
    intact, ablated, others = float(values[0]), float(values[1]), values[2:]
    low = high = np.nan
    if by_pair is not None:
        low, high = bootstrap_interval(by_pair[1] - by_pair[0], np.ones(by_pair.shape[1]), seed)
    row = {"intact": intact, "ablated": ablated, "change": ablated - intact, "low": low, "high": high}
    row |= dict.fromkeys(("controls", "controls_low", "controls_high"), np.nan)
    if len(others):
        row |= {"controls": float(np.median(others)), "controls_low": others.min(), "controls_high": others.max()}
    return row | {"exceeded": int(np.count_nonzero(others > ablated))}
