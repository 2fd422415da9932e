"""Concepts of lines and of white space, in any text.

A label says what holds once its character has been read: a newline is the beginning of the line after it.
"""

from __future__ import annotations

import numpy as np

from rnnscope.text import codepoints

from .generic import Function
from .scanning import NEWLINE, SPACE, TAB, among, blank_lines, last, shifted, total_since

_TAB_STOP = 8


def line_position(text: str) -> np.ndarray:
    newline = codepoints(text) == NEWLINE
    return np.arange(len(newline)) - last(newline)


def line_remaining(text: str) -> np.ndarray:
    newline = codepoints(text) == NEWLINE
    to_come = shifted(last(newline[::-1]), -1)[::-1]  # the place of the next one, counted from the end
    return np.where(to_come < 0, np.nan, np.arange(len(text) - 2, -2, -1) - to_come)


def after_newline(text: str) -> np.ndarray:
    return codepoints(text) == NEWLINE


def spaces_since_newline(text: str) -> np.ndarray:
    codes = codepoints(text)
    return total_since(codes == SPACE, codes == NEWLINE)


def paragraph_position(text: str) -> np.ndarray:
    codes = codepoints(text)
    return total_since(codes == NEWLINE, blank_lines(codes))


def indent(text: str) -> np.ndarray:
    """Columns of white space that the line began with, as far as they are read; a tab leads to the next eighth."""
    codes = codepoints(text)
    places = np.arange(len(codes))
    newline, tab = codes == NEWLINE, codes == TAB
    leading = last(~among(codes, "\n\t ")) <= last(newline)
    stop = last(newline | tab)
    spaces_before = places - shifted(stop, -1) - 1
    jumps = np.where(tab, _TAB_STOP * (spaces_before // _TAB_STOP + 1), 0)
    columns = np.where(leading, total_since(jumps, newline) + places - stop, 0)
    return columns[np.maximum(last(leading), 0)]


LAYOUT = (
    Function("line-position", "characters of the line so far", "number", function=line_position),
    Function("line-remaining", "characters of the line still to come", "number", function=line_remaining),
    Function("after-newline", "a newline: a line begins", "flag", function=after_newline),
    Function("spaces-since-newline", "spaces of the line so far", "number", function=spaces_since_newline),
    Function("paragraph-position", "lines ended since the last blank one", "number", function=paragraph_position),
)
"""The concepts of layout, in the order in which they are listed."""

INDENT = Function("indent", "columns of white space it began with", "number", function=indent)
