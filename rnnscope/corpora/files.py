"""The files that named corpora are made of: known by their bytes, fetched or asked for, kept in the cache."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import pooch
import requests

from rnnscope.errors import DownloadError


@dataclass(frozen=True)
class KnownFile:
    """A file of which every byte is known.

    Attributes
    ----------
    name : str
        Where it lies in the cache folder.
    size : int
        Bytes.
    sha256 : str
    source, licence : str
        For the card of a model that was trained on it.
    url : str
        Gives these very bytes; empty where no address does.
    how : str
        How to make the file by hand, where there is no url.
    """

    name: str
    size: int
    sha256: str
    source: str
    licence: str
    url: str = ""
    how: str = ""

    @property
    def place(self) -> Path:
        return cache_folder() / self.name


def cache_folder() -> Path:
    """Where known files are kept: ``$RNNSCOPE_CACHE``, or the user's cache folder."""
    return Path(os.environ.get("RNNSCOPE_CACHE") or pooch.os_cache("rnnscope"))


def fetch(name: str) -> Path:
    """The path of a known file, which is in the cache folder afterwards, whole and checked.

    Parameters
    ----------
    name : str
        A key of `FILES`.

    Raises
    ------
    DownloadError
        If the file can be neither found nor downloaded; it says how to get it and where to place it.
    """
    if name not in FILES:
        raise DownloadError(f"There is no known file {name!r}. Known: {', '.join(FILES)}.")
    file = FILES[name]
    try:
        found = sha256_of(file.place) if file.place.is_file() else ""
    except OSError as error:
        raise DownloadError(f"{file.place} cannot be read: {error.strerror or error}.") from error
    if found == file.sha256:
        return file.place
    if file.url:
        return _download(file)
    lack = f"{file.place} is not the expected file: its sha256 is {found}" if found else f"There is no {file.place}"
    raise DownloadError(f"{lack}, and it cannot be downloaded. {file.how} {_by_hand(file)}")


def sha256_of(path: Path) -> str:
    """The checksum of a file, in hexadecimal digits."""
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _download(file: KnownFile) -> Path:
    folder = file.place.parent
    try:
        pooch.get_logger().setLevel("WARNING")
        return Path(pooch.retrieve(file.url, known_hash=f"sha256:{file.sha256}", fname=file.place.name, path=folder))
    except requests.RequestException as error:
        reason = f"{file.url} could not be fetched whole ({type(error).__name__}). Try again."
        raise DownloadError(f"{reason} {_by_hand(file)}") from error
    except ValueError as error:
        reason = f"What {file.url} sent is not the expected file: its sha256 differs."
        raise DownloadError(f"{reason} {_by_hand(file)}") from error
    except OSError as error:
        raise DownloadError(
            f"{folder} cannot hold the download: {error.strerror or error}. Set RNNSCOPE_CACHE to another folder."
        ) from error


def _by_hand(file: KnownFile) -> str:
    return f"Place the file yourself at {file.place} ({file.size:,} bytes, sha256 {file.sha256})."


_RAW = "https://raw.githubusercontent.com"

_NAMES = {
    "Arabic": (13_190, "6f424a8dbe51cbbbabab7a57d38b617210125e4e3991f3c657cb79b8f104bafc"),
    "Chinese": (1_246, "09ba8f1f7e38dbc99372d461b26ad4433b811fc6bfa6a3ecca6fe11a9a777465"),
    "Czech": (3_916, "e17ab0ec47616a72c39cb85c783f70c3663ab64488721e5d8378f146d2226be7"),
    "Dutch": (2_351, "924f32b635170eae561f84538632138fc07d4c8bbd70ba3fb980de1ecc4d2af3"),
    "English": (27_125, "9cca037066d3d5989e24bc01801416162de506b5e28e15b7c092a47905d29bf2"),
    "French": (2_178, "81e65b36c60ed5b89a17422f6edcadbb89546f38ad69e960e64e7ba682012a95"),
    "German": (5_610, "7449cd590b97a733e18d613a4155decd77ec35dc5f8aadd7a82204dce4f051db"),
    "Greek": (1_981, "3555b5186de7f401e6d991b088e9e644ca3099116477818c25ab5793801389e6"),
    "Irish": (1_858, "cf8c7013256252a88d2503127b87282a11f21b2ff6db1bded68834c19a1ec058"),
    "Italian": (5_657, "f88414c27d0606a11a678b4859277828c2565d6cc4d9ee932deef6e94f3b35e4"),
    "Japanese": (7_622, "e0e717e114fec3e7eade4d9dabe0067c475f43147e36a22b47902ee76ad9e67f"),
    "Korean": (423, "cd54221ccb362a6cba4c78828838cf3268a0e59744767a37cf6ec4b74036b136"),
    "Polish": (1_165, "45bab898af2f60ed3a728bbf6980e28821011a7caa53227553b5785903a40826"),
    "Portuguese": (554, "50a8735f41f4f73757c8ce5b16cb0275cd86b2b214bcbc8c9805f508cb131c53"),
    "Russian": (85_168, "0cfe53ac18041e8f63666aa77313e0a3ff378facb132abee052d8ebdc8c3d62c"),
    "Scottish": (752, "78d0252711d87d948ea86fe34826c51d2d794a8e52d15b5d6f7b6244d45d62dd"),
    "Spanish": (2_284, "1bcb462ed3316756a85781d68232bddae04498fdddd5d9219c53fd1fbdeba7a7"),
    "Vietnamese": (339, "f3f9e4164ab47601178a6e45b216464a64122f49d05541f24bf18a757253281d"),
}
"""Bytes and sha256 of the list of each nationality."""

_EWT = "Universal Dependencies, English EWT (github.com/UniversalDependencies/UD_English-EWT)"


def _name_list(nationality: str) -> KnownFile:
    size, sha256 = _NAMES[nationality]
    return KnownFile(
        f"names/{nationality}.txt",
        size,
        sha256,
        source="github.com/spro/practical-pytorch, data/names",
        licence="MIT",
        url=f"{_RAW}/spro/practical-pytorch/c520c52e68e945d88fff563dba1c028b6ec0197b/data/names/{nationality}.txt",
    )


def _tags_of(part: str) -> str:
    return (
        f"It is en_ewt-ud-{part}.conllu of github.com/UniversalDependencies/UD_English-EWT at "
        "15d613d8447b3478787d4c278730a1e48a945efb, with a line 'FORM<TAB>UPOS' for each word whose ID is a whole "
        "number and an empty line between sentences."
    )


_FILES = (
    KnownFile(
        "text/warpeace_input.txt",
        3_258_246,
        "fb66ba999dafe24017cdd59e04c56d385a9c8466993d374fd4c6f08b2142985e",
        source="https://cs.stanford.edu/people/karpathy/char-rnn/warpeace_input.txt",
        licence="public domain in the United States (Project Gutenberg 2600)",
        url="https://cs.stanford.edu/people/karpathy/char-rnn/warpeace_input.txt",
    ),
    KnownFile(
        "text/tinyshakespeare.txt",
        1_115_394,
        "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
        source="github.com/karpathy/char-rnn, data/tinyshakespeare/input.txt",
        licence="public domain",
        url=f"{_RAW}/karpathy/char-rnn/6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e/data/tinyshakespeare/input.txt",
    ),
    KnownFile(
        "gpl/linux_kernel_6.1.192.txt",
        6_206_972,
        "ddedb212da80329e61231d005b6b7c631df01f59bfaa77a62dcdf71883e24d2f",
        source="the directory kernel/ of Linux 6.1.192 (Debian package linux-source-6.1, version 6.1.192-2)",
        licence="GPL-2.0",
        how=(
            "It is made from the source of Linux 6.1.192 (Debian package linux-source-6.1, version 6.1.192-2): "
            "give the folder of the unpacked source as path beside the name linux-kernel."
        ),
    ),
    KnownFile(
        "classify/sms_spam.tsv",
        477_907,
        "7d039a24a6083ed9ef0f806ebad56bbb976e3aeb8de05669173bfdc4996c239d",
        source="SMS Spam Collection v.1, Almeida, Hidalgo and Yamakami (2011)",
        licence="free for all purposes (the authors, 2011)",
        how=(
            "It is SMSSpamCollection of github.com/hamzaaacodes/sms-spam-collection at "
            "f3e73e1e74e6330b62d1ee1983bba2a063184c26, less its header line."
        ),
    ),
    KnownFile(
        "classify/sentiment_labelled_sentences.tsv",
        219_844,
        "1292fe8572e8e99c0daec49d7c85292febc9d4e82bfdee8c00d526053fe0d821",
        source="Sentiment Labelled Sentences, Kotzias, Denil, de Freitas and Smyth (2015)",
        licence="not stated; its authors ask to be cited",
        how=(
            "It is imdb_labelled.txt, amazon_cells_labelled.txt and yelp_labelled.txt, one after the other, of "
            "github.com/Shubhammawa/Sentiment-analysis-cnn at a698f9843338fab51afab9a23680ed08e5edde3b, folder "
            "'Datasets/sentiment labelled sentences', as lines 'source<TAB>label<TAB>text' under a header of these "
            "words, with the sources imdb, amazon and yelp and each run of white space in a text made one space."
        ),
    ),
    KnownFile(
        "pos/en_ewt-upos-train.tsv",
        2_041_589,
        "3f7b939b0ceab8340f4fa70a42ccfde858bd1a34e5e9615aac916dc11be89d95",
        source=_EWT,
        licence="CC BY-SA 4.0",
        how=_tags_of("train"),
    ),
    KnownFile(
        "pos/en_ewt-upos-dev.tsv",
        253_532,
        "f70c1b8b52e8faf98950b1d93b3d20b03eb0a8afb18487e8f53e29b8cc6ff6d4",
        source=_EWT,
        licence="CC BY-SA 4.0",
        how=_tags_of("dev"),
    ),
    KnownFile(
        "pos/en_ewt-upos-test.tsv",
        252_875,
        "6d9d56c725d62234a54249a8b4027d839e4ee94c9b07cd360dad28ab88463beb",
        source=_EWT,
        licence="CC BY-SA 4.0",
        how=_tags_of("test"),
    ),
    KnownFile(
        "seq2seq/eng-deu.tsv",
        2_138_358,
        "fd7636e4f85ae5414c7f0c2dcb5992a1fcb110404fd7e2526b746553273d0510",
        source="sentence pairs of Tatoeba, by way of manythings.org/anki",
        licence="CC BY 2.0 FR",
        how=(
            "It is data/deu.txt of github.com/DarrenCarvalho/Language-Translation at "
            "a30fc3ec31687d0ed561047a9c7d7fdb5915f89c, less its header line, with LF at the end of each line."
        ),
    ),
    KnownFile(
        "series/brent_daily.csv",
        178_686,
        "b5908edde7a195aca26d8bcc9993c38899fa579b0415796616a1469eee0d4dd4",
        source="Europe Brent spot price, US Energy Information Administration (github.com/datasets/oil-prices)",
        licence="public domain",
        url=f"{_RAW}/datasets/oil-prices/2d75ce3a792c2f152619c10272e86052be3a8390/data/brent-daily.csv",
    ),
    KnownFile(
        "series/vix_daily.csv",
        479_964,
        "fa8f8119bb2fa785bb408bcae541a1e630fef97f3acb160b94ed3115c1318db5",
        source="CBOE Volatility Index (github.com/datasets/finance-vix)",
        licence="PDDL",
        url=f"{_RAW}/datasets/finance-vix/6f56e2760520824b787cf6b85945c62186d38bc6/data/vix-daily.csv",
    ),
    *(_name_list(nationality) for nationality in _NAMES),
)

FILES = {file.name: file for file in _FILES}
"""The known files by their names."""
