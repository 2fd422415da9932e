"""Corpora: how they are cut, where they come from, and downloads from a server that may fail."""

from __future__ import annotations

import hashlib
import json
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnscope import corpora
from rnnscope.corpora import Corpus, download, open_corpus, read_corpus, standard_library, war_and_peace
from rnnscope.errors import DownloadError, TextError
from rnnscope.text import Document

WAR_AND_PEACE = Path(__file__).parents[2] / "shared/data/text/warpeace_input.txt"
PAYLOAD = b"All happy families are alike.\n" * 100
SHARES = st.tuples(st.integers(0, 10), st.integers(0, 10), st.integers(1, 10)).map(
    lambda weights: tuple(weight / sum(weights) for weight in weights)
)


def corpus_of(*texts: str) -> Corpus:
    return Corpus("test", tuple(Document(f"{i}.txt", text) for i, text in enumerate(texts)), "", "")


def part_by_name(corpus: Corpus) -> dict[str, str]:
    return {document.name: part for part, documents in corpus.split().items() for document in documents}


@given(st.lists(st.text(min_size=1), min_size=1, max_size=9), SHARES)
def test_few_documents_are_cut_into_stretches_that_join_again(texts: list[str], shares: tuple[float, ...]) -> None:
    corpus = corpus_of(*texts)
    parts = corpus.split(shares)
    assert list(parts) == ["train", "validation", "test"]
    for document in corpus.documents:
        stretches = [stretch for part in parts.values() for stretch in part if stretch.name == document.name]
        assert "".join(stretch.text for stretch in stretches) == document.text
        assert all(stretch.text for stretch in stretches)


def test_a_book_is_cut_at_the_shares() -> None:
    parts = corpus_of("x" * 1000).split((0.7, 0.2, 0.1))
    assert [sum(len(d.text) for d in part) for part in parts.values()] == [700, 200, 100]


def test_ten_documents_or_more_stay_whole_and_none_is_lost() -> None:
    corpus = corpus_of(*(f"text {i}" for i in range(10)))
    assert sorted(d.name for part in corpus.split().values() for d in part) == sorted(d.name for d in corpus.documents)
    assert {d for part in corpus.split().values() for d in part} == set(corpus.documents)


def test_a_document_stays_in_its_part_when_others_are_added() -> None:
    before = part_by_name(corpus_of(*"x" * 200))
    after = part_by_name(corpus_of(*"x" * 1000))
    assert after == after | before
    shares = [list(after.values()).count(part) / 1000 for part in corpora.PARTS]
    assert shares == pytest.approx([0.8, 0.1, 0.1], abs=0.04)


@pytest.mark.parametrize(
    "shares", [(0.8, 0.2), (0.8, 0.1, 0.2), (1.1, -0.1, 0.0), (), (float("nan"), 0.1, 0.1), (0.25,) * 4]
)
def test_shares_that_are_no_split_are_refused(shares: tuple[float, ...]) -> None:
    with pytest.raises(TextError, match="three shares that add up to 1"):
        corpus_of("text").split(shares)


def test_a_file_is_a_corpus_of_one_document(tmp_path: Path) -> None:
    path = tmp_path / "book.txt"
    path.write_bytes("né\r\n".encode("latin-1"))
    corpus = read_corpus(path, "latin-1")
    assert (corpus.name, corpus.documents) == ("book.txt", (Document("book.txt", "né\n"),))
    assert corpus.characters == 3


def test_a_folder_is_read_in_order_hidden_passed_over_binary_named(tmp_path: Path) -> None:
    files = {
        "b.txt": b"b",
        "a/z.txt": b"z",
        ".git/config": b"x",
        ".hidden": b"x",
        "a/.x": b"x",
        "p.bin": b"\0",
        "e": b"",
    }
    for name, data in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    corpus = read_corpus(tmp_path)
    assert corpus.documents == (Document("a/z.txt", "z"), Document("b.txt", "b"))
    assert corpus.skipped == ("e", "p.bin")


def test_the_working_folder_lends_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt").write_text("a")
    monkeypatch.chdir(tmp_path)
    corpus = read_corpus(".")
    assert (corpus.name, corpus.source) == (tmp_path.name, tmp_path.name)


def test_a_folder_inside_a_hidden_one_is_read(tmp_path: Path) -> None:
    (tmp_path / ".notes").mkdir()
    (tmp_path / ".notes" / "a.txt").write_text("a")
    assert read_corpus(tmp_path / ".notes").documents == (Document("a.txt", "a"),)


def test_a_folder_without_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "p.bin").write_bytes(b"\0")
    with pytest.raises(TextError, match=r"holds no text file \(1 files"):
        read_corpus(tmp_path)


def test_an_unknown_encoding_of_a_folder_is_said_to_be_one(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    with pytest.raises(TextError, match="no encoding 'utf-9'"):
        read_corpus(tmp_path, "utf-9")


def test_the_default_is_the_standard_library() -> None:
    assert open_corpus().name == "standard-library"


def test_the_standard_library_is_read_without_its_tests() -> None:
    names = [document.name for document in standard_library().documents]
    assert {"json/__init__.py", "os.py", "doctest.py", "unittest/case.py"} <= set(names)
    assert not [name for name in names if "/test" in f"/{name}" or "_test/" in name or "-packages/" in name]
    assert Path(json.__file__).read_text(encoding="utf-8") == next(
        d.text for d in standard_library().documents if d.name == "json/__init__.py"
    )


@pytest.mark.parametrize(
    ("name", "path", "words"),
    [
        ("war-and-peace", "book.txt", "one of the two"),
        ("war-and-piece", None, "no corpus 'war-and-piece'. Known: standard-library, war-and-peace"),
        (None, "absent.txt", "no file absent.txt"),
    ],
)
def test_open_corpus_refuses(name: str | None, path: str | None, words: str) -> None:
    with pytest.raises(TextError, match=words):
        open_corpus(name, path)


def test_open_corpus_reads_a_path_in_its_encoding(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xe9")
    assert open_corpus(path=tmp_path / "a.txt", encoding="latin-1").documents[0].text == "é"


@dataclass
class Site:
    """What a local server offers; ``withheld`` bytes of each file are promised and never sent."""

    url: str
    files: dict[str, bytes] = field(default_factory=dict)
    withheld: int = 0
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def site() -> Iterator[Site]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append(self.path)
            if self.path not in site.files:
                self.send_error(404)
                return
            content = site.files[self.path]
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) - site.withheld])

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site = Site(f"http://127.0.0.1:{server.server_port}")
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield site
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RNNSCOPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return tmp_path / "cache"


def fetch(site: Site, sha256: str = hashlib.sha256(PAYLOAD).hexdigest()) -> Path:
    return download(f"{site.url}/text/tolstoy.txt", sha256, len(PAYLOAD))


def test_a_download_is_kept_and_not_asked_for_again(site: Site, cache: Path) -> None:
    site.files["/text/tolstoy.txt"] = PAYLOAD
    path = fetch(site)
    assert path == cache / "tolstoy.txt"
    assert path.read_bytes() == PAYLOAD
    assert fetch(site) == path
    assert site.asked == ["/text/tolstoy.txt"]


def test_a_spoilt_file_in_the_cache_is_fetched_again(site: Site, cache: Path) -> None:
    site.files["/text/tolstoy.txt"] = PAYLOAD
    cache.mkdir()
    (cache / "tolstoy.txt").write_bytes(PAYLOAD[:-1])
    assert fetch(site).read_bytes() == PAYLOAD


def test_a_file_with_another_checksum_is_not_kept(site: Site, cache: Path) -> None:
    site.files["/text/tolstoy.txt"] = PAYLOAD
    with pytest.raises(DownloadError) as error:
        fetch(site, "0" * 64)
    assert "not the expected file" in str(error.value)
    assert f"place the file yourself at {cache / 'tolstoy.txt'} (3,000 bytes, sha256 {'0' * 64})" in str(error.value)
    assert not list(cache.iterdir())


def test_a_download_that_breaks_off_is_not_kept(site: Site, cache: Path) -> None:
    site.files["/text/tolstoy.txt"] = PAYLOAD
    site.withheld = 1000
    with pytest.raises(DownloadError, match="could not be fetched whole") as error:
        fetch(site)
    assert str(cache / "tolstoy.txt") in str(error.value)
    assert not list(cache.iterdir())


def test_a_missing_page_is_a_failed_download(site: Site, cache: Path) -> None:
    with pytest.raises(DownloadError, match=r"tolstoy.txt could not be fetched.*HTTPError"):
        fetch(site)
    assert not list(cache.iterdir())


def test_a_server_that_is_not_there_is_a_failed_download(cache: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with pytest.raises(DownloadError, match=r"tolstoy.txt could not be fetched.*ConnectionError"):
        fetch(Site(url))
    assert not list(cache.iterdir())


def test_a_cache_that_cannot_be_made_is_said_with_the_reason(
    site: Site, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "makedirs", refuse)
    with pytest.raises(DownloadError, match="Permission denied.*RNNSCOPE_CACHE"):
        fetch(site)


def test_a_cache_in_a_file_is_said_with_the_reason(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("RNNSCOPE_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(DownloadError, match="Not a directory.*RNNSCOPE_CACHE"):
        fetch(site)


def test_without_a_variable_the_cache_is_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNNSCOPE_CACHE", "")
    assert corpora.cache_folder().name == "rnnscope"
    assert corpora.cache_folder().is_absolute()


@pytest.mark.skipif(not WAR_AND_PEACE.exists(), reason=f"{WAR_AND_PEACE} is not on this machine")
def test_war_and_peace_is_the_text_of_the_paper(site: Site, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site.files["/warpeace_input.txt"] = WAR_AND_PEACE.read_bytes()
    monkeypatch.setattr(corpora, "WAR_AND_PEACE_URL", f"{site.url}/warpeace_input.txt")
    corpus = war_and_peace()
    (document,) = corpus.documents
    assert corpus.characters == 3_196_212
    assert document.text.count('"') == 17_949
    assert len(set(document.text)) == 82
    assert not {"\r", "\ufeff"} & set(document.text)
    assert len(site.files["/warpeace_input.txt"]) == corpora.WAR_AND_PEACE_BYTES
