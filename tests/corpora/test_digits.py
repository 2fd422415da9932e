"""Captions follow from the pixels; equal images stay together; and files of another shape are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from rnnscope.corpora.digits import DIGITS, SLANTS, WEIGHTS, caption_digits, ink, open_images, slant
from rnnscope.errors import ArgumentError, TextError

SPLIT = (0.5, 0.25, 0.25)


def stroke(shear: float, thickness: float = 1.5) -> np.ndarray:
    """An image of 8 x 8 pixels with a line from below to above, ``shear`` pixels to the right for each upward."""
    up, right = np.mgrid[3.5:-4.5:-1, -3.5:4.5]
    return np.exp(-(((right - shear * up) / thickness) ** 2)).ravel()


def test_the_slant_of_a_sheared_line_is_its_shear() -> None:
    shears = np.array([-0.5, -0.2, 0.0, 0.1, 0.4])
    images = np.stack([stroke(shear, 0.8) for shear in shears])
    np.testing.assert_allclose(slant(images), shears, atol=0.02)
    np.testing.assert_allclose(slant(images * 16), slant(images))


def test_the_slant_is_that_of_the_moments_by_hand() -> None:
    image = np.random.default_rng(0).uniform(0, 16, 64)
    center: Any = ndimage.center_of_mass(image.reshape(8, 8))
    mass = [(center[0] - y, x - center[1], image[8 * y + x]) for y in range(8) for x in range(8)]
    expected = sum(u * r * m for u, r, m in mass) / sum(u * u * m for u, _, m in mass)
    assert slant(image[None])[0] == pytest.approx(expected)


def test_a_caption_says_ink_name_and_slant() -> None:
    pixels = np.stack([stroke(-0.5, 0.6), stroke(0, 1.0), stroke(0.5, 2.0)])
    thresholds = (ink(pixels)[:2] + ink(pixels)[1:]) / 2
    assert caption_digits(pixels, [1, 8, 0], thresholds, np.array([-0.1, 0.1])) == (
        "a thin one, leaning left",
        "a medium eight, upright",
        "a bold zero, leaning right",
    )


def test_the_digits_are_in_parts_and_their_thirds_are_even() -> None:
    corpus = open_images()
    assert {part: len(images) for part, images in corpus.parts.items()} == {
        "train": 1439,
        "validation": 173,
        "test": 185,
    }
    train = corpus.parts["train"]
    assert train.pixels.shape == (1439, 64) and train.pixels.max() == 16
    for words in (WEIGHTS, SLANTS):
        counts = [sum(f"{word} " in f"{caption} " for caption in train.captions) for word in words]
        assert sum(counts) == 1439 and max(counts) - min(counts) < 50
    assert all(f" {name}, " in caption for name, caption in zip(train.subjects, train.captions, strict=True))
    assert set(train.subjects) == set(DIGITS)
    rows = {part: {row.tobytes() for row in images.pixels} for part, images in corpus.parts.items()}
    assert not rows["train"] & rows["test"] and not rows["train"] & rows["validation"]


def test_the_thresholds_are_of_the_training_part_alone() -> None:
    halves, fifths = open_images(split=(0.5, 0.25, 0.25)), open_images()
    assert halves.notes["captions"] != fifths.notes["captions"]
    weights = np.quantile(halves.parts["train"].pixels.sum(axis=1), [1 / 3, 2 / 3])
    assert f"ink below {weights[0]:g} is thin, from {weights[1]:g} bold" in halves.notes["captions"]


def write(folder: Path, rows: list[str], header: str = "p0,caption,p1") -> Path:
    path = folder / "images.csv"
    path.write_text("\n".join((header, *rows)))
    return path


def test_a_file_gives_its_images_and_equal_ones_are_in_one_part(tmp_path: Path) -> None:
    rows = [f"{number // 2},image {number // 2} of two,{number // 2 % 7}" for number in range(80)]
    corpus = open_images(path=write(tmp_path, rows), split=SPLIT)
    seen = [row for part in corpus.parts.values() for row in zip(part.pixels.tolist(), part.captions, strict=True)]
    assert sorted(seen) == sorted(([n // 2, n // 2 % 7], f"image {n // 2} of two") for n in range(80))
    for part in corpus.parts.values():
        assert len(part) == 2 * len({tuple(row) for row in part.pixels.tolist()})
        assert part.subjects == ()


@pytest.mark.parametrize(
    ("rows", "options", "words"),
    [
        (["1,a,2"], {"column": "text"}, "no column 'text'. Its columns: p0, caption, p1"),
        (["1,a,2", "1,b,x"], {}, "line 3: the column p1 must hold finite numbers.*got 'x'"),
        (["1,a,2", ",b,2"], {}, "line 3: the pixel p0 is missing"),
        (["1,a,2", "1,,2"], {}, "line 3: a caption of at least one character.*got an empty one"),
        (["1,a,2", "1,b\x03c,2"], {}, r"line 3: a caption .*got 'b\\x03c'"),
        (["1,a,2", "1,b"], {}, "line 3: 3 fields are expected, as in the header; got 2"),
        (["1,a,2"] * 9, {}, "part has no image"),
        (["1,a,2"] * 9, {"split": (0.5, 0.5)}, "three shares"),
        (["1,a,2"], {"name": "digits"}, "one of the two"),
    ],
)
def test_another_shape_is_refused(tmp_path: Path, rows: list[str], options: dict[str, Any], words: str) -> None:
    with pytest.raises((ArgumentError, TextError), match=words):
        open_images(path=write(tmp_path, rows), **options)


def test_captions_without_pixels_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TextError, match="captions but no pixels"):
        open_images(path=write(tmp_path, ["a", "b"], "caption"))


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    with pytest.raises(TextError, match="no captioned images 'mnist'. Known: digits"):
        open_images("mnist")
