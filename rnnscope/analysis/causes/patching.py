"""How long a state lasts that is put into a network from another text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text
from torch import Tensor

from rnnscope.analysis.language_models import States, check_model, run, zeros
from rnnscope.arguments import whole
from rnnscope.errors import TextError
from rnnscope.models import CharLanguageModel
from rnnscope.recording.address import Address, Units
from rnnscope.recording.intervening import intervene
from rnnscope.recording.intervention import Intervention
from rnnscope.recording.layers import recurrent_layers, states_of
from rnnscope.recording.recorder import record
from rnnscope.shown import Shown, card_table
from rnnscope.style import CONTROL, FAINT, FOCUS, logarithmic, new_axes, style, title
from rnnscope.text import counted, visible
from rnnscope.tracing.documents import TextSource, gather

from .streams import cut_streams
from .subjects import named_units

SHARE = 0.01
"""Of the largest divergence: where it is above this, the effect lasts."""

_NOTHING = 1e-9
"""Nats of a divergence that is rounding."""

_CHUNK = 2_000
"""Steps that are read at once."""


@dataclass(frozen=True, eq=False, repr=False)
class Patching(Shown):
    """What becomes of a state from another text. Made by `rnnscope.patch_lifetime`.

    Attributes
    ----------
    units : tuple of str
        The addresses of what was put in: units, or whole signals.
    step : int
        The step at which it was.
    lasts : int
        Steps from there to the last one at which the divergence is above 1 % of its largest value, both
        counted; 0 if there is none.
    ended : bool
        Whether the text goes on after that; if not, the effect lasts at least so long.
    table : DataFrame
        One row for each step of the receiver from there on, indexed by step: its ``character``; ``kl``, the
        Kullback-Leibler divergence of the next character's odds with the patch from those without, in
        nats: sum of p log(p / q), p without and q with it; ``distance`` of the two states, the root mean
        square over the units that were put in, each in its own standard deviations over the two texts.
    """

    units: tuple[str, ...]
    step: int
    lasts: int
    ended: bool
    table: pd.DataFrame

    @style()
    def plot(self, ax: Axes | None = None) -> Axes:
        """Divergence and distance, each as a share of its largest value, by step; on new axes if none are given."""
        ax = ax or new_axes()
        for name, colour in (("kl", FOCUS), ("distance", CONTROL)):
            values = self.table[name]
            words = "divergence of guesses" if name == "kl" else "distance of states"
            ax.plot(values.index - self.step, values / max(values.max(), _NOTHING), color=colour, label=words)
        ax.axhline(SHARE, color=FAINT, linewidth=0.8, zorder=0)
        ax.axvline(self.lasts - 0.5, color=FAINT, linestyle="--", linewidth=0.8, zorder=0)
        ax.set(ylim=(1e-4, 2), xlabel=f"steps from {self.step:,} on", ylabel="share of the largest")
        logarithmic(ax, "y")
        title(ax, f"{', '.join(self.units[:4])} from another text")
        ax.legend()
        return ax

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(f"{', '.join(self.units)} from another text at step {self.step:,}", style="bold")
        limit = f"{SHARE:.0%} of the largest divergence"
        if self.ended:
            yield Text(f"The effect lasts {counted(self.lasts, 'step')}; after them it is never above {limit}.")
        else:
            yield Text(
                f"The effect lasts {counted(self.lasts, 'step')} at least: at the end of the text it is above {limit}."
            )
        table = card_table("after", "step", "divergence (nats)", "distance (std)")
        shown = np.unique(np.geomspace(1, len(self.table), 12).astype(int) - 1)
        for step, row in self.table.iloc[shown].iterrows():
            table.add_row(visible(row["character"]), f"{step:,}", f"{row['kl']:.3g}", f"{row['distance']:.3g}")
        yield table


@torch.no_grad()
def patch_lifetime(
    model: CharLanguageModel, donor: TextSource, receiver: TextSource, step: int, units: Units | None = None
) -> Patching:
    """Put the state of one text into another, and see for how long that makes a difference.

    Both texts are read from a zero state. At the step, when both have read as many characters, values of
    the donor's run take the place of those of the receiver's, as `rnnscope.patch` does it: c before h is
    made from it, a gate before it is used. From there on the receiver's text is read, with and without.

    Parameters
    ----------
    model : CharLanguageModel that reads forward, in eval mode
    donor, receiver : str, Document, Path or File
        One document each.
    step : int
        The number of a character of both texts, the first one being 0.
    units : address, or a sequence of addresses, optional
        What to put in; all states of all layers, if not given.

    Returns
    -------
    Patching

    Raises
    ------
    ModelError, AddressError
        If the network or the units are none.
    TextError
        If a text cannot be read, or has no such step.
    ArgumentError
        If the step is no whole number.

    Examples
    --------
    >>> import rnnscope.trained
    >>> model = rnnscope.load(rnnscope.trained.path("prose-lstm"))
    >>> found = rnnscope.patch_lifetime(model, '"I am here," said Anna.', "I am here, said Anna.", step=4)
    >>> found.lasts, found.ended
    (9, True)
    """
    check_model(model)
    step = whole(step, "step")
    read = {name: _tokens(model, text, name) for name, text in (("donor", donor), ("receiver", receiver))}
    for name, (text, _) in read.items():
        if step >= len(text):
            raise TextError(f"The {name} has the steps 0 to {len(text) - 1:,}; got {step:,}.")
    (_, given), (text, taken) = read.values()
    chosen = states_of(recurrent_layers(model)) if units is None else named_units(model, units)
    values = _values_at(model, given, step, chosen)
    std = _std(model, [given, taken], chosen)
    kl, distance = _compare(model, taken, step, values, std)
    above = np.flatnonzero(kl > max(SHARE * kl.max(), _NOTHING))
    lasts = int(above[-1]) + 1 if len(above) else 0
    table = pd.DataFrame(
        {"character": list(text[step:]), "kl": kl, "distance": distance},
        index=pd.RangeIndex(step, len(text), name="step"),
    )
    return Patching(tuple(map(str, chosen)), step, lasts, lasts < len(kl), table)


def _tokens(model: CharLanguageModel, text: TextSource, name: str) -> tuple[str, Tensor]:
    documents = gather(text)
    if len(documents) != 1 or len(documents[0].text) < 2:
        raise TextError(f"The {name} is one text of at least two characters.")
    return documents[0].text, torch.from_numpy(model.vocabulary.encode(documents[0].text))


def _values_at(model: CharLanguageModel, tokens: Tensor, step: int, chosen: Sequence[Address]) -> dict[Address, Tensor]:
    """The values of signals or units at a step, each of shape (1, unit) or (1,)."""
    states = _before(model, tokens, step)
    with record(model, _wholes(chosen)) as recording:
        run(model, tokens[step : step + 1, None], states)
    return {address: recording[address][-1] for address in chosen}


def _before(model: CharLanguageModel, tokens: Tensor, step: int) -> States:
    """The states before a step."""
    states = zeros(model)
    for start in range(0, step, _CHUNK):
        _, states = run(model, tokens[start : min(start + _CHUNK, step), None], states)
    return states


def _wholes(chosen: Sequence[Address]) -> list[str]:
    return list(dict.fromkeys(str(address.whole) for address in chosen))


def _std(model: CharLanguageModel, texts: Sequence[Tensor], chosen: Sequence[Address]) -> Tensor:
    """The standard deviation of all that is put in, of shape (unit,); infinite for a unit that never changes."""
    found = cut_streams(model, texts, chosen, 0)
    spread = [found.std(address.whole)[slice(None) if address.unit is None else [address.unit]] for address in chosen]
    std = np.concatenate(spread)
    return torch.from_numpy(np.where(std > 1e-6, std, np.inf))


def _compare(
    model: CharLanguageModel, tokens: Tensor, step: int, values: Mapping[Address, Tensor], std: Tensor
) -> tuple[np.ndarray, np.ndarray]:
    """Divergence and distance at each step from the patch on, with the patch and without side by side."""

    def patched(address: Address) -> Intervention:
        row = torch.tensor([[True], [False]])

        def new(signal: Address, units: Tensor, now: Tensor, step: int | None) -> Tensor:
            return torch.where(row.to(now.device), values[address].to(now).view(1, -1), now[:, units])

        return Intervention(new)

    states = tuple(part.repeat(1, 2, 1) for part in _before(model, tokens, step))
    changes = {str(address): patched(address) for address in values}
    divergences, distances = [], []
    starts = [step, *range(step + 1, len(tokens), _CHUNK), len(tokens)]
    for start, stop in zip(starts, starts[1:], strict=False):
        with record(model, _wholes(list(values))) as recording, intervene(model, changes if start == step else {}):
            logits, states = run(model, tokens[start:stop, None].expand(-1, 2), states)
        log_q, log_p = logits.cpu().double().log_softmax(dim=-1).unbind(dim=1)
        divergences.append((log_p.exp() * (log_p - log_q)).sum(dim=-1))
        signals = torch.cat([recording[address].reshape(stop - start, 2, -1) for address in values], dim=-1)
        distances.append(((signals[:, 0] - signals[:, 1]).cpu().double() / std).square().mean(dim=-1).sqrt())
    return torch.cat(divergences).clamp(min=0).numpy(), torch.cat(distances).numpy()
