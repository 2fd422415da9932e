"""Whether a network holds the good sentence of a minimal pair to be the more probable."""

from __future__ import annotations

from collections.abc import Sequence

from rnnscope.analysis.language_models import check_model
from rnnscope.arguments import whole
from rnnscope.corpora.minimal_pairs import MinimalPair
from rnnscope.models import CharLanguageModel
from rnnscope.ngram import KneserNey
from rnnscope.progress import progress_bar

from .columns import chosen_conditions, pair_columns
from .preference_result import Agreement
from .sentences import AFTER, BEFORE, Sentences, network_log_probabilities, ngram_log_probabilities


def agreement(
    model: CharLanguageModel,
    pairs: Sequence[MinimalPair],
    *,
    by: str | Sequence[str] | None = None,
    ngram: KneserNey | None = None,
    before: str = BEFORE,
    after: str = AFTER,
    seed: int = 0,
) -> Agreement:
    """See which sentence of each minimal pair is the more probable, the good one or the bad one.

    A sentence's log-probability is the sum over its characters; what both share before they differ cancels. A form
    may be the beginning of the other one, as *laugh* is of *laughs*, and a sum that stops there would reward the
    shorter one for nothing. So a sentence is read up to the character after its last word: where it has no full stop,
    ``after`` is read, too.

    Parameters
    ----------
    model : CharLanguageModel that reads forward, in eval mode
    pairs : sequence of MinimalPair
        See `rnnscope.corpora.minimal_pairs.read_minimal_pairs`.
    by : str or sequence of str, optional
        The conditions by which the result is told; that which comes first in the pairs' file if not given.
    ngram : KneserNey, optional
        An n-gram model of ``model.vocabulary.encode(text)`` to compare with: it sees no further than its order.
    before : str
        Read before each sentence, at least one character.
    after : str
        Read after each sentence that does not end in a full stop, question or exclamation mark.
    seed : int
        Of the bootstrap.

    Returns
    -------
    Agreement

    Raises
    ------
    ModelError
        If the network is no such one.
    TextError
        If there is no pair or no such condition, the network does not know most characters, or the n-gram model was
        fitted to other tokens.
    ArgumentError
        If before or after cannot be.

    References
    ----------
    Linzen, Dupoux and Goldberg (2016), Assessing the ability of LSTMs to learn syntax-sensitive dependencies; Marvin
    and Linzen (2018), Targeted syntactic evaluation of language models; Warstadt et al. (2020), BLiMP.

    Examples
    --------
    >>> import rnnscope.trained
    >>> from rnnscope.corpora.minimal_pairs import MinimalPair
    >>> model = rnnscope.load(rnnscope.trained.path("prose-lstm"))
    >>> pairs = [MinimalPair("She is here", "She are here"), MinimalPair("They are here", "They is here")]
    >>> rnnscope.agreement(model, pairs).table["right"].to_dict()
    {'all': 1.0}
    """
    check_model(model)
    seed = whole(seed, "seed")
    sentences = Sentences.of(pairs, model.vocabulary, before, after)
    columns = pair_columns(pairs)
    conditions = chosen_conditions(columns, by)
    with progress_bar("sentences") as bar:
        task = bar.add_task("reading", total=len(sentences.texts))
        log_p = network_log_probabilities(model, sentences.texts, lambda count: bar.advance(task, count))
    columns["margin"] = sentences.margins(log_p)
    baseline = ""
    if ngram is not None:
        columns["baseline"] = sentences.margins(ngram_log_probabilities(ngram, model.vocabulary, sentences.texts))
        baseline = f"{ngram.order}-gram"
    return Agreement(columns, conditions, sentences.words, baseline, seed)
