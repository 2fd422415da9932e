"""Known files: found in the cache, downloaded from a server that may fail, or asked for."""

from __future__ import annotations

import hashlib
import os
import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from rnnscope.corpora.files import FILES, KnownFile, cache_folder, fetch
from rnnscope.errors import DownloadError

NAME = "text/tolstoy.txt"
PAYLOAD = b"All happy families are alike.\n" * 100
SHA256 = hashlib.sha256(PAYLOAD).hexdigest()


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


@pytest.fixture
def know(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Puts the small file of these tests among the known ones."""

    def know(url: str = "", sha256: str = SHA256, how: str = "") -> None:
        monkeypatch.setitem(FILES, NAME, KnownFile(NAME, len(PAYLOAD), sha256, "a test", "none", url, how))

    return know


@pytest.fixture
def offered(site: Site, know: Callable[..., None]) -> Site:
    """The server, with the small file on it."""
    site.files["/tolstoy.txt"] = PAYLOAD
    know(f"{site.url}/tolstoy.txt")
    return site


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_download_is_kept_and_not_asked_for_again(offered: Site, cache: Path) -> None:
    path = fetch(NAME)
    assert path == cache / "text" / "tolstoy.txt"
    assert path.read_bytes() == PAYLOAD
    assert fetch(NAME) == path
    assert offered.asked == ["/tolstoy.txt"]


def test_a_file_placed_by_hand_is_found(offered: Site, cache: Path) -> None:
    (cache / "text").mkdir(parents=True)
    (cache / NAME).write_bytes(PAYLOAD)
    assert fetch(NAME) == cache / NAME
    assert not offered.asked


def test_a_spoilt_file_in_the_cache_is_fetched_again(offered: Site, cache: Path) -> None:
    (cache / "text").mkdir(parents=True)
    (cache / NAME).write_bytes(PAYLOAD[:-1])
    assert fetch(NAME).read_bytes() == PAYLOAD


def test_a_file_with_another_checksum_is_not_kept(offered: Site, know: Callable[..., None], cache: Path) -> None:
    know(f"{offered.url}/tolstoy.txt", "0" * 64)
    with pytest.raises(DownloadError) as error:
        fetch(NAME)
    assert "not the expected file" in str(error.value)
    assert f"Place the file yourself at {cache / NAME} (3,000 bytes, sha256 {'0' * 64})" in str(error.value)
    assert not files_in(cache)


def test_a_download_that_breaks_off_is_not_kept(offered: Site, cache: Path) -> None:
    offered.withheld = 1000
    with pytest.raises(DownloadError, match="could not be fetched whole") as error:
        fetch(NAME)
    assert str(cache / NAME) in str(error.value)
    assert not files_in(cache)


def test_a_missing_page_is_a_failed_download(offered: Site, cache: Path) -> None:
    offered.files.clear()
    with pytest.raises(DownloadError, match=r"tolstoy.txt could not be fetched.*HTTPError"):
        fetch(NAME)
    assert not files_in(cache)


def test_a_server_that_is_not_there_is_a_failed_download(know: Callable[..., None], cache: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        know(f"http://127.0.0.1:{closed.getsockname()[1]}/tolstoy.txt")
    with pytest.raises(DownloadError, match=r"tolstoy.txt could not be fetched.*ConnectionError"):
        fetch(NAME)
    assert not files_in(cache)


def test_a_file_without_an_address_is_asked_for(know: Callable[..., None], cache: Path) -> None:
    know(how="It is the first hundred lines of the book.")
    with pytest.raises(DownloadError) as error:
        fetch(NAME)
    assert str(error.value) == (
        f"There is no {cache / NAME}, and it cannot be downloaded. It is the first hundred lines of the book. "
        f"Place the file yourself at {cache / NAME} (3,000 bytes, sha256 {SHA256})."
    )


def test_another_file_in_the_place_of_one_without_an_address_is_said_to_be_one(
    know: Callable[..., None], cache: Path
) -> None:
    know(how="Write it.")
    (cache / "text").mkdir(parents=True)
    (cache / NAME).write_bytes(b"other")
    with pytest.raises(
        DownloadError, match=f"not the expected file: its sha256 is {hashlib.sha256(b'other').hexdigest()}"
    ):
        fetch(NAME)
    assert (cache / NAME).read_bytes() == b"other"


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(DownloadError, match="no known file 'text/tolstoi.txt'. Known: text/warpeace_input.txt, "):
        fetch("text/tolstoi.txt")


def test_a_file_that_cannot_be_read_is_said_with_the_reason(
    know: Callable[..., None], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    know()
    (cache / "text").mkdir(parents=True)
    (cache / NAME).write_bytes(PAYLOAD)

    def refuse(*args: object, **kwargs: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(DownloadError, match=f"{re.escape(str(cache / NAME))} cannot be read: Permission denied"):
        fetch(NAME)


def test_a_cache_that_cannot_be_made_is_said_with_the_reason(
    offered: Site, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "makedirs", refuse)
    with pytest.raises(DownloadError, match="Permission denied.*RNNSCOPE_CACHE"):
        fetch(NAME)


def test_a_cache_in_a_file_is_said_with_the_reason(
    offered: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("RNNSCOPE_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(DownloadError, match="Not a directory.*RNNSCOPE_CACHE"):
        fetch(NAME)


def test_without_a_variable_the_cache_is_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNNSCOPE_CACHE", "")
    assert cache_folder().name == "rnnscope"
    assert cache_folder().is_absolute()


@pytest.mark.parametrize("file", FILES.values(), ids=FILES)
def test_what_is_told_of_a_known_file_is_complete(file: KnownFile) -> None:
    assert FILES[file.name] is file
    assert re.fullmatch(r"[0-9a-f]{64}", file.sha256)
    assert file.size > 0
    assert file.source
    assert file.licence
    assert bool(file.url) != bool(file.how)
    if "github" in file.url:
        assert re.match(r"https://raw\.githubusercontent\.com/[\w.-]+/[\w.-]+/[0-9a-f]{40}/\S+$", file.url)


def test_every_known_file_lies_in_the_folder_of_real_corpora(corpora: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNNSCOPE_CACHE", str(corpora))
    for name, file in FILES.items():
        assert fetch(name) == corpora / name
        assert (corpora / name).stat().st_size == file.size
