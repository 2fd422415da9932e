"""How often gates are open or shut for good: the saturation plots of Karpathy, Johnson and Fei-Fei 2015."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import torch
from matplotlib.axes import Axes
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text
from torch import Tensor, nn

from rnnscope.cells import CELLS
from rnnscope.errors import ModelError, RecordingError
from rnnscope.progress import progress_bar
from rnnscope.recording.address import Address
from rnnscope.recording.layers import recurrent_layers, signals_of, states_of
from rnnscope.shown import Shown, card_table
from rnnscope.style import FAINT, colours, given_panels, new_panels, style
from rnnscope.text import counted
from rnnscope.tracing.documents import Texts
from rnnscope.tracing.passages import Source, open_source
from rnnscope.tracing.trace import Trace

LEFT, RIGHT = 0.1, 0.9
"""A gate is left-saturated below the first, right-saturated above the second."""

MOSTLY = 0.9
"""The share of time from which on a unit counts as saturated."""

_RANGES = {signal.name: (signal.low, signal.high) for cell in CELLS.values() for signal in cell.signals}


@dataclass(frozen=True, eq=False, repr=False)
class Saturation(Shown):
    """The share of time that each gate is nearly shut, and nearly open. Made by `rnnscope.saturation`.

    Attributes
    ----------
    steps : int
        Steps of the text.
    table : DataFrame
        One row a gate and unit: ``signal``, the gate's address, such as ``l0.f``; ``unit``; ``left`` and ``right``, the
        share of time that it is below 0.1 and above 0.9.
    """

    steps: int
    table: pd.DataFrame

    @property
    def summary(self) -> pd.DataFrame:
        """One row a gate of a layer, indexed by ``signal``.

        ``left`` and ``right``, the means over units; ``left_saturated`` and ``right_saturated``, the share of units
        that are so for more than 0.9 of the time; ``units``.
        """
        sides = self.table[["left", "right"]]
        table = self.table.join((sides > MOSTLY).add_suffix("_saturated"))
        by_gate: Any = table.drop(columns="unit").groupby("signal", sort=False)
        return by_gate.mean().assign(units=by_gate.size())

    @style()
    def plot(self, ax: Sequence[Axes] | None = None) -> list[Axes]:
        """Right against left, a dot a unit: a panel for each gate, a colour for each layer.

        On new axes if none are given.
        """
        addresses = self.table["signal"].map(Address.parse)
        table = self.table.assign(gate=[a.signal for a in addresses], layer=[a.node for a in addresses])
        gates = list(table["gate"].unique())
        if ax is None:
            panels = new_panels(1, len(gates), min(6.9, 0.6 + 2.1 * len(gates)), 2.5, sharex=True, sharey=True)
        else:
            panels = given_panels(ax, len(gates))
        layers = colours(list(table["layer"].unique()))
        for panel, gate in zip(panels, gates, strict=True):
            panel.plot([0, 1], [1, 0], "--", color=FAINT, linewidth=0.8, zorder=0)
            for layer, own in table[table["gate"] == gate].groupby("layer", sort=False):
                panel.scatter(own["right"], own["left"], 6, layers[str(layer)], alpha=0.6, linewidths=0, label=layer)
            panel.set(title=f"gate {gate}", xlabel="share of time above 0.9", ylabel="share of time below 0.1")
            panel.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        if len(layers) > 1:
            panels[-1].legend(title="layer", handletextpad=0)
        return panels

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text("Gate saturation", style="bold")
        yield Text(f"Shares of {counted(self.steps, 'step')} that a gate is below 0.1 (left) or above 0.9 (right).")
        table = card_table("gate", "left\nmean", "right\nmean", "units left\n> 0.9", "units right\n> 0.9", "units")
        for signal, row in self.summary.iterrows():
            shares = (row["left"], row["right"], row["left_saturated"], row["right_saturated"])
            table.add_row(str(signal), *(f"{share:.1%}" for share in shares), f"{row['units']:,.0f}")
        yield table
        for side in ("right", "left"):
            shown: Any = self.table[self.table[side] > 0]
            most = shown.nlargest(5, side)
            units = ", ".join(f"{row['signal']}.{row['unit']} {row[side]:.0%}" for row in most.to_dict("records"))
            yield Text(f"Most {side}: {units or 'none'}")


class Counts:
    """Steps at which gates are saturated.

    Attributes
    ----------
    steps : int
    left, right : int64 tensors of shape (unit,)
    leaves : bool
        Whether a value has left the range from 0 to 1: then it is no gate.
    """

    def __init__(self, units: int) -> None:
        self.steps = 0
        self.left, self.right = torch.zeros(2, units, dtype=torch.int64)
        self.leaves = False

    def update(self, values: Tensor) -> None:
        """Count more steps, of shape (time, unit)."""
        self.steps += len(values)
        self.left += (values < LEFT).sum(dim=0)
        self.right += (values > RIGHT).sum(dim=0)
        low, high = torch.aminmax(values)
        self.leaves |= not (low >= 0 and high <= 1)


def saturation(
    model: nn.Module | Trace,
    text: Texts | None = None,
    *,
    characters: Sequence[str] | None = None,
) -> Saturation:
    """Measure the share of time that each gate is left- or right-saturated, over a whole text.

    Every gate that lies between 0 and 1 counts: i, f and o of an LSTM, r and z of a GRU, and those of other cells that
    do. A forget gate that is right-saturated keeps its memory; one that is left-saturated on all of the time makes a
    feed-forward unit (Karpathy, Johnson, Fei-Fei 2015, section 4.2). The text is read once, in one pass; nothing that
    grows with it is kept.

    Parameters
    ----------
    model, text, characters
        As for `rnnscope.find_units`.

    Returns
    -------
    Saturation

    Raises
    ------
    ModelError
        If there is no gate: the vanilla RNN has none.
    TextError, RecordingError
        If the text cannot be read, or values are not finite.

    Examples
    --------
    >>> import rnnscope.trained
    >>> model = rnnscope.load(rnnscope.trained.path("prose-lstm"))
    >>> text = '"You are late," said Anna, and sat down. "I know," he said.\\n' * 4
    >>> rnnscope.saturation(model, text).summary[["left", "right"]].round(2)
            left  right
    signal
    l0.i    0.18   0.25
    l0.f    0.29   0.14
    l0.o    0.37   0.22
    """
    source = open_source(model, text, _gates(model), characters)
    counts: dict[Address, Counts] = {}
    with progress_bar() as bar, torch.no_grad():
        task = bar.add_task("reading", total=len(source))
        for passage in source.passages(source.spans()):
            for address, values in passage.signals.items():
                check_finite(address, values)
                counts.setdefault(address, Counts(values.shape[1])).update(values)
            bar.update(task, completed=max(count.steps for count in counts.values()))
    counts = {address: counts[address] for address in source.addresses if address in counts}
    tables = [_table(source, address, count) for address, count in counts.items() if not count.leaves]
    if not tables:
        raise _no_gates("none of its signals stays between 0 and 1")
    return Saturation(max(count.steps for count in counts.values()), pd.concat(tables, ignore_index=True))


def check_finite(address: Address, values: Tensor) -> None:
    """Refuse values that are not finite.

    Raises
    ------
    RecordingError
    """
    if not values.isfinite().all():
        raise RecordingError(f"{address} has values that are not finite (NaN or infinite) on this text.")


def _gates(model: object) -> list[str]:
    """The addresses of what may be a gate: all of a known name that lie in 0 to 1, and those of unknown names."""
    addresses: list[Address] = []
    if isinstance(model, Trace):
        addresses = list(model.addresses)
    elif isinstance(model, nn.Module):
        layers = recurrent_layers(model)
        states = states_of(layers)
        addresses = [address for address in signals_of(layers) if address not in states]
    else:
        raise ModelError(f"A network or a trace was expected; got {type(model).__name__}. rnnscope.load opens a file.")
    found = [str(address) for address in addresses if _RANGES.get(address.signal, (0, 1)) == (0, 1)]
    if not found:
        names = ", ".join(dict.fromkeys(address.signal for address in addresses)) or "states alone"
        raise _no_gates(f"it has {names}")
    return found


def _no_gates(found: str) -> ModelError:
    return ModelError(
        f"Gates between 0 and 1 were expected, such as those of an LSTM or a GRU; {found}. The vanilla RNN has no gate."
    )


def _table(source: Source, address: Address, counts: Counts) -> pd.DataFrame:
    units = [source.unit(address, place).unit for place in range(len(counts.left))]
    left, right = (side.double().numpy() / counts.steps for side in (counts.left, counts.right))
    return pd.DataFrame({"signal": str(address), "unit": units, "left": left, "right": right})
