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
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

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

    Raises
    ------
    CheckpointError
        If the file is missing, is no checkpoint, is damaged, wants to run code, comes from a newer
        format, or its weights do not fit or are not finite.
    DeviceError
    """
    content = read(path)
    try:
        kind = NETWORKS[content["task"]]
        model = kind.build(kind.config_type(**content["config"]), content["vocabularies"])
        model.load_state_dict(content["state_dict"])
    except (AttributeError, KeyError, TypeError, RuntimeError, RnnscopeError) as error:
        reason = " ".join(str(error).split())
        raise CheckpointError(f"{path} does not fit together, it was damaged or made by hand: {reason}") from error
    for name, tensor in model.state_dict().items():
        if not torch.isfinite(tensor).all():
            count = int((~torch.isfinite(tensor)).sum())
            raise CheckpointError(
                f"{path} has {count:,} weights that are NaN or infinite in {name}: its training diverged. "
                "Train again with a smaller learning_rate."
            )
    model.card = describe(model, content["training"])
    try:
        model.card.rows()
    except (AttributeError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path} has a record of its training that rnnscope did not write.") from error
    return model.to(pick_device(device)).eval()


def read(path: str | Path) -> dict[str, Any]:
    """The content of a checkpoint file, checked but not yet a network."""
    path = Path(path)
    content = unpickle(path)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise CheckpointError(
            f"{path} holds PyTorch data, but not an rnnscope checkpoint. Make one with: rnnscope train; "
            "or of weights that another program trained, with: rnnscope import."
        )
    if content.get("version") != VERSION:
        raise CheckpointError(
            f"{path} has checkpoint format {content.get('version')!r}; this rnnscope reads format {VERSION}. "
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
