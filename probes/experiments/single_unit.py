"""The sentiment-neuron experiment of Radford, Jozefowicz and Sutskever (2017), on any network and labelled texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from rnnscope.analysis.intervals import wilson_interval
from rnnscope.arguments import whole
from rnnscope.corpora.labelled import LabelledCorpus, LabelledText
from rnnscope.corpora.splitting import PARTS
from rnnscope.errors import ModelError, ProbeError
from rnnscope.models import CharLanguageModel, Network, SequenceClassifier
from rnnscope.probes.decoders.linear import LinearProbe
from rnnscope.probes.decoders.single_unit import SingleUnitProbe
from rnnscope.probes.examples.examples import Examples
from rnnscope.probes.examples.texts import text_examples
from rnnscope.progress import progress_bar
from rnnscope.recording.address import Units
from rnnscope.recording.along import along, shown
from rnnscope.training.first_weights import untrained

from .separable import separable
from .single_unit_result import SingleUnitStudy

_STRENGTHS = 2.0 ** np.arange(-8, 1)
"""The C of scikit-learn that Radford et al. choose from."""


def single_unit_study(
    model: CharLanguageModel | SequenceClassifier,
    corpus: LabelledCorpus,
    *,
    units: Units | None = None,
    split: Sequence[float] = (0.8, 0.1, 0.1),
    seed: int = 0,
) -> SingleUnitStudy:
    """How well the state of a network at the end of texts tells their classes: with all units, with some, with one.

    Of a classifier it is what its head reads: where that is the mean or the largest value of h over the text, so are
    the values here.

    Logistic regressions with an L1 penalty are trained, the weakest with C = 1, the strongest with C = 1/256; which
    is best is chosen on the validation part. The best single unit, its threshold and the regressions are found on the
    training part, and all is told of the test part. A text is in one part only, whatever its case and white space;
    the parts are those that a classifier of rnnscope is trained with, if its recipe says nothing else.

    Parameters
    ----------
    model : CharLanguageModel or SequenceClassifier, in eval mode
    corpus : LabelledCorpus
        Of two classes; see `rnnscope.corpora.labelled.open_labelled`.
    units : address, or a sequence of these, optional
        Of signals (``"l0.c"``) or units (``"l0.c.37"``), or names of signals (``"c"``); by default the signal of each
        layer that best shows what it keeps, c or h.
    split : three floats
        Shares of train, validation and test.
    seed : int
        Of the probes.

    Returns
    -------
    SingleUnitStudy

    Raises
    ------
    ModelError, AddressError, RecordingError
        If the network is neither a language model nor a classifier, the units do not exist, or it is in training mode.
    ProbeError
        If there are not just two classes, a part has no texts, or training has only one class.
    ArgumentError
        If the shares are no split.

    References
    ----------
    Radford, Jozefowicz and Sutskever (2017), Learning to generate reviews and discovering sentiment.

    Examples
    --------
    >>> import rnnscope.trained
    >>> from rnnscope.corpora.labelled import LabelledCorpus, LabelledText
    >>> from rnnscope.probes import single_unit_study
    >>> words = {"good": "positive", "great": "positive", "fine": "positive", "bad": "negative", "dull": "negative"}
    >>> things = ["the film", "the food", "the phone", "the sound", "this place"]
    >>> texts = [LabelledText(f"{thing} was {word}", label) for thing in things for word, label in words.items()]
    >>> model = rnnscope.load(rnnscope.trained.path("sentiment-classifier"))
    >>> study = single_unit_study(model, LabelledCorpus(tuple(texts), name="mine"))
    >>> list(study.table.index)
    ['majority', 'one unit', 'probe', 'one unit, untrained', 'probe, untrained', 'the network itself']
    """
    _check(model, corpus)
    seed, corpus = whole(seed, "seed"), corpus.distinct()
    texts = corpus.split(split)
    _check_parts(texts)
    examples, first = _by_part(model, texts, units), untrained(model)
    with along(first, shown(model)):
        fresh_examples = _by_part(first, texts, units)
    with separable(), progress_bar("probes") as bar:
        task = bar.add_task("probes", total=2 * len(_STRENGTHS))
        own, fresh = (_Probes.of(each, seed, lambda: bar.advance(task)) for each in (examples, fresh_examples))
    test = examples["test"]
    hits = {
        "majority": test.labels == np.bincount(examples["train"].labels).argmax(),
        **own.hits,
        **{f"{name}, untrained": right for name, right in fresh.hits.items()},
        **_own_answers(model, texts["test"], test),
    }
    return SingleUnitStudy(
        table=_table(hits, {"probe": _kept(own.several), "probe, untrained": _kept(fresh.several)}),
        curve=own.curve,
        unit=test.units[own.single.unit_],
        threshold=float(own.single.threshold_),
        values=_values(texts["test"], test, own.single.unit_),
        texts=f"{corpus.name}: {', '.join(f'{len(texts[part]):,} texts for {part}' for part in PARTS)}",
        read=test.what.rpartition(" of ")[0],
    )


def _check(model: object, corpus: object) -> None:
    if not isinstance(model, CharLanguageModel | SequenceClassifier):
        raise ModelError(
            f"A language model or a classifier of rnnscope was expected; got {type(model).__name__}. For other "
            "networks train a probe on rnnscope.probes.text_examples."
        )
    if not isinstance(corpus, LabelledCorpus):
        raise ProbeError(f"A labelled corpus was expected (rnnscope.corpora.labelled); got {type(corpus).__name__}.")
    if len(corpus.classes) != 2:
        raise ProbeError(
            f"Two classes of texts are needed, to be told apart by one unit; {corpus.name} has {len(corpus.classes)}. "
            "For more train a LinearProbe on text_examples, both of rnnscope.probes."
        )


def _check_parts(texts: Mapping[str, Sequence[LabelledText]]) -> None:
    for part in PARTS:
        if not texts[part]:
            raise ProbeError(f"The part for {part} has no texts. Give more texts, or another split.")
    classes = {text.label for text in texts["train"]}
    if strange := sorted({text.label for part in PARTS for text in texts[part]} - classes):
        raise ProbeError(f"No text of {', '.join(strange)} is in the training part. Give more texts, or another split.")


def _by_part(model: Network, texts: Mapping[str, Sequence[LabelledText]], units: Units | None) -> dict[str, Examples]:
    """The examples of each part, all with the same classes, pooled as the head of a classifier reads them."""
    pooling: Any = model.config.pooling if isinstance(model, SequenceClassifier) else "last"
    if units is None and pooling != "last":
        units = "h"
    joined = [text for part in PARTS for text in texts[part]]
    every = text_examples(model, joined, units=units, pooling=pooling)
    stops = np.cumsum([0, *(len(texts[part]) for part in PARTS)])
    return {part: every.take(slice(*stops[n : n + 2])) for n, part in enumerate(PARTS)}


@dataclass(frozen=True)
class _Probes:
    """What was learned from the training part of one network's examples, the penalty chosen by validation.

    Attributes
    ----------
    single : SingleUnitProbe
    several : LinearProbe
        That which is best in validation, of equals the one with fewest units.
    curve : DataFrame
        As `SingleUnitStudy.curve`.
    hits : dict of bool arrays of shape (text,)
        Which texts of the test part each gets right.
    """

    single: SingleUnitProbe
    several: LinearProbe
    curve: pd.DataFrame
    hits: dict[str, np.ndarray]

    @classmethod
    def of(cls, examples: Mapping[str, Examples], seed: int, advance: Callable[[], None]) -> _Probes:
        train, test, rows, probes = examples["train"], examples["test"], [], []
        for inverse in _STRENGTHS:
            probe = LinearProbe(penalty="l1", strength=float(1 / (inverse * len(train))), random_state=seed)
            probes.append(probe.fit(train.values, train.labels, groups=train.groups))
            shares = {part: float(probe.score(of.values, of.labels)) for part, of in examples.items()}
            rows.append({"C": inverse, "units": _kept(probe), **shares})
            advance()
        curve = pd.DataFrame(rows)
        best = int(curve["validation"].to_numpy().argmax())  # the first one, of the strongest penalty
        curve = curve.assign(chosen=np.arange(len(curve)) == best)
        single, several = SingleUnitProbe().fit(train.values, train.labels), probes[best]
        told = {"one unit": single, "probe": several}
        hits = {name: probe.predict(test.values) == test.labels for name, probe in told.items()}
        return cls(single, several, curve, hits)


def _kept(probe: LinearProbe) -> int:
    """How many units have a weight."""
    return int((probe.coef_ != 0).any(axis=0).sum())


def _own_answers(model: Network, texts: Sequence[LabelledText], test: Examples) -> dict[str, np.ndarray]:
    """Which texts a classifier of these classes gets right by itself; nothing of another network."""
    if not isinstance(model, SequenceClassifier) or not set(model.labels) >= set(test.classes):
        return {}
    said = np.array(model.labels)[model.logits_of([one.text for one in texts]).argmax(dim=-1).numpy()]
    return {"the network itself": said == np.array(test.classes)[test.labels]}


def _values(texts: Sequence[LabelledText], test: Examples, unit: int) -> pd.DataFrame:
    """As `SingleUnitStudy.values`."""
    classes = np.array(test.classes)[test.labels]
    return pd.DataFrame(
        {"value": np.asarray(test.values)[:, unit], "class": classes, "text": [one.text for one in texts]}
    )


def _table(hits: Mapping[str, np.ndarray], kept: Mapping[str, int]) -> pd.DataFrame:
    rows = []
    for name, right in hits.items():
        low, high = wilson_interval(float(right.sum()), len(right))
        units = kept.get(name, 1 if name.startswith("one unit") else np.nan)
        rows.append({"by": name, "units": units, "accuracy": right.mean(), "low": low, "high": high})
    return pd.DataFrame(rows).set_index("by")
