"""How far the gradients of several networks reach, side by side: a table, a picture, a card."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from rnnscope.shown import Shown
from rnnscope.style import AMOUNTS, INK, colours, label, new_axes, style

from .flow_drawing import LEGEND, draw_norms, finish, summary_card
from .flow_result import GradientFlow

INITIAL = " (initial)"
"""What the name of a network with its first weights ends in, after the name of the trained one."""

_BANDS = 6
"""Networks that have bands in one picture; those of more would hide each other."""


@dataclass(frozen=True, eq=False, repr=False)
class GradientFlows(Shown):
    """The gradient flow of several networks side by side.

    Attributes
    ----------
    flows : dict of name to GradientFlow

    Examples
    --------
    >>> import rnnscope.trained
    >>> models = {name: rnnscope.load(rnnscope.trained.path(name)) for name in ("prose-lstm", "prose-rnn")}
    >>> text = '"You are late," said Anna, and sat down. "I know," he said.\\n' * 4
    >>> flows = {name: rnnscope.gradient_flow(model, text, lags=50, targets=20) for name, model in models.items()}
    >>> rnnscope.GradientFlows(flows).summary["half_life"].round(1).to_dict()
    {('prose-lstm', 'l0.h'): 1.7, ('prose-lstm', 'l0.c'): 2.2, ('prose-rnn', 'l0.h'): 4.2}
    """

    flows: Mapping[str, GradientFlow]

    @cached_property
    def table(self) -> pd.DataFrame:
        """The rows of `GradientFlow.table` of all of them, after a column ``model``."""
        frames = [flow.table.assign(model=name) for name, flow in self.flows.items()]
        table = pd.concat(frames, ignore_index=True)
        return table.set_index("model").reset_index()

    @cached_property
    def summary(self) -> pd.DataFrame:
        """The rows of `GradientFlow.summary` of all of them, indexed by ``model`` and ``signal``."""
        return pd.concat({name: flow.summary for name, flow in self.flows.items()}, names=["model"])

    @style()
    def plot(self, ax: Axes | None = None) -> Axes:
        """The medians by lag, each network a colour; on new axes if none are given.

        Up to six networks have bands between the quartiles. Networks named ``"... step-000500"``, weights kept in a
        training, go from dark to light by their order. Cell states are dashed. Of several layers the lower ones are
        paler. A network with its first weights, named ``"name (initial)"`` beside ``"name"``, is paler and thinner, and
        has no band.
        """
        ax = ax or new_axes("page", 3.2)
        shades = _colours(list(dict.fromkeys(name.removesuffix(INITIAL) for name in self.flows)))
        handles = []
        for name, flow in self.flows.items():
            layers = list(dict.fromkeys(signal.rpartition(".")[0] for signal in flow.signals))
            trained = not name.endswith(INITIAL)
            colour, tint, width = shades[name.removesuffix(INITIAL)], 1.0 if trained else 0.6, 1.4 if trained else 0.8
            for signal in flow.signals:
                node, _, state = signal.rpartition(".")
                shade = _pale(colour, tint * (1 + layers.index(node)) / len(layers))
                band = trained and len(self.flows) <= _BANDS
                draw_norms(ax, flow.rows(signal), shade, band, linestyle=_style(state), linewidth=width)
            handles.append(_handle(label(name, 40), _pale(colour, tint), linewidth=width))
        states = {signal.rpartition(".")[2]: None for flow in self.flows.values() for signal in flow.signals}
        if "c" in states:
            handles += [_handle(one, to_rgb(INK), linestyle=_style(one)) for one in states]
        return finish(ax, "Gradient flow", handles)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text("Gradient flow", style="bold")
        for words in dict.fromkeys(flow.measured for flow in self.flows.values()):
            yield Text(f"{words}.")
        for name, flow in self.flows.items():
            yield Text(f"{name}: {flow.architecture}; mean loss {flow.losses.mean():.3f} nats")
        yield summary_card(self.summary.reset_index(), ["model", "signal"], grouped=options.is_terminal)
        yield Text(LEGEND, style="dim")


def _handle(label: str, colour: tuple[float, ...], **line: Any) -> Line2D:
    return Line2D([], [], color=colour, label=label, **line)  # pyright: ignore[reportArgumentType]


def _colours(names: Sequence[str]) -> dict[str, tuple[float, ...]]:
    """A colour for each name; those of steps of a training follow each other."""
    steps = [name for name in names if re.search(r"(^|\W)step-\d+$", name)]
    others = colours([name for name in names if name not in steps])
    return {name: to_rgb(colour) for name, colour in others.items()} | dict(
        zip(steps, map(to_rgb, AMOUNTS(np.linspace(0, 0.85, len(steps)))), strict=True)
    )


def _style(state: str) -> str:
    return "--" if state == "c" else "-"


def _pale(colour: Sequence[float], strength: float) -> tuple[float, ...]:
    """A colour mixed with white, which it is all of at a strength of 0."""
    return tuple(1 - strength * (1 - part) for part in colour)
