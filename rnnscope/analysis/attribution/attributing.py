"""What an output is due to, character by character."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from torch import nn

from rnnscope.arguments import whole
from rnnscope.errors import AttributionError
from rnnscope.progress import progress_bar

from .baselines import EMPTY, baseline_of
from .methods import METHODS, Method
from .question import Question, TextLike
from .result import Attribution
from .targets import TargetLike
from .words import word_starts
from .work import Work


@torch.inference_mode(False)
def attribute(
    model: nn.Module,
    text: TextLike,
    target: TargetLike = None,
    method: str = "integrated-gradients",
    *,
    baseline: str = EMPTY,
    words: bool = False,
    steps: int | None = None,
    window: int = 1,
    seed: int = 0,
    characters: Sequence[str] | None = None,
    embedding: str | None = None,
) -> Attribution:
    """Say how much each character of a text has to do with what a network makes of it.

    The network runs through `rnnscope.unroll`: in eval mode, with dropout off, on any device. Its mode and its
    parameters' gradients are left as they were. What is varied are the vectors that its embedding gives (one-hot
    vectors where it has none); a character's score is the sum over its vector.

    Parameters
    ----------
    model : nn.Module
        A classifier, a language model, or any module that has recurrent layers and takes one tensor: token ids of
        shape (time, batch) or (batch, time), whichever its layers then read as time, or vectors of one more axis.
    text : str, token ids of shape (time,), or float tensor of shape (time, feature)
    target : str, int, tuple or callable, optional
        ``"spam"`` or ``1``: the logit of a label, or an output of a module of shape (batch, output).
        ``"e@120"`` or ``("e", 120)``: the log-probability, in nats, of this character at place 120 of the text,
        from the characters before it; ``"e"`` alone: after the whole text. ``"l0.c.37@120"``: a unit, just after
        character 120. Steps count from 0; negative ones from the text's end. A callable: from what the network
        returns to a tensor of shape (batch,). If not given: the label that the classifier chooses, the last
        character of a language model's text, or the only output of a module.
    method : str
        One of `METHODS`: saliency, input-x-gradient, integrated-gradients, gradient-shap, occlusion,
        feature-ablation, contextual-decomposition.
    baseline : {"empty", "zero", "mean", "shuffled"} or a character
        What takes the place of the text, or of what is taken away: spaces (``"empty"``; zero vectors
        where the network knows no space), the zero vector, the mean vector of all tokens, a character, or the
        text's characters in 64 random orders (``"shuffled"``, of gradient-shap only).
    words : bool
        Whether occlusion and feature-ablation take whole words away, and the result shows words.
    steps : int, optional
        Points on the path of integrated gradients, or samples of gradient-shap. If not given, there are more points
        where the path is steep, until the scores add up to within 1 % or there are 16,384, and 512 samples.
    window : int
        Characters, or words, that occlusion takes away together.
    seed : int
        Of gradient-shap.
    characters : sequence of str, optional
        For a module that has no vocabulary of its own: the character of each token id.
    embedding : str, optional
        The path of the nn.Embedding that reads the text, where a module has several.

    Returns
    -------
    Attribution
        Of the characters that the target can depend on: what comes after its step is left out.

    Raises
    ------
    AttributionError, TextError, AddressError, RecordingError

    Notes
    -----
    The gradient methods and the ablations are captum's (Kokhlikyan et al. 2020).

    Examples
    --------
    >>> import rnnscope.trained
    >>> model = rnnscope.load(rnnscope.trained.path("spam-classifier"))
    >>> message = "URGENT! You have won a prize. Call 09061701461 now."
    >>> found = rnnscope.attribute(model, message, "spam")
    >>> found.words.nlargest(3, "score")[["word", "score"]].round(1)
               word  score
    0        URGENT    4.1
    9  09061701461     2.2
    2          You     1.1
    """
    method_of(method)
    question = Question.of(model, text, target, characters=characters, embedding=embedding)
    return answer(question, method, baseline=baseline, words=words, steps=steps, window=window, seed=seed)


def method_of(name: object) -> Method:
    """The method of a name.

    Raises
    ------
    AttributionError
    """
    if not isinstance(name, str) or name not in METHODS:
        raise AttributionError(f"There is no method {name!r}. There are: {', '.join(METHODS)}.")
    return METHODS[name]


def answer(
    question: Question,
    method: str,
    *,
    baseline: str = EMPTY,
    words: bool = False,
    steps: int | None = None,
    window: int = 1,
    seed: int = 0,
) -> Attribution:
    """The attribution of a question; see `attribute`."""
    chosen, time = method_of(method), len(question.tokens)
    starts = word_starts(question.text, time) if words else np.arange(time)
    window = whole(window, "window", 1)
    given = {"baseline": baseline != EMPTY, "steps": steps is not None, "window": window != 1}
    _check_options(method, [name for name, holds in given.items() if holds])
    points = None if steps is None else whole(steps, "steps", 1)
    if window > len(starts):
        raise AttributionError(f"The text has {len(starts):,} parts to take away; window={window} is more.")
    baselines, named = baseline_of(question, baseline, whole(seed, "seed"))
    with progress_bar("passes") as bar:
        task = bar.add_task(method, total=None)
        work = Work(question, baselines, starts, points, window, seed, partial(bar.advance, task))
        compared = torch.cat((work.inputs.detach(), baselines[: len(baselines) if chosen.compares else 0]))
        value, *others = question.finite(work.values(compared)).tolist()
        found = chosen.run(work)
    scores = question.finite(found.scores.detach()).cpu().double().numpy()
    return Attribution(
        scores=scores,
        characters=question.characters,
        starts=np.arange(time) if question.text is None else word_starts(question.text, time),
        by_word=words,
        target=question.target,
        method=method,
        how=found.how,
        baseline=named if chosen.compares else None,
        value=value,
        difference=value - float(np.mean(others)) if chosen.compares else float("nan"),
        complete=chosen.complete,
    )


def _check_options(name: str, given: Sequence[str]) -> None:
    """Refuse what a method would not look at."""
    for option in given:
        if option not in METHODS[name].takes:
            fit = ", ".join(other for other, one in METHODS.items() if option in one.takes)
            raise AttributionError(f"{name} takes no {option}. These do: {fit}.")
