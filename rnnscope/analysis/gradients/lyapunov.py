"""Whether a network forgets where it came from: the Lyapunov spectrum of its states under the text it reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text
from torch import Tensor, nn

from rnnscope.analysis.language_models import LIMIT
from rnnscope.arguments import whole
from rnnscope.progress import progress_bar
from rnnscope.shown import Shown, card_table
from rnnscope.style import BESIDE, FAINT, new_axes, style
from rnnscope.text import counted
from rnnscope.tracing.documents import Texts

from .stretches import Stretches, StretchReader

_SHOWN = 10


@dataclass(frozen=True, eq=False, repr=False)
class LyapunovSpectrum(Shown):
    """How fast volumes in the state space grow or shrink. Made by `rnnscope.lyapunov_spectrum`.

    Attributes
    ----------
    signals : tuple of str
        The states, all of the network.
    steps, warmup : int
        Measured in each sequence, and left out before.
    values : float array of shape (sequence, exponent)
        Of each sequence, in nats per step; -inf where a direction is lost altogether.
    size : int
        Units of the state: how many exponents there are.
    table : DataFrame
        One row an exponent, from 1, the largest first: ``exponent`` in nats per step, the mean over sequences, and its
        ``standard_error``, NaN for a single sequence.
    """

    signals: tuple[str, ...]
    steps: int
    warmup: int
    values: np.ndarray
    size: int
    table: pd.DataFrame

    @property
    def exponents(self) -> np.ndarray:
        """In nats per step, the largest first."""
        return self.table["exponent"].to_numpy()

    @property
    def dimension(self) -> float:
        """The Kaplan-Yorke dimension of what the states settle on (Kaplan and Yorke 1979).

        0 if every exponent is below 0; NaN if the exponents at hand do not sum up to less than 0.
        """
        sums = np.cumsum(self.exponents)
        if sums[-1] >= 0:
            return float(self.size) if len(sums) == self.size else np.nan
        whole = int(np.argmax(sums < 0))
        return whole + (sums[whole - 1] / -self.exponents[whole] if whole else 0.0)

    @style()
    def plot(self, ax: Axes | None = None) -> Axes:
        """The exponents in their order, with two standard errors; on new axes if none are given."""
        ax = ax or new_axes()
        table: Any = self.table[np.isfinite(self.table["exponent"])]
        errors = 2 * table["standard_error"].fillna(0)
        ax.errorbar(table.index, table["exponent"], yerr=errors, fmt="o", color=BESIDE, markersize=2.5, linewidth=0.8)
        ax.axhline(0, color=FAINT, linewidth=0.8, zorder=0)
        ax.set(xlabel="exponent, the largest first", ylabel="nats per step", title="Lyapunov spectrum")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        return ax

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text("Lyapunov spectrum", style="bold")
        sequences = len(self.values)
        yield Text(
            f"{len(self.table):,} of {self.size:,} exponents of {', '.join(self.signals)}, over {sequences:,} "
            f"sequences of {counted(self.steps, 'step')}, each after {self.warmup:,} that do not count."
        )
        table = card_table("", "nats per step", "standard error", "steps to 1/e", words=0)
        for row in self.table.head(_SHOWN).reset_index().to_dict("records"):
            exponent, error = row["exponent"], row["standard_error"]
            fades = f"{-1 / exponent:.3g}" if exponent < 0 else "-"
            table.add_row(f"{row['number']}", f"{exponent:+.4f}", "-" if np.isnan(error) else f"{error:.4f}", fades)
        yield table
        if not np.isnan(self.dimension):
            yield Text(f"Kaplan-Yorke dimension: {self.dimension:.3g}")


def lyapunov_spectrum(
    model: nn.Module,
    text: Texts,
    *,
    exponents: int | None = 10,
    steps: int = 1000,
    sequences: int = 10,
    warmup: int = 200,
    seed: int = 0,
    limit: int = LIMIT,
    characters: Sequence[str] | None = None,
) -> LyapunovSpectrum:
    """Measure the Lyapunov exponents of a network that is driven by a text.

    Random directions are carried along by the Jacobians of the full state, in float64, and made orthogonal at every
    step by a QR decomposition with a positive diagonal; an exponent is the mean of the diagonal's logarithm (Benettin
    et al. 1980; for RNNs Engelken, Wolf, Abbott 2023). The largest one says whether two runs of the network that begin
    differently come together as they read the same text (below 0), or part.

    Parameters
    ----------
    model : nn.Module in eval mode
        As for `state_jacobians`.
    text : str, Document, Path, File, or a sequence of these
    exponents : int or None
        How many, from the largest; None for all.
    steps : int
        Of each sequence.
    sequences : int
        Stretches of the text that do not overlap, each from its true state.
    warmup : int
        Steps before each in which the directions settle.
    seed : int
        Of the sequences and directions.
    limit, characters
        As for `state_jacobians`.

    Returns
    -------
    LyapunovSpectrum

    Raises
    ------
    TextError
        If the text cannot be read, or is too short.
    ModelError, RecordingError
        As for `state_jacobians`.

    Examples
    --------
    >>> import rnnscope.trained
    >>> model = rnnscope.load(rnnscope.trained.path("prose-rnn"))
    >>> text = '"You are late," said Anna, and sat down. "I know," he said.\\n' * 4
    >>> spectrum = rnnscope.lyapunov_spectrum(model, text, exponents=3, steps=50, sequences=2, warmup=10)
    >>> bool(spectrum.exponents[0] < 0)  # two runs that begin differently come together
    True
    >>> spectrum.dimension
    0.0
    """
    exponents = None if exponents is None else whole(exponents, "exponents", 1)
    steps, sequences, warmup = whole(steps, "steps", 1), whole(sequences, "sequences", 1), whole(warmup, "warmup")
    reading = StretchReader(model, text, characters, limit)
    length = warmup + steps
    with progress_bar("steps") as bar, torch.no_grad():
        stretches = reading.read(reading.apart(sequences, length, seed), length, bar)
        task = bar.add_task("multiplying", total=sequences * length)
        count = min(exponents or stretches.size, stretches.size)
        values = _exponents(stretches, count, warmup, seed, partial(bar.advance, task)).cpu().numpy()
    values = values[:, np.argsort(-values.mean(axis=0), kind="stable")]
    signals = tuple(map(str, stretches.addresses))
    return LyapunovSpectrum(signals, steps, warmup, values, stretches.size, _table(values))


def _exponents(stretches: Stretches, count: int, warmup: int, seed: int, done: Callable[[int], None]) -> Tensor:
    """Of shape (sequence, exponent)."""
    states, sequences = stretches.states, len(stretches.states[0])
    generator = torch.Generator().manual_seed(seed)
    random = torch.randn(sequences, stretches.size, count, generator=generator, dtype=torch.float64)
    directions = torch.linalg.qr(random.to(states[0].device))[0]
    total = states[0].new_zeros(sequences, count)
    for number, x in enumerate(stretches.x):
        states, slopes = stretches.step(x, states)
        directions, triangle = torch.linalg.qr(stretches.step.push(slopes, directions))
        if number >= warmup:
            total += triangle.diagonal(dim1=-2, dim2=-1).abs().log()
        done(sequences)
    return total / (len(stretches.x) - warmup)


def _table(values: np.ndarray) -> pd.DataFrame:
    sequences = len(values)
    finite = np.isfinite(values).all(axis=0) & (sequences > 1)
    errors = np.full(values.shape[1], np.nan)
    errors[finite] = values[:, finite].std(axis=0, ddof=min(1, sequences - 1)) / np.sqrt(sequences)
    index = pd.Index(range(1, values.shape[1] + 1), name="number")
    return pd.DataFrame({"exponent": values.mean(axis=0), "standard_error": errors}, index=index)
