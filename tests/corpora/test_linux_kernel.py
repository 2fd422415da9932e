"""The kernel text from a tree, from a file and from the cache, and what is said of another version."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from rnnscope.corpora import linux_kernel
from rnnscope.corpora.files import FILES, fetch
from rnnscope.corpora.linux_kernel import TEXT, kernel_documents
from rnnscope.corpora.texts import open_corpus
from rnnscope.errors import DownloadError, TextError
from rnnscope.text import Document

SOURCES = {
    "kernel/b.c": "int b;\n",
    "kernel/sub/a.h": "/* ä */\n#define A 1\n",
    **{f"kernel/{number}.c": f"int x{number};\n" for number in range(5)},
}
DOCUMENTS = tuple(Document(name, text) for name, text in SOURCES.items())
WHOLE = "".join(SOURCES.values()).encode()


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small source tree, listed as if it were the kernel's; the cache is empty."""
    root = tmp_path / "linux"
    rows = []
    for name, text in SOURCES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(text.encode())
        rows.append(f"{name}\t{len(text.encode())}\t{hashlib.sha256(text.encode()).hexdigest()}\n")
    (root / "kernel/unlisted.c").write_text("int more;")
    (tmp_path / "list.tsv").write_text("".join(rows))
    known = replace(FILES[TEXT], size=len(WHOLE), sha256=hashlib.sha256(WHOLE).hexdigest())
    monkeypatch.setattr(linux_kernel, "LIST", tmp_path / "list.tsv")
    monkeypatch.setitem(FILES, TEXT, known)
    monkeypatch.setenv("RNNSCOPE_CACHE", str(tmp_path / "cache"))
    return root


def test_a_tree_gives_its_listed_files_in_the_order_of_the_list(tree: Path) -> None:
    assert kernel_documents(tree) == DOCUMENTS


def test_the_whole_text_is_cut_into_the_same_documents(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "whole.txt").write_bytes(WHOLE)
    assert kernel_documents(str(tmp_path / "whole.txt")) == DOCUMENTS


def test_without_a_path_the_cache_is_searched(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "cache" / TEXT).parent.mkdir(parents=True)
    (tmp_path / "cache" / TEXT).write_bytes(WHOLE)
    assert open_corpus("linux-kernel").documents == DOCUMENTS


def test_without_a_path_and_a_cache_the_source_is_asked_for(tree: Path) -> None:
    with pytest.raises(DownloadError, match="6.1.192-2.*give the folder of the unpacked source as path"):
        open_corpus("linux-kernel")


def test_a_named_corpus_is_made_from_a_path(tree: Path) -> None:
    corpus = open_corpus("linux-kernel", tree)
    assert (corpus.name, corpus.documents, corpus.licence) == ("linux-kernel", DOCUMENTS, "GPL-2.0")
    assert "6.1.192" in corpus.source


def test_a_tree_of_another_version_is_told_file_by_file(tree: Path) -> None:
    for number in range(4):
        (tree / f"kernel/{number}.c").unlink()
    (tree / "kernel/b.c").write_text("int B;\n")
    with pytest.raises(TextError) as error:
        kernel_documents(tree)
    assert str(error.value).startswith(
        "Of the 7 files of the corpus, 4 missing (kernel/0.c, kernel/1.c, kernel/2.c, ...) and "
        f"1 different (kernel/b.c) in {tree}. It needs the directory kernel/ of Linux 6.1.192"
    )


def test_the_folder_kernel_itself_is_not_the_tree(tree: Path) -> None:
    with pytest.raises(TextError, match=r"7 missing .* give the folder that holds kernel/"):
        kernel_documents(tree / "kernel")


def test_another_text_is_refused(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "whole.txt").write_bytes(WHOLE[:-1])
    with pytest.raises(TextError, match="not the text of the corpus: its sha256 differs. It needs"):
        kernel_documents(tmp_path / "whole.txt")


def test_a_path_to_nothing_is_refused(tree: Path) -> None:
    with pytest.raises(TextError, match="no file or folder .*absent. It needs"):
        kernel_documents(tree / "absent")


def test_a_text_that_cannot_be_read_is_said_with_the_reason(tree: Path) -> None:
    with pytest.raises(TextError, match="cannot be read: Not a directory"):
        kernel_documents(tree / "kernel/b.c/whole.txt")


def test_the_list_has_the_length_of_the_text() -> None:
    rows = [line.split("\t") for line in linux_kernel.LIST.read_text().splitlines()]
    assert sum(int(size) for _, size, _ in rows) == FILES[TEXT].size
    assert len({name for name, _, _ in rows}) == len(rows)


def test_a_tree_of_the_real_files_gives_the_documents_of_the_real_text(
    corpora: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RNNSCOPE_CACHE", str(corpora))
    documents = kernel_documents()
    for document in documents:
        (tmp_path / document.name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / document.name).write_bytes(document.text.encode())
    assert kernel_documents(tmp_path) == documents
    assert "".join(document.text for document in documents).encode() == fetch(TEXT).read_bytes()


def test_whole_files_of_the_real_text_go_to_each_part(corpora: Path) -> None:
    corpus = open_corpus("linux-kernel", corpora / TEXT)
    parts = corpus.split()
    assert {document for part in parts.values() for document in part} == set(corpus.documents)
    assert sum(map(len, parts.values())) == len(corpus.documents)
