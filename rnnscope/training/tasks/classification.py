"""Classification: one label for a text, beside logistic regressions on its words and its character n-grams."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from torch import Tensor
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from rnnscope.corpora.labelled import LabelledCorpus, LabelledText, open_labelled
from rnnscope.corpora.splitting import SCORED
from rnnscope.errors import TextError
from rnnscope.models.classifier import SequenceClassifier
from rnnscope.text import Vocabulary
from rnnscope.training.example_task import ExampleTask
from rnnscope.training.recipe import CorpusRecipe, Recipe, demand
from rnnscope.training.task import Score, facts_of

_INVERSE_STRENGTHS = (1.0, 10.0, 100.0)
"""Of regularisation, C: what a baseline is tried with."""

_WORD = r"\w+|[^\w\s]"
"""A word or a mark; a text that is not empty has one."""


@dataclass(frozen=True)
class LabelledRecipe(CorpusRecipe):
    """Which labelled texts.

    Attributes
    ----------
    text, label : str
        Names of the columns of a table at ``path``.
    longest : int
        Characters that are read of a text; what follows is cut off.
    """

    text: str = "text"
    label: str = "label"
    longest: int = 1000

    def __post_init__(self) -> None:
        demand(self.longest > 0, "corpus.longest", "more than 0", self.longest)


class Classification(ExampleTask):
    """Texts in shuffled batches, cross-entropy of their labels.

    The labels and characters of the network are those of the training part. A character that only one of
    its texts has is read as the unknown symbol, which so learns what a rare character is like.
    """

    network = SequenceClassifier
    corpus_recipe = LabelledRecipe

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        table: LabelledRecipe = recipe.corpus
        corpus = open_labelled(table.name, table.path, table.encoding, table.text, table.label)
        corpus = corpus.cut(table.longest).distinct()
        self.parts = corpus.split(table.split)
        self.labels = tuple(sorted({example.label for example in self.parts["train"]}))
        self._demand_parts()
        self._vocabulary = _vocabulary(example.text for example in self.parts["train"])
        train = self.parts["train"]
        self._tokens = [torch.from_numpy(self._vocabulary.encode(example.text)) for example in train]
        self._numbers = self._targets(train)
        self.open_examples([len(tokens) for tokens in self._tokens], recipe)
        self.facts = self._facts(corpus)
        self.remarks = (*corpus.remarks, *self._remarks(corpus))

    def build(self) -> SequenceClassifier:
        return SequenceClassifier(self._recipe.model, self._vocabulary, self.labels)

    def summed_loss(self, model: Any, places: Sequence[int]) -> Tensor:
        device = next(model.parameters()).device
        texts = [self._tokens[place] for place in places]
        logits = model(pad_sequence(texts).to(device), torch.tensor([len(text) for text in texts]))
        return functional.cross_entropy(logits, self._numbers[list(places)].to(device), reduction="sum")

    def weight(self, places: Sequence[int]) -> int:
        return len(places)

    @torch.no_grad()
    def validate(self, model: SequenceClassifier) -> float:
        """Mean cross-entropy in nats of the texts whose label the network knows."""
        targets = self._targets(self.parts["validation"])
        return float(functional.cross_entropy(self._logits(model, "validation"), targets, ignore_index=-1))

    @torch.no_grad()
    def scores(self, model: SequenceClassifier) -> list[Score]:
        guesses = {"network": {part: self._guess(model, part) for part in SCORED}, **self._baselines()}
        scores = []
        for part in SCORED:
            truth = [example.label for example in self.parts[part]]
            for measure in ("accuracy", self._f1):
                values = {name: self._measure(measure, truth, those[part]) for name, those in guesses.items()}
                scores.append(Score(part, measure, values.pop("network"), values))
        return scores

    @property
    def _f1(self) -> str:
        return f"F1 of {self._rarest}" if len(self.labels) == 2 else "macro F1"

    @property
    def _rarest(self) -> str:
        """The label that the fewest texts of the training part have."""
        return min(self.labels, key=lambda label: self._classes("train")[label])

    def _measure(self, measure: str, truth: Sequence[str], guesses: Sequence[str]) -> float:
        if measure == "accuracy":
            return float(accuracy_score(truth, guesses))
        labels = [self._rarest] if len(self.labels) == 2 else None
        return float(f1_score(truth, guesses, labels=labels, average="macro", zero_division=0.0))  # pyright: ignore[reportArgumentType]

    def _guess(self, model: SequenceClassifier, part: str) -> list[str]:
        return [self.labels[i] for i in self._logits(model, part).argmax(dim=-1).tolist()]

    def _logits(self, model: SequenceClassifier, part: str) -> Tensor:
        return model.logits_of([example.text for example in self.parts[part]])

    def _targets(self, examples: Sequence[LabelledText]) -> Tensor:
        """Numbers of the labels; -1 for one that the training part lacks."""
        numbers = {label: number for number, label in enumerate(self.labels)}
        return torch.tensor([numbers.get(example.label, -1) for example in examples])

    def _baselines(self) -> dict[str, dict[str, list[str]]]:
        """What anybody would try first: its labels for each scored part."""
        commonest = max(self.labels, key=lambda label: self._classes("train")[label])
        return {
            "majority class": {part: [commonest] * len(self.parts[part]) for part in SCORED},
            "logistic regression on words": self._regression(TfidfVectorizer(token_pattern=_WORD, ngram_range=(1, 2))),
            "logistic regression on character n-grams": self._regression(
                TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4))
            ),
        }

    def _regression(self, features: TfidfVectorizer) -> dict[str, list[str]]:
        """Labels of a logistic regression on n-grams, fitted on the training part.

        Of several strengths of regularisation it has the one that does best on the validation part, as the
        network has the weights that do.
        """
        texts = {part: [example.text for example in examples] for part, examples in self.parts.items()}
        labels = {part: [example.label for example in examples] for part, examples in self.parts.items()}
        train = features.fit_transform(texts["train"])
        scored = {part: features.transform(texts[part]) for part in SCORED}
        fits = [LogisticRegression(C=c, max_iter=1000).fit(train, labels["train"]) for c in _INVERSE_STRENGTHS]
        best = max(fits, key=lambda fit: fit.score(scored["validation"], labels["validation"]))
        return {part: best.predict(vectors).tolist() for part, vectors in scored.items()}

    def _classes(self, part: str) -> Counter[str]:
        return Counter(example.label for example in self.parts[part])

    def _demand_parts(self) -> None:
        if len(self.labels) < 2:
            raise TextError(
                f"The training part has texts of {len(self.labels)} classes; at least two are needed. Give more texts, "
                "or another corpus.split."
            )
        for part in SCORED:
            if not any(label in self.labels for label in self._classes(part)):
                raise TextError(
                    f"The {part} part has no text of a class that the training part has. Give more texts, or another "
                    "corpus.split."
                )

    def _facts(self, corpus: LabelledCorpus) -> dict[str, Any]:
        counts = {part: self._classes(part) for part in self.parts}
        total = sum(corpus.classes.values())
        largest, size = corpus.classes.most_common(1)[0]
        classes = (
            f"{label} {' + '.join(f'{counts[part][label]:,}' for part in self.parts)}"
            for label, _ in corpus.classes.most_common()
        )
        duplicates = f"{corpus.duplicates:,} texts left out that were there already but for case and white space"
        if corpus.contradictions:
            duplicates += f"; {corpus.contradictions:,} have several labels and are in one part with all of them"
        return facts_of(
            corpus,
            "texts",
            parts={part: len(examples) for part, examples in self.parts.items()},
            sha256={part: _digest(examples) for part, examples in self.parts.items()},
            notes={
                "classes": f"{', '.join(classes)} (train + validation + test)",
                "largest class": f"{largest}, {size / total:.1%} of the texts",
                "duplicates": duplicates,
            },
        )

    def _remarks(self, corpus: LabelledCorpus) -> list[str]:
        remarks = [
            f"The class {label!r} has one text, which goes to the training part: nothing tells how well it is known."
            for label, count in corpus.classes.items()
            if count == 1
        ]
        for part in SCORED:
            strangers = {label: n for label, n in self._classes(part).items() if label not in self.labels}
            if strangers:
                remarks.append(
                    f"{sum(strangers.values()):,} texts of the {part} part have labels that the training part lacks "
                    f"({', '.join(strangers)}): they count as errors."
                )
        return remarks


def _vocabulary(texts: Iterable[str]) -> Vocabulary:
    """The characters that at least two texts have."""
    counts = Counter(character for text in texts for character in set(text))
    return Vocabulary(sorted(character for character, count in counts.items() if count > 1))


def _digest(examples: Sequence[LabelledText]) -> str:
    lines = "".join(f"{example.label}\t{example.text}\n" for example in examples)
    return hashlib.sha256(lines.encode("utf-8", "surrogatepass")).hexdigest()
