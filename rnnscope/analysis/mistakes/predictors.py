"""The probability of each character of a text, by networks and by n-grams."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch.nn import functional

from rnnscope.analysis.language_models import check_model, run, zeros
from rnnscope.errors import ModelError
from rnnscope.models import CharLanguageModel
from rnnscope.ngram import KneserNey
from rnnscope.text import Document, Vocabulary, visible

_CHUNK = 2_000
"""Steps that are read at once."""

Models = CharLanguageModel | Mapping[str, CharLanguageModel] | Sequence[CharLanguageModel]


def named_models(models: Models) -> dict[str, CharLanguageModel]:
    """Networks by their names, all of one vocabulary.

    Raises
    ------
    ModelError
    """
    if isinstance(models, Mapping):
        found = {str(name): check_model(model) for name, model in models.items()}
    elif isinstance(models, list | tuple):
        found = {f"model {number}": check_model(model) for number, model in enumerate(models, start=1)}
    else:
        found = {"model": check_model(models)}
    if not found:
        raise ModelError("No network is given; at least one is needed whose errors are looked at.")
    (first, reference), *others = found.items()
    for name, model in others:
        _check_alike(first, reference.vocabulary, name, model.vocabulary)
    return found


def _check_alike(one: str, first: Vocabulary, other: str, second: Vocabulary) -> None:
    alone = [sorted(set(a.characters) - set(b.characters)) for a, b in ((first, second), (second, first))]
    if not any(alone):
        return
    said = [
        f"{name} alone knows {' '.join(map(visible, some[:10]))}{' ...' if len(some) > 10 else ''}"
        for name, some in zip((one, other), alone, strict=True)
        if some
    ]
    raise ModelError(
        f"{one} and {other} have different vocabularies: {'; '.join(said)}. The odds of one are spread over characters "
        "that the other lacks, so their errors cannot be compared. Give networks trained on the same characters."
    )


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
