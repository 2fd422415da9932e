"""Language modelling: the next character, from all before it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from rnnscope.corpora.splitting import SCORED
from rnnscope.corpora.texts import open_corpus
from rnnscope.errors import RecipeError, TextError
from rnnscope.models import CharLanguageModel
from rnnscope.models.stack import State
from rnnscope.ngram import KneserNey, nats_by_order
from rnnscope.text import Document, Vocabulary
from rnnscope.training.recipe import CorpusRecipe, Recipe
from rnnscope.training.stream_task import StreamTask
from rnnscope.training.task import Score, facts_of

_WINDOW = 1024
_HIGHEST_ORDER = 12
_MEASURE = "nats per character"


class LanguageModelling(StreamTask):
    """A text as streams, with the state carried from window to window.

    Documents of a part follow each other without a mark between them. The baseline is the n-gram model of the
    order that the validation part likes best.
    """

    network = CharLanguageModel
    corpus_recipe = CorpusRecipe

    def __init__(self, recipe: Recipe) -> None:
        if recipe.model.bidirectional:
            raise RecipeError(
                "model.bidirectional must be false for a language model: a network that reads backward as well sees "
                "the character that it is to predict."
            )
        self._recipe = recipe
        corpus = open_corpus(recipe.corpus.name, recipe.corpus.path, recipe.corpus.encoding)
        parts = corpus.split(recipe.corpus.split)
        self._vocabulary = Vocabulary.of(*(document.text for document in parts["train"]))
        self.tokens = {part: _encode(self._vocabulary, documents) for part, documents in parts.items()}
        for part in SCORED:
            if len(self.tokens[part]) < 2:
                raise TextError(f"The {part} part has no text to score. Give a longer text, or another corpus.split.")
        self.open_streams(self.tokens["train"], recipe.training, "characters")
        self.facts = facts_of(
            corpus,
            "characters",
            parts={part: len(ids) for part, ids in self.tokens.items()},
            sha256={part: hashlib.sha256(ids.numpy().tobytes()).hexdigest() for part, ids in self.tokens.items()},
            notes={"documents": f"{len(corpus.documents):,}"} if len(corpus.documents) > 1 else {},
        )
        unknown = {part: int((ids == 0).sum()) for part, ids in self.tokens.items()}
        self.remarks = (*_unknown(unknown), *corpus.remarks)

    def build(self) -> CharLanguageModel:
        return CharLanguageModel(self._recipe.model, self._vocabulary)

    def window_loss(self, model: Any, inputs: Tensor, targets: Tensor, state: State) -> tuple[Tensor, State]:
        logits, state = model(inputs, state)
        return functional.cross_entropy(logits.flatten(0, 1), targets.flatten()), state

    def validate(self, model: CharLanguageModel) -> float:
        tokens, training = self.tokens["validation"], self._recipe.training
        return evaluate(model, tokens, streams=max(1, min(training.streams, len(tokens) // training.window)))

    def scores(self, model: CharLanguageModel) -> list[Score]:
        train, validation = (self.tokens[part].numpy() for part in ("train", "validation"))
        nats = nats_by_order(train, validation, len(self._vocabulary), min(_HIGHEST_ORDER, len(train)))
        order = min(nats, key=lambda order: nats[order])
        ngrams = KneserNey(order, len(self._vocabulary)).fit(train)
        return [
            Score(part, _MEASURE, evaluate(model, tokens), {f"Kneser-Ney {order}-gram": ngrams.nats(tokens.numpy())})
            for part, tokens in self.tokens.items()
            if part != "train"
        ]


@torch.no_grad()
def evaluate(model: CharLanguageModel, tokens: Tensor, streams: int = 1) -> float:
    """Mean cross-entropy of a text in nats per character (lower is better).

    Parameters
    ----------
    model : CharLanguageModel, in eval mode
    tokens : int64 tensor of shape (time,)
    streams : int
        Stretches read side by side, each from a zero state. One stream is exact: the state is
        carried from the first character to the last. More are faster and a little pessimistic.

    Raises
    ------
    TextError
        If a stream would have fewer than two characters.
    """
    length = len(tokens) // streams
    if length < 2:
        raise TextError(f"A text of {len(tokens)} characters is too short to evaluate in {streams} streams.")
    columns = tokens[: streams * length].view(streams, length).T
    total, state = torch.zeros((), dtype=torch.float64), None
    for start in range(0, length - 1, _WINDOW):
        stop = min(start + _WINDOW, length - 1)
        logits, state = model(columns[start:stop].to(model.device), state)
        targets = columns[start + 1 : stop + 1].to(model.device)
        total += functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum").cpu()
    return float(total) / (streams * (length - 1))


def _unknown(counts: Mapping[str, int]) -> list[str]:
    return [
        f"{count:,} characters of the {part} part are unknown to the vocabulary of the training part."
        for part, count in counts.items()
        if count
    ]


def _encode(vocabulary: Vocabulary, documents: Sequence[Document]) -> Tensor:
    return torch.from_numpy(vocabulary.encode("".join(document.text for document in documents)))
