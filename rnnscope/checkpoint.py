"""The file ``model.pt``: a plain dict that is read without running any code from it.

Its keys:

    format         "rnnscope"
    version        1
    task           which class of `rnnscope.models` it is, such as "language-model"
    config         the network's configuration, a dict
    vocabularies   the symbols it knows, a dict of lists, such as its characters in the order of their ids
    state_dict     the weights
    training       how they came about: recipe, corpus, steps, figures
    resume         only in ``last.pt``: what training needs to go on
"""

from __future__ import annotations

import io
import pickle
import reprlib
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .arguments import as_path
from .card import Card, fingerprint
from .device import pick_device
from .errors import CheckpointError, RnnscopeError
from .models import NETWORKS, Network
from .output import atomic_path

FORMAT = "rnnscope"
VERSION = 1

_KEYS = ("task", "config", "vocabularies", "state_dict", "training")


def describe(model: Network, training: dict[str, Any]) -> Card:
    """The card of a network."""
    return Card(
        task=model.task,
        architecture=model.architecture,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        vocabularies={name: len(symbols) for name, symbols in model.vocabularies.items()},
        sha256=fingerprint(model),
        training=training,
    )


def save(path: str | Path, model: Network, training: dict[str, Any], **extra: Any) -> None:
    """Write a checkpoint; it appears under its name only when complete."""
    content = {
        "format": FORMAT,
        "version": VERSION,
        "task": model.task,
        "config": asdict(model.config),
        "vocabularies": {name: list(symbols) for name, symbols in model.vocabularies.items()},
        "state_dict": {name: tensor.detach().cpu() for name, tensor in model.state_dict().items()},
        "training": training,
        **extra,
    }
    packed = io.BytesIO()  # PyTorch's own writer does not say that a disk is full
    torch.save(content, packed)
    with atomic_path(path) as partial:
        partial.write_bytes(packed.getbuffer())


def load(path: str | Path, device: str | torch.device = "cpu") -> Network:
    """Open a checkpoint as a network in eval mode, with its ``.config`` and ``.card``.

    Parameters
    ----------
    path : str or Path
        A file that `rnnscope.train` or ``rnnscope import`` wrote; those that are shipped are found by
        ``rnnscope.trained.path``.
    device : str or torch.device
        Such as ``"cpu"``, ``"cuda"`` or ``"mps"``; ``"auto"`` prefers a GPU.

    Returns
    -------
    Network
        Of the class of its task.

    Raises
    ------
    CheckpointError
        If the file is missing, is no checkpoint, is damaged, wants to run code, comes from a newer
        format, or its weights do not fit or are not finite.
    DeviceError
        If this machine does not have the device.

    Examples
    --------
    >>> import rnnscope.trained
    >>> model = rnnscope.load(rnnscope.trained.path("prose-lstm"))
    >>> type(model).__name__, model.config.hidden_size, model.card.name
    ('CharLanguageModel', 256, 'prose-lstm')
    """
    content = read(path)
    try:
        model = _assembled(content)
        model.card = describe(model, content["training"])
        model.card.rows()
    except Exception as error:  # what was damaged or made by hand can break anything
        reason = " ".join(str(error).split()) if isinstance(error, RnnscopeError | RuntimeError | KeyError) else ""
        raise CheckpointError(
            f"{path} does not fit together, it was damaged or made by hand{reason and f': {reason}'}."
        ) from error
    for name, tensor in model.state_dict().items():
        if not torch.isfinite(tensor).all():
            count = int((~torch.isfinite(tensor)).sum())
            raise CheckpointError(
                f"{path} has {count:,} weights that are NaN or infinite in {name}: its training diverged. "
                "Train again with a smaller learning_rate."
            )
    return model.to(pick_device(device)).eval()


def _assembled(content: dict[str, Any]) -> Network:
    """The network that a checkpoint holds; an error without the path if its parts do not fit together."""
    task, config, vocabularies, weights, training = (content[key] for key in _KEYS)
    _demand(isinstance(task, str) and task in NETWORKS, "task", f"one of {', '.join(NETWORKS)}", task)
    kind = NETWORKS[task]
    keys = [field.name for field in fields(kind.config_type)]
    _demand(isinstance(config, dict), "config", "a dict", config)
    for name in config:
        _demand(name in keys, "config", f"with the keys {', '.join(keys)}", name)
    _demand(isinstance(vocabularies, dict) and _is_plain(vocabularies), "vocabularies", "a dict", vocabularies)
    for name, symbols in vocabularies.items():
        _demand(isinstance(symbols, list | tuple), f"vocabularies.{name}", "a list", symbols)
        for symbol in symbols:
            _demand(isinstance(symbol, str), f"vocabularies.{name}", "of str", symbol)
    _demand(isinstance(weights, dict), "state_dict", "a dict", weights)
    for name, weight in weights.items():
        _demand(isinstance(name, str) and _is_weight(weight), f"state_dict: {name!r}", "a plain tensor", weight)
    _demand(isinstance(training, dict) and _is_plain(training), "training", "a dict of plain values", training)
    with torch.device("meta"):  # a network of the size that config has, without its memory
        sketch = kind.build(kind.config_type(**config), vocabularies)
    sketch.load_state_dict(weights, assign=True)
    model = kind.build(kind.config_type(**config), vocabularies)
    model.load_state_dict(weights)
    return model


def _demand(holds: bool, what: str, expected: str, got: Any) -> None:
    if not holds:
        value = f" {reprlib.repr(got)}" if isinstance(got, str | int | float) else ""
        found = "missing" if got is None else f"{type(got).__name__}{value}"
        raise CheckpointError(f"its {what} should be {expected}, and is {found}")


def _is_weight(value: Any) -> bool:
    plain = isinstance(value, Tensor) and value.layout == torch.strided and value.device.type == "cpu"
    return plain and value.is_floating_point()


def _is_plain(value: Any) -> bool:
    """Whether a value is one that JSON has, too."""
    if isinstance(value, dict):
        return all(isinstance(key, str | int) and _is_plain(inner) for key, inner in value.items())
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, str | int | float)


def read(path: str | Path) -> dict[str, Any]:
    """The content of a checkpoint file, checked but not yet a network."""
    path = as_path(path)
    content = unpickle(path)
    if not isinstance(content, dict) or str(content.get("format")) != FORMAT:
        raise CheckpointError(
            f"{path} holds PyTorch data, but not an rnnscope checkpoint. Make one with: rnnscope train; "
            "or of weights that another program trained, with: rnnscope import."
        )
    version = content.get("version")
    if not isinstance(version, int) or version != VERSION:
        raise CheckpointError(
            f"{path} has checkpoint format {reprlib.repr(version)}; this rnnscope reads format {VERSION}. "
            "Update rnnscope to open it."
        )
    missing = [key for key in _KEYS if key not in content]
    if missing:
        raise CheckpointError(f"{path} lacks {', '.join(missing)}: it was damaged, or made by hand.")
    return content


def unpickle(path: Path, *, legacy: bool = False, read_scripted: Callable[[zipfile.ZipFile], Any] | None = None) -> Any:
    """The data in a file that PyTorch wrote, read without running any code from it.

    Parameters
    ----------
    path : Path
    legacy : bool
        Also read the format before PyTorch 1.6, a row of bare pickles.
    read_scripted : callable, optional
        Reads a TorchScript archive, which is refused if not given.

    Raises
    ------
    CheckpointError
    """
    try:
        with open(path, "rb") as file:
            head = file.read(4)
        if head[:1] == b"\x80" and not legacy:
            raise pickle.UnpicklingError("a bare pickle")
        if head[:1] != b"\x80":
            with _open_archive(path, head) as archive:
                if any(name.endswith("/constants.pkl") for name in archive.namelist()):
                    if read_scripted is None:
                        raise CheckpointError(f"{path} is TorchScript. Make a checkpoint of it with: rnnscope import.")
                    return read_scripted(archive)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about files that are refused below anyhow
            return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise CheckpointError(f"There is no file {path}. Check the spelling and the folder.") from None
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}.") from error
    except pickle.UnpicklingError:
        raise CheckpointError(
            f"{path} holds more than numbers: opening it could run code. rnnscope refuses such files. "
            "If you trust it, open it in PyTorch and save its state_dict alone."
        ) from None
    except CheckpointError:
        raise
    except Exception as error:  # a damaged archive can break PyTorch's reader anywhere
        raise CheckpointError(f"{path} is not a checkpoint, or a damaged one: PyTorch cannot read it.") from error


def _open_archive(path: Path, head: bytes) -> zipfile.ZipFile:
    if head != b"PK\x03\x04":
        raise CheckpointError(f"{path} is not a checkpoint: it is no file that torch.save wrote.")
    if not zipfile.is_zipfile(path):
        raise CheckpointError(f"{path} is cut short: it begins like a checkpoint and breaks off. Copy it again.")
    archive = zipfile.ZipFile(path)
    if archive.testzip() is not None:  # PyTorch reads over a wrong checksum
        archive.close()
        raise CheckpointError(f"{path} is damaged: its checksums do not hold. Copy it again.")
    return archive
