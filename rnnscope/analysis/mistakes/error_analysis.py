"""Which characters models get wrong, side by side: by category, by class, by place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from rnnscope.analysis.language_models import read_documents
from rnnscope.arguments import whole
from rnnscope.errors import ArgumentError, ModelError, TextError
from rnnscope.models import CharLanguageModel
from rnnscope.ngram import KneserNey
from rnnscope.progress import progress_bar
from rnnscope.text import Document, Vocabulary
from rnnscope.tracing.documents import Texts, gather

from .categories import CATEGORIES, categories
from .characters import Openings, classes, word_counts
from .error_result import ErrorAnalysis
from .predictors import Models, named_models, network_losses, ngram_losses
from .tables import tables

ORDERS = (7,)
"""Of the n-grams, if a training text is given and no order."""

LIMIT = 500_000
"""Characters of a text that are read, if the user does not say."""


def error_analysis(
    models: Models,
    text: Texts,
    *,
    train: Texts | None = None,
    orders: Sequence[int] | None = None,
    limit: int = LIMIT,
) -> ErrorAnalysis:
    """Which characters models get wrong, and which ones one of them gets right where another is wrong.

    A character is an error of a model that gave it a probability below 0.5. Each error belongs to one category,
    the first of these that holds:

    ============  =======================================================================================
    n-gram        one of the n-grams gave the character a probability of at least 0.5
    recent word   in a word, not its first letter, that also stood in the 1,000 characters before it began
    rare word     in a word that the training text has fewer than 5 times
    newline       the end of a line
    space         a space or a tab
    opening       an opening quote or bracket
    closing       a closing quote or bracket
    digit         a digit
    punctuation   any other character that is no letter
    capital       a capital letter
    first letter  the first letter of a word
    near miss     inside a word; the character had a probability of at least 0.4
    inside word   inside a word, and all that is left
    ============  =======================================================================================

    A word is a run of letters, which may have apostrophes inside, without regard to case. Without a training text
    there are no n-grams and no rare words.

    Parameters
    ----------
    models : CharLanguageModel, mapping of name to CharLanguageModel, or sequence of these
        They read forward, are in eval mode and know the same characters.
    text : str, Document, Path, File, or a sequence of these
        Each is a document, read from a zero state. Its first character is not counted, nor are those
        that the models do not know.
    train : as ``text``, optional
        What the n-grams learn from, and where words are rare; best what the models were trained on.
    orders : sequence of int, optional
        Of the n-grams, which have modified Kneser-Ney smoothing; 7 if not given. They stand beside
        the models and have errors of their own.
    limit : int
        Characters of ``text`` to read: the first ones.

    Returns
    -------
    ErrorAnalysis

    Raises
    ------
    ModelError
        If a network is no language model that reads forward, or their vocabularies differ.
    TextError
        If a text cannot be read or is too short, or orders are given and no text to learn from.

    References
    ----------
    Karpathy, Johnson and Fei-Fei (2015), Visualizing and understanding recurrent networks: errors below 0.5, their
    difference as sets, and layers of categories. The definitions of the categories are rnnscope's own.

    Examples
    --------
    >>> import rnnscope.trained
    >>> model = rnnscope.load(rnnscope.trained.path("prose-lstm"))
    >>> text = '"You are late," said Anna, and sat down. "I know," he said.\\n' * 4
    >>> errors = rnnscope.error_analysis(model, text)
    >>> errors.summary.round(2)
                characters  loss  errors  share
    model
    prose-lstm         239  1.16     114   0.48
    >>> errors.table.sort_values("errors", ascending=False).head(3)[["category", "errors"]]
            category  errors
    10  first letter      33
    8    punctuation      20
    1    recent word      15
    """
    networks = named_models(models)
    orders = _check_orders(orders, train, networks)
    documents, more = read_documents(text, limit)
    vocabulary = next(iter(networks.values())).vocabulary
    known = np.concatenate([vocabulary.encode(document.text)[1:] for document in documents]) > 0
    _check_known(known)
    learnt = None if train is None else gather(train)
    losses = _losses(networks, orders, learnt, documents, vocabulary)
    losses = {name: found[known] for name, found in losses.items()}
    frame = _describe(documents, learnt).take(np.flatnonzero(known)).reset_index(drop=True)
    absent = ({"n-gram"} if not orders else set()) | ({"rare word"} if learnt is None else set())
    return ErrorAnalysis(
        **tables(losses, frame, list(losses)[len(networks) :]),
        definitions={name: said for name, said in CATEGORIES.items() if name not in absent},
        text=_words(documents, more, known),
    )


def _check_orders(
    orders: Sequence[int] | None, train: object, networks: Mapping[str, CharLanguageModel]
) -> tuple[int, ...]:
    if orders is None:
        orders = ORDERS if train is not None else ()
    if isinstance(orders, str) or not isinstance(orders, Iterable):
        raise ArgumentError(f"orders is a sequence of whole numbers, such as (3, 7); got {orders!r}.")
    for order in orders:
        whole(order, "Each of orders", 1)
    if orders and train is None:
        raise TextError("An n-gram model needs a text to learn from: give train, the text the models were trained on.")
    if both := [_ngram(order) for order in orders if _ngram(order) in networks]:
        raise ModelError(f"{both[0]} is the name of a network and of an n-gram model; give the network another.")
    return tuple(dict.fromkeys(int(order) for order in orders))


def _ngram(order: int) -> str:
    return f"{order}-gram"


def _check_known(known: np.ndarray) -> None:
    if not len(known):
        raise TextError("The text is too short: no character of it follows another.")
    if 2 * np.count_nonzero(~known) > len(known):
        raise TextError("The network does not know most characters of this text: it was trained on other ones.")


def _losses(
    networks: Mapping[str, CharLanguageModel],
    orders: Sequence[int],
    learnt: Sequence[Document] | None,
    documents: Sequence[Document],
    vocabulary: Vocabulary,
) -> dict[str, np.ndarray]:
    """The loss of each character but the first of each document, by each model."""
    found = {}
    with progress_bar() as bar:
        steps = sum(len(document.text) - 1 for document in documents)
        for name, model in networks.items():
            task = bar.add_task(name, total=steps)
            found[name] = network_losses(model, documents, lambda count, task=task: bar.advance(task, count))
            if not np.isfinite(found[name]).all():
                raise ModelError(f"The loss of {name} is not finite somewhere in this text: the network is broken.")
        if learnt is not None and orders:
            tokens = np.concatenate([vocabulary.encode(document.text) for document in learnt])
            for order in orders:
                task = bar.add_task(_ngram(order), total=steps)
                ngram = KneserNey(order, len(vocabulary)).fit(tokens)
                found[_ngram(order)] = ngram_losses(ngram, vocabulary, documents)
                bar.advance(task, steps)
    return found


def _describe(documents: Sequence[Document], learnt: Sequence[Document] | None) -> pd.DataFrame:
    """One row a character but the first of each document: class, category, position, steps since an opening."""
    counts = None if learnt is None else word_counts("\n".join(document.text for document in learnt))
    parts = []
    for document in documents:
        openings = Openings.of(document.text)
        kinds = classes(document.text, openings)
        columns = {
            "class": kinds,
            "category": categories(document.text, kinds, counts),
            "position": np.arange(len(document.text)),
            "quote": openings.quote,
            "bracket": openings.bracket,
            "closes_quote": openings.closes_quote,
            "closes_bracket": openings.closes_bracket,
        }
        parts.append(pd.DataFrame(columns)[1:])
    return pd.concat(parts)


def _words(documents: Sequence[Document], more: int, known: np.ndarray) -> str:
    """What was read."""
    characters, count = sum(len(document.text) for document in documents), len(documents)
    read = f"the first {characters:,} of {characters + more:,} characters" if more else f"{characters:,} characters"
    unknown = np.count_nonzero(~known)
    aside = f", {unknown:,} unknown one{'s' if unknown > 1 else ''} not counted" if unknown else ""
    return f"{read} in {count:,} document{'s' if count > 1 else ''}{aside}"
