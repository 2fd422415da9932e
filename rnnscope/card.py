"""What a trained network is and how well it does, as a page a person can read."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

_AGAIN = "`rnnscope train recipe.toml` makes this network and its figures again."


@dataclass(frozen=True)
class Card:
    """A trained network in words and figures.

    Attributes
    ----------
    task : str
    architecture : str
        The network in one line.
    parameters : int
        Trained numbers in the network.
    vocabularies : dict of str to int
        How many symbols of each kind it knows.
    sha256 : str
        Of the weights, see `fingerprint`.
    training : dict
        The record kept by training: recipe, corpus, steps, figures. Of a network that was imported: where it
        came from. Empty for one that is untrained.
    """

    task: str
    architecture: str
    parameters: int
    vocabularies: dict[str, int]
    sha256: str
    training: dict[str, Any] = field(repr=False)

    @property
    def name(self) -> str:
        if "imported" in self.training:
            return f"imported from {self.training['imported']['file']}"
        return self.training["recipe"]["name"] if self.training else "untrained"

    def rows(self) -> list[tuple[str, str]]:
        """Name and value of each line of the card."""
        rows = [
            ("task", self.task),
            ("network", self.architecture),
            ("parameters", f"{self.parameters:,}"),
            *self._known(),
            ("weights", f"sha256 {self.sha256}"),
        ]
        if "imported" in self.training:
            return rows + self._import_rows()
        return rows + self._training_rows() if self.training else rows

    def _known(self) -> list[tuple[str, str]]:
        """How much the network knows, if it knows symbols at all."""
        known = ", ".join(f"{count:,} {name}" for name, count in self.vocabularies.items())
        return [("knows", known)] if known else []

    def _import_rows(self) -> list[tuple[str, str]]:
        record = self.training["imported"]
        rows = [("source", f"{record['file']}, sha256 {record['sha256']}"), *record["found"].items()]
        return rows + [("note", note) for note in record["notes"]]

    def _training_rows(self) -> list[tuple[str, str]]:
        record = self.training
        corpus, method = record["corpus"], record["recipe"]["training"]
        parts, counted = corpus["parts"], corpus["counted"]
        minutes = round(record["seconds"] / 60)
        took = "1 minute" if minutes == 1 else f"{minutes:,} minutes"
        trained = f"{record['step']:,} steps, {record['epoch']:.1f} epochs, {took}"
        seed, rate = record["recipe"]["seed"], method["learning_rate"]
        return [
            ("corpus", f"{corpus['name']}, {sum(parts.values()):,} {counted}"),
            ("source", corpus["source"]),
            ("licence", corpus["licence"]),
            ("split", ", ".join(f"{part} {count:,}" for part, count in parts.items()) + f" {counted}"),
            *corpus["notes"].items(),
            ("trained", f"{trained}; best at step {record['best_step']:,}"),
            ("method", f"{method['method']}, learning rate {rate:g}, precision {method['precision']}, seed {seed}"),
            ("clipped", f"{record['clipped_share']:.1%} of the steps"),
            *self.scores,
            *self._other_seeds(),
        ]

    @property
    def scores(self) -> list[tuple[str, str]]:
        """Each part that was scored, with a score beside its baselines in words."""
        return [(score["part"], _in_words(score)) for score in self.training["scores"]]

    def _other_seeds(self) -> list[tuple[str, str]]:
        """The range of each test score over the seeds that were tried."""
        record = self.training
        others = record.get("seeds", {})
        if not others:
            return []
        tried = {record["recipe"]["seed"]: record["scores"], **others}
        values: dict[str, list[float]] = {}
        for score in (score for scores in tried.values() for score in scores if score["part"] == "test"):
            values.setdefault(score["measure"], []).append(score["value"])
        spread = ", ".join(f"{min(of):.4f} to {max(of):.4f} {measure}" for measure, of in values.items())
        return [("test by seeds", f"{spread} (seeds {', '.join(map(str, tried))})")]

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


def _in_words(score: dict[str, Any]) -> str:
    """A score beside its baselines, such as ``0.9312 accuracy; most frequent tag 0.8712``."""
    words = f"{score['value']:.4f} {score['measure']}"
    if score["measure"].startswith("nats"):
        words += f" ({score['value'] / math.log(2):.4f} bits)"
    baselines = ", ".join(f"{name} {value:.4f}" for name, value in score["baselines"].items())
    return f"{words}; {baselines}" if baselines else words


def fingerprint(module: nn.Module) -> str:
    """The sha256 over the names, types, shapes and bytes of a network's weights."""
    digest = hashlib.sha256()
    for name, tensor in module.state_dict().items():
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
