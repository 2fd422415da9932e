"""A long text as streams for truncated backpropagation through time (BPTT)."""

from __future__ import annotations

from torch import Tensor

from rnnscope.errors import TextError


class Streams:
    """Equal stretches of a text, read side by side in windows.

    Window after window continues where the last one ended, so the state may be carried on; at the
    start of each epoch the streams start anew. Window ``i`` depends on ``i`` alone: nothing has to
    be remembered to resume.

    Parameters
    ----------
    tokens : int64 tensor of shape (time,)
    streams : int
    window : int
        Steps a window.

    Raises
    ------
    TextError
        If the text is too short for one window.
    """

    def __init__(self, tokens: Tensor, streams: int, window: int) -> None:
        length = len(tokens) // streams
        needed = streams * (window + 1)
        if len(tokens) < needed:
            raise TextError(
                f"The training part has {len(tokens):,} characters; {streams} streams with a window of {window} need "
                f"at least {needed:,}. Give a longer text, or lower training.streams or training.window."
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
