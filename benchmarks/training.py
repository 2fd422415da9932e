"""Training speed of rnnscope's loop, in times of a bare PyTorch loop that takes the same steps."""

from __future__ import annotations

import argparse
import copy
import math
import random
import string
import tempfile
from pathlib import Path

import torch
from rich.console import Console
from timing import machine, paired, table
from torch import Tensor, nn

from rnnscope.models import LanguageModelConfig
from rnnscope.training import processes
from rnnscope.training.loop import Run
from rnnscope.training.recipe import CorpusRecipe, Recipe, StreamTraining
from rnnscope.training.tasks.language_model import LanguageModelling

TRAINING = StreamTraining(method="adamw", streams=32, window=100)


def start_run(folder: Path) -> Run:
    """A run on a random text, which trains as fast as any other."""
    text = folder / "text.txt"
    text.write_text("".join(random.Random(0).choices(string.ascii_letters, k=1_000_000)))
    model = LanguageModelConfig(cell="lstm", hidden_size=256)
    recipe = Recipe("benchmark", "language-model", CorpusRecipe(path=str(text)), model, TRAINING)
    run = Run(recipe, folder, processes.launch("cpu", "32", "csv", folder))
    run.model.train()
    return run


class BareLoop:
    """What a user writes: the same network, optimizer, windows and schedule, and nothing else."""

    def __init__(self, run: Run) -> None:
        assert isinstance(run.task, LanguageModelling)
        self.model, self.tokens, self.steps = copy.deepcopy(run.model), run.task.streams.tokens, run.steps
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), TRAINING.learning_rate, betas=(0.9, 0.99), weight_decay=TRAINING.weight_decay
        )
        self.state: tuple[Tensor, ...] | None = None
        self.step = 0

    def advance(self, steps: int) -> float:
        loss = torch.zeros(())
        for _ in range(steps):
            warm = min(1.0, (self.step + 1) / TRAINING.warmup)
            cosine = 0.5 * (1 + math.cos(math.pi * self.step / self.steps))
            self.optimizer.param_groups[0]["lr"] = TRAINING.learning_rate * warm * cosine
            start = self.step * TRAINING.window
            window = self.tokens[start : start + TRAINING.window + 1]
            logits, state = self.model(window[:-1], self.state)
            self.state = tuple(part.detach() for part in state)
            loss = nn.functional.cross_entropy(logits.flatten(0, 1), window[1:].flatten())
            self.optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), TRAINING.clip)
            self.optimizer.step()
            self.step += 1
        return loss.item()


def advance(run: Run, steps: int) -> None:
    """As `Run.fit` does between two validations."""
    for _ in range(steps):
        run.advance()
    run.check_loss()


def main(quick: bool, threads: int) -> None:
    torch.set_num_threads(threads)
    console = Console()
    console.print(machine())
    steps = 5 if quick else 20
    with tempfile.TemporaryDirectory() as folder:
        run = start_run(Path(folder))
    bare = BareLoop(run)
    times = paired({"rnnscope": lambda: advance(run, steps), "bare loop": lambda: bare.advance(steps)})
    torch.testing.assert_close(run.model.state_dict(), bare.model.state_dict())

    figures = table("Training speed: median (lowest-highest)", "loop", "characters/s", "in bare loops")
    for name in times.seconds:
        speed = steps * TRAINING.streams * TRAINING.window / times.median(name)
        figures.add_row(name, f"{speed:,.0f}", str(times.ratio("bare loop", name)))
    console.print(figures)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer steps a turn")
    parser.add_argument("--threads", type=int, default=1, help="of torch [default: 1]")
    main(**vars(parser.parse_args()))
