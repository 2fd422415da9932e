"""A trace: the signals of a network aligned with the documents it read, in memory or on disk.

The file is a zarr store that xarray opens as a DataTree. At the root, by step (dimension ``time``), all
documents one after another:

    token               the id that the network read; -1 where it read none
    codepoint           the character that stands there, also where the network does not know it
    document, step      which document, and the step in it
    nll                 what the token cost, in nats: -ln p(token | all before it)
    guess               (time, rank) what the network held most probable: places in the attribute ``outcomes``
    guess_probability   (time, rank)

Below it is one node a layer and direction (``l0``, ``l1r``, ``encoder/l0``) with its signals (time, unit), after
reading the token. Where a layer does not step they are NaN; where nothing is guessed, nll is NaN and a guess -1.

What a document, a step and a guess are depends on the network:

    language model   The guesses are the characters it expected *before* it read the one that stands there; none at
                     the first of a document, and none at all if it reads in both directions. Also of any module.
    classifier       The guesses are labels, after reading the text so far: its belief if the text ended there. Read
                     in both directions, there is one at the last step only. No nll: nobody says what is right.
    tagger           A document is a sentence. ``spelling`` steps at each character of a word, ``rnn`` at its last
                     one; there the guesses are labels of the word. No nll.
    translator       A document is the source, a mark, and the translation that the network wrote. ``encoder``
                     steps in the source; ``decoder`` from the mark on, where it reads the start of text. Guesses and
                     nll are of the characters written, as of a language model; their tokens are places in
                     ``outcomes``, too.
    captioner        A document is an image: the mark, and the caption that the network wrote.
    forecaster       A document is a series, a step one of its values, its character one of eight bars by the value's
                     rank. The root has ``value``, the ``prediction`` of it from all before, and perhaps the ``date``.
                     nll is that of the change into the value, standardised, by its density. No guesses.

The attribute ``mean_nll`` is over the characters that the network knows.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from functools import reduce
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr

from rnnscope.arguments import as_path
from rnnscope.errors import AddressError, TraceError
from rnnscope.inline import Inline
from rnnscope.recording.address import Address, find
from rnnscope.recording.directions import Directions, listed
from rnnscope.text import counted, spelled

from .coordinates import with_coordinates
from .on_disk import damaged, open_tree

FORMAT = "rnnscope-trace"
VERSION = 1


class Trace(Inline):
    """Signals aligned with documents.

    ``trace["l0.c"]`` is a DataArray of dims (time, unit), ``trace["l0.c.37"]`` one of (time,); both with the
    coordinates ``document``, of each step the number of its document, and ``codepoint``, its character. In a
    notebook a trace shows its text, coloured by its units.

    Parameters
    ----------
    tree : xarray.DataTree
        All there is, as described in `rnnscope.tracing.trace`.
    path : Path, optional
        The store on disk.

    Examples
    --------
    >>> import rnnscope.trained
    >>> model = rnnscope.load(rnnscope.trained.path("prose-lstm"))
    >>> trace = rnnscope.trace(model, '"Come in!" he cried.')
    >>> trace["l0.c"].dims, trace["l0.c"].shape
    (('time', 'unit'), (20, 256))
    >>> (trace["l0.c.170"] > 0.3).values.astype(int)  # on inside the quotation
    array([1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    """

    def __init__(self, tree: xr.DataTree, path: Path | None = None) -> None:
        self.tree = tree
        self.path = path

    def __getitem__(self, address: str | Address) -> xr.DataArray:
        address = find(address, self.addresses)
        signal: xr.DataArray = self.tree[address.node.replace(".", "/")].dataset[address.signal]
        axis = str(signal.dims[-1])
        signal = signal.rename({axis: "unit"}) if axis != "unit" else signal
        root = self.tree.dataset
        signal = signal.assign_coords({name: root[name] for name in ("document", "codepoint", *root.coords)})
        if address.unit is None:
            return signal.rename(str(address))
        units = signal["unit"].values
        if address.unit not in units:
            held = f"0 to {units[-1]}" if len(units) == units[-1] + 1 else ", ".join(map(str, units))
            raise AddressError(f"There is no unit {address.unit} in {address.whole}. Units: {held}.")
        return signal.sel(unit=address.unit).rename(str(address))

    @property
    def addresses(self) -> tuple[Address, ...]:
        """All signals, layer by layer."""
        return tuple(Address.parse(text) for text in self.tree.attrs["signals"])

    @property
    def memory(self) -> Address:
        """The signal that best shows what the network keeps: the top layer's cell state, or its nearest kin."""
        top = [address for address in self.addresses if address.node == self.addresses[-1].node]
        names = [address.signal for address in top]
        memory = self.tree.attrs["memory"][top[0].module]
        best = next((name for name in (memory, "h") if name in names), names[0])
        return top[names.index(best)]

    def along(self, directions: Directions | Sequence[Directions]) -> Trace:
        """The same trace with a signal more for each set of directions, such as ``l0.pc``; see `rnnscope.along`.

        Coordinates are computed from the signal that is there when they are read. What is on disk stays as it is.

        Raises
        ------
        AddressError, RecordingError
            If the trace does not hold the signal of the directions, or only some of its units, or one of their name.
        """
        return Trace(reduce(with_coordinates, listed(directions), self.tree), self.path)

    @property
    def documents(self) -> tuple[str, ...]:
        """The names of the documents."""
        return tuple(self.tree.attrs["documents"])

    def steps_of(self, document: int) -> slice:
        """The steps of a document, such as ``trace["l0.c"][trace.steps_of(3)]``.

        Raises
        ------
        TraceError
            If there is no such document.
        """
        if not isinstance(document, Integral) or not 0 <= document < len(self.documents):
            raise TraceError(f"Documents go from 0 to {len(self.documents) - 1}; got {document}.")
        start, stop = self.tree.dataset["document"].values.searchsorted([document, document + 1])
        return slice(int(start), int(stop))

    def headings(self, start: int, stop: int) -> dict[int, str]:
        """Number and name of the documents of a part, by how far in they begin; none if the trace has only one.

        Parameters
        ----------
        start, stop : int
            From one step to another.
        """
        if len(self.documents) == 1:
            return {}
        numbers = self.tree.dataset["document"][start:stop].values
        begins = [0, *np.flatnonzero(np.diff(numbers)) + 1]
        says = [f": {answer}" for answer in self.answers] or [""] * len(self.documents)
        return {int(step): f"{(n := numbers[step])}  {self.documents[n]}{says[n]}" for step in begins}

    @property
    def text(self) -> str:
        """The text of all documents; U+FFFD where half of a surrogate pair stands alone."""
        return self.text_between(0, len(self))

    def text_between(self, start: int, stop: int) -> str:
        """The text of a part, read without the rest.

        Parameters
        ----------
        start, stop : int
            From one step to another.
        """
        return spelled(self.tree.dataset["codepoint"][start:stop].values)

    @property
    def characters(self) -> tuple[str, ...]:
        """The character of each token id, U+FFFD for the unknown symbol; none where nobody knows them."""
        return tuple(self.tree.attrs["characters"])

    @property
    def outcomes(self) -> tuple[str, ...]:
        """What a guess may be, in the order of their numbers: characters, or labels."""
        return tuple(self.tree.attrs.get("outcomes", self.characters))

    @property
    def answers(self) -> tuple[str, ...]:
        """The label that a classifier gives each document; none of another network."""
        if self.tree.attrs.get("task") != "classifier":
            return ()
        last = np.flatnonzero(np.diff(self.tree.dataset["document"].values, append=-1))
        return tuple(self.outcomes[guess] for guess in self.tree.dataset["guess"][:, 0].values[last])

    @property
    def unknown(self) -> Counter[str]:
        """The characters that the model does not know, with their counts."""
        return Counter({character: int(count) for character, count in self.tree.attrs["unknown"].items()})

    def __len__(self) -> int:
        """Steps."""
        return self.tree.sizes["time"]

    def __repr__(self) -> str:
        where = self.path or "in memory"
        many = f"{len(self.documents):,} documents, " if len(self.documents) > 1 else ""
        return f"<Trace of {many}{counted(len(self), 'step')}, {where}: {', '.join(map(str, self.addresses))}>"


def check_trace(trace: object) -> Trace:
    """The trace, if it is one.

    Raises
    ------
    TraceError
    """
    if not isinstance(trace, Trace):
        raise TraceError(
            f"A trace was expected, such as rnnscope.trace(model, text) gives; got {type(trace).__name__}."
        )
    return trace


def open_trace(path: str | Path) -> Trace:
    """Open a trace on disk; its arrays are read when they are used.

    Parameters
    ----------
    path : str or Path
        A folder that `rnnscope.trace` or ``rnnscope trace`` wrote.

    Returns
    -------
    Trace

    Raises
    ------
    TraceError
        If there is none at the path, it is damaged, or of another format.

    Examples
    --------
    >>> import rnnscope.trained
    >>> model = rnnscope.load(rnnscope.trained.path("names-classifier"))
    >>> trace = rnnscope.trace(model, ["Kowalski", "O'Brien"], "names.zarr")
    >>> rnnscope.open_trace("names.zarr")
    <Trace of 2 documents, 15 steps, names.zarr: l0.h, l0.c, l0.i, l0.f, l0.g, l0.o, l0r.h, l0r.c, ...>
    >>> trace.answers
    ('Polish', 'Irish')
    """
    path = as_path(path)
    if not path.exists():
        raise TraceError(f"There is no trace {path}. Make one with: rnnscope trace MODEL.pt TEXT.txt")
    attributes = root_attributes(path)
    if attributes.get("format") != FORMAT:
        raise TraceError(f"{path} is not a trace: a folder was expected that rnnscope trace wrote.")
    if attributes.get("version") != VERSION:
        raise TraceError(
            f"{path} has trace format {attributes.get('version')!r}; this rnnscope reads {VERSION}. Update rnnscope."
        )
    try:
        _demand_complete(zarr.open_group(str(path), mode="r"))
        trace = Trace(open_tree(path), path)
        for address in trace.addresses:
            trace[address]
        return trace
    except Exception as error:  # zarr and xarray fail in their own ways on what they did not expect
        raise damaged(path) from error


def _demand_complete(group: zarr.Group) -> None:
    for _, array in group.members(max_depth=None):
        if isinstance(array, zarr.Array) and array.nchunks_initialized < array.nchunks:
            raise TraceError(f"{array.path} lacks chunks.")


def root_attributes(path: Path) -> dict[str, Any]:
    """The attributes of a zarr store; none if it is not one."""
    try:
        attributes = json.loads((path / "zarr.json").read_bytes())["attributes"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}
    return attributes if isinstance(attributes, dict) else {}
