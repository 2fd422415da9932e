"""What attributions cost, beside captum on the fused layers of a CPU and a loop that takes characters away."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from captum.attr import IntegratedGradients
from rich.console import Console
from timing import machine, paired, table
from torch import Tensor

import rnnscope
from rnnscope import trained

STEPS = 64
LENGTHS = (100, 200, 400)


class Spam:
    """The shipped classifier and a random text, asked by rnnscope and by hand."""

    def __init__(self, length: int) -> None:
        model = rnnscope.load(trained.path("spam-classifier"))
        assert isinstance(model, rnnscope.SequenceClassifier)
        self.model: Any = model
        letters = np.random.default_rng(0).choice(list("abcdefghijklmnopqrstuvwxyz  "), length)
        self.text, self.space = "".join(letters), int(model.vocabulary.encode(" ")[0])
        self.tokens = torch.from_numpy(model.vocabulary.encode(self.text))

    def logit(self, embedded: Tensor) -> Tensor:
        """Of spam, for embedded texts of shape (batch, time, size)."""
        hidden = self.model.rnn(embedded.transpose(0, 1))[0]
        return self.model.head(hidden.amax(dim=0))[:, self.model.labels.index("spam")]

    def ours(self, method: str, **options: Any) -> np.ndarray:
        return rnnscope.attribute(self.model, self.text, "spam", method, **options).scores

    def captum(self) -> np.ndarray:
        text, spaces = self.model.embedding(torch.stack((self.tokens, torch.full_like(self.tokens, self.space))))
        options = {"n_steps": STEPS, "method": "gausslegendre", "internal_batch_size": STEPS}
        method: Any = IntegratedGradients(self.logit)
        found = method.attribute(text[None], spaces[None], **options)
        return found.sum(dim=-1)[0].detach().numpy()

    @torch.no_grad()
    def one_by_one(self) -> np.ndarray:
        text, space = self.model.embedding(self.tokens), self.model.embedding.weight[self.space]
        whole, scores = self.logit(text[None]), []
        for place in range(len(text)):
            without = text.clone()
            without[place] = space
            scores.append(float(whole - self.logit(without[None])))
        return np.array(scores)


def main(quick: bool, threads: int) -> None:
    torch.set_num_threads(threads)
    console = Console()
    console.print(machine())
    figures = table(
        f"spam-classifier, lstm of 96; {STEPS} points", "characters", "method", "rnnscope", "by hand", "times"
    )
    for length in LENGTHS[:1] if quick else LENGTHS:
        asked = Spam(length)
        pairs: dict[str, tuple[Callable[[], np.ndarray], Callable[[], np.ndarray]]] = {
            "integrated-gradients": (lambda asked=asked: asked.ours("integrated-gradients", steps=STEPS), asked.captum),
            "occlusion": (lambda asked=asked: asked.ours("occlusion"), asked.one_by_one),
        }
        for name, (ours, theirs) in pairs.items():
            np.testing.assert_allclose(ours(), theirs(), atol=1e-3)
            times = paired({"rnnscope": ours, "by hand": theirs}, repeats=1 if quick else 5)
            seconds = (f"{times.median(who):.2f}" for who in ("rnnscope", "by hand"))
            figures.add_row(f"{length:,}", name, *seconds, str(times.ratio("rnnscope", "by hand")))
    console.print(figures)
    console.print("By hand: captum on the fused layers, and one pass a character. Times: rnnscope's share of it.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one text, one turn")
    parser.add_argument("--threads", type=int, default=2, help="of torch [default: 2]")
    main(**vars(parser.parse_args()))
