"""What a step is given: windows of a long text for truncated backpropagation (BPTT), or shuffled examples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from rnnscope.errors import TextError


class Streams:
    """Equal stretches of a text, read side by side in windows.

    Window after window continues where the last one ended, so the state may be carried on; at the
    start of each epoch the streams start anew. Window ``i`` depends on ``i`` alone: nothing has to
    be remembered to resume.

    Parameters
    ----------
    tokens : tensor of shape (time,)
    streams : int
    window : int
        Steps a window.
    counted : str
        What a step is called.

    Raises
    ------
    TextError
        If the text is too short for one window.
    """

    def __init__(self, tokens: Tensor, streams: int, window: int, counted: str = "characters") -> None:
        length = len(tokens) // streams
        needed = streams * (window + 1)
        if len(tokens) < needed:
            raise TextError(
                f"The training part has {len(tokens):,} {counted}; {streams} streams with a window of {window} need "
                f"at least {needed:,}. Give more of them, or lower training.streams or training.window."
            )
        self.window = window
        self.tokens = tokens[: streams * length].view(streams, length).T.contiguous()

    def __len__(self) -> int:
        """Windows an epoch."""
        return (len(self.tokens) - 1) // self.window

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """Inputs and targets of a window, each of shape (time, batch)."""
        start = index % len(self) * self.window
        stop = start + self.window
        return self.tokens[start:stop], self.tokens[start + 1 : stop + 1]

    def starts_anew(self, index: int) -> bool:
        """Whether a window does not continue the one before."""
        return index % len(self) == 0


class Shuffled:
    """Examples in batches, in a new order each epoch, those of a batch of similar length.

    The order depends on the seed and the epoch alone: nothing has to be remembered to resume.

    Parameters
    ----------
    lengths : sequence of int
        Of each example, so that little of a batch is padding.
    batch_size : int
        Examples a batch; the last of an epoch may have fewer.
    seed : int
    """

    _POOL = 50
    """Batches whose examples are sorted together."""

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int) -> None:
        self._lengths = np.asarray(lengths)
        self._batch_size = batch_size
        self._seed = seed
        self._epoch = -1
        self._order: list[np.ndarray] = []

    def __len__(self) -> int:
        """Batches an epoch."""
        return -(-len(self._lengths) // self._batch_size)

    def __getitem__(self, index: int) -> list[int]:
        """The examples of batch ``index``, counted on through the epochs."""
        epoch, place = divmod(index, len(self))
        if epoch != self._epoch:
            self._epoch, self._order = epoch, self._shuffle(np.random.default_rng((self._seed, epoch)))
        return self._order[place].tolist()

    def _shuffle(self, rng: np.random.Generator) -> list[np.ndarray]:
        size, order = self._batch_size, rng.permutation(len(self._lengths))
        pools = np.split(order, range(size * self._POOL, len(order), size * self._POOL))
        batches = []
        for pool in pools:
            pool = pool[np.argsort(self._lengths[pool], kind="stable")]
            batches += np.split(pool, range(size, len(pool), size))
        return [batches[i] for i in rng.permutation(len(batches))]
