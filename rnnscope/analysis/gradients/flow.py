"""How far back the gradient of a loss reaches: its norm by lag, for many targets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from rnnscope.analysis.language_models import LIMIT, check_model, read_documents
from rnnscope.arguments import whole
from rnnscope.errors import ModelError, TextError
from rnnscope.models import CharLanguageModel, Network, SequenceClassifier
from rnnscope.models.network import check_mode
from rnnscope.recording.layers import recurrent_layers
from rnnscope.text import counted
from rnnscope.tracing.documents import Texts

from .autograd import Loss, by_autograd
from .bound import is_vanilla, recurrent_bound
from .flow_result import GradientFlow
from .targets import Wanted
from .windows import by_adjoint, is_stock


def gradient_flow(
    model: nn.Module,
    text: Texts | Tensor,
    *,
    lags: int | Sequence[int] = 200,
    targets: int | Sequence[int] = 1000,
    seed: int = 0,
    limit: int = LIMIT,
    loss: Loss | None = None,
) -> GradientFlow:
    """Measure how much the loss at a step depends on the states of earlier steps.

    For a target t and a lag k these are the norms of dL_t/dh_{t-k} and dL_t/dc_{t-k}, over the units of a layer. L_t is
    the loss of the character that follows step t, in nats. The derivatives are total ones: all that a change to the
    signal at that step would change on its way to the loss counts, in its own layer and in those above (Hochreiter
    1991; Bengio, Simard, Frasconi 1994; Pascanu, Mikolov, Bengio 2013). They are those that autograd has at the nodes
    of `rnnscope.unroll`.

    Parameters
    ----------
    model : nn.Module in eval mode
        A language model that reads forward. With a ``loss``, also a classifier that reads forward, or any module whose
        recurrent layers have adapters (see `rnnscope.register`).
    text : str, Document, Path, File, or a sequence of these
        Each is a document, read from a zero state. For a module of your own: what it is called with, a tensor whose
        first axis is time.
    lags : int, or a sequence of ints
        The largest lag, or all of them; 0 is the step of the target itself.
    targets : int, or a sequence of ints
        How many steps, drawn at random from those that have enough before them; or which, counted through all
        documents, the first step being 0.
    seed : int
        Of the random targets.
    limit : int
        Characters to read: the first ones of the text.
    loss : callable, optional
        ``loss(output, tokens)`` gives the losses of the steps, a tensor of shape (time,) or (time, batch), from what
        the network puts out (the first of it, if it is a tuple) and what it has read. It may leave out the last steps.
        A sequence of a batch is a target of its own. A classifier puts out what `SequenceClassifier.running` does:
        logits at each step, as if the text ended there.

    Returns
    -------
    GradientFlow

    Raises
    ------
    ModelError
        If the network has no loss that rnnscope knows, reads in both directions or is in training mode; or if losses
        or gradients are not finite: it says where they cease to be.
    TextError
        If the text cannot be read, is shorter than the lags, or has no such targets.
    ArgumentError
        If a number is no whole one.

    Notes
    -----
    For a language model of PyTorch's cells the text is read once, and all targets go back together by the adjoint of
    the cells (see `rnnscope.analysis.gradients.adjoint`): no window is read again, and a norm is exact also where its
    type has no number so small. Everything else goes through autograd, one target after another, over the first 2,000
    steps beyond the largest lag; what leaves the range of its type is zero or an error there.

    Examples
    --------
    >>> import rnnscope.trained
    >>> model = rnnscope.load(rnnscope.trained.path("prose-lstm"))
    >>> text = '"You are late," said Anna, and sat down. "I know," he said.\\n' * 4
    >>> flow = rnnscope.gradient_flow(model, text, lags=50, targets=20)
    >>> flow.summary[["half_life", "slope"]].round(1)
            half_life  slope
    signal
    l0.h          1.7   -0.2
    l0.c          2.2   -0.1
    """
    wanted = Wanted.of(lags, targets, seed)
    _check_network(model, loss)
    documents, characters, words = _read(model, text, limit)
    if loss is None and is_stock(model):
        found = by_adjoint(model, documents, wanted)
    else:
        found = by_autograd(model, _call(model), documents, loss or _following, wanted)
    found.check(wanted.lags)
    return GradientFlow(
        architecture=model.architecture if isinstance(model, Network) else type(model).__name__,
        text=words,
        targets=found.targets,
        lags=wanted.lags,
        losses=found.losses,
        norms=found.norms,
        along=found.along,
        rest=found.rest,
        characters="".join(characters[step] for step in found.targets) if characters else "",
        bound=recurrent_bound(model) if all(map(is_vanilla, recurrent_layers(model).values())) else None,
    )


def _check_network(model: nn.Module, loss: Loss | None) -> None:
    """Refuse a network that has no loss at each step, or none that is due to the steps before it alone."""
    layers = recurrent_layers(model)
    if loss is not None and not callable(loss):
        raise ModelError(f"loss is a callable that gets what the network puts out and what it has read; got {loss!r}.")
    name = getattr(model, "task", type(model).__name__)
    if isinstance(model, CharLanguageModel):
        check_model(model)
    elif isinstance(model, Network) and not isinstance(model, SequenceClassifier):
        raise ModelError(
            "A language model was expected, a classifier, or a module that is called with a tensor whose first axis "
            f"is time; got a {name}, which has no output at each step of one text."
        )
    elif any(getattr(part, "bidirectional", False) for part in model.modules()):
        raise ModelError("This network reads in both directions: what comes after a step acts on it, too.")
    elif loss is None:
        raise ModelError(
            f"rnnscope knows the loss of a language model; {name} needs one of each step: loss=, a callable that gets "
            "what the network puts out and what it has read, and gives a tensor of shape (time,) or (time, batch)."
        )
    elif any(getattr(part, "batch_first", False) for part in layers.values()):
        raise ModelError("The first axis has to be time; this network has layers with batch_first=True.")
    check_mode(model)


def _read(model: nn.Module, text: Any, limit: int) -> tuple[list[Tensor], str, str]:
    """What is read: by document, as characters where there are some, and in words."""
    if isinstance(model, CharLanguageModel | SequenceClassifier):
        documents, more = read_documents(text, limit)
        characters = "".join(document.text for document in documents)
        count = counted(len(characters), "character")
        words = f"the first {len(characters):,} of {len(characters) + more:,} characters" if more else count
        words += f" in {len(documents):,} documents" if len(documents) > 1 else ""
        return [torch.from_numpy(model.vocabulary.encode(one.text)) for one in documents], characters, words
    if not isinstance(text, Tensor) or text.dim() < 1 or not len(text):
        got = f"one of shape {tuple(text.shape)}" if isinstance(text, Tensor) else type(text).__name__
        raise TextError(
            f"{type(model).__name__} is called with a tensor whose first axis is time, token ids or vectors; got {got}."
        )
    return [text[: whole(limit, "limit", 1)]], "", counted(min(limit, len(text)), "step")


def _call(model: nn.Module) -> Callable[[Tensor], Tensor]:
    """What calls the network with what it reads, and gives what it puts out."""
    device = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
    called = model.running if isinstance(model, SequenceClassifier) else model

    def call(read: Tensor) -> Tensor:
        output = called(read.to(device))
        return output[0] if isinstance(output, tuple | list) else output

    return call


def _following(logits: Tensor, tokens: Tensor) -> Tensor:
    """The losses of a language model: of the character that follows each step."""
    return functional.cross_entropy(logits[:-1], tokens[1:].to(logits.device), reduction="none")
