"""Texts with a label each: named collections, and the user's own table or folder.

A table is a file with one example a line, its columns separated by tabs, or by commas in a ``.csv`` file,
where quotes may hold commas and line ends. Its first line names the columns; if it has two columns and names
neither ``text`` nor ``label``, it is an example already, and each line is a label and its text.

A folder holds one ``.txt`` file a class, named like the class, with one text a line.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rnnscope.arguments import as_path
from rnnscope.errors import TextError
from rnnscope.text import read_text

from .data import Data, check_choice
from .files import FILES, fetch
from .splitting import split_by_key

_COLUMNS = ("text", "label")


@dataclass(frozen=True)
class LabelledText:
    """A text and the class it belongs to."""

    text: str
    label: str


@dataclass(frozen=True)
class LabelledCorpus(Data):
    """Labelled texts.

    Attributes
    ----------
    examples : tuple of LabelledText
        None with an empty text.
    duplicates : int
        Examples that `distinct` left out.
    name, source, licence, remarks
        As for `Data`.
    """

    examples: tuple[LabelledText, ...]
    duplicates: int = 0

    @property
    def classes(self) -> Counter[str]:
        """How many examples each label has."""
        return Counter(example.label for example in self.examples)

    @property
    def contradictions(self) -> int:
        """How many different texts have more than one label."""
        labels: dict[str, set[str]] = {}
        for example in self.examples:
            labels.setdefault(key_of(example.text), set()).add(example.label)
        return sum(len(those) > 1 for those in labels.values())

    def cut(self, longest: int) -> LabelledCorpus:
        """The same with no text longer than so many characters."""
        count = sum(len(example.text) > longest for example in self.examples)
        if not count:
            return self
        examples = tuple(replace(example, text=example.text[:longest]) for example in self.examples)
        remark = f"{count:,} texts were cut to their first {longest:,} characters."
        return replace(self, examples=examples, remarks=(*self.remarks, remark))

    def distinct(self) -> LabelledCorpus:
        """The same with each text once a label; texts that differ in case or white space alone are the same."""
        first: dict[tuple[str, str], LabelledText] = {}
        for example in self.examples:
            first.setdefault((key_of(example.text), example.label), example)
        left_out = len(self.examples) - len(first)
        return replace(self, examples=tuple(first.values()), duplicates=self.duplicates + left_out)

    def split(self, fractions: Sequence[float]) -> dict[str, list[LabelledText]]:
        """The examples of each part: ``train``, ``validation`` and ``test``.

        The same text is never in two parts, also if it has several labels. A class of one example is in train.
        See `split_by_key`.
        """
        classes = self.classes
        alone = {key_of(example.text) for example in self.examples if classes[example.label] == 1}
        kept = [example for example in self.examples if key_of(example.text) in alone]
        others = [example for example in self.examples if key_of(example.text) not in alone]
        parts = split_by_key(others, (key_of(example.text) for example in others), fractions)
        return {**parts, "train": kept + parts["train"]}


def key_of(text: str) -> str:
    """What two texts have in common that are the same but for case and white space."""
    return " ".join(text.casefold().split())


def open_labelled(
    name: str = "", path: str | Path = "", encoding: str = "utf-8", text: str = "text", label: str = "label"
) -> LabelledCorpus:
    """A collection by name, or the user's own by path.

    Parameters
    ----------
    name : str
        A key of `NAMED`.
    path : path of a table or a folder, instead of the name
    encoding : str
        Of the files at ``path``.
    text, label : str
        Names of the columns of a table at ``path``.

    Raises
    ------
    TextError
        If not one of name and path is given, or the name is not known, or the data is no labelled texts of two
        classes or more.
    DownloadError
    """
    check_choice(name, path, NAMED, "labelled texts")
    if name:
        return NAMED[name]()
    path = as_path(path)
    return read_folder(path, encoding) if path.is_dir() else read_labelled(path, encoding, text, label)


def read_labelled(
    path: str | Path, encoding: str = "utf-8", text: str = "text", label: str = "label"
) -> LabelledCorpus:
    """The examples of a file with a column of texts and one of labels.

    Raises
    ------
    TextError
        If a line has another number of columns than the first or no label, or there is no such column, or a class
        has no text, or there are fewer than two classes.
    """
    path = as_path(path)
    rows = _rows(read_text(path, encoding), path)
    columns = _columns(rows[0][1], (text, label), path)
    remarks = []
    if columns is None:
        columns = (1, 0)
        remarks.append(f"{path.name} has no header: each line was read as a label and its text.")
    else:
        rows = rows[1:]
    examples = [LabelledText(row[columns[0]].strip(), row[columns[1]].strip()) for _, row in rows]
    for (line, _), example in zip(rows, examples, strict=True):
        if not example.label:
            raise TextError(f"Line {line:,} of {path} has no label. Give it one, or leave the line out.")
    return _corpus(path, examples, [example.label for example in examples], remarks)


def read_folder(path: str | Path, encoding: str = "utf-8") -> LabelledCorpus:
    """The examples of a folder with one ``.txt`` file a class; other files and hidden ones are passed over.

    Raises
    ------
    TextError
        If a file has no text, or there are fewer than two.
    """
    path = as_path(path)
    try:
        visible = sorted(entry for entry in path.iterdir() if not entry.name.startswith("."))
    except OSError as error:
        raise TextError(f"{path} cannot be read: {error.strerror}.") from error
    files = [entry for entry in visible if entry.suffix == ".txt" and entry.is_file()]
    if len(files) < 2:
        raise TextError(
            f"{path} has {len(files)} .txt files. A folder of labelled texts has two or more, each named like its "
            "class, with one text a line."
        )
    remarks = [f"{entry.name} was passed over: it is no .txt file." for entry in visible if entry not in files]
    return _corpus(path, _lists(files, encoding), [file.stem for file in files], remarks)


def _lists(files: Sequence[Path], encoding: str = "utf-8") -> list[LabelledText]:
    """The lines of files, each labelled with its file's name."""
    contents = {file.stem: read_text(file, encoding).rstrip("\n") for file in files}
    return [LabelledText(line.strip(), label) for label, content in contents.items() for line in content.split("\n")]


def _corpus(path: Path, lines: list[LabelledText], labels: Iterable[str], remarks: list[str]) -> LabelledCorpus:
    """What was read, without empty texts, its classes checked."""
    examples = tuple(example for example in lines if example.text)
    classes = dict.fromkeys(labels)
    for label in classes.keys() - {example.label for example in examples}:
        raise TextError(f"The class {label!r} of {path} has no text. Give it some, or leave it out.")
    if len(classes) < 2:
        raise TextError(f"{path} must hold texts of two classes or more; its classes: {', '.join(classes) or 'none'}.")
    if len(classes) == len(examples):
        raise TextError(
            f"Each of the {len(examples):,} examples of {path} has a label of its own; a class needs several. Are "
            "the columns the other way round? Without a header a label comes first and its text second."
        )
    if len(examples) < len(lines):
        remarks = [*remarks, f"{len(lines) - len(examples):,} examples were left out: their text is empty."]
    name = path.resolve().name
    return LabelledCorpus(examples, name=name, source=name, remarks=tuple(remarks))


def _rows(content: str, path: Path) -> list[tuple[int, list[str]]]:
    """The lines of a table, each with its number, all with as many columns as the first."""
    quoted = path.suffix.lower() == ".csv"
    delimiter, quoting = (",", csv.QUOTE_MINIMAL) if quoted else ("\t", csv.QUOTE_NONE)
    reader = csv.reader(io.StringIO(content, newline="\n"), delimiter=delimiter, quoting=quoting, strict=True)
    try:
        rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise TextError(f"Line {reader.line_num:,} of {path} is not that of a table: {error}.") from None
    if not rows:
        raise TextError(f"{path} holds empty lines alone; a label and a text a line are needed.")
    expected = len(rows[0][1])
    for line, row in rows:
        if len(row) != expected:
            between = "commas; put a text that has some into quotes" if quoted else "tabs; a text can have none"
            raise TextError(
                f"Line {line:,} of {path} has {len(row)} columns, but line {rows[0][0]:,} has {expected}. Columns are "
                f"separated by {between}."
            )
    return rows


def _columns(first: list[str], names: tuple[str, str], path: Path) -> tuple[int, int] | None:
    """Where the texts and the labels are; None if the first line is no header."""
    header = [cell.strip() for cell in first]
    missing = [name for name in names if name not in header]
    if not missing and names[0] != names[1]:
        return header.index(names[0]), header.index(names[1])
    if len(header) == 2 and names == _COLUMNS and len(missing) == 2:
        return None
    lack = f"no column {' and no column '.join(map(repr, missing))}" if missing else f"one column {names[0]!r} for both"
    raise TextError(
        f"{path} has {lack}. Its first line is: {' | '.join(header)[:200]}. Call its columns text and "
        "label, or name them in a recipe by corpus.text and corpus.label; columns are separated by tabs, in a .csv "
        "file by commas."
    )


def sms_spam() -> LabelledCorpus:
    """Short messages in English, ``ham`` or ``spam``: Almeida, Gómez Hidalgo and Yamakami (2011)."""
    file = "classify/sms_spam.tsv"
    return replace(read_labelled(fetch(file)), remarks=()).known_as("sms-spam", file)


def sentiment() -> LabelledCorpus:
    """Sentences of reviews of films, goods and restaurants, ``positive`` or ``negative``: Kotzias et al. (2015)."""
    file = "classify/sentiment_labelled_sentences.tsv"
    corpus = read_labelled(fetch(file))
    words = {"0": "negative", "1": "positive"}
    examples = tuple(replace(example, label=words[example.label]) for example in corpus.examples)
    return replace(corpus, examples=examples).known_as("sentiment", file)


def names() -> LabelledCorpus:
    """Family names by nationality: the lists of Robertson's PyTorch tutorial (2017)."""
    known = [name for name in FILES if name.startswith("names/")]
    files = [fetch(name) for name in known]
    corpus = _corpus(files[0].parent, _lists(files), [file.stem for file in files], [])
    return corpus.known_as("names", known[0])


NAMED: dict[str, Callable[[], LabelledCorpus]] = {"sms-spam": sms_spam, "sentiment": sentiment, "names": names}
"""The collections that a recipe may name."""
