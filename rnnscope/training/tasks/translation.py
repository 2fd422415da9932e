"""Translation: a text in another language, from the whole of the source."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sklearn.feature_extraction.text import TfidfVectorizer
from torch import Tensor
from torch.nn import functional

from rnnscope.corpora.pairs import LONGEST, Pair, open_pairs
from rnnscope.corpora.splitting import SCORED
from rnnscope.errors import TextError
from rnnscope.models.decoding import with_marks
from rnnscope.models.translator import Translator, source_tokens, target_tokens
from rnnscope.text import Vocabulary
from rnnscope.training.example_task import ExampleTask
from rnnscope.training.recipe import CorpusRecipe, Recipe, demand
from rnnscope.training.task import Score, facts_of

BEAMS = (1, 5)
"""The searches that are scored; a beam of one is greedy."""

MEASURES = {"chrF2": CHRF(), "BLEU": BLEU()}
"""With the settings that sacrebleu compares by, from 0 to 100, higher is better."""

_TOGETHER = 256  # pairs or texts that are scored side by side


@dataclass(frozen=True)
class PairsRecipe(CorpusRecipe):
    """Which texts and translations.

    Attributes
    ----------
    longest : int
        Characters of a source or a target at most; pairs with a longer one are left out.
    """

    longest: int = LONGEST

    def __post_init__(self) -> None:
        demand(self.longest > 0, "corpus.longest", "more than 0", self.longest)


class Translation(ExampleTask):
    """Pairs of texts, the target given to the network character by character (teacher forcing).

    A source with several translations is an example with each of them in training, and one text with
    several references in the scores.
    """

    network = Translator
    corpus_recipe = PairsRecipe

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        corpus = open_pairs(recipe.corpus.name, recipe.corpus.path, recipe.corpus.encoding, recipe.corpus.longest)
        self.parts = corpus.split(recipe.corpus.split)
        for part, pairs in self.parts.items():
            if not pairs:
                raise TextError(f"The {part} part has no pair. Give more pairs, or another corpus.split.")
        self.examples = {part: [(p.source, t) for p in pairs for t in p.targets] for part, pairs in self.parts.items()}
        sources, targets = zip(*self.examples["train"], strict=True)
        self._source, self._target = Vocabulary.of(*sources), with_marks(Vocabulary.of(*targets))
        self.open_examples([len(source) + len(target) for source, target in self.examples["train"]], recipe)
        self.facts = facts_of(
            corpus,
            "pairs",
            parts={part: len(examples) for part, examples in self.examples.items()},
            sha256={part: _digest(examples) for part, examples in self.examples.items()},
            notes=self._notes(),
        )
        self.remarks = (*corpus.remarks, *self._unknown())

    def build(self) -> Translator:
        return Translator(self._recipe.model, self._source, self._target)

    def summed_loss(self, model: Any, places: Sequence[int]) -> Tensor:
        return self._cross_entropy(model, [self.examples["train"][place] for place in places])

    def weight(self, places: Sequence[int]) -> int:
        return _characters([self.examples["train"][place] for place in places])

    @torch.no_grad()
    def validate(self, model: Translator) -> float:
        return self._nats(model, "validation")

    @torch.no_grad()
    def scores(self, model: Translator) -> list[Score]:
        return [score for part in SCORED for score in self._scores(model, part)]

    def _scores(self, model: Translator, part: str) -> Iterator[Score]:
        pairs = self.parts[part]
        yield Score(part, "nats per character", self._nats(model, part))
        sources = [pair.source for pair in pairs]
        baselines = {"source copied": sources, "nearest training sentence": nearest(self.parts["train"], sources)}
        for beam in BEAMS:
            search = "greedy" if beam == 1 else f"beam of {beam}"
            texts = model.translate(sources, beam, self._recipe.corpus.longest)
            for name, measure in MEASURES.items():
                others = {way: _score(measure, those, pairs) for way, those in baselines.items()}
                yield Score(part, f"{name}, {search}", _score(measure, texts, pairs), others)

    def _nats(self, model: Translator, part: str) -> float:
        """The mean cross-entropy over a part's target characters, the end of each text being one."""
        examples = sorted(self.examples[part], key=lambda example: len(example[1]))
        batches = (examples[start : start + _TOGETHER] for start in range(0, len(examples), _TOGETHER))
        return sum(float(self._cross_entropy(model, batch)) for batch in batches) / _characters(examples)

    def _cross_entropy(self, model: Any, examples: Sequence[tuple[str, str]]) -> Tensor:
        """The sum over all characters of the targets, in nats."""
        device = next(model.parameters()).device
        sources, targets = zip(*examples, strict=True)
        source, lengths = source_tokens(sources, self._source)
        given, wanted = (part.to(device) for part in target_tokens(targets, self._target))
        logits = model(source.to(device), lengths, given)
        return functional.cross_entropy(logits.flatten(0, 1), wanted.flatten(), reduction="sum")

    def _notes(self) -> dict[str, str]:
        test = self.parts["test"]
        known = {target for _, target in self.examples["train"]}
        seen = sum(any(target in known for target in pair.targets) for pair in test)
        return {
            "references": f"{len(self.examples['test']) / len(test):.2f} a source of the test part",
            "overlap": f"{seen:,} of {len(test):,} sources of the test part have a translation that is also one of "
            "another source of the training part",
            "measures": "chrF2 and BLEU of sacrebleu, 0 to 100, higher is better, all references of a source together",
        }

    def _unknown(self) -> Iterator[str]:
        for part in SCORED:
            sources, targets = ("".join(texts) for texts in zip(*self.examples[part], strict=True))
            count = self._source.unknown(sources).total() + self._target.unknown(targets).total()
            if count:
                yield f"{count:,} characters of the {part} part are unknown to the vocabularies of the training part."


def nearest(pairs: Sequence[Pair], sources: Sequence[str]) -> list[str]:
    """Translate by memory alone: the first translation of the most similar source that is known.

    Sources are alike by the cosine of their TF-IDF vectors over stretches of one to five characters, in words.
    """
    vectors = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 5), lowercase=False, sublinear_tf=True)
    known = vectors.fit_transform(pair.source for pair in pairs).T.tocsr()
    asked = vectors.transform(sources)
    places = [
        place
        for start in range(0, len(sources), _TOGETHER)
        for place in (asked[start : start + _TOGETHER] @ known).toarray().argmax(axis=1)
    ]
    return [pairs[place].targets[0] for place in places]


def references(pairs: Sequence[Pair]) -> list[list[str | None]]:
    """The targets as sacrebleu takes them: the first of each source, its second or None, and so on."""
    most = max(len(pair.targets) for pair in pairs)
    return [[pair.targets[i] if i < len(pair.targets) else None for pair in pairs] for i in range(most)]


def _score(measure: BLEU | CHRF, texts: Sequence[str], pairs: Sequence[Pair]) -> float:
    return measure.corpus_score(texts, references(pairs)).score  # pyright: ignore[reportArgumentType]  it takes None


def _characters(examples: Sequence[tuple[str, str]]) -> int:
    """Those of the targets, the end of each text being one."""
    return sum(len(target) + 1 for _, target in examples)


def _digest(examples: Sequence[tuple[str, str]]) -> str:
    return hashlib.sha256("".join(f"{source}\t{target}\n" for source, target in examples).encode()).hexdigest()
