"""The probability of each character of a text, by networks and by n-grams."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch.nn import functional

from rnnscope.analysis.beside import by_name, check_characters
from rnnscope.analysis.language_models import check_model, run, zeros
from rnnscope.models import CharLanguageModel
from rnnscope.ngram import KneserNey
from rnnscope.text import Document, Vocabulary

_CHUNK = 2_000
"""Steps that are read at once."""

Models = CharLanguageModel | Mapping[str, CharLanguageModel] | Sequence[CharLanguageModel]


def named_models(models: Models) -> dict[str, CharLanguageModel]:
    """Networks by their names, all language models that read forward and know the same characters.

    Raises
    ------
    ModelError
    """
    found = {name: check_model(model) for name, model in by_name(models).items()}
    check_characters(found)
    return found


@torch.no_grad()
def network_losses(
    model: CharLanguageModel, documents: Sequence[Document], advance: Callable[[int], None]
) -> np.ndarray:
    """The loss of each character but the first of each document, in nats, a float32 array of shape (time,).

    A document is read from a zero state, which is then carried through it.
    """
    losses = [np.zeros(0, dtype=np.float32)]
    for document in documents:
        tokens, states = torch.from_numpy(model.vocabulary.encode(document.text)), zeros(model)
        for first in range(0, len(tokens) - 1, _CHUNK):
            part = tokens[first : first + _CHUNK + 1]
            logits, states = run(model, part[:-1, None], states)
            found = functional.cross_entropy(logits[:, 0].float(), part[1:].to(logits.device), reduction="none")
            losses.append(found.cpu().numpy())
            advance(len(found))
    return np.concatenate(losses)


def ngram_losses(ngram: KneserNey, vocabulary: Vocabulary, documents: Sequence[Document]) -> np.ndarray:
    """The same by a fitted n-gram model, which also begins anew with each document."""
    losses = [-ngram.log_probabilities(vocabulary.encode(document.text))[1:] for document in documents]
    return np.concatenate(losses).astype(np.float32)
