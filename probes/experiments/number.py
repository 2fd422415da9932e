"""Which units carry the number of a subject to its verb: probes at each word of sentences of one form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.base import clone

from rnnscope.analysis.agreement.sentences import BEFORE
from rnnscope.analysis.intervals import wilson_interval
from rnnscope.analysis.language_models import check_model
from rnnscope.arguments import whole
from rnnscope.corpora.minimal_pairs import MinimalPair
from rnnscope.errors import ArgumentError, ProbeError
from rnnscope.models import CharLanguageModel
from rnnscope.probes.decoders.linear import LinearProbe
from rnnscope.probes.decoders.single_unit import SingleUnitProbe
from rnnscope.probes.decoders.sparse import SparseProbe
from rnnscope.probes.decoders.time_probe import TimeMatrix, TimeProbe
from rnnscope.probes.examples.reading import asked, existing
from rnnscope.probes.examples.splitting import folds
from rnnscope.progress import progress_bar
from rnnscope.recording.address import Units
from rnnscope.recording.along import along, shown
from rnnscope.recording.recorder import record
from rnnscope.tracing.readers.reader import side_by_side
from rnnscope.training.first_weights import untrained

from .number_result import NumberProbes
from .separable import separable

_FOLDS = 5

_FEWEST_NOUNS = 4
"""So that three or more are trained on, of which some are held out in turn to choose a strength."""

_UNKNOWN = ("", "unknown")


def number_probes(
    model: CharLanguageModel,
    pairs: Sequence[MinimalPair],
    *,
    condition: str = "number",
    units: Units | None = None,
    count: int = 8,
    before: str = BEFORE,
    seed: int = 0,
) -> NumberProbes:
    """Train probes of the number at each word before the verb, and test each at all others.

    The pairs are of one form, such as one phenomenon of Marvin and Linzen (2018): those that have the most frequent
    number of words before the verb are taken, and each beginning once. The state is read after the space after each
    word. No probe is tested on a noun that it was trained on, so that none can know the words by heart: the nouns are
    those of the first place whose word tells the label; two words are one noun if an *s* at the end is all that they
    differ in.

    Parameters
    ----------
    model : CharLanguageModel that reads forward, in eval mode
    pairs : sequence of MinimalPair
    condition : str
        The condition of a pair whose value is to be told.
    units : address, or a sequence of these, optional
        Of signals (``"l0.c"``) or units (``"l0.c.37"``), or names of signals (``"c"``); by default the signal of each
        layer that best shows what it keeps, c or h.
    count : int
        Units to name: those that together tell most of the label before the verb.
    before : str
        Read before each sentence, from a zero state.
    seed : int
        Of the folds.

    Returns
    -------
    NumberProbes

    Raises
    ------
    ModelError, AddressError
    ArgumentError
        If before or the count cannot be.
    ProbeError
        If the pairs do not have the condition, fewer than four nouns, or no word before the verb.

    References
    ----------
    Giulianelli et al. (2018), Under the hood; Lakretz et al. (2019), The emergence of number and syntax units.

    Examples
    --------
    >>> import rnnscope.trained
    >>> from rnnscope.corpora.minimal_pairs import MinimalPair
    >>> from rnnscope.probes import number_probes
    >>> nouns = ["horse", "soldier", "door", "letter"]
    >>> one = [MinimalPair(f"The {n} is old.", f"The {n} are old.", {"number": "singular"}) for n in nouns]
    >>> more = [MinimalPair(f"The {n}s are old.", f"The {n}s is old.", {"number": "plural"}) for n in nouns]
    >>> found = number_probes(rnnscope.load(rnnscope.trained.path("prose-lstm")), one + more, units="l0.h.18", count=1)
    >>> found.table["accuracy"].tolist()  # after "The", and after the noun
    [0.5, 1.0]
    """
    check_model(model)
    count, seed = whole(count, "count", 1), whole(seed, "seed")
    sentences = _Sentences.of(pairs, condition)
    values, names = _states(model, sentences, units, before)
    fresh = untrained(model)
    with along(fresh, shown(model)):
        plain, _ = _states(fresh, sentences, units, before)
    parts = folds(sentences.nouns, min(_FOLDS, len(np.unique(sentences.nouns))), seed=seed)
    told = _Told(sentences.labels, values.shape[1])
    with separable(), progress_bar("folds") as bar:
        task = bar.add_task("folds", total=len(parts))
        for train, test in parts:
            told.take(train, test, values, plain, sentences.nouns)
            bar.advance(task)
    last = SparseProbe(k=min(count, len(names))).fit(values[:, -1], sentences.labels)
    best = SingleUnitProbe().fit(values[:, -1], sentences.labels)
    return NumberProbes(
        table=_table(told, sentences, names),
        matrices=_matrices(told, sentences),
        unit=names[best.unit_],
        units=tuple(names[unit] for unit in last.units_),
        classes=sentences.classes,
        text=sentences.words,
    )


@dataclass(frozen=True)
class _Sentences:
    """Beginnings of sentences, all of equally many words.

    Attributes
    ----------
    beginnings : list of tuples of str
    labels : int array of shape (example,)
        Places in ``classes``.
    nouns : int array of shape (example,)
        Equal where the noun is, in singular or plural.
    attractors : array of str of shape (example,)
        The condition ``attractor``; empty where there is none.
    """

    beginnings: list[tuple[str, ...]]
    labels: np.ndarray
    classes: tuple[str, ...]
    nouns: np.ndarray
    attractors: np.ndarray
    words: str

    @classmethod
    def of(cls, pairs: Sequence[MinimalPair], condition: str) -> _Sentences:
        if not isinstance(pairs, Iterable) or not all(isinstance(pair, MinimalPair) for pair in pairs):
            raise ProbeError("Minimal pairs were expected, such as rnnscope.read_minimal_pairs gives.")
        known = [pair for pair in pairs if pair.conditions.get(condition, "") not in _UNKNOWN and pair.beginning]
        if not known:
            raise ProbeError(
                f"No pair has a condition {condition!r} and a word before the verb; {len(pairs):,} were given."
            )
        length = Counter(len(pair.beginning) for pair in known).most_common(1)[0][0]
        found = {pair.beginning: pair for pair in known if len(pair.beginning) == length}
        told = [pair.conditions[condition] for pair in found.values()]
        classes = tuple(sorted(set(told)))
        if len(classes) < 2:
            raise ProbeError(f"All {len(told):,} beginnings of {length} words are {told[0]}: nothing to tell apart.")
        place = _telling_place(list(found), told)
        nouns = np.unique([words[place].lower().removesuffix("s") for words in found], return_inverse=True)[1]
        if (count := len(np.unique(nouns))) < _FEWEST_NOUNS:
            raise ProbeError(
                f"Probes of {condition} need at least {_FEWEST_NOUNS} nouns in sentences of one form, to train on some "
                f"and test on others; the {len(found):,} beginnings of {length} words have {count}. Give pairs with "
                "more."
            )
        words = (
            f"{len(found):,} different beginnings of {length} words, those of {len(pairs):,} pairs that have so many; "
            f"{count} nouns, of which some are held out in turn."
        )
        attractors = np.array([pair.conditions.get("attractor", "") for pair in found.values()])
        labels = np.array([classes.index(one) for one in told])
        return cls(list(found), labels, classes, nouns, attractors, words)

    def word(self, place: int) -> str:
        """The most frequent word of a place."""
        return Counter(words[place] for words in self.beginnings).most_common(1)[0][0]


def _telling_place(beginnings: Sequence[tuple[str, ...]], labels: Sequence[str]) -> int:
    """The first place at which no word stands with two labels."""
    for place in range(len(beginnings[0])):
        pairs = {(words[place], label) for words, label in zip(beginnings, labels, strict=True)}
        if len(pairs) == len({word for word, _ in pairs}):
            return place
    raise ProbeError("No word tells the label: at each place one stands with both. Give pairs of one form.")


@torch.no_grad()
def _states(
    model: CharLanguageModel, sentences: _Sentences, units: Units | None, before: str
) -> tuple[np.ndarray, list[str]]:
    """The values of shape (example, place, unit) after the space after each word, and the units' addresses."""
    if not isinstance(before, str) or not before:
        raise ArgumentError(f"before is one character or more, such as a newline; got {before!r}.")
    wanted = asked(model, units)
    texts = [before + " ".join(words) + " " for words in sentences.beginnings]
    ends = [len(before) - 1 + np.cumsum([len(word) + 1 for word in words]) for words in sentences.beginnings]
    steps, rows = np.stack(ends), np.arange(len(texts))[:, None]
    tokens = side_by_side([model.vocabulary.encode(text) for text in texts]).to(model.device)
    found, names = [], []
    with record(model, list(map(str, wanted))) as recording:
        model(tokens)
        for address, chosen in wanted.items():
            values = recording[address][steps, rows].float().cpu().numpy()
            units_here = existing(address, chosen, values.shape[-1])
            found.append(values[..., units_here])
            names += [str(address.of(unit)) for unit in units_here]
    return np.concatenate(found, axis=2), names


class _Told:
    """What probes say of examples whose noun they were not trained on.

    Attributes
    ----------
    hits : bool array of shape (train place, test place, example)
    untrained, single : bool arrays of shape (place, example)
        Of an untrained network, and by one unit.
    majority : bool array of shape (example,)
    units : list of Counters, one a place
        Which unit is the best one of a fold.
    """

    def __init__(self, labels: np.ndarray, places: int) -> None:
        self._labels = labels
        self.hits = np.zeros((places, places, len(labels)), dtype=bool)
        self.untrained, self.single = (np.zeros((places, len(labels)), dtype=bool) for _ in range(2))
        self.majority = np.zeros(len(labels), dtype=bool)
        self.units: list[Counter[int]] = [Counter() for _ in range(places)]

    def take(self, train: np.ndarray, test: np.ndarray, values: np.ndarray, plain: np.ndarray, nouns: Any) -> None:
        """Train on some examples, and ask for others."""
        y, groups, answer = self._labels[train], nouns[train], self._labels[test]
        if len(np.unique(y)) < 2:
            raise ProbeError("With some nouns held out, all others are of one label. Give each noun in both numbers.")
        probe = LinearProbe(folds=min(_FOLDS, len(np.unique(groups))))
        trained = TimeProbe(probe).fit(values[train], y, groups=groups)
        self.majority[test] = answer == np.bincount(y).argmax()
        for place, own in enumerate(trained.probes_):
            for other in range(len(trained.probes_)):
                self.hits[place, other, test] = own.predict(values[test, other]) == answer
            single = SingleUnitProbe().fit(values[train, place], y)
            self.single[place, test] = single.predict(values[test, place]) == answer
            self.units[place][int(single.unit_)] += 1
            fresh: Any = clone(probe)
            fresh.fit(plain[train, place], y, groups=groups)
            self.untrained[place, test] = fresh.predict(plain[test, place]) == answer


def _table(told: _Told, sentences: _Sentences, names: Sequence[str]) -> pd.DataFrame:
    rows = []
    for place, counts in enumerate(told.units):
        own = told.hits[place, place]
        low, high = wilson_interval(float(own.sum()), len(own))
        unit, often = counts.most_common(1)[0]
        rows.append(
            {
                "word": sentences.word(place),
                "accuracy": own.mean(),
                "low": low,
                "high": high,
                "untrained": told.untrained[place].mean(),
                "majority": told.majority.mean(),
                "unit_accuracy": told.single[place].mean(),
                "unit": names[unit],
                "folds": often,
            }
        )
    return pd.DataFrame(rows).rename_axis("place")


def _matrices(told: _Told, sentences: _Sentences) -> Mapping[str, TimeMatrix]:
    """The accuracies of each place's probe at each other: of all, and by the number of another noun."""
    names = [f"{place} {sentences.word(place)}" for place in range(len(told.units))]
    chosen = {"all": np.ones(len(sentences.labels), dtype=bool)}
    chosen |= {f"attractor {kind}": sentences.attractors == kind for kind in ("same", "other")}
    return {
        name: TimeMatrix(
            pd.DataFrame(told.hits[:, :, rows].mean(axis=2), names, names)
            .rename_axis("trained at", axis=0)
            .rename_axis("tested at", axis=1),
            float(told.majority[rows].mean()),
        )
        for name, rows in chosen.items()
        if rows.any()
    }
