"""Other axes of a signal than its units: principal components, a rotated basis, the direction of a probe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from rnnscope.arguments import as_path
from rnnscope.errors import OutputError, RecordingError
from rnnscope.output import atomic_path

from .address import Address
from .kernels import Place

_FORMAT = "rnnscope-directions 1"

_ROUNDING = 1e-4
"""How far products of the vectors may be from those of an orthonormal set; float32 makes such sets."""

_TAKEN = ("time", "batch", "unit", "length")
"""Names that a trace has for other things."""


@dataclass(frozen=True, eq=False, repr=False)
class Directions:
    """Directions in the space of a signal, as the units of a signal of their own: see `rnnscope.along`.

    The coordinate of the values x along a direction v is ``((x - mean) / scale) @ v``. To change a coordinate moves
    x by as many ``scale * v``, which leaves the coordinates along the other directions as they are.

    Parameters
    ----------
    signal : address of a whole signal, such as "l0.c"
    name : str
        Of the new signal: ``pc`` makes ``l0.pc``, whose units are the directions.
    vectors : array of shape (direction, unit)
        Orthonormal rows; `Directions.spanning` makes them so.
    mean : array of shape (unit,)
        Where all coordinates are zero.
    scale : array of shape (unit,), optional
        Above 0; what each unit is divided by first. 1 if not given.
    share : array of shape (direction,), optional
        Of the signal's variance, how much lies along each direction, from 0 to 1; for those who want to know.

    Raises
    ------
    AddressError
        If the signal is no address.
    RecordingError
        If shapes do not fit, values are not finite, or the rows are not orthonormal.

    Examples
    --------
    >>> import torch
    >>> import rnnscope
    >>> turned = rnnscope.Directions("l0.h", "turned", vectors=[[0.6, 0.8], [-0.8, 0.6]], mean=[1, 0])
    >>> turned
    <Directions l0.turned: 2 in the 2 dimensions of l0.h>
    >>> turned.coordinates(torch.tensor([2.0, 3.0]))
    tensor([3., 1.])
    """

    signal: str
    name: str
    vectors: np.ndarray
    mean: np.ndarray
    scale: np.ndarray = None  # pyright: ignore[reportAssignmentType]
    share: np.ndarray | None = None
    _tensors: dict[Any, tuple[Tensor, Tensor, Tensor]] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        if Address.parse(self.signal).unit is not None:
            raise RecordingError(f"{self.signal} is one unit; directions are those of a whole signal, such as l0.c.")
        if not isinstance(self.name, str) or not self.name.isidentifier() or self.name in _TAKEN:
            raise RecordingError(
                f"Directions are named by letters, digits and underscores, as a signal is; got {self.name!r}."
            )
        vectors, mean = _numbers("vectors", self.vectors, 2), _numbers("mean", self.mean, 1)
        scale = np.ones_like(mean) if self.scale is None else _numbers("scale", self.scale, 1)
        share = None if self.share is None else _numbers("share", self.share, 1)
        if not len(vectors) or vectors.shape[1:] != mean.shape or scale.shape != mean.shape:
            raise RecordingError(
                "Vectors of shape (direction, unit) with a mean and a scale of shape (unit,) were expected; got "
                f"{vectors.shape}, {mean.shape} and {scale.shape}."
            )
        if share is not None and len(share) != len(vectors):
            raise RecordingError(f"There are {len(vectors)} directions and {len(share)} shares of variance.")
        if scale.min() <= 0:
            raise RecordingError("Each unit is divided by its scale, which has to be above 0.")
        if np.abs(vectors @ vectors.T - np.eye(len(vectors))).max() > _ROUNDING:
            raise RecordingError(
                "The vectors have to be of length 1 and at right angles; Directions.spanning makes them so."
            )
        for name, array in (("vectors", vectors), ("mean", mean), ("scale", scale), ("share", share)):
            object.__setattr__(self, name, array)

    @classmethod
    def spanning(
        cls, signal: str, name: str, vectors: ArrayLike, mean: ArrayLike, scale: ArrayLike | None = None
    ) -> Directions:
        """Directions made of any vectors of shape (direction, unit), or one of shape (unit,).

        The first is only scaled; each other one loses what lies along those before it (Gram and Schmidt).

        Parameters
        ----------
        signal, name
            As of `Directions`.
        vectors : array of shape (direction, unit), or (unit,)
        mean, scale
            As of `Directions`.

        Raises
        ------
        RecordingError
            If a vector lies in the span of those before it.
        """
        rows = np.atleast_2d(_numbers("vectors", vectors))
        if rows.ndim != 2 or len(rows) > rows.shape[1]:
            raise RecordingError(f"At most as many vectors as units were expected; got {rows.shape}.")
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        q, r = np.linalg.qr((rows / np.where(lengths > 0, lengths, 1)).T)
        if np.abs(np.diag(r)).min(initial=1) < 1e-6:
            raise RecordingError(
                "A vector is zero, or lies in the span of those before it: it has no direction to add."
            )
        return cls(signal, name, (q * np.sign(np.diag(r))).T, mean, scale)  # pyright: ignore[reportArgumentType]

    @property
    def address(self) -> Address:
        """Of the signal that the directions become."""
        base = Address.parse(self.signal)
        return Address(base.module, base.layer, base.reverse, self.name)

    @property
    def base(self) -> str:
        """The name of the signal in whose space they are, without its layer."""
        return Address.parse(self.signal).signal

    def __len__(self) -> int:
        return len(self.vectors)

    def __repr__(self) -> str:
        share = "" if self.share is None else f", {self.share.sum():.0%} of its variance"
        return f"<Directions {self.address}: {len(self)} in the {len(self.mean)} dimensions of {self.signal}{share}>"

    def coordinates(self, values: Tensor) -> Tensor:
        """Coordinates of shape (..., direction) of a tensor of shape (..., unit), of its type."""
        mean, read, _ = self._like(values)
        with torch.autocast(values.device.type, enabled=False):
            return ((values.to(mean.dtype) - mean) @ read.T).to(values.dtype)

    def moved(self, values: Tensor, by: Tensor) -> Tensor:
        """Values whose coordinates are larger by some.

        Parameters
        ----------
        values : tensor of shape (..., unit)
        by : tensor of shape (..., direction)
        """
        write = self._like(values)[2]
        with torch.autocast(values.device.type, enabled=False):
            return (values + by.to(write.dtype) @ write).to(values.dtype)

    def through(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """Coordinates, and the same values made to depend on them: a gradient comes to the one through the other."""
        coordinates = self.coordinates(values)
        return coordinates, self.moved(values, coordinates - self.coordinates(values))

    def _like(self, values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Mean, what reads coordinates and what writes them, on the device of values; float32 at least."""
        if values.shape[-1] != len(self.mean):
            raise RecordingError(
                f"{self.name} has directions of {len(self.mean)} units, and {self.signal} has {values.shape[-1]}. "
                "Make directions of this network's own."
            )
        kind = (values.device, torch.promote_types(values.dtype, torch.float32))
        if kind not in self._tensors:
            arrays = (self.mean, self.vectors / self.scale, self.vectors * self.scale)
            mean, read, write = (torch.tensor(array, device=kind[0], dtype=kind[1]) for array in arrays)
            self._tensors[kind] = mean, read, write
        return self._tensors[kind]

    def save(self, path: str | Path) -> Path:
        """Write an .npz file.

        Raises
        ------
        OutputError
        """
        path = check_file(path)
        arrays: dict[str, Any] = {"vectors": self.vectors, "mean": self.mean, "scale": self.scale}
        words: dict[str, Any] = {"format": _FORMAT, "signal": self.signal, "name": self.name}
        if self.share is not None:
            arrays["share"] = self.share
        with atomic_path(path) as partial, partial.open("wb") as file:
            np.savez(file, **words, **arrays)
        return path

    @classmethod
    def load(cls, path: str | Path) -> Directions:
        """Read what `save` wrote.

        Raises
        ------
        RecordingError
            If there is no such file, or it is of another kind.
        """
        path = as_path(path)
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                held = {name: stored[name] for name in stored.files}
        except FileNotFoundError:
            raise RecordingError(
                f"There is no file {path}. Make one with: rnnscope directions MODEL TEXT.txt"
            ) from None
        except OSError as error:
            raise RecordingError(f"{path} cannot be read: {error.strerror or error}.") from None
        except Exception:  # NumPy and zipfile fail in their own ways on what they did not expect
            held = {}
        needed = ("signal", "name", "vectors", "mean", "scale")
        if str(held.get("format")) != _FORMAT or any(name not in held for name in needed):
            raise RecordingError(
                f"{path} is not a file of directions: one was expected that rnnscope directions wrote."
            )
        signal, name, vectors, mean, scale = (held[name] for name in needed)
        return cls(str(signal), str(name), vectors, mean, scale, held.get("share"))


def listed(given: Directions | Sequence[Directions]) -> list[Directions]:
    """One set of directions or several, as a list.

    Raises
    ------
    RecordingError
        If anything else is among them.
    """
    found = [given] if isinstance(given, Directions) or not isinstance(given, Iterable) else list(given)
    for one in found:
        if not isinstance(one, Directions):
            raise RecordingError(f"Directions were expected (rnnscope.Directions); got {type(one).__name__}.")
    return found


def check_file(path: str | Path) -> Path:
    """The path, if its ending is that of a file of directions."""
    path = as_path(path)
    if path.suffix != ".npz":
        raise OutputError(f"{path} does not name a file of directions: its ending must be .npz.")
    return path


def _numbers(what: str, values: ArrayLike, axes: int | None = None) -> np.ndarray:
    """Finite numbers of so many axes, in memory of their own that nobody changes."""
    try:
        given = np.asarray(values.detach().cpu() if isinstance(values, Tensor) else values)
        found = np.array(np.nan if np.iscomplexobj(given) else given, dtype=np.float64)
    except (TypeError, ValueError):
        found = np.array(np.nan)
    if not np.isfinite(found).all() or (axes is not None and found.ndim != axes):
        shape = {1: "an array of shape (unit,)", 2: "an array of shape (direction, unit)"}.get(axes or 0, "vectors")
        raise RecordingError(f"Finite numbers were expected as the {what} of directions: {shape}.")
    found.flags.writeable = False
    return found


_ATTACHED: WeakKeyDictionary[nn.Module, dict[Place, dict[str, Directions]]] = WeakKeyDictionary()


def directions_of(layer: nn.Module) -> Mapping[Place, Mapping[str, Directions]]:
    """The directions that a recurrent layer shows now, by place and name."""
    return _ATTACHED.get(layer, {})


def attach(layer: nn.Module, directions: Directions) -> None:
    """Let a layer show directions, under a name that is free."""
    address = directions.address
    _ATTACHED.setdefault(layer, {}).setdefault(Place(address.layer, address.reverse), {})[directions.name] = directions


def detach(layer: nn.Module, directions: Directions) -> None:
    """Let it show them no longer."""
    address = directions.address
    place, places = Place(address.layer, address.reverse), _ATTACHED[layer]
    del places[place][directions.name]
    if not places[place]:
        del places[place]
    if not places:
        del _ATTACHED[layer]
