"""How well a unit counts the steps since an event: a line that is as steep far from the event as near it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rnnscope.text import codepoints

START = "start"
"""The event that a document begins; every other event is a character."""

_MOST_EVENTS = 64
_FEWEST_STRETCHES = 10
_FEWEST_LAGS = 6
_LONGEST_LAG = 200


def counter_scores(values: np.ndarray, fresh: np.ndarray, text: str | None) -> tuple[np.ndarray, list[str]]:
    """How linear units are in the steps since an event, and since which.

    The events are the 64 most frequent characters, and the start of a document. For each, over the steps that follow
    it, up to the lag that nine in ten of these keep within (at most 200 steps, and up to the document's end): R² of
    the regression on the steps since the event, times the smaller of the slopes of the near and the far half of these
    lags over the largest slope; 0 where the two differ in sign. That factor is 1 for a line, and near 0 for what
    jumps once, or decays to rest before the far half.

    An event counts only if at least six lags follow it, and the far half of them ten times or more: so a drift over
    the text is no count since its start.

    Parameters
    ----------
    values : array of shape (time, unit)
    fresh : boolean array of shape (time,)
        Whether a step is its document's first.
    text : str or None
        A character a step; without it the start of a document is the only event.

    Returns
    -------
    array of shape (unit,), from 0 to 1; NaN if there is no event
    list of str, the best event for each unit; empty strings if there is none
    """
    events = dict(_events(fresh, text))
    if not events:
        return np.full(values.shape[1], np.nan), [""] * values.shape[1]
    spread = values.std(axis=0)
    scaled = np.divide(values - values.mean(axis=0), spread, out=np.zeros_like(values), where=spread > 1e-9)
    linear = _linearity(scaled.astype(np.float32), np.stack(list(events.values())))
    score = linear.max(axis=0)
    names = np.array(list(events), dtype=object)
    return score, np.where(score > 0, names[linear.argmax(axis=0)], "").tolist()


def _events(fresh: np.ndarray, text: str | None) -> Iterator[tuple[str, np.ndarray]]:
    """Each event that can be counted from, with its lags: see `_lags`."""
    steps = np.arange(len(fresh))
    start = np.maximum.accumulate(np.where(fresh, steps, 0))
    occurrences = {START: fresh}
    if text is not None:
        codes = codepoints(text)
        found, counts = np.unique(codes, return_counts=True)
        frequent = found[np.argsort(-counts, kind="stable")][:_MOST_EVENTS]
        occurrences |= {chr(code): codes == code for code in frequent}
    for name, occurs in occurrences.items():
        if occurs.sum() >= _FEWEST_STRETCHES and (lags := _lags(occurs, start)) is not None:
            yield name, lags


def _lags(occurs: np.ndarray, start: np.ndarray) -> np.ndarray | None:
    """Steps since an event, scaled: near ones from -1 to 0, far ones to 1, NaN at the event and beyond the last lag.

    None if they are too few to tell.
    """
    steps = np.arange(len(occurs))
    last = np.maximum.accumulate(np.where(occurs, steps, -1))
    since = np.where(last >= start, steps - last, 0)
    following = since[since > 0]
    if not len(following):
        return None
    longest = min(int(np.quantile(following, 0.9)), _LONGEST_LAG)
    reached = np.count_nonzero(since == longest // 2 + 1)
    if longest < _FEWEST_LAGS or reached < _FEWEST_STRETCHES:
        return None
    scaled = (2 * since - longest - 1) / (longest - 1)
    return np.where((since > 0) & (since <= longest), scaled, np.nan).astype(np.float32)


def _linearity(values: np.ndarray, lags: np.ndarray) -> np.ndarray:
    """The score of each event and unit, of shape (event, unit), from moments that are matrix products."""
    halves = np.stack([lags <= 0, lags > 0]).astype(np.float32)
    weighted = halves * np.nan_to_num(lags)
    n, k, kk = (moment.sum(axis=2)[:, :, None].astype(np.float64) for moment in (halves, weighted, weighted * weighted))
    x, kx = ((weights @ values).astype(np.float64) for weights in (halves, weighted))
    xx = (halves.sum(axis=0) @ (values * values)).astype(np.float64)
    near, far = (kx - k * x / n) / (kk - k * k / n)
    n, k, kk, x, kx = (moment.sum(axis=0) for moment in (n, k, kk, x, kx))
    covariance, variance_k, variance_x = kx - k * x / n, kk - k * k / n, xx - x * x / n
    slope = covariance / variance_k
    varies = variance_x > 1e-4 * n  # of a unit whose variance in the whole text is 1
    explained = np.divide(covariance * slope, variance_x, out=np.zeros_like(slope), where=varies)
    slopes = np.abs([near, far, slope])
    steady = np.divide(slopes[:2].min(axis=0), slopes.max(axis=0), out=np.zeros_like(slope), where=slopes[2] > 0)
    return np.clip(explained, 0, 1) * np.where(near * far > 0, steady, 0)
