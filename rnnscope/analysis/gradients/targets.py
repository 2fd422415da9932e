"""Which steps are targets and which lags are asked for; what is measured at them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral

import numpy as np

from rnnscope.arguments import ascending, whole
from rnnscope.errors import ModelError, TextError

_FARTHEST = 1_000_000
"""The largest lag."""


@dataclass(frozen=True)
class Wanted:
    """Which lags and targets the user wants."""

    lags: np.ndarray
    targets: int | np.ndarray
    seed: int

    @classmethod
    def of(cls, lags: int | Sequence[int], targets: int | Sequence[int], seed: int) -> Wanted:
        """From what the user says: the largest lag or all of them, how many targets or which.

        Raises
        ------
        ArgumentError
        """
        return cls(
            np.arange(whole(lags, "lags", most=_FARTHEST) + 1)
            if isinstance(lags, Integral)
            else ascending(lags, "lags"),
            whole(targets, "targets", 1) if isinstance(targets, Integral) else ascending(targets, "targets"),
            whole(seed, "seed"),
        )

    @property
    def reach(self) -> int:
        """Steps before a target that belong to its window."""
        return int(self.lags[-1])

    def choose(self, lengths: Sequence[int], losses: Sequence[int]) -> np.ndarray:
        """The targets, ascending, in documents of so many steps of which the first so many have a loss.

        Raises
        ------
        TextError
        """
        starts = np.cumsum([0, *lengths])
        able = [np.arange(start + self.reach, start + n) for start, n in zip(starts[:-1], losses, strict=True)]
        steps = np.concatenate(able)
        if not len(steps):
            raise TextError(
                f"A target at a lag of {self.reach:,} needs {self.reach + 2:,} characters of one document, that with "
                f"its loss included; the longest that is read has {max(losses) + 1:,}. Give a longer text or "
                "smaller lags."
            )
        if isinstance(self.targets, int):
            number = min(self.targets, len(steps))
            return np.sort(np.random.default_rng(self.seed).choice(steps, number, replace=False))
        if len(beyond := np.setdiff1d(self.targets, steps)):
            ranges = [f"{one[0]:,} to {one[-1]:,}" for one in able if len(one)]
            raise TextError(
                f"Step {beyond[0]:,} can be no target at a lag of {self.reach:,}: a target has as many steps before it "
                f"in its document, and a loss. Those that have: {', '.join(ranges[:5])}{' ...' * (len(ranges) > 5)}."
            )
        return self.targets


@dataclass(frozen=True)
class TargetNorms:
    """Losses and norms at the targets.

    Attributes
    ----------
    targets : int array of shape (target,)
    losses : array of shape (target,)
    norms : dict of signal to array of shape (target, lag)
    along, rest : dicts of the same kind
        See `GradientFlow`.
    """

    targets: np.ndarray
    losses: np.ndarray
    norms: Mapping[str, np.ndarray]
    along: Mapping[str, np.ndarray]
    rest: Mapping[str, np.ndarray]

    def check(self, lags: np.ndarray) -> TargetNorms:
        """The same, if all of it is finite.

        Raises
        ------
        ModelError
            That says where it ceases to be, on the way from the losses back through the layers and through time.
        """
        check_losses(self.targets, self.losses)
        signals = sorted(self.norms, key=lambda signal: signal.rpartition(".")[0], reverse=True)
        for column, lag in enumerate(lags):
            for signal in signals:
                bad = ~np.isfinite(self.norms[signal][:, column])
                if bad.any():
                    row = bad.argmax()
                    raise ModelError(
                        f"The gradient is {self.norms[signal][row, column]} from {signal} on, at lag {lag} of target "
                        f"{self.targets[row]:,} (step {self.targets[row] - lag:,}), on its way back from the loss; "
                        f"so it is for {np.count_nonzero(bad)} of {len(bad)} targets at this lag. Look for weights "
                        "or states that are not finite there, or take smaller lags."
                    )
        return self


def check_losses(targets: np.ndarray, losses: np.ndarray) -> None:
    """Refuse losses that are not finite.

    Raises
    ------
    ModelError
    """
    bad = ~np.isfinite(losses)
    if bad.any():
        raise ModelError(
            f"The loss is {losses[bad.argmax()]} at target {targets[bad.argmax()]:,}, before any gradient is taken, "
            f"and at {np.count_nonzero(bad)} of {len(bad)} targets in all. Look for weights that are not finite."
        )
