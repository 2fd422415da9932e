"""What a network writes while one of its units is held at a value."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from rnnscope.analysis.intervals import bootstrap_interval
from rnnscope.analysis.language_models import check_model
from rnnscope.arguments import whole
from rnnscope.concept import Concept
from rnnscope.errors import AddressError, ArgumentError, ConceptError, InterventionError
from rnnscope.models import CharLanguageModel
from rnnscope.progress import progress_bar
from rnnscope.recording.address import Address
from rnnscope.shown import Shown, card_table
from rnnscope.style import CONTROL, FOCUS, label, new_axes, style
from rnnscope.text import counted, in_a_line, visible

from .held_texts import HeldTexts
from .subjects import check_flag, named_units, signal_words

_VALUES = 7
"""Values that a unit is held at, if the user names none."""

_EXAMPLE = 200
"""Characters of a text that are kept."""

_BESIDE = 51
"""Columns of a terminal that the rest of the table takes."""


@dataclass(frozen=True, eq=False, repr=False)
class ClampSweep(Shown):
    """What a network writes while a unit is held at one value after another. Made by `rnnscope.clamp_sweep`.

    Attributes
    ----------
    unit : str
        Its address.
    concept : str
    what : str
        What was held.
    text : str
        How the texts were written.
    table : DataFrame
        One row for each value, the first one for the unit left free: ``value``, NaN where it is free;
        ``share`` of the characters written at which the concept holds, from 0 to 1, of those to which it
        applies; its interval ``low`` to ``high``; how often, where it did not hold after the character before,
        a stretch of it ``begins``, and where it did, one ``ends``; ``example``, the beginning of the first
        text. A network that is held inside may end a stretch again and again: then the share is about one
        half, and ``ends`` shows what the unit does.
    """

    unit: str
    concept: str
    what: str
    text: str
    table: pd.DataFrame

    @style()
    def plot(self, ax: Axes | None = None) -> Axes:
        """The share against the value with its interval, a line for the free unit; on new axes if none are given."""
        return draw_shares(self.table, self.unit, f"share of {self.concept}", ax)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(f"{self.concept} while {self.unit} is held", style="bold")
        yield Text(f"Held: {self.what}.")
        yield Text(f"Written: {self.text}")
        table = card_table("held at", "share", "95 % interval", "begins", "ends", words=0)
        table.add_column("example", no_wrap=True)
        room = max(0, options.max_width - _BESIDE)
        for row in self.table.to_dict("records"):
            value = "free" if math.isnan(row["value"]) else f"{row['value']:+.3g}"
            interval = "-" if math.isnan(row["low"]) else f"{row['low']:.1%} to {row['high']:.1%}"
            share, begins, ends = (_percent(row[name]) for name in ("share", "begins", "ends"))
            example = in_a_line(row["example"][:room])
            table.add_row(value, share, interval, begins, ends, Text(example))
        yield table
        yield Text("Begins: at so many of the characters outside; ends: at so many of those inside.")


@style()
def draw_shares(table: pd.DataFrame, unit: str, what: str, ax: Axes | None = None) -> Axes:
    """The column ``share`` against ``value``, ``low`` to ``high``; the first row is a line, for the unit left free."""
    ax = ax or new_axes()
    free, held = table.iloc[0], table.iloc[1:].sort_values("value")
    ax.axhline(free["share"], color=CONTROL, linestyle="--", linewidth=0.8, label="left free")
    ax.fill_between(held["value"], held["low"], held["high"], color=FOCUS, alpha=0.2, linewidth=0)
    ax.plot(held["value"], held["share"], color=FOCUS, marker="o", label="held")
    ax.set(xlabel=f"{unit} held at", ylabel=label(what, 36), ylim=(-0.03, 1.03))
    ax.legend()
    return ax


def _percent(share: float) -> str:
    return "-" if math.isnan(share) else f"{share:.1%}"


@torch.no_grad()
def clamp_sweep(
    model: CharLanguageModel,
    unit: str | Address,
    concept: Concept,
    values: Sequence[float] | None = None,
    *,
    prompt: str = "\n",
    length: int = 500,
    samples: int = 16,
    temperature: float = 1.0,
    seed: int = 0,
) -> ClampSweep:
    """Let a network write while a unit is held at one value after another, and see how often a concept holds.

    Parameters
    ----------
    model : CharLanguageModel that reads forward, in eval mode
    unit : address
        Held at each step, those that read the prompt included; an h for all who read it.
    concept : Concept of kind flag
        It labels prompt and text together; what is counted is the text.
    values : sequence of float, optional
        Seven from the 1 % to the 99 % quantile of the unit while it is free, if not given.
    prompt : str of at least one character
        Each text goes on from it.
    length : int
        Characters of a text.
    samples : int
        Texts for each value, written side by side.
    temperature : float
        Divides the logits, above 0; see `CharLanguageModel.generate`.
    seed : int
        Of the random numbers, which are the same for all values, and of the bootstrap.

    Returns
    -------
    ClampSweep
        Its intervals are of 95 %, from a bootstrap over texts.

    Raises
    ------
    ModelError, AddressError
        If the network or the unit is none of these.
    InterventionError
        If the values are not finite.
    ConceptError
        If the concept is no flag, has labels that were made for one text, or applies to none of the characters.
    ArgumentError
        If the prompt is empty, or the temperature, length, samples or seed is no such number.

    Examples
    --------
    >>> import rnnscope.trained
    >>> from rnnscope.probes.concepts import named
    >>> model = rnnscope.load(rnnscope.trained.path("prose-lstm"))
    >>> [quotes] = named("quotes")
    >>> sweep = rnnscope.clamp_sweep(model, "l0.c.170", quotes, [-1, 1], prompt='"I am', length=99, samples=4)
    >>> (sweep.table["ends"] > 0).to_list()  # free, held outside quotes, held inside
    [True, False, True]
    """
    check_model(model)
    length, samples, seed = whole(length, "length", 1), whole(samples, "samples", 1), whole(seed, "seed")
    address, concept = _one_unit(model, unit), _for_any_text(check_flag(concept))
    _check_options(values, prompt, temperature)
    with progress_bar() as bar:
        task = bar.add_task("writing", total=2 * length)
        writing = HeldTexts(
            model, address, prompt, length=length, samples=samples, temperature=temperature, seed=seed,
            advance=lambda: bar.advance(task),
        )  # fmt: skip
        free, series = writing.free()
        values = quantiles(series) if values is None else held_values(values)
        texts = [free, *writing.held(values)]
    rows = [
        _row(value, written, prompt, concept, seed) for value, written in zip([math.nan, *values], texts, strict=True)
    ]
    if all(math.isnan(row["share"]) for row in rows):
        raise ConceptError(f"{concept.name} applies to no character of what the network has written.")
    words = (
        f"{counted(samples, 'text')} of {counted(length, 'character')} for each value, "
        f"after {''.join(map(visible, prompt[-20:]))}, at temperature {temperature:g}, "
        "with the same random numbers for all. Intervals by a bootstrap over texts."
    )
    return ClampSweep(str(address), concept.name, signal_words(model, address), words, pd.DataFrame(rows))


def _one_unit(model: CharLanguageModel, unit: str | Address) -> Address:
    found = named_units(model, unit)
    if len(found) > 1:
        raise AddressError(f"One unit is held; got {', '.join(map(str, found))}.")
    return found[0]


def _for_any_text(concept: Concept) -> Concept:
    if concept.length is not None:
        raise ConceptError(
            f"{concept.name} has {concept.length:,} labels that were made for one text; what the network writes is "
            "another. Give a concept that labels any text."
        )
    return concept


def _check_options(values: Sequence[float] | None, prompt: str, temperature: float) -> None:
    if not isinstance(prompt, str) or not prompt:
        raise ArgumentError(f"The prompt is one character or more, such as a newline; got {prompt!r}.")
    if not isinstance(temperature, Real) or not 0 < temperature < math.inf:
        raise ArgumentError(f"The temperature is above 0, 1 for the network's own odds; got {temperature!r}.")
    if values is not None:
        held_values(values)


def held_values(values: Sequence[float]) -> list[float]:
    """The values that a unit is held at.

    Raises
    ------
    InterventionError
        If there are none, or one is no finite number.
    """
    held = list(values) if isinstance(values, Iterable) else []
    if not held or not all(isinstance(value, Real) and math.isfinite(value) for value in held):
        raise InterventionError(f"A unit is held at one or more finite values; got {values!r}.")
    return list(map(float, held))


def quantiles(series: np.ndarray) -> list[float]:
    """Values that a unit is held at, if the user names none."""
    low, high = np.quantile(series, (0.01, 0.99))
    return [float(value) for value in np.linspace(low, high, _VALUES)]


def _row(value: float, texts: Sequence[str], prompt: str, concept: Concept, seed: int) -> dict[str, Any]:
    """A row of the table."""
    labels = np.stack([concept(prompt + text)[len(prompt) - 1 :] for text in texts])
    before, after = labels[:, :-1], labels[:, 1:]
    holds, applies = (after == 1).sum(axis=1), (~np.isnan(after)).sum(axis=1)
    low, high = bootstrap_interval(holds, applies, seed)
    return {
        "value": value,
        "share": _ratio(holds.sum(), applies.sum()),
        "low": low,
        "high": high,
        "begins": _ratio(((before == 0) & (after == 1)).sum(), (before == 0).sum()),
        "ends": _ratio(((before == 1) & (after == 0)).sum(), (before == 1).sum()),
        "example": texts[0][:_EXAMPLE],
    }


def _ratio(count: int, of: int) -> float:
    return count / of if of else math.nan
