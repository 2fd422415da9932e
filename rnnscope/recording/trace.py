"""A trace: the signals of a network aligned with the text it read, in memory or on disk.

The file is a zarr store that xarray opens as a DataTree. At the root, by step (dimension ``time``):

    token               the id the model read
    codepoint           the character the text had there, also where the model does not know it
    document, step      which document, and the step in it
    nll                 what the token cost, in nats: -ln p(token | all before it)
    guess               (time, rank) the tokens that the model held most probable at this place
    guess_probability   (time, rank)

``nll`` and the guesses are what the model expected *before* it read the token: NaN and -1 at the first
step of a document, and where a network says nothing of what follows, or has seen it. The attribute
``mean_nll`` is over the characters that the model knows. Below the root is one node a layer and
direction (``l0``, ``l1r``, ``encoder/l0``) with its signals (time, unit), after reading the token.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import xarray as xr
import zarr

from rnnscope.errors import AddressError, TraceError

from .address import Address, find

FORMAT = "rnnscope-trace"
VERSION = 1


class Trace:
    """Signals aligned with a text.

    ``trace["l0.c"]`` is a DataArray of dims (time, unit), ``trace["l0.c.37"]`` one of (time,).

    Attributes
    ----------
    tree : xarray.DataTree
        All there is, as described in `rnnscope.recording.trace`.
    path : Path or None
        The store on disk.
    """

    def __init__(self, tree: xr.DataTree, path: Path | None = None) -> None:
        self.tree = tree
        self.path = path

    def __getitem__(self, address: str | Address) -> xr.DataArray:
        address = find(address, self.addresses)
        signal: xr.DataArray = self.tree[address.node.replace(".", "/")].dataset[address.signal]
        axis = str(signal.dims[-1])
        signal = signal.rename({axis: "unit"}) if axis != "unit" else signal
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

    @property
    def text(self) -> str:
        """The text as it was given."""
        return self.text_between(0, len(self))

    def text_between(self, start: int, stop: int) -> str:
        """The text from one step to another, without reading the rest."""
        codes = self.tree.dataset["codepoint"][start:stop].values
        return codes.astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")

    @property
    def characters(self) -> tuple[str, ...]:
        """The character of each token id, U+FFFD for the unknown symbol; none where nobody knows them."""
        return tuple(self.tree.attrs["characters"])

    @property
    def unknown(self) -> Counter[str]:
        """The characters that the model does not know, with their counts."""
        return Counter({character: int(count) for character, count in self.tree.attrs["unknown"].items()})

    def __len__(self) -> int:
        """Steps."""
        return self.tree.sizes["time"]

    def __repr__(self) -> str:
        where = self.path or "in memory"
        return f"<Trace of {len(self):,} steps, {where}: {', '.join(map(str, self.addresses))}>"


def open_trace(path: str | Path) -> Trace:
    """Open a trace on disk; its arrays are read when they are used.

    Raises
    ------
    TraceError
        If there is none at the path.
    """
    path = Path(path)
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
        trace = Trace(open_tree(str(path)), path)
        for address in trace.addresses:
            trace[address]
        return trace
    except Exception as error:  # zarr and xarray fail in their own ways on what they did not expect
        raise TraceError(f"{path} is damaged: parts of it are missing or unreadable. Trace the text again.") from error


def _demand_complete(group: zarr.Group) -> None:
    for _, array in group.members(max_depth=None):
        if isinstance(array, zarr.Array) and array.nchunks_initialized < array.nchunks:
            raise TraceError(f"{array.path} lacks chunks.")


def root_attributes(path: Path) -> dict[str, Any]:
    """The attributes of a zarr store; none if it is not one."""
    try:
        return json.loads((path / "zarr.json").read_bytes())["attributes"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def open_tree(store: Any) -> xr.DataTree:
    """A zarr store as a tree whose arrays are read when they are used."""
    return xr.open_datatree(store, engine="zarr", chunks=None)
