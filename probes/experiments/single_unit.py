"""The sentiment-neuron experiment of Radford, Jozefowicz and Sutskever (2017), on any network and labelled texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch

from rnnscope.analysis.counts import whole
from rnnscope.analysis.intervals import wilson_interval
from rnnscope.corpora.labelled import LabelledCorpus, LabelledText
from rnnscope.corpora.splitting import PARTS
from rnnscope.errors import ModelError, ProbeError
from rnnscope.models import CharLanguageModel, Network, SequenceClassifier
from rnnscope.probes.decoders.linear import LinearProbe
from rnnscope.probes.decoders.single_unit import SingleUnitProbe
from rnnscope.probes.examples.examples import Examples
from rnnscope.probes.examples.texts import Pooling, text_examples
from rnnscope.progress import progress_bar
from rnnscope.recording.along import along, shown
from rnnscope.tracing.readers.reader import side_by_side
from rnnscope.training.first_weights import untrained

from .separable import separable
from .single_unit_result import SingleUnitStudy

_STRENGTHS = 2.0 ** np.arange(-8, 1)
"""The C of scikit-learn that Radford et al. choose from."""

_TOGETHER = 64


def single_unit_study(
    model: CharLanguageModel | SequenceClassifier,
    corpus: LabelledCorpus,
    *,
    units: str | Sequence[str] | None = None,
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
    units : sequence of str, optional
        Addresses or names of signals; by default the signal of each layer that best shows what it keeps, c or h.
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
    ProbeError, TextError
        If there are not just two classes, a part has no texts, training has only one class, or the shares are
        no split.

    References
    ----------
    Radford, Jozefowicz and Sutskever (2017), Learning to generate reviews and discovering sentiment.
    """
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
    seed, corpus = whole(seed, "seed"), corpus.distinct()
    texts = corpus.split(split)
    _check_parts(texts)
    pooling: Any = model.config.pooling if isinstance(model, SequenceClassifier) else "last"
    if units is None and pooling != "last":
        units = "h"
    examples = _by_part(model, texts, units, pooling)
    first = untrained(model)
    with along(first, shown(model)):
        fresh = _by_part(first, texts, units, pooling)
    with separable(), progress_bar() as bar:
        task = bar.add_task("probes", total=2 * len(_STRENGTHS))
        curve, probe = _path(examples, seed, lambda: bar.advance(task))
        _, fresh_probe = _path(fresh, seed, lambda: bar.advance(task))
    train, test = examples["train"], examples["test"]
    single = SingleUnitProbe().fit(train.values, train.labels)
    fresh_single = SingleUnitProbe().fit(fresh["train"].values, fresh["train"].labels)
    hits = {
        "majority": test.labels == np.bincount(train.labels).argmax(),
        "one unit": single.predict(test.values) == test.labels,
        "probe": probe.predict(test.values) == test.labels,
        "one unit, untrained": fresh_single.predict(fresh["test"].values) == test.labels,
        "probe, untrained": fresh_probe.predict(fresh["test"].values) == test.labels,
    }
    if isinstance(model, SequenceClassifier) and set(model.labels) >= set(test.classes):
        said = np.array(model.labels)[beliefs(model, texts["test"]).argmax(axis=1)]
        hits["the network itself"] = said == np.array(test.classes)[test.labels]
    return SingleUnitStudy(
        table=_table(hits, {"probe": _kept(probe), "probe, untrained": _kept(fresh_probe)}),
        curve=curve,
        unit=train.units[single.unit_],
        threshold=float(single.threshold_),
        values=pd.DataFrame(
            {
                "value": np.asarray(test.values)[:, single.unit_],
                "class": np.array(test.classes)[test.labels],
                "text": [one.text for one in texts["test"]],
            }
        ),
        texts=f"{corpus.name}: {', '.join(f'{len(texts[part]):,} texts for {part}' for part in PARTS)}",
        read=examples["train"].what.rpartition(" of ")[0],
    )


def _check_parts(texts: Mapping[str, Sequence[LabelledText]]) -> None:
    for part in PARTS:
        if not texts[part]:
            raise ProbeError(f"The part for {part} has no texts. Give more texts, or another split.")
    classes = {text.label for text in texts["train"]}
    if strange := sorted({text.label for part in PARTS for text in texts[part]} - classes):
        raise ProbeError(f"No text of {', '.join(strange)} is in the training part. Give more texts, or another split.")


def _by_part(
    model: Network,
    texts: Mapping[str, Sequence[LabelledText]],
    units: str | Sequence[str] | None,
    pooling: Pooling,
) -> dict[str, Examples]:
    """The examples of each part, all with the same classes."""
    joined = [text for part in PARTS for text in texts[part]]
    every = text_examples(model, joined, units=units, pooling=pooling)
    stops = np.cumsum([0, *(len(texts[part]) for part in PARTS)])
    return {part: every.take(slice(*stops[n : n + 2])) for n, part in enumerate(PARTS)}


def _path(examples: Mapping[str, Examples], seed: int, advance: Any) -> tuple[pd.DataFrame, LinearProbe]:
    """The accuracy of each strength, and the probe that is best in validation, of equals the one with fewest units."""
    train, rows, probes = examples["train"], [], []
    for inverse in _STRENGTHS:
        probe = LinearProbe(penalty="l1", strength=float(1 / (inverse * len(train))), random_state=seed)
        probes.append(probe.fit(train.values, train.labels, groups=train.groups))
        shares = {part: float(probe.score(of.values, of.labels)) for part, of in examples.items()}
        rows.append({"C": inverse, "units": _kept(probe), **shares})
        advance()
    curve = pd.DataFrame(rows)
    best = int(curve["validation"].to_numpy().argmax())  # the first one, of the strongest penalty
    return curve.assign(chosen=np.arange(len(curve)) == best), probes[best]


def _kept(probe: LinearProbe) -> int:
    """How many units have a weight."""
    return int((probe.coef_ != 0).any(axis=0).sum())


@torch.no_grad()
def beliefs(model: SequenceClassifier, texts: Sequence[LabelledText]) -> np.ndarray:
    """The probability that a classifier gives to each label for each text, of shape (text, label)."""
    order = sorted(range(len(texts)), key=lambda number: len(texts[number].text))
    found = np.empty((len(texts), len(model.labels)), np.float32)
    for start in range(0, len(order), _TOGETHER):
        group = order[start : start + _TOGETHER]
        rows = [model.vocabulary.encode(texts[number].text) for number in group]
        logits = model(side_by_side(rows).to(model.device), torch.tensor([len(row) for row in rows]))
        found[group] = logits.float().softmax(dim=-1).cpu().numpy()
    return found


def _table(hits: Mapping[str, np.ndarray], kept: Mapping[str, int]) -> pd.DataFrame:
    rows = []
    for name, right in hits.items():
        low, high = wilson_interval(float(right.sum()), len(right))
        units = kept.get(name, 1 if name.startswith("one unit") else np.nan)
        rows.append({"by": name, "units": units, "accuracy": right.mean(), "low": low, "high": high})
    return pd.DataFrame(rows).set_index("by")
