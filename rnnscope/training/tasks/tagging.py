"""Tagging: the label of each word of a sentence."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from rnnscope.corpora.splitting import SCORED
from rnnscope.corpora.tagged import TaggedCorpus, TaggedSentence, open_tagged
from rnnscope.errors import TextError
from rnnscope.models.tagger import Lexicon, SequenceTagger
from rnnscope.text import Vocabulary
from rnnscope.training.example_task import ExampleTask
from rnnscope.training.recipe import CorpusRecipe, Recipe, demand
from rnnscope.training.task import Score, facts_of

_NO_LABEL = -100


@dataclass(frozen=True)
class TaggedCorpusRecipe(CorpusRecipe):
    """Which sentences, and what of them.

    Attributes
    ----------
    minimum_count : int
        How often a word or a character occurs in the training part to be known.
    longest : int
        Words of the longest sentence; a longer one is cut into pieces.
    """

    minimum_count: int = 2
    longest: int = 200

    def __post_init__(self) -> None:
        for name in ("minimum_count", "longest"):
            demand(getattr(self, name) > 0, f"corpus.{name}", "more than 0", getattr(self, name))


class MostFrequentTag:
    """The baseline: each word gets the tag that it bears most often in training.

    A word that is new gets the most frequent tag of the words that occur once there (of all words, if
    none does). Of tags that are equally frequent the first in the alphabet is taken.

    Parameters
    ----------
    sentences : iterable of TaggedSentence
    """

    def __init__(self, sentences: Iterable[TaggedSentence]) -> None:
        counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for sentence in sentences:
            for word, tag in zip(sentence.words, sentence.tags, strict=True):
                counts[word][tag] += 1
        once = [tags for tags in counts.values() if tags.total() == 1]
        self._of_words = {word: _most_frequent(tags) for word, tags in counts.items()}
        self._of_new_words = _most_frequent(sum(once or counts.values(), Counter()))

    def __contains__(self, word: str) -> bool:
        """Whether the word occurs in training."""
        return word in self._of_words

    def tag(self, words: Sequence[str]) -> list[str]:
        return [self._of_words.get(word, self._of_new_words) for word in words]


class Tagging(ExampleTask):
    """Labels of words, scored by the share of words whose label is right, punctuation included."""

    network = SequenceTagger
    corpus_recipe = TaggedCorpusRecipe

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        settings = recipe.corpus
        corpus = open_tagged(settings.name, settings.path, settings.encoding, settings.split)
        self.parts = {part: _cut(sentences, settings.longest) for part, sentences in corpus.parts.items()}
        counts = Counter(chain.from_iterable(sentence.tags for sentence in self.parts["train"]))
        self.labels = tuple(sorted(counts))
        self._label_ids = {label: number for number, label in enumerate(self.labels)}
        self._demand_labels()
        self.lexicon = _lexicon(self.parts["train"], settings.minimum_count)
        self.baseline = MostFrequentTag(self.parts["train"])
        self.open_examples([len(sentence) for sentence in self.parts["train"]], recipe)
        self.facts = self._facts(corpus)
        self.remarks = (*_remarks_on_length(corpus, settings.longest), *self._remarks(counts))

    def build(self) -> SequenceTagger:
        return SequenceTagger(self._recipe.model, self.lexicon, self.labels)

    def summed_loss(self, model: Any, places: Sequence[int]) -> Tensor:
        return self._cross_entropy(model, [self.parts["train"][place] for place in places])

    def weight(self, places: Sequence[int]) -> int:
        return sum(len(self.parts["train"][place]) for place in places)

    @torch.no_grad()
    def validate(self, model: SequenceTagger) -> float:
        sentences = sorted(self.parts["validation"], key=len)
        size = self._recipe.training.batch_size
        batches = [sentences[start : start + size] for start in range(0, len(sentences), size)]
        known = sum(tag in self._label_ids for sentence in sentences for tag in sentence.tags)
        return sum(float(self._cross_entropy(model, batch)) for batch in batches) / known

    def scores(self, model: SequenceTagger) -> list[Score]:
        return [score for part in SCORED for score in self._scores_of(part, model)]

    def _scores_of(self, part: str, model: SequenceTagger) -> list[Score]:
        sentences = self.parts[part]
        tags = np.array([tag for sentence in sentences for tag in sentence.tags])
        new = np.array([word not in self.baseline for sentence in sentences for word in sentence.words])
        guessed = model.tag_many([sentence.words for sentence in sentences])
        usual = [self.baseline.tag(sentence.words) for sentence in sentences]
        right, right_usually = (tags == list(chain.from_iterable(guesses)) for guesses in (guessed, usual))
        chosen = {"accuracy": np.ones_like(new), "accuracy on words that are not in the training part": new}
        return [
            Score(part, measure, float(right[where].mean()), {"most frequent tag": float(right_usually[where].mean())})
            for measure, where in chosen.items()
            if where.any()
        ]

    def _cross_entropy(self, model: Any, sentences: Sequence[TaggedSentence]) -> Tensor:
        """The cross-entropy in nats, summed over the words whose tag is known."""
        device = next(model.parameters()).device
        batch = self.lexicon.encode([sentence.words for sentence in sentences])
        labels = [torch.tensor([self._label_ids.get(tag, _NO_LABEL) for tag in s.tags]) for s in sentences]
        targets = pad_sequence(labels, padding_value=_NO_LABEL).to(device)
        logits = model(*(part.to(device) for part in batch))
        return functional.cross_entropy(
            logits.flatten(0, 1), targets.flatten(), ignore_index=_NO_LABEL, reduction="sum"
        )

    def _demand_labels(self) -> None:
        if len(self.labels) < 2:
            raise TextError(
                "A tagger needs two tags or more to tell apart; the words of the training part all bear the same, "
                f"{', '.join(self.labels)!r}."
            )
        if not any(tag in self._label_ids for sentence in self.parts["validation"] for tag in sentence.tags):
            raise TextError(
                "No tag of the validation part occurs in the training part, so nothing can be validated. "
                "Give more sentences, or another corpus.split."
            )

    def _facts(self, corpus: TaggedCorpus) -> dict[str, Any]:
        learnt = {sentence.words for sentence in corpus.parts["train"]}
        repeated = sum(sentence.words in learnt for sentence in corpus.parts["test"])
        notes = {
            "sentences": ", ".join(f"{part} {len(sentences):,}" for part, sentences in corpus.parts.items()),
            "repeated": f"{repeated:,} sentences of the test part occur in the training part, word for word",
            "baseline": "the most frequent tag of the word in training; of a new word, that of words that occur once",
        }
        if corpus.own_parts:
            notes["parts"] = "those of the corpus; corpus.split is not used"
        return facts_of(
            corpus,
            "words",
            parts={part: sum(map(len, sentences)) for part, sentences in corpus.parts.items()},
            sha256={part: _digest(sentences) for part, sentences in corpus.parts.items()},
            notes=notes,
        )

    def _remarks(self, counts: Counter[str]) -> list[str]:
        remarks = []
        for part in SCORED:
            words = [word for sentence in self.parts[part] for word in sentence.words]
            new = sum(word not in self.baseline for word in words)
            if new:
                remarks.append(f"{new / len(words):.1%} of the {part} part's words do not occur in the training part.")
            strange = Counter(t for sentence in self.parts[part] for t in sentence.tags if t not in self._label_ids)
            if strange:
                tags = ", ".join(f"{tag} ({count:,})" for tag, count in sorted(strange.items()))
                remarks.append(f"Words of the {part} part whose tag is not in training count as errors: {tags}.")
        once = [label for label in self.labels if counts[label] == 1]
        if once:
            remarks.append(f"Tags with a single example in training, too few to learn: {', '.join(once)}.")
        return remarks


def _most_frequent(counts: Counter[str]) -> str:
    return min(counts, key=lambda tag: (-counts[tag], tag))


def _cut(sentences: Iterable[TaggedSentence], longest: int) -> tuple[TaggedSentence, ...]:
    return tuple(piece for sentence in sentences for piece in sentence.pieces(longest))


def _lexicon(sentences: Sequence[TaggedSentence], minimum_count: int) -> Lexicon:
    """The words and characters that occur often enough."""
    words = Counter(word for sentence in sentences for word in sentence.words)
    characters: Counter[str] = Counter()
    for word, count in words.items():
        for character in word:
            characters[character] += count
    known, letters = (sorted(s for s, n in counts.items() if n >= minimum_count) for counts in (words, characters))
    return Lexicon(known, Vocabulary(letters))


def _remarks_on_length(corpus: TaggedCorpus, longest: int) -> list[str]:
    long = sum(len(sentence) > longest for sentences in corpus.parts.values() for sentence in sentences)
    return (
        [f"Sentences of more than {longest:,} words (corpus.longest) were cut into pieces: {long:,}."] if long else []
    )


def _digest(sentences: Iterable[TaggedSentence]) -> str:
    digest = hashlib.sha256()
    for sentence in sentences:
        rows = (f"{word}\t{tag}\n" for word, tag in zip(sentence.words, sentence.tags, strict=True))
        digest.update(("".join(rows) + "\n").encode("utf-8", "surrogatepass"))
    return digest.hexdigest()
