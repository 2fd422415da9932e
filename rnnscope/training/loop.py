"""The training loop, on Lightning Fabric: stateful, resumable to the bit, safe to interrupt.

A run's folder holds

    recipe.toml   what was asked for
    model.pt      the best weights so far, by validation
    last.pt       the last weights, with what is needed to go on
    figures.csv   a row for each validation
    card.md       at the end: what the network is and how well it does
"""

from __future__ import annotations

import math
import os
import shutil
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from lightning_fabric import Fabric
from lightning_fabric.loggers.tensorboard import TensorBoardLogger
from rich.console import Console
from torch import Tensor
from torch.nn import functional

from rnnscope import checkpoint
from rnnscope.device import pick_device
from rnnscope.errors import OutputError, TrainingError
from rnnscope.models import TASKS, CharLanguageModel, LanguageModelConfig
from rnnscope.models.language_model import State, detach
from rnnscope.output import atomic_path
from rnnscope.progress import interruption, progress_bar

from .batches import Streams
from .data import TrainingText
from .evaluation import evaluate
from .methods import METHODS, Method
from .recipe import Recipe, read_recipe

_CHECK_STEPS = 20  # between checks of the loss: a check makes a GPU wait
_SAVE_SECONDS = 60.0
_OUTPUTS = ("last.pt", "model.pt", "figures.csv", "card.md")


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
    best_nats: float = math.inf
    best_step: int = 0
    tally: Tally = field(default_factory=Tally)
    figures: list[dict[str, float]] = field(default_factory=list)

    @classmethod
    def restore(cls, kept: dict[str, Any]) -> Progress:
        return cls(**{**kept, "tally": Tally(**kept["tally"])})


class Run:
    """One training run: the network, its optimizer, the text, and how far it has come."""

    def __init__(self, recipe: Recipe, folder: Path, device: str, console: Console) -> None:
        self.recipe, self.folder, self.console = recipe, folder, console
        self.fabric = _fabric(recipe, folder, device)
        torch.manual_seed(recipe.seed)
        training = recipe.training
        self.text = TrainingText.read(recipe.corpus)
        self.streams = Streams(self.text.tokens["train"], training.streams, training.window)
        self.steps = max(1, round(training.epochs * len(self.streams)))
        for remark in self.text.remarks:
            console.print(remark, markup=False, soft_wrap=True)

        try:
            self.model = TASKS[recipe.task](recipe.model, self.text.vocabulary)
        except (RuntimeError, MemoryError, OverflowError) as error:
            raise TrainingError(
                "The network does not fit into memory. Lower model.hidden_size or model.layers."
            ) from error
        self.method: Method = METHODS[training.method](training)
        self.method.initialise(self.model)
        self.fabric_model, self.optimizer = self.fabric.setup(self.model, self.method.optimizer(self.model))
        self.state: State = None
        self.progress = Progress()
        self._pending: list[Tensor] = []

    @property
    def epoch(self) -> float:
        return self.progress.step / len(self.streams)

    def advance(self) -> None:
        """Take one step."""
        step = self.progress.step
        rate = self.method.learning_rate(step, self.steps, self.epoch)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        inputs, targets = (self.fabric.to_device(part) for part in self.streams[step])
        state = None if self.streams.starts_anew(step) else self.state
        logits, state = self.fabric_model(inputs, state)
        self.state = detach(state)
        loss = functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
        self.optimizer.zero_grad()
        self.fabric.backward(loss)
        norm, clipped = self.method.clip(list(self.model.parameters()))
        self.optimizer.step()
        self.progress.step += 1
        self._pending.append(torch.stack((loss.detach(), norm, clipped.to(norm.dtype))))

    def check_loss(self) -> None:
        """Add the pending steps to the tally, and stop at a loss that is NaN or infinite.

        Raises
        ------
        TrainingError
        """
        if not self._pending:
            return
        losses, norms, clipped = torch.stack(self._pending).cpu().double().sum(dim=0).tolist()
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
            raise TrainingError(
                f"The {what} became NaN or infinite by step {self.progress.step:,}: training diverged. {kept} "
                "Start again with a smaller training.learning_rate or training.clip."
            )

    def validate(self) -> None:
        """Score the validation part, keep the figures, and keep the weights if they are the best so far."""
        self.check_loss()
        progress, tally = self.progress, self.progress.tally
        self.model.eval()
        tokens, training = self.text.tokens["validation"], self.recipe.training
        nats = evaluate(self.model, tokens, streams=max(1, min(training.streams, len(tokens) // training.window)))
        self.model.train()
        row = {
            "step": progress.step,
            "epoch": self.epoch,
            "learning_rate": self.optimizer.param_groups[0]["lr"],
            "train_nats": tally.loss / tally.steps,
            "validation_nats": nats,
            "gradient_norm": tally.norm / tally.steps,
            "clipped_share": tally.clipped / tally.steps,
        }
        progress.figures.append(row)
        progress.tally = Tally()
        self.fabric.log_dict({name: value for name, value in row.items() if name != "step"}, step=progress.step)
        self.console.print(
            f"step {progress.step:>7,}  epoch {self.epoch:5.2f}  train {row['train_nats']:.4f}  "
            f"validation {nats:.4f} nats  clipped {row['clipped_share']:.0%}"
        )
        if nats < progress.best_nats:
            progress.best_nats, progress.best_step = nats, progress.step
            checkpoint.save(self.folder / "model.pt", self.model, self.record(validation_nats=nats))
        self.save()

    def record(self, **figures: float) -> dict[str, Any]:
        """What a checkpoint tells about its training."""
        progress = self.progress
        return {
            "recipe": self.recipe.as_dict(),
            "corpus": self.text.facts,
            "step": progress.step,
            "best_step": progress.best_step,
            "epoch": self.epoch,
            "seconds": progress.seconds,
            "clipped_share": progress.clipped / max(1, progress.step),
            "figures": [dict(row) for row in progress.figures],
            "torch": str(torch.__version__),
            **figures,
        }

    def save(self) -> None:
        """Write ``last.pt`` and ``figures.csv``, unless the weights are no longer finite."""
        self.check_loss()
        self._demand_finite(all(bool(torch.isfinite(weight).all()) for weight in self.model.parameters()), "weights")
        resume = {
            "progress": asdict(self.progress),
            "optimizer": self.optimizer.state_dict(),
            "state": self.state,
            "rng": torch.get_rng_state(),
            "cuda_rng": torch.cuda.get_rng_state(self.fabric.device) if self.fabric.device.type == "cuda" else None,
        }
        checkpoint.save(self.folder / "last.pt", self.model, self.record(), resume=resume)
        with atomic_path(self.folder / "figures.csv") as partial:
            pd.DataFrame(self.progress.figures).to_csv(partial, index=False)

    def restore(self) -> None:
        """Take up the run where ``last.pt`` left it.

        Raises
        ------
        TrainingError
            If there is nothing to resume, or the recipe or the text has changed.
        """
        path = self.folder / "last.pt"
        if not path.exists():
            raise TrainingError(f"{self.folder} holds no last.pt to resume from. Leave out --resume to start.")
        content = checkpoint.read(path)
        record, resume = content["training"], content.get("resume")
        if resume is None:
            raise TrainingError(f"{path} is a checkpoint without what training needs to go on.")
        then = record["recipe"] | {"model": asdict(LanguageModelConfig()) | record["recipe"]["model"]}
        _demand_same(then, self.recipe.as_dict(), "")  # a record may be older than some keys of the model
        if record["corpus"]["sha256"] != self.text.facts["sha256"]:
            raise TrainingError(
                f"The corpus differs from the one that {path} was trained on. Start again with --force."
            )
        self.model.load_state_dict(content["state_dict"])
        self.optimizer.load_state_dict(resume["optimizer"])
        self.state = _to_device(resume["state"], self.fabric.device)
        torch.set_rng_state(resume["rng"])
        if resume["cuda_rng"] is not None and self.fabric.device.type == "cuda":
            torch.cuda.set_rng_state(resume["cuda_rng"], self.fabric.device)
        self.progress = Progress.restore(resume["progress"])

    def fit(self) -> None:
        """Step until the end; an interruption saves and raises KeyboardInterrupt."""
        window = self.recipe.training.window * self.recipe.training.streams
        every = self.recipe.training.validate_every
        began, saved = time.monotonic() - self.progress.seconds, time.monotonic()
        self.model.train()
        with interruption() as interrupted, progress_bar(self.console) as bar:
            task = bar.add_task("training", total=self.steps * window, completed=self.progress.step * window)
            while self.progress.step < self.steps:
                self.advance()
                step = self.progress.step
                self.progress.seconds = time.monotonic() - began
                if step % _CHECK_STEPS == 0:
                    self.check_loss()
                    bar.update(task, completed=step * window)
                if step % every == 0 or step == self.steps:
                    self.validate()
                    saved = time.monotonic()
                elif interrupted.is_set() or time.monotonic() - saved > _SAVE_SECONDS:
                    self.save()
                    saved = time.monotonic()
                if interrupted.is_set() and step < self.steps:
                    raise KeyboardInterrupt

    def finish(self) -> CharLanguageModel:
        """Score the best weights on the test part, and write them with their card."""
        best = self.folder / "model.pt"
        model = checkpoint.load(best, self.fabric.device)
        scores = {f"{part}_nats": evaluate(model, self.text.tokens[part]) for part in ("validation", "test")}
        record = self.record(**scores)
        checkpoint.save(best, model, record)
        model.card = checkpoint.describe(model, record)
        with atomic_path(self.folder / "card.md") as partial:
            partial.write_text(model.card.markdown(), encoding="utf-8")
        return model


def train(
    recipe_path: str | Path,
    folder: str | Path | None = None,
    *,
    resume: bool = False,
    force: bool = False,
    device: str = "auto",
    console: Console | None = None,
) -> CharLanguageModel:
    """Make a network from a recipe.

    Parameters
    ----------
    recipe_path : path of a TOML file
    folder : path, optional
        Where checkpoints and figures go; ``runs/NAME`` by the recipe's name if not given.
    resume : bool
        Go on from ``last.pt`` in the folder. On a CPU, with the same PyTorch and as many threads,
        the weights are those of an uninterrupted run, bit for bit.
    force : bool
        Start anew in a folder that holds a run already.
    device : str
        See `rnnscope.device.pick_device`.
    console : rich Console, optional
        Where progress is shown; silent if not given.

    Returns
    -------
    CharLanguageModel
        The best weights by validation, in eval mode, with their card.

    Raises
    ------
    RecipeError, TextError, DownloadError, DeviceError, OutputError, TrainingError
    KeyboardInterrupt
        After Ctrl-C or SIGTERM; once training has begun, ``last.pt`` is written first.
    """
    recipe = read_recipe(recipe_path)
    folder = Path(folder) if folder is not None else Path("runs") / recipe.name
    _demand_free(folder, resume, force)
    run = Run(recipe, folder, device, console or Console(quiet=True))
    if resume:
        run.restore()
    else:
        _start_folder(folder, Path(recipe_path))
    run.fit()
    return run.finish()


def _demand_free(folder: Path, resume: bool, force: bool) -> None:
    """Refuse to write over a run or a network without being told to."""
    if resume and force:
        raise OutputError("--resume goes on with a run and --force replaces it: give one of the two.")
    held = [name for name in _OUTPUTS if os.path.exists(folder / name)]
    if held and not (resume or force):
        go_on = "Go on with it by --resume, start" if "last.pt" in held else "Start"
        raise OutputError(
            f"{folder} already holds {', '.join(held)}. {go_on} anew with --force, or name another with -o."
        )


def _start_folder(folder: Path, recipe_path: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in _OUTPUTS:
            (folder / name).unlink(missing_ok=True)
        if recipe_path.resolve() != (folder / "recipe.toml").resolve():
            shutil.copyfile(recipe_path, folder / "recipe.toml")
    except OSError as error:
        raise OutputError(f"{folder} cannot be written: {error.strerror}. Name another folder with -o.") from error


def _fabric(recipe: Recipe, folder: Path, name: str) -> Fabric:
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise TrainingError(
            "Training runs on one device, but this process is one of several. Start it without torchrun."
        )
    loggers = []
    if recipe.training.logger == "tensorboard":
        try:
            loggers.append(TensorBoardLogger(folder, name="tensorboard"))
        except ModuleNotFoundError:
            raise TrainingError(
                "training.logger is tensorboard, which is not installed: pip install tensorboard."
            ) from None
    device = pick_device(name)
    devices = 1 if device.index is None else [device.index]
    return Fabric(accelerator=device.type, devices=devices, loggers=loggers)


def _demand_same(old: dict[str, Any], new: dict[str, Any], where: str) -> None:
    """Refuse to resume under another recipe; words for the card may change."""
    for key in old.keys() | new.keys():
        before, after = old.get(key), new.get(key)
        if isinstance(before, dict) and isinstance(after, dict):
            _demand_same(before, after, f"{where}{key}.")
        elif before != after and key not in ("description", "limits", "path"):
            raise TrainingError(
                f"The recipe changed since last.pt was written: {where}{key} was {before!r} and is {after!r}. "
                "Put it back to resume, or start anew with --force."
            )


def _to_device(state: State, device: torch.device) -> State:
    if isinstance(state, tuple):
        return tuple(part.to(device) for part in state)
    return None if state is None else state.to(device)
