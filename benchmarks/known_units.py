"""What the shipped language models track: writes ``trained/UNITS.md`` from a search and an ablation of each.

Texts are the validation parts of the corpora that the networks were trained on, which a fetched or given copy has to
be there for, and a novel in a file if one is given.
"""

from __future__ import annotations

import argparse
import hashlib
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from rich.console import Console

import rnnscope
from rnnscope import trained
from rnnscope.analysis.causes.ablation import ablation
from rnnscope.analysis.causes.ablation_result import Ablation
from rnnscope.analysis.search.found import FoundUnits
from rnnscope.corpora.texts import open_corpus
from rnnscope.models import CharLanguageModel
from rnnscope.probes.concepts import named
from rnnscope.recording.address import Address
from rnnscope.text import Document, read_text
from rnnscope.training.recipe_file import read_recipe

FAMILIES = {
    "war-and-peace": ("prose", ["quotes"]),
    "linux-kernel": ("c", ["if-condition", "if-body", "string", "comment", "call-arguments"]),
}
"""The concepts of a corpus, and those whose units are taken away."""

_HEAD = """# What the shipped language models track

`rnnscope.find_units` over the validation part of each network's corpus: a unit is chosen on the first half of it, and
scored on the second. Made by `python benchmarks/known_units.py`; a corpus that is not fetched has to be in the cache.

Flags have the AUROC, numbers Spearman's correlation and categories eta squared, each with the chosen unit ("low": it
is low where the label is high). A score is in brackets where, on the first half, the best of all units would do as well
by chance as the chosen one with a probability above 1 % (`p`).
"""

_ABLATION = """
## Are they used?

`rnnscope ablate`: the unit that tells the concept best, among cell states or, of networks without them, hidden states,
is held at its mean over the first 100,000 characters of the same text. What follows is the change of the loss, in
nats per character, with 95 % intervals: where a stretch of the concept ends (the closing quotation mark, the closing
parenthesis), inside and outside of it. The controls are 20 units of the same signal that vary as much: the median of
their changes at ends, and how many times the median of the sizes of these the unit's change is.

| network | concept | unit | at ends | controls, at ends | times | inside | outside | probability at ends |
|---|---|---|--:|--:|--:|--:|--:|--:|
"""

_SIGNALS = """
## Where is it kept?

The best unit of each signal for the same concepts, chosen on the first half, and its AUROC on the second.

| network | concept | cell state | hidden state | best gate |
|---|---|---|---|---|
"""

_NOVEL = """
## Another novel

The unit for `quotes` that was found on War and Peace, and the best that a search over *{name}* finds ({characters:,}
characters, without the notes of Project Gutenberg; sha256 of the file {digest}...), both scored on the second half of
that.

| network | found on War and Peace | AUROC there | best there | AUROC |
|---|---|--:|---|--:|
"""


@dataclass(frozen=True)
class Known:
    """What is known of one network."""

    name: str
    corpus: str
    found: FoundUnits
    used: list[Ablation]

    def cell(self, concept: str) -> str:
        """Score and unit for a concept, in a table."""
        if concept not in self.found.table.index:
            return "-"
        row = self.found.table.loc[concept]
        score = f"{row['score']:.3f}" if row["p"] <= 0.01 else f"({row['score']:.3f})"
        return f"{score} `{row['unit']}`{' low' if row['sign'] < 0 else ''}"

    def state(self, concept: str) -> str:
        """The state's unit that tells a concept best on the fit half."""
        return best_state(self.found, concept)


def best_of(found: FoundUnits, concept: str, *signals: str) -> str | None:
    """The unit of some signals that tells a concept best."""
    kept = (str(unit) for unit in found.ranking(concept).index)
    return next((unit for unit in kept if Address.parse(unit).signal in signals), None)


def best_state(found: FoundUnits, concept: str) -> str:
    """The unit of a cell state, or where there is none of a hidden state, that tells a concept best."""
    return best_of(found, concept, "c") or str(best_of(found, concept, "h"))


def turned(found: FoundUnits, concept: str, unit: str, score: float) -> float:
    """An AUROC in the direction that a unit has on the fit half."""
    return score if found.fit_scores.loc[unit, concept] >= 0.5 else 1 - score


def story(path: Path) -> Document:
    """A book without what Project Gutenberg has put before and after it."""
    text = read_text(path)
    for mark, kept in (("*** START OF", -1), ("*** END OF", 0)):
        text = text.split(mark)[kept]
    return Document(path.stem, text.partition("***\n")[2] or text)


def validation(name: str) -> tuple[str, list[Document]]:
    """The corpus of a network's recipe, and the documents of its validation part."""
    recipe = read_recipe(trained.path(name).with_name("recipe.toml"))
    corpus = open_corpus(recipe.corpus.name)
    return corpus.name, list(corpus.split(recipe.corpus.split)["validation"])


def language_models() -> dict[str, CharLanguageModel]:
    models = {name: rnnscope.load(trained.path(name)) for name in trained.names()}
    return {name: model for name, model in models.items() if isinstance(model, CharLanguageModel)}


def known(name: str, model: CharLanguageModel, console: Console) -> Known:
    corpus, documents = validation(name)
    family, taken_away = FAMILIES[corpus]
    console.print(name)
    found = rnnscope.find_units(model, documents, named(family))
    used = [ablation(model, documents, best_state(found, concept.name), concept) for concept in named(*taken_away)]
    return Known(name, corpus, found, used)


def scores_table(rows: list[Known]) -> str:
    concepts = list(dict.fromkeys(name for row in rows for name in row.found.table.index))
    head = f"| concept | {' | '.join(row.name for row in rows)} |\n|---|{'---|' * len(rows)}\n"
    return head + "".join(f"| {name} | {' | '.join(row.cell(name) for row in rows)} |\n" for name in concepts)


def ablation_rows(row: Known) -> str:
    return "".join(_ablation_row(row, used) for used in row.used)


def _ablation_row(row: Known, used: Ablation) -> str:
    ends = used.table.loc["ends"]
    change = {place: _change(used.table.loc[place]) for place in ("ends", "inside", "outside")}
    odds = f"{ends['probability']:.2f} to {ends['probability_ablated']:.2f}"
    return (
        f"| {row.name} | {used.concept} | `{row.state(used.concept)}` | {change['ends']} | {ends['controls']:+.3f} | "
        f"{ends['ratio']:,.0f} | {change['inside']} | {change['outside']} | {odds} |\n"
    )


def _change(place: pd.Series) -> str:
    return f"{place['change']:+.3f} ({place['low']:+.3f} to {place['high']:+.3f})"


def signals_rows(row: Known) -> str:
    return "".join(_signals_row(row.name, row.found, used.concept) for used in row.used)


def _signals_row(name: str, found: FoundUnits, concept: str) -> str:
    cells = []
    for signals in ("c", "h", "ifgorzn"):
        unit = best_of(found, concept, *signals)
        score = turned(found, concept, unit, found.scores.loc[unit, concept]) if unit else None
        cells.append("-" if score is None else f"{score:.3f} `{unit}`")
    return f"| {name} | {concept} | {' | '.join(cells)} |\n"


def novel_rows(rows: list[Known], models: dict[str, CharLanguageModel], novel: Document) -> str:
    page = ""
    for row in rows:
        there = rnnscope.find_units(models[row.name], novel, named("quotes"))
        unit = row.state("quotes")
        here = turned(row.found, "quotes", unit, there.scores.loc[unit, "quotes"])
        best = there.table.loc["quotes"]
        page += f"| {row.name} | `{unit}` | {here:.3f} | `{best['unit']}` | {best['score']:.3f} |\n"
    return page


def main(novel: Path | None) -> None:
    console, models = Console(), language_models()
    corpora: dict[str, list[Known]] = {}
    for name, model in models.items():
        row = known(name, model, console)
        corpora.setdefault(row.corpus, []).append(row)
    page = _HEAD
    for corpus, rows in corpora.items():
        steps = rows[0].found.steps
        page += f"\n## {corpus}: {steps['fit']:,} characters to choose on, {steps['held_out']:,} to score on\n\n"
        page += scores_table(rows)
    page += _ABLATION + "".join(ablation_rows(row) for rows in corpora.values() for row in rows)
    page += _SIGNALS + "".join(signals_rows(row) for rows in corpora.values() for row in rows)
    if novel is not None:
        book = story(novel)
        digest = hashlib.sha256(novel.read_bytes()).hexdigest()[:16]
        page += _NOVEL.format(name=novel.stem, characters=len(book.text), digest=digest)
        page += novel_rows(corpora["war-and-peace"], models, book)
    (Path(trained.__file__).parent / "UNITS.md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--novel", type=Path, help="A text file in which quotations stand in double quotes.")
    main(parser.parse_args().novel)
