"""The table of the shipped networks, from their cards: writes ``trained/README.md``."""

from __future__ import annotations

from pathlib import Path

from rnnscope import load, trained
from rnnscope.card import Card

_HEAD = """# Shipped networks

Each folder holds `model.pt`, the `recipe.toml` that makes it again (`rnnscope train recipe.toml`), and `card.md`: its
data with their licence, its figures, those of other seeds where some were tried, and its limits. `rnnscope info NAME`
shows the card; every command that takes a MODEL takes a NAME. The figures are those of the test part; after each
stand the same figures of what anybody would try first. Nats per character are the mean cross-entropy over the whole
part, with the state carried from its first character to its last. What the language models keep track of, and whether
they use it: [UNITS.md](UNITS.md).

The six networks named prose- and code- with a cell have equally many parameters, within half a percent. Their
learning rates come from short runs, [learning_rates.csv](learning_rates.csv); where the best of those did not last a
full run, the recipe has the next lower one and says so. For those without a kernel source,
`code-*/standard-library.toml` trains the same networks on Python.

| name | network | parameters | read | on the test part |
|---|---|--:|---|---|
"""


def row(name: str, card: Card) -> str:
    corpus = card.training["corpus"]
    read = f"{corpus['name']}, {corpus['parts']['train']:,} {corpus['counted']}"
    scores = "<br>".join(words for part, words in card.scores if part == "test")
    return f"| [{name}]({name}/card.md) | {card.architecture} | {card.parameters:,} | {read} | {scores} |"


def table() -> str:
    """The page as Markdown."""
    cards = {name: load(trained.path(name)).card for name in trained.names()}
    return _HEAD + "\n".join(row(name, card) for name, card in cards.items() if card is not None) + "\n"


if __name__ == "__main__":
    (Path(trained.__file__).parent / "README.md").write_text(table(), encoding="utf-8")
