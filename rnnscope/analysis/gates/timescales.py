"""How long a unit remembers, told in three ways: by its gate, by what it does, and by its Jacobian."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
import torch
from rich.progress import Progress
from torch import Tensor, nn

from rnnscope.analysis.gradients.stretches import StretchReader
from rnnscope.analysis.language_models import LIMIT
from rnnscope.arguments import whole
from rnnscope.errors import ModelError, TextError
from rnnscope.progress import progress_bar
from rnnscope.recording.adapter import adapter_of
from rnnscope.recording.address import Address
from rnnscope.recording.layers import addresses_of, memories, recurrent_layers
from rnnscope.tracing.documents import Numbers, Texts
from rnnscope.tracing.passages import Source, open_source
from rnnscope.tracing.trace import Trace

from .autocorrelation import decay_lags
from .saturation import check_finite
from .timescales_result import FACTOR, WAYS, Timescales

_PLACES = 500
"""Places of the text over which the one-step Jacobian is averaged."""

_FEWEST = 100
"""Steps from which on a timescale can be told."""


def timescales(
    model: nn.Module | Trace,
    text: Texts | Numbers | None = None,
    *,
    seed: int = 0,
    limit: int = LIMIT,
    characters: Sequence[str] | None = None,
) -> Timescales:
    """Measure how long each unit of each layer's memory (c of an LSTM, else h) remembers, in three ways.

    forget
        -1 / mean(ln f) over time, with f the forget gate of an LSTM, or z of a GRU, the share of h that stays: how long
        what the unit holds would last if nothing were added. NaN for other cells.
    autocorrelation
        The first lag at which the autocorrelation of the unit's series is below 1/e, within documents and never across
        them: how long it in fact stays alike. Infinite if it stays above up to the largest lag that can be told, the
        lesser of 5,000 and half of the longest document. NaN for a unit that is constant.
    jacobian
        -1 / ln |lambda|, with lambda the eigenvalue of the layer's mean one-step Jacobian d s_t / d s_{t-1} (s all
        states of the layer, over 500 random places) in whose mode the unit takes most part. The part of a unit u in a
        mode m is |V_um (V^-1)_mu|, V the right eigenvectors (participation factors: Perez-Arriaga, Verghese,
        Schweppe 1982). Unlike the gate, it knows that units feed each other. Infinite if |lambda| is 1 or more. NaN for
        traces, and networks that do not read forward one after another.

    Parameters
    ----------
    model, text, characters
        As for `rnnscope.find_units`.
    seed : int
        Of the places.
    limit : int
        Steps to read at most; the series of all units over them are held in memory.

    Returns
    -------
    Timescales

    Raises
    ------
    TextError
        If the text cannot be read, or has fewer than 100 steps.
    ModelError, RecordingError
        If there is no recurrent layer, or values are not finite.

    Examples
    --------
    >>> import rnnscope.trained
    >>> model = rnnscope.load(rnnscope.trained.path("prose-lstm"))
    >>> trace = rnnscope.trace(model, '"You are late," said Anna, and sat down. "I know," he said.\\n' * 4)
    >>> rnnscope.timescales(trace).summary[["forget", "autocorrelation", "units"]].round(1)
            forget  autocorrelation  units
    signal
    l0.c       0.6              2.0    256
    """
    limit, seed = whole(limit, "limit", 1), whole(seed, "seed")
    wanted = _wanted(model)
    source = open_source(model, text, [str(address) for pair in wanted for address in pair if address], characters)
    if min(len(source), limit) < _FEWEST:
        raise TextError(f"Timescales need at least {_FEWEST} steps; the text has {min(len(source), limit):,}.")
    with progress_bar() as bar, torch.no_grad():
        series, forget = _read(source, wanted, limit, bar)
        if not series:
            names = ", ".join(str(memory) for memory, _ in wanted)
            raise TextError(f"{names}: no value in these {min(len(source), limit):,} steps; take a longer text.")
        jacobian = {} if text is None else _jacobian(model, text, characters, limit, seed, bar)
        tables = [
            _table(source, memory, values, forget.get(memory), jacobian.get(memory), limit)
            for memory, values in series.items()
        ]
    return Timescales(int(min(len(source), limit)), pd.concat(tables, ignore_index=True))


def _wanted(model: object) -> list[tuple[Address, Address | None]]:
    """The memory of each layer, and the gate that keeps it, if there is one."""
    if isinstance(model, Trace):
        nodes = _by_node(model.addresses)
        return [(own.get("c") or own.get("h") or next(iter(own.values())), _keeper(own)) for own in nodes]
    if not isinstance(model, nn.Module):
        raise ModelError(f"A network or a trace was expected; got {type(model).__name__}. rnnscope.load opens a file.")
    found, signals = list[tuple[Address, Address | None]](), memories(model)
    for path, layer in recurrent_layers(model).items():
        stock = adapter_of(layer) is None or isinstance(layer, nn.LSTMCell | nn.GRUCell)
        nodes = _by_node(addresses_of(layer, path))
        found += [(own[signals[path]], _keeper(own) if stock else None) for own in nodes]
    return found


def _by_node(addresses: Iterable[Address]) -> list[dict[str, Address]]:
    """The signals of each layer and direction by their names."""
    nodes: dict[str, dict[str, Address]] = {}
    for address in addresses:
        nodes.setdefault(address.node, {})[address.signal] = address
    return list(nodes.values())


def _keeper(signals: dict[str, Address]) -> Address | None:
    """The gate that says which share of an LSTM's c or a GRU's h stays."""
    if {"i", "f", "g", "o"} <= signals.keys():
        return signals["f"]
    return signals["z"] if {"r", "z", "n"} <= signals.keys() else None


def _read(
    source: Source, wanted: list[tuple[Address, Address | None]], limit: int, bar: Progress
) -> tuple[dict[Address, np.ndarray], dict[Address, np.ndarray]]:
    """The series of each memory, of shape (time, unit), NaN where its layer takes no step; and what its gate says."""
    steps = min(len(source), limit)
    series: dict[Address, np.ndarray] = {}
    logs: dict[Address, tuple[Tensor, int]] = {}
    keepers = {gate for _, gate in wanted if gate}
    task = bar.add_task("reading", total=steps * len(source.addresses))
    for passage in source.passages(source.spans(limit)):
        for address, values in passage.signals.items():
            check_finite(address, values)
            if address in keepers:
                total, count = logs.get(address, (0.0, 0))
                tiny = torch.finfo(values.dtype).tiny
                logs[address] = (
                    total + values.clamp_min(tiny).log().sum(dim=0, dtype=torch.float64),
                    count + len(values),
                )
            else:
                if address not in series:
                    series[address] = np.full((steps, values.shape[1]), np.nan, np.float32)
                series[address][passage.steps] = values.numpy()
            bar.advance(task, len(values))
    means = {address: (total / count).numpy() for address, (total, count) in logs.items()}
    return series, {memory: _decay(means[gate]) for memory, gate in wanted if gate in means}


def _decay(logs: np.ndarray) -> np.ndarray:
    """-1 over logarithms of what is left after a step; infinite where nothing is lost."""
    with np.errstate(divide="ignore"):
        return np.where(logs < 0, -1 / np.minimum(logs, -0.0), np.inf)


def _jacobian(
    model: object, text: Texts | Numbers, characters: Sequence[str] | None, limit: int, seed: int, bar: Progress
) -> dict[Address, np.ndarray]:
    """The timescale of each state's units in the modes in which they take most part, if the network can be stepped."""
    assert isinstance(model, nn.Module)
    try:
        reading = StretchReader(model, text, characters, limit)
        places = min(_PLACES, int(np.maximum(reading.lengths - 1, 0).sum()))
        stretches = reading.read(reading.random(places, 1, seed), 1, bar)
    except (ModelError, TextError):
        return {}
    sizes = [state.shape[-1] for state in stretches.states]
    mean = stretches.states[0].new_zeros(sum(sizes), sum(sizes))
    one = torch.eye(sum(sizes), dtype=mean.dtype, device=mean.device)
    task = bar.add_task("averaging", total=places)
    for group in torch.arange(places).split(max(1, 2**22 // len(mean) ** 2)):
        states = tuple(state[group] for state in stretches.states)
        _, slopes = stretches.step(stretches.x[0, group], states)
        mean += stretches.step.push(slopes, one.expand(len(group), -1, -1)).sum(dim=0) / places
        bar.advance(task, len(group))
    return _modes(mean.cpu().numpy(), stretches.addresses, sizes)


def _modes(mean: np.ndarray, addresses: Sequence[Address], sizes: Sequence[int]) -> dict[Address, np.ndarray]:
    """By state: each layer has modes of its own, the block of the layer in the mean Jacobian."""
    found: dict[Address, np.ndarray] = {}
    ends = np.cumsum(sizes)
    for node in dict.fromkeys(address.node for address in addresses):
        own = [place for place, address in enumerate(addresses) if address.node == node]
        block = slice(ends[own[0]] - sizes[own[0]], ends[own[-1]])
        values, vectors = np.linalg.eig(mean[block, block])
        part = np.abs(vectors * np.linalg.pinv(vectors).T)
        with np.errstate(divide="ignore"):
            decays = _decay(np.log(np.abs(values)))[part.argmax(axis=1)]
        for place, decay in zip(own, np.split(decays, np.cumsum([sizes[p] for p in own])[:-1]), strict=True):
            found[addresses[place]] = decay
    return found


def _table(
    source: Source,
    memory: Address,
    values: np.ndarray,
    forget: np.ndarray | None,
    jacobian: np.ndarray | None,
    limit: int,
) -> pd.DataFrame:
    taken = ~np.isnan(values[:, 0])
    documents = np.searchsorted(source.starts, np.arange(len(values)), side="right")
    unknown = np.full(values.shape[1], np.nan)
    ways = {
        "forget": unknown if forget is None else forget,
        "autocorrelation": decay_lags(values[taken], documents[taken]),
        "jacobian": unknown if jacobian is None else jacobian,
    }
    units = [source.unit(memory, place).unit for place in range(values.shape[1])]
    table = pd.DataFrame({"signal": str(memory), "unit": units, **ways})
    known = table[[*WAYS]].clip(lower=1)  # what is gone within a step is gone
    longest, shortest = known.max(axis=1), known.min(axis=1)
    table["ratio"] = (longest / shortest).where(longest > shortest, 1.0).where(known.notna().sum(axis=1) > 1)
    table["disagree"] = table["ratio"] > FACTOR
    return table
