"""What every experiment on a language model begins with: the network, checked, documents, and a pass over them."""

from __future__ import annotations

from torch import Tensor

from rnnscope.arguments import whole
from rnnscope.cells import CELLS
from rnnscope.errors import ModelError
from rnnscope.models import CharLanguageModel
from rnnscope.models.network import check_mode
from rnnscope.models.stack import State
from rnnscope.text import Document
from rnnscope.tracing.documents import Texts, gather

LIMIT = 100_000
"""Characters or steps of a text that are read, if the user does not say."""

States = tuple[Tensor, ...]
"""h, and c where there is one, each of shape (layer, batch, unit)."""


def check_model(model: object) -> CharLanguageModel:
    """The network, if it is a language model that reads forward.

    Raises
    ------
    ModelError
    """
    expected = "A language model that reads forward was expected (CharLanguageModel)"
    if not isinstance(model, CharLanguageModel):
        raise ModelError(f"{expected}; got {getattr(model, 'task', type(model).__name__)}.")
    if model.config.bidirectional:
        raise ModelError(f"{expected}; this one is bidirectional: it has seen the character whose loss would be told.")
    check_mode(model)
    return model


def read_documents(text: Texts, limit: int) -> tuple[list[Document], int]:
    """The documents of a text as far as they lie within its first characters, and how many more characters it has.

    A file is one document.

    Raises
    ------
    TextError
        If a file cannot be read, or a text is empty.
    """
    limit = whole(limit, "limit", 2)
    documents, read, total = [], 0, 0
    for document in gather(text, "file"):
        if read < limit:
            documents.append(Document(document.name, document.text[: limit - read]))
            read += len(documents[-1].text)
        total += len(document.text)
    return documents, total - read


def zeros(model: CharLanguageModel) -> States:
    """The states of a beginning."""
    config, like = model.config, model.head.weight
    sizes = (config.proj_size or config.hidden_size, config.hidden_size)[: len(CELLS[config.cell].states)]
    return tuple(like.new_zeros((config.layers, 1, size)) for size in sizes)


def run(model: CharLanguageModel, tokens: Tensor, states: States) -> tuple[Tensor, States]:
    """Logits of shape (time, batch, token) for tokens of shape (time, batch), and the states after them."""
    first, *others = states
    given: State = states if others else first
    logits, after = model(tokens.to(model.device), given)
    return logits, after if isinstance(after, tuple) else (after,)
