"""Pages of token ids, for networks that read a token at each step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor

from rnnscope.errors import TextError
from rnnscope.text import Vocabulary, codepoints
from rnnscope.tracing.documents import as_numbers, holds_texts

from .reader import Page, Reader


class TokenReader(Reader):
    """Reads texts, or token ids that stand for one."""

    def pages(self, given: Any) -> list[Page]:
        if holds_texts(given):
            return super().pages(given)
        tokens = _checked(given, len(self.characters))
        return [Page("text", _text(tokens, self.characters), tokens)]

    def tokens(self, page: Page, start: int = 0, stop: int | None = None) -> np.ndarray:
        """Token ids from one step of a page to another, of shape (time,)."""
        if page.content is not None:
            return page.content[start:stop]
        return self.encode(page.text[start:stop])

    def encode(self, text: str) -> np.ndarray:
        """Token ids of a text, of shape (time,)."""
        raise NotImplementedError


def _checked(tokens: Sequence[int] | np.ndarray | Tensor, size: int) -> np.ndarray:
    array = as_numbers(tokens)
    if not array.size:
        raise TextError("The text is empty; at least one character is needed.")
    if array.ndim != 1 or not np.issubdtype(array.dtype, np.integer):
        raise TextError(f"Token ids are whole numbers of shape (time,); got {array.dtype} of shape {array.shape}.")
    if array.min() < 0 or (size and array.max() >= size):
        last = f"to {size - 1}" if size else "on"
        raise TextError(f"Token ids go from 0 {last}; got {array.min()} to {array.max()}.")
    return array.astype(np.int64)


def _text(tokens: np.ndarray, characters: Sequence[str]) -> str:
    """The characters of token ids; U+FFFD where nobody knows them."""
    if not characters:
        return Vocabulary.UNKNOWN * len(tokens)
    codes = codepoints("".join(characters))[tokens]
    return codes.astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")
