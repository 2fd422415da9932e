"""How many steps each unit keeps the difference between two pasts."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from rnnscope.analysis.language_models import LIMIT, States, check_model, read_documents, run
from rnnscope.arguments import whole
from rnnscope.errors import TextError
from rnnscope.models import CharLanguageModel
from rnnscope.progress import progress_bar
from rnnscope.recording.address import Address
from rnnscope.recording.recorder import record
from rnnscope.tracing.documents import Texts

from .forgetting_result import ForgettingTimes
from .states import Tokens, TrueStates, true_states

SHARE = 0.01
"""Of a unit's standard deviation: a difference up to this is forgotten."""

HORIZON = 5_000
"""Steps that are read, if the user does not say; at most a quarter of the longest document."""

_CONSTANT = 1e-6
"""A unit whose standard deviation is at most this does not vary: its differences are rounding."""

_CHUNK = 100
"""Steps that are read at once."""


def forgetting_times(
    model: CharLanguageModel,
    text: Texts,
    *,
    places: int = 50,
    horizon: int | None = None,
    seed: int = 0,
    limit: int = LIMIT,
) -> ForgettingTimes:
    """How many steps each unit keeps the difference between two pasts.

    From a random place of the text the network reads on twice: from its true state there, and from its
    state at another random place. A unit has forgotten after k steps if from then on the two
    runs never differ at it by more than 1 % of its standard deviation over the text, up to the
    horizon. One that still differs at the horizon is censored: its time is told as infinite, and means
    more than the horizon.

    Parameters
    ----------
    model : CharLanguageModel that reads forward, in eval mode
    text : str, Document, Path, File, or a sequence of these
        Each is a document, read from a zero state.
    places : int
        Random places, at least 2, fewer if the text is short. Each lends its state to another.
    horizon : int, optional
        Steps to read on. 5,000 if not given, or a quarter of the longest document if that is less.
    seed : int
        Of the places.
    limit : int
        Characters to read: the first ones of the text.

    Returns
    -------
    ForgettingTimes

    Raises
    ------
    ModelError
        If the network is no language model that reads forward, in eval mode.
    TextError
        If the text is too short for the horizon, or the network does not know most of its characters.

    Notes
    -----
    The state of another place is one that the network is used to; a zero state is not, and some units take
    long to leave it. Time 0 means that a unit did not differ to begin with. A unit may differ by less than
    1 % for a while and by more again, when it takes the difference back from others: what counts is the
    last step at which it differs by more.

    Examples
    --------
    >>> import rnnscope.trained
    >>> model = rnnscope.load(rnnscope.trained.path("prose-lstm"))
    >>> text = '"You are late," said Anna, and sat down. "I know," he said.\\n' * 4
    >>> times = rnnscope.forgetting_times(model, text, places=5)
    >>> times.summary[["units", "median", "beyond"]]
            units  median  beyond
    signal
    l0.h      256    50.0       0
    l0.c      256    49.0       3
    >>> times.longest.index[0]
    'l0.c.111'
    """
    check_model(model)
    whole(places, "places", 2)
    whole(seed, "seed")
    documents, more = read_documents(text, limit)
    tokens = Tokens.of(model, documents)
    horizon = _horizon(horizon, tokens.longest)
    possible = tokens.between(0, horizon)
    if len(possible) < 2:
        raise TextError(
            f"Two places with {horizon:,} characters after them are needed; the text has {len(possible)}. "
            "Read more of it (limit), or give a smaller horizon."
        )
    chosen = np.random.default_rng(seed).permutation(possible)[:places]
    states = true_states(model, tokens, chosen)
    with progress_bar() as bar:
        advance = partial(bar.advance, bar.add_task("two pasts", total=horizon))
        times = _times(model, tokens, chosen, states, horizon, advance)
    said = f"Measured from {len(chosen):,} random places of {tokens.words(more)} characters."
    return ForgettingTimes(horizon, _table(times), {str(address): found for address, found in times.items()}, said)


def _horizon(given: int | None, longest: int) -> int:
    if given is None:
        if longest < 4:
            raise TextError(f"A document of at least 4 characters is needed; the longest here has {longest}.")
        return min(HORIZON, longest // 4)
    whole(given, "horizon", 1)
    return int(given)


@torch.no_grad()
def _times(
    model: CharLanguageModel,
    tokens: Tokens,
    places: np.ndarray,
    states: TrueStates,
    horizon: int,
    advance: Callable[[int], None],
) -> dict[Address, np.ndarray]:
    """The forgetting times of the units of each signal, of shape (place, unit)."""
    pairs = np.concatenate((places, np.roll(places, 1)))
    current: States = states.after(pairs)
    limits = {signal: torch.from_numpy(SHARE * std) for signal, std in states.std.items()}
    rows = torch.from_numpy(np.searchsorted(states.places, pairs))
    last = {signal: _last_above(values[None, rows], limits[signal], 0) for signal, values in states.values.items()}
    with record(model, [str(signal) for signal in limits]) as recording:
        for first in range(0, horizon, _CHUNK):
            steps = np.arange(first + 1, min(first + _CHUNK, horizon) + 1)[:, None]
            windows = tokens.ids[torch.from_numpy(places + steps)]
            _, current = run(model, windows.repeat(1, 2), current)
            for signal, limit in limits.items():
                last[signal] = torch.maximum(last[signal], _last_above(recording[signal], limit, first + 1))
            advance(len(steps))
    found = {}
    for signal, std in states.std.items():
        times = last[signal].numpy() + 1.0
        times[last[signal].numpy() == horizon] = np.inf
        times[:, std <= _CONSTANT] = np.nan
        found[signal] = times
    return found


def _last_above(values: Tensor, limit: Tensor, first: int) -> Tensor:
    """The last step at which the halves of a batch differ by more than a limit, of shape (place, unit); -1 if none."""
    one, other = values.cpu().double().chunk(2, dim=1)
    above = (one - other).abs() > limit
    steps = torch.arange(first, first + len(values))[:, None, None]
    return torch.where(above, steps, -1).amax(dim=0)


def _table(times: dict[Address, np.ndarray]) -> pd.DataFrame:
    """One row a unit; see `ForgettingTimes`."""
    rows = []
    for address, found in times.items():
        lower, median, upper = np.quantile(found, (0.25, 0.5, 0.75), axis=0, method="inverted_cdf")
        units = pd.Index([str(address.of(unit)) for unit in range(found.shape[1])], name="unit")
        columns = {"signal": str(address), "median": median, "lower": lower, "upper": upper}
        censored = np.where(np.isnan(found[0]), np.nan, np.isinf(found).mean(axis=0))
        rows.append(pd.DataFrame(columns | {"censored": censored}, index=units))
    return pd.concat(rows)
