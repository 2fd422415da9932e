"""What network a file holds: embedding or one-hot input, recurrent layers and a linear head, by name and shape."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rnnscope.errors import CheckpointError

from .recurrent import Shapes, Stack, find_stacks, is_recurrent

_USUAL_NAMES = {"embedding": re.compile("emb|encod|lookup|wte"), "head": re.compile("head|decod|out|fc|lin|proj|logit")}

_LOSS = re.compile(r"(criterion|loss\w*)\..*")
"""Weights of classes in a loss function: no part of what the network computes."""

_RECORD_IT = (
    "rnnscope imports an embedding or one-hot input, recurrent layers and one linear head. A network that computes "
    "something else can be recorded as it is, from Python: with rnnscope.record(module) as recording."
)


@dataclass(frozen=True)
class Architecture:
    """A language model as it was found in a file.

    Attributes
    ----------
    stack : Stack
        The recurrent layers.
    embedding : str
        Name of the embedding's weight; empty for one-hot input.
    head : str
        Name of the head's weight.
    head_bias : str
        Name of its bias; empty for none.
    vocabulary_size : int
    embedding_size : int
        0 for one-hot input.
    left_out : tuple of str
        Weights that do not take part because the user chose others.
    """

    stack: Stack
    embedding: str
    head: str
    head_bias: str
    vocabulary_size: int
    embedding_size: int
    left_out: tuple[str, ...] = ()

    @property
    def weights(self) -> tuple[str, ...]:
        """The names of all weights that take part."""
        return (*self.stack.weights.values(), *filter(None, (self.embedding, self.head, self.head_bias)))


def infer(
    shapes: Shapes, *, rnn: str | None = None, embedding: str | None = None, head: str | None = None
) -> Architecture:
    """The network whose weights have these names and shapes.

    Parameters
    ----------
    shapes : mapping of name to shape
    rnn, embedding, head : str, optional
        Names of modules, to choose between several.

    Raises
    ------
    CheckpointError
        If there is no such network, more than one, or if there are weights that it does not explain.
    """
    stack = _choose_stack(find_stacks(shapes, rnn), rnn)
    rest = {name: tuple(shape) for name, shape in shapes.items() if not is_recurrent(name)}
    rest = {name: shape for name, shape in rest.items() if not _LOSS.fullmatch(name)}
    heads = _matrices(rest, stack.output_size)
    inputs = [name for name in _matrices(rest, stack.input_size) if _bias_of(name) not in rest]
    pairs = _pairs(stack, rest, _named(inputs, embedding, "--embedding", rest), _named(heads, head, "--head", rest))
    pair = _choose_pair(pairs if embedding is None else [p for p in pairs if p[0]], stack, rest)
    bias = _bias_of(pair[1]) if _bias_of(pair[1]) in rest else ""
    if bias and rest[bias] != (rest[pair[1]][0],):
        raise CheckpointError(f"{bias} has the shape {rest[bias]}; {(rest[pair[1]][0],)} is expected.")
    others = (heads if head is not None else []) + (inputs if embedding is not None else [])
    over = _left_over(rest, pair, bias, others)
    mine = set(stack.weights.values())
    idle = [name for name in shapes if is_recurrent(name) and name not in mine]
    return Architecture(
        stack=stack,
        embedding=pair[0],
        head=pair[1],
        head_bias=bias,
        vocabulary_size=rest[pair[1]][0],
        embedding_size=stack.input_size if pair[0] else 0,
        left_out=(*idle, *over),
    )


def _choose_stack(stacks: list[Stack], wanted: str | None) -> Stack:
    if not stacks:
        raise CheckpointError(
            "There is no recurrent layer among the weights: none is named as nn.RNN, nn.GRU and nn.LSTM name theirs, "
            "such as lstm.weight_ih_l0."
        )
    names = ", ".join(stack.name or "''" for stack in stacks)
    if wanted is not None:
        matches = [stack for stack in stacks if stack.name == wanted]
        if not matches:
            raise CheckpointError(f"There are no recurrent layers named {wanted!r}. There are: {names}.")
        return matches[0]
    if len(stacks) > 1:
        raise CheckpointError(
            f"There are several recurrent networks: {names}. Choose one with --rnn NAME; the others are left out."
        )
    return stacks[0]


def _matrices(rest: Shapes, columns: int) -> list[str]:
    return [
        name
        for name, shape in rest.items()
        if name.split(".")[-1] == "weight" and len(shape) == 2 and shape[1] == columns and shape[0] > 0
    ]


def _bias_of(weight: str) -> str:
    return weight.removesuffix("weight") + "bias"


def _named(candidates: list[str], wanted: str | None, option: str, rest: Shapes) -> list[str]:
    """The candidate that the user named, or all."""
    if wanted is None:
        return candidates
    matches = [name for name in candidates if wanted in (name, name.removesuffix(".weight"))]
    if not matches:
        fitting = f"That fit: {', '.join(candidates)}." if candidates else f"None fits. {_listed(rest)}"
        raise CheckpointError(f"{option} {wanted} names no matrix whose columns fit. {fitting}")
    return matches


def _pairs(stack: Stack, rest: Shapes, inputs: list[str], heads: list[str]) -> list[tuple[str, str]]:
    """Embeddings (empty for one-hot) and heads that know equally many tokens."""
    pairs = [(one, other) for one in inputs for other in heads if one != other and rest[one][0] == rest[other][0]]
    one_hot = [("", name) for name in heads if rest[name][0] == stack.input_size]
    complete = [
        pair for pair in pairs + one_hot if not set(rest) - {*pair, _bias_of(pair[1])}
    ]  # where one choice explains every weight, the others are none
    likely = [pair for pair in complete if _likelihood(pair) == max(map(_likelihood, complete))]
    return likely or pairs or one_hot


def _choose_pair(pairs: list[tuple[str, str]], stack: Stack, rest: Shapes) -> tuple[str, str]:
    if not pairs:
        raise CheckpointError(
            f"{stack.name or 'The network'} reads {stack.input_size} numbers a step and gives {stack.output_size}: "
            f"expected an embedding of {stack.input_size} columns (or one-hot input of {stack.input_size} tokens) and "
            f"a linear head of {stack.output_size} columns, with a row for each token. {_listed(rest)} {_RECORD_IT}"
        )
    for place, option in ((1, "--head"), (0, "--embedding")):
        if len(names := list(dict.fromkeys(pair[place] for pair in pairs))) > 1:
            what = option.removeprefix("--")
            raise CheckpointError(f"Each of {', '.join(names)} could be the {what}. Choose with {option} NAME.")
    return pairs[0]


def _likelihood(pair: tuple[str, str]) -> int:
    """How many of the two bear a name that people give to such a part."""
    embedding, head = (name.lower() for name in pair)
    return bool(_USUAL_NAMES["embedding"].search(embedding)) + bool(_USUAL_NAMES["head"].search(head))


def _left_over(rest: Shapes, pair: tuple[str, str], bias: str, others: list[str]) -> list[str]:
    """Weights beside the network: none but those that the user chose against, of the same shape as the chosen."""
    over = [name for name in rest if name not in (*pair, bias)]
    spared = [name for name in others if rest[name] in (rest[pair[1]], rest.get(pair[0]))]
    if unexplained := [name for name in over if name not in (*spared, *map(_bias_of, spared))]:
        raise CheckpointError(f"The network computes more than this. {_listed(rest, unexplained)} {_RECORD_IT}")
    return over


def _listed(rest: Shapes, names: list[str] | None = None, most: int = 8) -> str:
    names = list(rest) if names is None else names
    if not names:
        return "There are no other weights."
    shown = ", ".join(f"{name} {' x '.join(map(str, rest[name]))}".strip() for name in names[:most])
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"Beside the recurrent layers there {'is' if len(names) == 1 else 'are'}: {shown}{more}."
