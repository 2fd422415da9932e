"""The training loop, on Lightning Fabric: stateful, resumable to the bit, safe to interrupt."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from lightning_fabric import Fabric
from torch import Tensor

from rnnscope import checkpoint
from rnnscope.errors import CheckpointError, DivergedError, RnnscopeError, TrainingError
from rnnscope.models import Network
from rnnscope.output import atomic_path
from rnnscope.progress import interruption, progress_bar, say

from . import processes
from .folder import demand_same
from .methods import Method, method_of
from .recipe import Recipe, demand
from .task import Score, Share
from .tasks import TASKS

_CHECK_STEPS = 20  # between checks of the loss: a check makes a GPU wait
_SAVE_SECONDS = 60.0


@dataclass
class Tally:
    """What the steps since the last validation add up to."""

    steps: int = 0
    clipped: float = 0.0
    loss: float = 0.0
    norm: float = 0.0


@dataclass
class Progress:
    """Where a run stands: all of it is kept in ``last.pt``."""

    step: int = 0
    seconds: float = 0.0
    clipped: float = 0.0
    best_loss: float = math.inf
    best_step: int = 0
    tally: Tally = field(default_factory=Tally)
    figures: list[dict[str, float]] = field(default_factory=list)

    @classmethod
    def restore(cls, kept: dict[str, Any]) -> Progress:
        return cls(**{**kept, "tally": Tally(**kept["tally"])})


class Run:
    """One training run: the network, its optimizers, the data, and how far it has come."""

    def __init__(self, recipe: Recipe, folder: Path, fabric: Fabric) -> None:
        self.recipe, self.folder, self.fabric = recipe, folder, fabric
        torch.manual_seed(recipe.seed)
        with fabric.rank_zero_first():
            self.task = TASKS[recipe.task](recipe)
        self.steps = max(1, round(recipe.training.epochs * len(self.task)))
        latest = max(recipe.training.keep, default=0)
        demand(latest <= self.steps, "training.keep", f"steps up to {self.steps:,}, the last one", latest)
        for remark in self.task.remarks:
            say(remark)

        try:
            self.model = self.task.build()
        except (RuntimeError, MemoryError, OverflowError) as error:
            raise TrainingError(
                "The network does not fit into memory. Lower model.hidden_size or model.layers."
            ) from error
        self.method: Method = method_of(recipe.training)
        self.method.initialise(self.model)
        self.fabric_model, *self.optimizers = fabric.setup(self.model, *self.method.optimizers(self.model))
        if fabric.global_rank:
            torch.manual_seed(recipe.seed + fabric.global_rank)  # other dropout masks in each process
        self.progress = Progress()
        self._pending: list[Tensor] = []

    @property
    def epoch(self) -> float:
        return self.progress.step / len(self.task)

    def advance(self) -> None:
        """Take one step."""
        step = self.progress.step
        rate = self.method.learning_rate(step, self.steps, self.epoch)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.zero_grad()
        with _memory_errors(self.recipe):
            loss = self._backward(step)
        norm, clipped = self.method.clip(list(self.model.parameters()))
        for optimizer in self.optimizers:
            optimizer.step()
        self.progress.step += 1
        self._pending.append(torch.stack((loss, norm, clipped.to(norm.dtype))))

    def _backward(self, step: int) -> Tensor:
        """Gradients of a batch, share by share; the mean loss of the shares of this process."""
        accumulate, losses = self.recipe.training.accumulate, []
        for turn in range(accumulate):
            share = Share(self.fabric.global_rank * accumulate + turn, self.fabric.world_size * accumulate)
            with self.fabric.no_backward_sync(self.fabric_model, enabled=turn < accumulate - 1):
                loss = self.task.loss(self.fabric_model, step, share) / accumulate
                self.fabric.backward(loss)
            losses.append(loss.detach())
        return torch.stack(losses).sum()

    def check_loss(self) -> None:
        """Add the pending steps to the tally, and stop at a loss that is NaN or infinite.

        Raises
        ------
        DivergedError
        """
        if not self._pending:
            return
        sums = processes.mean(self.fabric, torch.stack(self._pending).double().sum(dim=0))
        losses, norms, clipped = sums.tolist()
        self._demand_finite(math.isfinite(losses + norms), "loss")
        tally = self.progress.tally
        tally.steps += len(self._pending)
        tally.loss += losses
        tally.norm += norms
        tally.clipped += clipped
        self.progress.clipped += clipped
        self._pending.clear()

    def _demand_finite(self, finite: bool, what: str) -> None:
        if not finite:
            good = self.folder / "last.pt"
            kept = f"The last good checkpoint is {good}." if good.exists() else "There is no earlier checkpoint."
            raise DivergedError(
                f"The {what} became NaN or infinite by step {self.progress.step:,}: training diverged. {kept} "
                "Start again with a smaller training.learning_rate or training.clip."
            )

    def validate(self) -> None:
        """Score the validation part, keep the figures, and keep the weights if they are the best so far."""
        self.check_loss()
        if self.fabric.is_global_zero:
            self._validate()
        self.save()

    def _validate(self) -> None:
        progress, tally = self.progress, self.progress.tally
        self.model.eval()
        loss = self.task.validate(self.model)
        self.model.train()
        row = {
            "step": progress.step,
            "epoch": self.epoch,
            "learning_rate": self.optimizers[0].param_groups[0]["lr"],
            "train_loss": tally.loss / tally.steps,
            "validation_loss": loss,
            "gradient_norm": tally.norm / tally.steps,
            "clipped_share": tally.clipped / tally.steps,
        }
        progress.figures.append(row)
        progress.tally = Tally()
        self.fabric.log_dict({name: value for name, value in row.items() if name != "step"}, step=progress.step)
        say(
            f"step {progress.step:>7,}  epoch {self.epoch:5.2f}  train {row['train_loss']:.4f}  "
            f"validation {loss:.4f} {self.task.unit}  clipped {row['clipped_share']:.0%}"
        )
        if loss < progress.best_loss:
            progress.best_loss, progress.best_step = loss, progress.step
            unfinished = [Score("validation", f"{self.task.unit}, in training", loss)]
            checkpoint.save(self.folder / "model.pt", self.model, self.record(unfinished))

    def record(self, scores: list[Score]) -> dict[str, Any]:
        """What a checkpoint tells about its training."""
        progress = self.progress
        return {
            "recipe": self.recipe.as_dict(),
            "corpus": self.task.facts,
            "step": progress.step,
            "best_step": progress.best_step,
            "epoch": self.epoch,
            "seconds": progress.seconds,
            "clipped_share": progress.clipped / max(1, progress.step),
            "figures": [dict(row) for row in progress.figures],
            "scores": [asdict(score) for score in scores],
            "torch": str(torch.__version__),
        }

    def save(self) -> None:
        """Write ``last.pt`` and ``figures.csv``, unless the weights are no longer finite."""
        self.check_loss()
        self._demand_finite(all(bool(torch.isfinite(weight).all()) for weight in self.model.parameters()), "weights")
        each = processes.gather(self.fabric, {"task": self.task.state(), **processes.random_states(self.fabric)})
        if not self.fabric.is_global_zero:
            return
        resume = {
            "progress": asdict(self.progress),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "processes": each,
        }
        with atomic_path(self.folder / "figures.csv") as partial:
            pd.DataFrame(self.progress.figures).to_csv(partial, index=False)
        checkpoint.save(self.folder / "last.pt", self.model, self.record([]), resume=resume)

    def keep(self) -> None:
        """Write the weights of this step by themselves, if the recipe asks for them."""
        step = self.progress.step
        if step in self.recipe.training.keep and self.fabric.is_global_zero:
            checkpoint.save(self.folder / f"step-{step:06}.pt", self.model, self.record([]))

    def restore(self) -> None:
        """Take up the run where ``last.pt`` left it.

        Raises
        ------
        TrainingError
            If the recipe, the data or the number of processes has changed.
        CheckpointError
        """
        path = self.folder / "last.pt"
        content = checkpoint.read(path)
        try:
            self._restore(path, content)
        except RnnscopeError:
            raise
        except Exception as error:  # what was damaged or made by hand can break anything
            raise CheckpointError(
                f"{path} does not fit together, it was damaged or made by hand. Start anew with --force."
            ) from error

    def _restore(self, path: Path, content: dict[str, Any]) -> None:
        record, resume = content["training"], content.get("resume")
        if resume is None:
            raise TrainingError(f"{path} is a checkpoint without what training needs to go on.")
        demand_same(record["recipe"], self.recipe.as_dict(), "")
        if record["corpus"]["sha256"] != self.task.facts["sha256"]:
            raise TrainingError(
                f"The corpus differs from the one that {path} was trained on. Start again with --force."
            )
        if len(resume["processes"]) != self.fabric.world_size:
            raise TrainingError(
                f"The run was made by {len(resume['processes'])} processes, and this is one of "
                f"{self.fabric.world_size}. Resume it with as many."
            )
        self.model.load_state_dict(content["state_dict"])
        for optimizer, state in zip(self.optimizers, resume["optimizers"], strict=True):
            optimizer.load_state_dict(state)
        mine = resume["processes"][self.fabric.global_rank]
        self.task.restore(self.fabric.to_device(mine["task"]))
        processes.restore_random_states(self.fabric, mine)
        self.progress = Progress.restore(resume["progress"])

    def fit(self, begin: Callable[[], None] = lambda: None) -> None:
        """Step until the end; an interruption saves and raises KeyboardInterrupt.

        `begin` is called after the first step, or before the first file where one is written earlier: what the run
        takes the place of stands until then.
        """
        every, batch = self.recipe.training.validate_every, self.task.batch_size
        began, saved = time.monotonic() - self.progress.seconds, time.monotonic()
        self.model.train()
        with interruption() as interrupted, progress_bar(self.task.facts["counted"]) as bar:
            task = bar.add_task("training", total=self.steps * batch, completed=round(self.progress.step * batch))
            first = self.progress.step
            if early := first in self.recipe.training.keep:
                begin()
                self.keep()
            while self.progress.step < self.steps:
                self.advance()
                step = self.progress.step
                if step == first + 1 and not early:
                    begin()
                self.keep()
                self.progress.seconds = time.monotonic() - began
                together = self.fabric.world_size == 1 or step % _CHECK_STEPS == 0  # agreeing takes time
                stop = together and processes.anyone(self.fabric, interrupted.is_set())
                if step % _CHECK_STEPS == 0:
                    self.check_loss()
                    bar.update(task, completed=round(step * batch))
                if step % every == 0 or step == self.steps:
                    self.validate()
                    saved = time.monotonic()
                elif stop or together and processes.anyone(self.fabric, time.monotonic() - saved > _SAVE_SECONDS):
                    self.save()
                    saved = time.monotonic()
                if stop and step < self.steps:
                    raise KeyboardInterrupt

    def finish(self) -> Network:
        """Score the best weights, and write them with their card."""
        self.fabric.barrier()
        best = self.folder / "model.pt"
        model = checkpoint.load(best, self.fabric.device)
        if not self.fabric.is_global_zero:
            return model
        say("Scoring the best weights, and what stands beside them.")
        record = self.record(self.task.scores(model))
        checkpoint.save(best, model, record)
        model.card = checkpoint.describe(model, record)
        with atomic_path(self.folder / "card.md") as partial:
            partial.write_text(model.card.markdown(), encoding="utf-8")
        return model


@contextmanager
def _memory_errors(recipe: Recipe) -> Iterator[None]:
    """Say what to lower when a batch does not fit into memory."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:  # PyTorch has a class of its own for this on a GPU alone
        if not isinstance(error, torch.OutOfMemoryError | MemoryError) and "allocate memory" not in str(error):
            raise
        sizes = " or ".join(f"training.{n}" for n in ("streams", "window", "batch_size") if hasattr(recipe.training, n))
        raise TrainingError(
            f"A batch does not fit into memory. Lower {sizes}, raise training.accumulate, or leave out long examples."
        ) from error
