"""From a file that another program wrote to a `CharLanguageModel` that computes the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rnnscope.arguments import as_path
from rnnscope.cells import CELLS
from rnnscope.checkpoint import describe
from rnnscope.errors import CheckpointError, TextError
from rnnscope.models import CharLanguageModel, LanguageModelConfig
from rnnscope.text import File, as_file

from .architecture import Architecture, infer
from .files import as_float32, read_weights
from .recurrent import Stack
from .vocabulary import Tokens, check_size, entries_of, find_entries, read_entries

NEVER = -100.0
"""Logit of the unknown symbol where the foreign network has none: it then gets no probability to speak of."""

_OTHER_NAMES = {("gru", "h"): "n", ("lstm", "c"): "g"}
"""What Keras calls the candidate."""


def import_model(
    path: str | Path,
    *,
    vocabulary: str | Path | File | Sequence[str] | Mapping[Any, Any] | None = None,
    rnn: str | None = None,
    embedding: str | None = None,
    head: str | None = None,
    gates: str | Sequence[str] | None = None,
    nonlinearity: str | None = None,
) -> CharLanguageModel:
    """Open a network that another program trained: a state_dict in a file of torch.save, or a TorchScript file.

    The architecture is inferred from the names and shapes of the weights, see ``model.card`` for what was found.
    Nothing in the file is run. rnnscope's token 0 is the unknown symbol. If the foreign network has none, one is
    put before its tokens: its input is a vector of zeros and its logit always -100, so that it is never
    expected and the logits of all other tokens are the foreign network's own.

    Parameters
    ----------
    path : path
    vocabulary : path, File, list of str, or mapping, optional
        The tokens in the order of their ids; if not given, the file must hold them. A path or a `File` leads to JSON
        (a list, or a mapping either way round) or to a text, whose sorted characters are taken.
    rnn, embedding, head : str, optional
        Names of modules in the file, to choose between several.
    gates : str or sequence of str, optional
        The order of the gates in the rows of the weights, if it is not PyTorch's (``"i,f,g,o"``, ``"r,z,n"``).
    nonlinearity : {"tanh", "relu"}, optional
        Of a vanilla RNN; tanh if not given.

    Returns
    -------
    CharLanguageModel
        In eval mode, with a card.

    Raises
    ------
    CheckpointError
        If the file cannot be read, or holds another kind of network, or more than one.
    TextError
        If there is no vocabulary, or it does not fit.

    Examples
    --------
    >>> import torch
    >>> import rnnscope
    >>> parts = {"gru": torch.nn.GRU(3, 8), "head": torch.nn.Linear(8, 3)}
    >>> torch.save(torch.nn.ModuleDict(parts).state_dict(), "theirs.pt")
    >>> rnnscope.import_model("theirs.pt", vocabulary=["a", "b", "c"]).architecture
    'gru, 1 layer of 8 units, one-hot input'
    """
    path = as_path(path)
    weights, content = read_weights(path)
    with _said_of(path):
        shapes = {name: tuple(tensor.shape) for name, tensor in weights.items()}
        found = infer(shapes, rnn=rnn, embedding=embedding, head=head)
        weights, notes = as_float32({name: weights[name] for name in found.weights})
    from_file = isinstance(vocabulary, str | Path | File)
    given = read_entries(as_file(vocabulary), found.vocabulary_size) if from_file else None
    with _said_of(path):
        entries, origin = given or _entries(content, vocabulary, found.vocabulary_size)
        check_size(entries, found.vocabulary_size, f"the vocabulary {origin}")
        tokens = Tokens.of(entries)
    rows = _gate_rows(found.stack, gates)
    config = _config(found, weights, nonlinearity)
    model = CharLanguageModel(config, tokens.vocabulary)
    model.load_state_dict(_rearranged(found, weights, tokens, rows))
    notes = [*_notes(found, gates, nonlinearity), *notes, *tokens.notes]
    record = {
        "file": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "found": _parts(found) | {"tokens": f"{len(entries)}, {origin}"},
        "notes": notes,
    }
    model.card = describe(model, {"imported": record})
    return model.eval()


@contextmanager
def _said_of(path: str | Path) -> Iterator[None]:
    """Errors in this block name the file."""
    try:
        yield
    except (CheckpointError, TextError) as error:
        raise type(error)(f"{path}: {error}") from None


def _entries(content: Any, vocabulary: Any, size: int) -> tuple[list[str], str]:
    """The vocabulary in the order of the foreign ids, and where it is from."""
    if vocabulary is not None:
        return entries_of(vocabulary, "The vocabulary"), "as given"
    found = find_entries(content, size)
    if found is None:
        raise TextError(
            f"The file holds no vocabulary for the {size} tokens that the network knows. Give it with --vocab FILE: "
            "a list in JSON, or the very text that the network was trained on."
        )
    return found[0], f"from {found[1]!r} in the file"


def _gate_rows(stack: Stack, gates: str | Sequence[str] | None) -> list[int] | None:
    """For each of PyTorch's gates its place in the file; None for PyTorch's order."""
    names = [gate.name for gate in CELLS[stack.cell].gates]
    if gates is None:
        return None
    several = gates.split(",") if isinstance(gates, str) and "," in gates else gates
    given = [str(letter).strip() for letter in several] if isinstance(several, Iterable) else [str(several)]
    letters = [_OTHER_NAMES.get((stack.cell, letter), letter) for letter in given]
    if sorted(letters) != sorted(names):
        expected = f"each of {', '.join(names)} once" if names else "none, because a vanilla RNN has no gates"
        raise CheckpointError(
            f"The gates are given as {','.join(given)!r}; for this {stack.cell} network expected {expected}, in the "
            "order in which they stand in the file, such as --gates i,f,o,g."
        )
    return [letters.index(name) for name in names]


def _config(found: Architecture, weights: Mapping[str, Tensor], nonlinearity: str | None) -> LanguageModelConfig:
    stack = found.stack
    if nonlinearity is not None and stack.cell != "rnn":
        raise CheckpointError(f"A nonlinearity is given, but the network is a {stack.cell}, which has its own.")
    tied = bool(found.embedding) and found.embedding_size == stack.output_size
    return LanguageModelConfig(
        cell=stack.cell,
        nonlinearity=nonlinearity or "tanh",
        hidden_size=stack.hidden_size,
        layers=stack.layers,
        embedding_size=found.embedding_size,
        tied=tied and torch.equal(weights[found.embedding], weights[found.head]),
        bias=stack.bias,
        proj_size=stack.proj_size,
        bidirectional=stack.bidirectional,
    )


def _rearranged(
    found: Architecture, weights: Mapping[str, Tensor], tokens: Tokens, rows: list[int] | None
) -> dict[str, Tensor]:
    """The state_dict of a `CharLanguageModel`, with tokens in its order and gates in PyTorch's."""
    head = weights[found.head]
    bias = weights[found.head_bias] if found.head_bias else head.new_zeros(len(head))
    state = {
        "head.weight": _token_rows(head, tokens, 0.0),
        "head.bias": _token_rows(bias, tokens, NEVER),
    }
    if found.embedding:
        state["embedding.weight"] = _token_rows(weights[found.embedding], tokens, 0.0)
    for place, name in found.stack.weights.items():
        weight = weights[name]
        if rows is not None and not place.startswith("weight_hr"):
            blocks = weight.chunk(len(rows))
            weight = torch.cat([blocks[row] for row in rows])
        if not found.embedding and place.startswith("weight_ih_l0"):
            weight = _token_rows(weight.T, tokens, 0.0).T
        state[f"rnn.{place}"] = weight.contiguous()
    return state


def _token_rows(values: Tensor, tokens: Tokens, unknown: float) -> Tensor:
    """Rows in the order of the vocabulary; a row of one value for a symbol that the network lacks."""
    extended = torch.cat((values, torch.full_like(values[:1], unknown)))
    return extended[list(tokens.order)]  # -1 is the last


def _parts(found: Architecture) -> dict[str, str]:
    head_bias = "with bias" if found.head_bias else "without bias"
    return {
        "recurrent layers": ", ".join(found.stack.chained) or found.stack.name or "without a name",
        "input": found.embedding or "one-hot, no embedding among the weights",
        "head": f"{found.head}, {head_bias}",
    }


def _notes(found: Architecture, gates: str | Sequence[str] | None, nonlinearity: str | None) -> list[str]:
    """What was assumed, and what was done at the user's word."""
    notes = []
    if found.stack.cell == "rnn" and nonlinearity is None:
        notes.append("tanh is assumed, weights do not show it; the other is --nonlinearity relu")
    if found.stack.chained:
        notes.append(f"{', '.join(found.stack.chained)} are taken for one stack, each reading the one before")
    if gates is not None:
        notes.append(f"gates rearranged from the order {gates if isinstance(gates, str) else ','.join(gates)}")
    if found.left_out:
        notes.append(f"left out: {', '.join(found.left_out)}")
    return notes
