"""A unit held while a network writes or reads: what class the texts are then said to be of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from rnnscope.analysis.causes.clamping import clamp_sweep, draw_shares, held_values, quantiles
from rnnscope.analysis.intervals import wilson_interval
from rnnscope.concept import Concept
from rnnscope.corpora.labelled import LabelledText
from rnnscope.errors import ModelError
from rnnscope.models import CharLanguageModel, SequenceClassifier
from rnnscope.models.network import check_mode
from rnnscope.probes.examples.texts import check_texts
from rnnscope.progress import progress_bar
from rnnscope.recording.address import Address
from rnnscope.recording.intervening import intervene
from rnnscope.recording.intervention import clamp
from rnnscope.recording.layers import find_unit, recurrent_layers
from rnnscope.shown import Shown, card_table
from rnnscope.style import style
from rnnscope.text import in_a_line
from rnnscope.tracing.making import trace

_BESIDE = 42


@dataclass(frozen=True, eq=False, repr=False)
class HeldUnit(Shown):
    """What class texts are said to be of while a unit is held at one value after another.

    Made by `rnnscope.probes.written_while_held` and `rnnscope.probes.read_while_held`.

    Attributes
    ----------
    unit, label : str
    text : str
        Which texts, and who says it.
    table : DataFrame
        One row a value, the first one for the unit left free: ``value``, NaN where it is free; ``share`` of the texts
        that are said to be of the class, with its 95 % interval ``low`` to ``high``; ``example``, the beginning of
        a text that was written; where texts are read, the mean ``probability`` of the class and the ``accuracy``.
    """

    unit: str
    label: str
    text: str
    table: pd.DataFrame

    @style()
    def plot(self, ax: Axes | None = None) -> Axes:
        """The share against the value with its interval, a line for the free unit; on new axes if none are given."""
        return draw_shares(self.table, self.unit, f"share said to be {self.label}", ax)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(f"Texts said to be {self.label} while {self.unit} is held", style="bold")
        yield Text(self.text)
        written = bool(self.table["accuracy"].isna().all())
        more = () if written else ("probability", "accuracy")
        table = card_table("held at", "share", "95 % interval", *more, words=0, gap=2)
        if written:
            table.add_column("example", no_wrap=True)
        for row in self.table.to_dict("records"):
            cells = ["free" if math.isnan(row["value"]) else f"{row['value']:+.3g}", f"{row['share']:.1%}"]
            cells.append("-" if math.isnan(row["low"]) else f"{row['low']:.1%} to {row['high']:.1%}")
            example = Text(in_a_line(row["example"][: max(0, options.max_width - _BESIDE)]))
            table.add_row(*cells, *([example] if written else [f"{row['probability']:.4f}", f"{row['accuracy']:.1%}"]))
        yield table


def written_while_held(
    model: CharLanguageModel,
    unit: str | Address,
    judge: SequenceClassifier,
    label: str,
    values: Sequence[float] | None = None,
    *,
    prompt: str = "\n",
    length: int = 100,
    samples: int = 64,
    temperature: float = 1.0,
    seed: int = 0,
) -> HeldUnit:
    """Let a language model write while a unit is held, and let a classifier say of what class the texts are.

    Parameters
    ----------
    model : CharLanguageModel that reads forward, in eval mode
    unit : address
    judge : SequenceClassifier in eval mode
    label : str
        One of the judge's.
    values, prompt, length, samples, temperature, seed
        As for `rnnscope.clamp_sweep`. The judge reads a text without the prompt; it should be about as long as those
        that it has learnt from.

    Returns
    -------
    HeldUnit
        Its intervals are those of Wilson (1927), over texts.

    Raises
    ------
    ModelError, AddressError, InterventionError, TextError

    Examples
    --------
    >>> import rnnscope.trained
    >>> from rnnscope.probes import written_while_held
    >>> judge = rnnscope.load(rnnscope.trained.path("sentiment-classifier"))
    >>> model = rnnscope.load(rnnscope.trained.path("prose-lstm"))
    >>> held = written_while_held(model, "l0.c.170", judge, "positive", [-1, 1], length=20, samples=4)
    >>> held.table[["value", "low", "share", "high"]].shape
    (3, 4)
    """
    _check_judge(judge, label)
    concept = _Judged(label, f"texts said to be {label}", "flag", judge=judge, prompt=prompt)
    sweep = clamp_sweep(
        model,
        unit,
        concept,
        values,
        prompt=prompt,
        length=length,
        samples=samples,
        temperature=temperature,
        seed=seed,
    )
    rows = []
    for row in sweep.table.to_dict("records"):
        low, high = wilson_interval(row["share"] * samples, samples)
        kept = {name: row[name] for name in ("value", "share", "example")}
        rows.append(kept | {"low": low, "high": high, "probability": math.nan, "accuracy": math.nan})
    written = sweep.text.removesuffix(" Intervals by a bootstrap over texts.")
    text = f"Written: {written} A classifier of {', '.join(judge.labels)} reads them."
    return HeldUnit(sweep.unit, label, text, pd.DataFrame(rows))


@dataclass(frozen=True)
class _Judged(Concept):
    """Whether a classifier gives a text a label: the same for all its characters."""

    judge: Any = None
    prompt: str = ""

    def label(self, text: str, start: int) -> np.ndarray:
        odds = self.judge.classify(text.removeprefix(self.prompt))
        return np.full(len(text), max(odds, key=odds.__getitem__) == self.name)


def read_while_held(
    model: SequenceClassifier,
    unit: str | Address,
    texts: Sequence[LabelledText],
    label: str,
    values: Sequence[float] | None = None,
) -> HeldUnit:
    """What a classifier answers while a unit of its own is held at every step.

    Parameters
    ----------
    model : SequenceClassifier in eval mode
    unit : address
    texts : sequence of LabelledText
    label : str
        One of the network's.
    values : sequence of float, optional
        Seven from the 1 % to the 99 % quantile of the unit over the steps of these texts, if not given.

    Returns
    -------
    HeldUnit
        Its intervals are those of Wilson (1927).

    Raises
    ------
    ModelError, AddressError, InterventionError
    ProbeError
        If these are no labelled texts, or one has no character.

    Examples
    --------
    >>> import rnnscope.trained
    >>> from rnnscope.corpora.labelled import LabelledText
    >>> from rnnscope.probes import read_while_held
    >>> judge = rnnscope.load(rnnscope.trained.path("sentiment-classifier"))
    >>> texts = [LabelledText("a good film", "positive"), LabelledText("a dull film", "negative")]
    >>> held = read_while_held(judge, "l0.h.25", texts, "positive", [-1, 1])
    >>> held.table["value"].tolist()
    [nan, -1.0, 1.0]
    >>> bool(held.table["probability"].iloc[2] > held.table["probability"].iloc[1])
    True
    """
    _check_judge(model, label)
    texts = check_texts(texts)
    address = find_unit(recurrent_layers(model), unit)
    if values is None:
        series = trace(model, [text.text for text in texts], signals=[str(address.whole)])[address].values
        held = quantiles(series[~np.isnan(series)])
    else:
        held = held_values(values)
    labels, place = np.array([text.label for text in texts]), model.labels.index(label)
    rows = []
    with progress_bar("values") as bar:
        task = bar.add_task("values", total=1 + len(held))
        for value in (math.nan, *held):
            changes = {} if math.isnan(value) else {str(address): clamp(value)}
            with intervene(model, changes):
                odds = model.logits_of([text.text for text in texts]).softmax(dim=-1).numpy()
            said = np.array(model.labels)[odds.argmax(axis=1)]
            low, high = wilson_interval(float((said == label).sum()), len(said))
            row = {"value": value, "share": (said == label).mean(), "low": low, "high": high, "example": ""}
            rows.append(row | {"probability": odds[:, place].mean(), "accuracy": (said == labels).mean()})
            bar.advance(task)
    words = f"Read: {len(texts):,} texts, the unit held at each step; the network's own answers."
    return HeldUnit(str(address), label, words, pd.DataFrame(rows))


def _check_judge(judge: object, label: str) -> None:
    if not isinstance(judge, SequenceClassifier):
        raise ModelError(f"A classifier of texts was expected (SequenceClassifier); got {type(judge).__name__}.")
    check_mode(judge)
    if label not in judge.labels:
        raise ModelError(f"The classifier has no label {label!r}; it has {', '.join(judge.labels)}.")
