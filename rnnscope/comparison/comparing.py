"""Networks that are there already, measured beside each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from rnnscope.analysis.beside import by_name, check_characters
from rnnscope.analysis.language_models import LIMIT, read_documents
from rnnscope.concept import Concept, listed
from rnnscope.errors import ModelError
from rnnscope.models import CharLanguageModel, Network
from rnnscope.progress import progress_bar
from rnnscope.text import Document
from rnnscope.tracing.documents import Texts

from .columns import SWEEP_COLUMNS, in_order
from .measures import Subject
from .measuring import Measured, measure
from .notes import missing_notes, speed_note, text_note
from .result import Comparison

GIVEN = (
    "size", "training_speed", "reading_speed", "text_loss", "gradients", "jacobian_slope",
    "effective_context", "gates", "best_units", "success",
)  # fmt: skip
"""What is measured of networks that are given."""


def compare(
    models: Mapping[str, Network] | Sequence[Network],
    text: Texts | None = None,
    *,
    concepts: Concept | Sequence[Concept] = (),
    seed: int = 0,
    limit: int = LIMIT,
) -> Comparison:
    """Measure networks beside each other: size, speed, loss, how far gradients reach and what is remembered.

    Whether the cells are what makes the difference is another question, which needs equal sizes, a learning
    rate for each and several seeds: see `rnnscope.run_comparison`.

    Parameters
    ----------
    models : mapping of name to Network, or a sequence of Network
        All language models that read forward and know the same characters, or all trained on memory tasks; in eval
        mode. Those of a sequence are called by the names on their cards.
    text : str, Document, Path, File, or a sequence of these
        What language models are measured on; best a text that none of them was trained on.
    concepts : Concept, or a sequence of these
        See `rnnscope.probes.concepts`; for each the score of the unit that tells most of it is reported.
    seed : int
        Of all that is drawn at random.
    limit : int
        Characters to read at most.

    Returns
    -------
    Comparison

    Raises
    ------
    ModelError
        If there is no network, one cannot be compared, or they know different characters.
    TextError
        If language models have no text, or it cannot be read.

    Examples
    --------
    >>> import torch
    >>> import rnnscope
    >>> from rnnscope.models import LanguageModelConfig
    >>> text = '"You are late," said Anna, and sat down. "I know," he said.'
    >>> models = {}
    >>> for cell in ("rnn", "gru"):
    ...     seed, config = torch.manual_seed(0), LanguageModelConfig(cell=cell, hidden_size=8)
    ...     models[cell] = rnnscope.CharLanguageModel(config, rnnscope.Vocabulary.of(text)).eval()
    >>> rnnscope.compare(models, text).table[["parameters", "loss"]].round(1)
          parameters  loss
    name
    rnn       2198.0   3.2
    gru       3382.0   3.2
    """
    named, asked = by_name(models), listed(concepts)
    check_together(named)
    documents, rest = _text(named, text, limit)
    rows, found = [], dict[str, Measured]()
    with progress_bar("networks") as bar:
        for name, model in bar.track(list(named.items()), description="measuring"):
            found[name] = measure(Subject(model, documents, asked, seed), GIVEN)
            rows.append({"experiment": "networks", "name": name, **_about(model), **found[name].figures})
    one = next(iter(named.values()))
    notes = [*text_note(documents, rest), *missing_notes(found)]
    notes = [note[0].upper() + note[1:] for note in notes]
    return Comparison(tabulated(rows), pd.DataFrame(columns=list(SWEEP_COLUMNS)), (*notes, speed_note(str(one.device))))


def check_together(models: Mapping[str, Network]) -> None:
    """Refuse networks that cannot be measured beside each other.

    Raises
    ------
    ModelError
    """
    (first, one), *others = models.items()
    for name, model in models.items():
        expected = "A language model that reads forward or a network of a memory task was expected"
        if getattr(model, "task", "") not in ("language-model", "memory-task"):
            raise ModelError(f"{expected}; {name} is {getattr(model, 'task', type(model).__name__)}.")
        if model.config.bidirectional:
            raise ModelError(f"{expected}; {name} is bidirectional.")
        if model.training:
            raise ModelError(f"{name} is in training mode, where dropout is at work. Call model.eval() first.")
    for name, other in others:
        if other.task != one.task:
            raise ModelError(
                f"Networks of one task can be compared; {first} is of the task {one.task}, {name} of {other.task}."
            )
    if isinstance(one, CharLanguageModel):
        check_characters({name: model for name, model in models.items() if isinstance(model, CharLanguageModel)})


def _about(model: Network) -> dict[str, object]:
    """What a row of the runs says of a network, as far as the network knows."""
    recipe = model.card.training.get("recipe") if model.card else None
    seed, rate = (recipe["seed"], recipe["training"]["learning_rate"]) if recipe else (None, float("nan"))
    return {"cell": model.config.cell, "seed": seed, "learning_rate": rate, "folder": ""}


def tabulated(rows: Sequence[Mapping[str, object]]) -> pd.DataFrame:
    """Rows of runs as a table."""
    table = pd.DataFrame(rows)
    table["seed"] = table["seed"].astype("Int64")
    return table.reindex(columns=in_order(table))


def _text(models: Mapping[str, Network], text: Texts | None, limit: int) -> tuple[list[Document], int]:
    """The documents to read, and how many characters there are beyond."""
    model = next(iter(models.values()))
    if not isinstance(model, CharLanguageModel):
        return [], 0
    if text is None:
        raise ModelError("Language models are compared on a text: give one that none of them was trained on.")
    return read_documents(text, limit)
