"""Minimal pairs: two sentences that differ in one place, one of them good and one bad.

A table of them is a file with tabs between its columns, whose first line names these: ``good``, ``bad``, and any
others, which say under what condition a pair stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rnnscope.errors import TextError
from rnnscope.text import File, as_file

_SIDES = ("good", "bad")
_END = ".,;:!?"
_BEFORE_A_NOUN = frozenset("the a an this that these those some most many few all every each no any of".split())
_NUMBERS = {"sing": "singular", "plur": "plural"}


@dataclass(frozen=True)
class MinimalPair:
    """A good sentence and a bad one.

    Attributes
    ----------
    good, bad : str
    conditions : mapping of str to str
        What else is known of the pair, by the name of the column.

    Raises
    ------
    TextError
        If a sentence is empty, or both are the same.
    """

    good: str
    bad: str
    conditions: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not all(isinstance(side, str) and side.strip() for side in (self.good, self.bad)):
            raise TextError(f"A minimal pair is two sentences; got {self.good!r} and {self.bad!r}.")
        if self.good.split() == self.bad.split():
            raise TextError(f"The sentences of a minimal pair differ; got {self.good!r} twice.")

    @property
    def beginning(self) -> tuple[str, ...]:
        """The words before the first one that differs."""
        return self._cut()[0]

    @property
    def forms(self) -> tuple[str, str]:
        """What differs, of the good sentence and of the bad one, without the punctuation that ends it."""
        return self._cut()[1]

    @property
    def rest(self) -> tuple[str, ...]:
        """The words after the last one that differs."""
        return self._cut()[2]

    def _cut(self) -> tuple[tuple[str, ...], tuple[str, str], tuple[str, ...]]:
        good, bad = self.good.split(), self.bad.split()
        shorter = min(len(good), len(bad))
        before = next((place for place in range(shorter) if good[place] != bad[place]), shorter)
        after = next(count for count in range(shorter + 1) if _alike(good, bad, before, count))
        forms = [" ".join(words[before : len(words) - after]).rstrip(_END) for words in (good, bad)]
        return tuple(good[:before]), (forms[0], forms[1]), tuple(good[len(good) - after :])

    @property
    def number(self) -> str:
        """``singular`` or ``plural``: what the good verb is, if the forms differ as those of English verbs; else none.

        The singular of the present ends in s and the plural does not: walks and walk, is and are, hasn't and haven't.
        What follows a word such as ``the`` is no verb.
        """
        if not self.beginning or self.beginning[-1].lower() in _BEFORE_A_NOUN:
            return ""
        good, bad = (_ends_in_one_s(form.removesuffix("n't")) for form in self.forms)
        return "" if good == bad else "singular" if good else "plural"


def _ends_in_one_s(form: str) -> bool:
    return form.endswith("s") and not form.endswith("ss")


def _alike(good: Sequence[str], bad: Sequence[str], before: int, count: int) -> bool:
    """Whether no more than so many words at the end are the same, those before the difference left out."""
    room = min(len(good), len(bad)) - before
    return count >= room or good[-1 - count] != bad[-1 - count]


def read_minimal_pairs(file: str | Path | File) -> tuple[MinimalPair, ...]:
    """The pairs of a table.

    Two conditions are added where the file has no such column. ``number`` is `MinimalPair.number`. ``attractor`` is
    told by conditions such as ``sing_MS_MV_plur_ES`` of Marvin and Linzen (2018): ``same`` or ``other`` for the number
    of the noun that the verb does not agree with beside that of its subject, ``none`` without such a noun.

    Parameters
    ----------
    file : path, or File
        A table, in UTF-8 if it is a path.

    Returns
    -------
    tuple of MinimalPair

    Raises
    ------
    TextError
        If the file cannot be read, has no columns ``good`` and ``bad`` or no pair, or a line is no pair.

    Examples
    --------
    >>> from pathlib import Path
    >>> import rnnscope
    >>> _ = Path("pairs.tsv").write_text("good\\tbad\\nThe horses are old.\\tThe horses is old.\\n")
    >>> [pair] = rnnscope.read_minimal_pairs("pairs.tsv")
    >>> pair.beginning, pair.forms, dict(pair.conditions)
    (('The', 'horses'), ('are', 'is'), {'number': 'plural'})
    """
    file = as_file(file)
    lines = [(number, line) for number, line in enumerate(file.text.split("\n"), 1) if line.strip()]
    names = [name.strip() for name in lines[0][1].split("\t")] if lines else []
    if missing := [side for side in _SIDES if names.count(side) != 1]:
        raise TextError(
            f"{file.name} has no one column {' and no one column '.join(missing)}. The first line of minimal pairs "
            f"names the columns, with tabs between them; its own is: {' | '.join(names)[:200] or 'empty'}."
        )
    if len(lines) < 2:
        raise TextError(f"{file.name} has a header and no pair below it.")
    return tuple(_pair(line, number, names, file.name) for number, line in lines[1:])


def _pair(line: str, number: int, names: Sequence[str], file: str) -> MinimalPair:
    cells = [cell.strip() for cell in line.split("\t")]
    if len(cells) != len(names):
        raise TextError(
            f"Line {number:,} of {file} has {len(cells)} columns; {len(names)} are named by its first line."
        )
    columns = dict(zip(names, cells, strict=True))
    try:
        pair = MinimalPair(columns.pop("good"), columns.pop("bad"), columns)
    except TextError as error:
        raise TextError(f"Line {number:,} of {file}: {error}") from None
    told = {"number": pair.number or "unknown", "attractor": _attractor(columns.get("condition", ""))}
    return MinimalPair(pair.good, pair.bad, {name: value for name, value in told.items() if value} | columns)


def _attractor(condition: str) -> str:
    """What a condition of Marvin and Linzen says of the number of a second noun; the first is the subject's."""
    numbers = [_NUMBERS[part] for part in condition.split("_") if part in _NUMBERS]
    if not numbers:
        return ""
    return "none" if len(numbers) == 1 else "same" if numbers[0] == numbers[1] else "other"
