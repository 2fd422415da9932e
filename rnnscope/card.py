"""What a trained network is and how well it does, as a page a person can read."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

_AGAIN = """
`rnnscope train recipe.toml` makes this network and its figures again. Nats per character are the mean
cross-entropy over the whole part, with the state carried from zeros at its first character to its last.
"""


@dataclass(frozen=True)
class Card:
    """A trained network in words and figures.

    Attributes
    ----------
    task : str
    config : dict
        The network's configuration.
    parameters : int
        Trained numbers in the network.
    vocabulary_size : int
        Tokens, the unknown symbol included.
    sha256 : str
        Of the weights, see `fingerprint`.
    training : dict
        The record kept by training: recipe, corpus, steps, figures. Of a network that was imported: where it
        came from. Empty for one that is untrained.
    """

    task: str
    config: dict[str, Any]
    parameters: int
    vocabulary_size: int
    sha256: str
    training: dict[str, Any] = field(repr=False)

    @property
    def name(self) -> str:
        if "imported" in self.training:
            return f"imported from {self.training['imported']['file']}"
        return self.training["recipe"]["name"] if self.training else "untrained"

    @property
    def architecture(self) -> str:
        """The network in one line, such as ``lstm, 1 layer of 256 units, embedding of 64``."""
        c = self.config
        cell = f"rnn ({c['nonlinearity']})" if c["cell"] == "rnn" else c["cell"]
        layers = ("1 layer" if c["layers"] == 1 else f"{c['layers']} layers") + f" of {c['hidden_size']} units"
        layers += f" projected to {c['proj_size']}" if c["proj_size"] else ""
        layers += " in both directions" if c["bidirectional"] else ""
        inputs = f"embedding of {c['embedding_size']}" if c["embedding_size"] else "one-hot input"
        tail = (", tied head" if c["tied"] else "") + ("" if c["bias"] else ", no biases in the recurrent layers")
        return f"{cell}, {layers}, {inputs}{tail}"

    def rows(self) -> list[tuple[str, str]]:
        """Name and value of each line of the card."""
        rows = [
            ("task", self.task),
            ("network", self.architecture),
            ("parameters", f"{self.parameters:,}"),
            ("vocabulary", f"{self.vocabulary_size} tokens, one of them the unknown symbol"),
            ("weights", f"sha256 {self.sha256}"),
        ]
        if "imported" in self.training:
            return rows + self._import_rows()
        return rows + self._training_rows() if self.training else rows

    def _import_rows(self) -> list[tuple[str, str]]:
        record = self.training["imported"]
        rows = [("source", f"{record['file']}, sha256 {record['sha256']}"), *record["found"].items()]
        return rows + [("note", note) for note in record["notes"]]

    def _training_rows(self) -> list[tuple[str, str]]:
        record = self.training
        corpus, method = record["corpus"], record["recipe"]["training"]
        trained = f"{record['step']:,} steps, {record['epoch']:.1f} epochs, {record['seconds'] / 60:.0f} minutes"
        rows = [
            ("corpus", f"{corpus['name']}, {corpus['characters']:,} characters"),
            ("source", corpus["source"]),
            ("licence", corpus["licence"]),
            ("split", ", ".join(f"{part} {count:,}" for part, count in corpus["parts"].items()) + " characters"),
            ("trained", f"{trained}; best at step {record['best_step']:,}"),
            (
                "method",
                f"{method['method']}, learning rate {method['learning_rate']:g}, seed {record['recipe']['seed']}",
            ),
            ("clipped", f"{record['clipped_share']:.1%} of the steps"),
        ]
        for part in ("validation", "test"):
            if (nats := record.get(f"{part}_nats")) is not None:
                rows.append((part, f"{nats:.4f} nats per character ({nats / math.log(2):.4f} bits)"))
        return rows

    def markdown(self) -> str:
        """The card as a page."""
        about = self.training.get("recipe", {})
        table = "\n".join(f"| {name} | {value} |" for name, value in self.rows())
        parts = [f"# {self.name}", about.get("description", ""), f"| | |\n|---|---|\n{table}"]
        if about:
            parts.append(_AGAIN)
        if about.get("limits"):
            parts.append(f"## Limits\n\n{about['limits'].strip()}")
        return "\n\n".join(part.strip() for part in parts if part) + "\n"


def fingerprint(module: nn.Module) -> str:
    """The sha256 over the names, types, shapes and bytes of a network's weights."""
    digest = hashlib.sha256()
    for name, tensor in module.state_dict().items():
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
