"""Images with captions: scikit-learn's digits in words, and the user's own.

A digit's caption is made from its label and its pixels alone, so that there is something to be right about:
``a thin seven, leaning right``. *Thin*, *medium* or *bold* is the third of the training part that the image's
ink, the sum of its pixels, falls into; *leaning left*, *upright* or *leaning right* the third of its slant.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_digits

from rnnscope.arguments import as_path
from rnnscope.errors import TextError

from .data import Data, check_choice
from .splitting import split_by_key
from .tables import Table, read_table

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
WEIGHTS = ("thin", "medium", "bold")
SLANTS = ("leaning left", "upright", "leaning right")


@dataclass(frozen=True, eq=False)
class CaptionedImages:
    """Images, each with a text.

    Attributes
    ----------
    pixels : float32 array of shape (image, pixel)
    captions : tuple of str
    subjects : tuple of str
        The word of each caption that matters most, such as a digit's name; empty where nothing says which.
    """

    pixels: np.ndarray
    captions: tuple[str, ...]
    subjects: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.captions)


@dataclass(frozen=True)
class ImageCorpus(Data):
    """Captioned images in parts.

    Attributes
    ----------
    parts : dict of part to CaptionedImages
        Equal images are in one part.
    notes : dict of str to str
        Further lines of the card.
    name, source, licence, remarks
        As for `Data`.
    """

    parts: dict[str, CaptionedImages]
    notes: dict[str, str] = field(default_factory=dict)


def digits(split: Sequence[float]) -> ImageCorpus:
    """The 1,797 handwritten digits of 8 x 8 pixels, from 0 to 16, that come with scikit-learn."""
    loaded: Any = load_digits()
    pixels, labels = loaded.data, loaded.target
    places = _split(pixels, split)
    weights, slants = (_terciles(measure(pixels[places["train"]])) for measure in (ink, slant))
    captions = caption_digits(pixels, labels, weights, slants)
    subjects = [DIGITS[label] for label in labels]
    return ImageCorpus(
        name="digits",
        source="Optical Recognition of Handwritten Digits, Alpaydin and Kaynak (1998), the test part, in scikit-learn",
        licence="comes with scikit-learn, BSD-3-Clause",
        parts={part: _take(pixels, captions, subjects, chosen) for part, chosen in places.items()},
        notes={
            "captions": f"made from the label and the pixels: ink below {weights[0]:g} is thin, from {weights[1]:g} "
            f"bold; a slant below {slants[0]:.3f} leans left, from {slants[1]:.3f} right"
        },
    )


NAMED = {"digits": digits}
"""The captioned images that a recipe may name."""


def open_images(
    name: str = "",
    path: str | Path = "",
    encoding: str = "utf-8",
    column: str = "caption",
    split: Sequence[float] = (0.8, 0.1, 0.1),
) -> ImageCorpus:
    """Captioned images by name, or the user's own by path; the digits if neither is given.

    Parameters
    ----------
    name : str
        A key of `NAMED`.
    path : path of a CSV file, instead of the name
        With a header: one column of captions, every other column a pixel.
    encoding : str
        Of the file at ``path``.
    column : str
        The column of captions.
    split : three floats
        Shares of train, validation and test.

    Raises
    ------
    TextError
        If both are given, the name is not known, or the file has another shape.
    """
    name = name or ("" if str(path) else "digits")
    check_choice(name, path, NAMED, "captioned images")
    return NAMED[name](split) if name else read_images(path, encoding, column, split)


def read_images(path: str | Path, encoding: str, column: str, split: Sequence[float]) -> ImageCorpus:
    """The user's own images, see `open_images`."""
    table = read_table(path, encoding)
    captions = table.column(column)
    _check_captions(table, captions)
    names = [name for name in table.columns if name != column]
    if not names:
        raise TextError(f"{path} has captions but no pixels: every column beside {column!r} is taken for a pixel.")
    pixels = np.stack([table.numbers(name) for name in names], axis=1)
    missing = np.argwhere(np.isnan(pixels))
    if len(missing):
        row, pixel = missing[0]
        raise TextError(f"{path}, line {table.lines[row]:,}: the pixel {names[pixel]} is missing. Give it a number.")
    places = _split(pixels, split)
    file = as_path(path).resolve().name
    parts = {part: _take(pixels, captions, (), chosen) for part, chosen in places.items()}
    return ImageCorpus(parts, name=file, source=file)


def ink(pixels: np.ndarray) -> np.ndarray:
    """The sum of each image's pixels, an array of shape (image,)."""
    return pixels.sum(axis=1)


def slant(pixels: np.ndarray, width: int = 8) -> np.ndarray:
    """How far each image leans: pixels to the right for each pixel upward, an array of shape (image,).

    It is the shear that its central moments of second order give, mu11 / mu02 (Hu 1962), with rows counted
    upward; 0 is upright.
    """
    images = pixels.reshape(len(pixels), -1, width).astype(float)
    up, right = np.arange(images.shape[1])[::-1, None], np.arange(width)[None, :]
    mass = images.sum(axis=(1, 2))
    up, right = (axis - ((images * axis).sum(axis=(1, 2)) / mass)[:, None, None] for axis in (up[None], right[None]))
    return (images * up * right).sum(axis=(1, 2)) / (images * up**2).sum(axis=(1, 2))


def caption_digits(
    pixels: np.ndarray, labels: Sequence[int], weights: np.ndarray, slants: np.ndarray
) -> tuple[str, ...]:
    """The caption of each digit, such as ``a thin seven, leaning right``.

    Parameters
    ----------
    pixels : array of shape (image, pixel)
    labels : sequence of int from 0 to 9
    weights, slants : arrays of two thresholds
        Of the ink and of the slant; a value at a threshold belongs above it.
    """
    weight, lean = np.digitize(ink(pixels), weights), np.digitize(slant(pixels), slants)
    return tuple(
        f"a {WEIGHTS[w]} {DIGITS[label]}, {SLANTS[s]}" for w, label, s in zip(weight, labels, lean, strict=True)
    )


def _terciles(values: np.ndarray) -> np.ndarray:
    return np.quantile(values, [1 / 3, 2 / 3])


def _split(pixels: np.ndarray, fractions: Sequence[float]) -> dict[str, list[int]]:
    """The places of each part's images."""
    keys = [hashlib.sha256(image.tobytes()).hexdigest() for image in pixels.astype("<f8")]
    parts = split_by_key(range(len(pixels)), keys, fractions)
    for part, chosen in parts.items():
        if not chosen:
            raise TextError(f"The {part} part has no image. Give more images, or another corpus.split.")
    return parts


def _take(
    pixels: np.ndarray, captions: Sequence[str], subjects: Sequence[str], chosen: Sequence[int]
) -> CaptionedImages:
    return CaptionedImages(
        pixels[chosen].astype(np.float32),
        tuple(captions[i] for i in chosen),
        tuple(subjects[i] for i in chosen) if subjects else (),
    )


def _check_captions(table: Table, captions: Sequence[str]) -> None:
    for caption, line in zip(captions, table.lines, strict=True):
        if not caption or not all(character.isprintable() or character.isspace() for character in caption):
            got = "an empty one" if not caption else f"{caption!r}"
            raise TextError(
                f"{table.path}, line {line:,}: a caption of at least one character and without control characters "
                f"is expected; got {got}."
            )
