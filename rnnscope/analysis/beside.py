"""Networks beside each other: what they are called, and whether they know the same characters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from rnnscope.errors import ModelError
from rnnscope.models import CharLanguageModel
from rnnscope.text import visible

_SHOWN = 20
"""Characters that an error names."""


def by_name(models: Any) -> dict[str, Any]:
    """Networks by the names that are given, or else by those on their cards, numbered where these are the same.

    Parameters
    ----------
    models : mapping of name to network, sequence of networks, or a network

    Raises
    ------
    ModelError
        If there is none.
    """
    if isinstance(models, Mapping):
        named = {str(name): model for name, model in models.items()}
    else:
        given = list(models) if isinstance(models, list | tuple) else [models]
        names = [_card_name(model) for model in given]
        several = {name for name, count in Counter(names).items() if count > 1}
        named = {
            f"{name} {number}" if name in several else name: model
            for number, (name, model) in enumerate(zip(names, given, strict=True), start=1)
        }
    if not named:
        raise ModelError("There is no network: give one at least.")
    return named


def _card_name(model: object) -> str:
    card = getattr(model, "card", None)
    return card.name if card and card.training else type(model).__name__


def check_characters(models: Mapping[str, CharLanguageModel]) -> None:
    """Refuse language models that do not know the same characters, over which each spreads its odds.

    Raises
    ------
    ModelError
    """
    (first, one), *others = models.items()
    for name, other in others:
        known = [set(model.vocabulary.characters) for model in (one, other)]
        lacks = [
            f"{who} does not know {_listed(missing)}"
            for who, missing in ((name, known[0] - known[1]), (first, known[1] - known[0]))
            if missing
        ]
        if lacks:
            raise ModelError(
                f"{first} and {name} know different characters, so their losses cannot be compared: "
                f"{'; '.join(lacks)}. Compare networks that were trained on the same corpus."
            )


def _listed(characters: set[str]) -> str:
    shown = " ".join(visible(character) for character in sorted(characters)[:_SHOWN])
    return f"{shown} and {len(characters) - _SHOWN} more" if len(characters) > _SHOWN else shown
