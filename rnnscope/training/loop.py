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
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import pandas as pd
import torch
from lightning_fabric import Fabric
from lightning_fabric.loggers.tensorboard import TensorBoardLogger
from rich.console import Console
from torch import Tensor
from torch.nn import functional

from rnnscope import checkpoint
from rnnscope.corpora import Corpus, open_corpus
from rnnscope.errors import DeviceError, OutputError, TextError, TrainingError
from rnnscope.models import TASKS, CharLanguageModel
from rnnscope.models.language_model import State, detach
from rnnscope.output import atomic_path
from rnnscope.progress import progress_bar
from rnnscope.text import Document, Vocabulary

from .batches import Streams
from .methods import METHODS, Method
from .recipe import Recipe, read_recipe

_CHECK_STEPS = 20  # between looks at the loss: a look makes a GPU wait
_SAVE_SECONDS = 60.0
_EVALUATION_WINDOW = 1024


@torch.no_grad()
def evaluate(model: CharLanguageModel, tokens: Tensor, streams: int = 1) -> float:
    """Mean cross-entropy of a text in nats per character (lower is better).

    Parameters
    ----------
    model : CharLanguageModel, in eval mode
    tokens : int64 tensor of shape (time,)
    streams : int
        Stretches read side by side, each from a zero state. One stream is exact: the state is
        carried from the first character to the last. More are faster and a little pessimistic.
    """
    device = model.head.weight.device
    length = len(tokens) // streams
    if length < 2:
        raise TextError(f"A text of {len(tokens)} characters is too short to evaluate in {streams} streams.")
    columns = tokens[: streams * length].view(streams, length).T
    total, state = torch.zeros((), dtype=torch.float64), None
    for start in range(0, length - 1, _EVALUATION_WINDOW):
        stop = min(start + _EVALUATION_WINDOW, length - 1)
        logits, state = model(columns[start:stop].to(device), state)
        targets = columns[start + 1 : stop + 1].to(device)
        total += functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum").cpu()
    return float(total) / (streams * (length - 1))


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
    best: float = math.inf
    tally: Tally = field(default_factory=Tally)
    figures: list[dict[str, float]] = field(default_factory=list)


class Run:
    """One training run: the network, its optimizer, the text, and how far it has come."""

    def __init__(self, recipe: Recipe, folder: Path, device: str, console: Console) -> None:
        self.recipe, self.folder, self.console = recipe, folder, console
        self.fabric = _fabric(recipe, folder, device)
        torch.manual_seed(recipe.seed)
        corpus = open_corpus(recipe.corpus.name or None, recipe.corpus.path or None, recipe.corpus.encoding)
        parts = corpus.split(recipe.corpus.split)
        self.vocabulary = Vocabulary.of(*(document.text for document in parts["train"]))
        self.tokens = {part: self._tokens(documents) for part, documents in parts.items()}
        self.corpus = self._describe(corpus)
        training = recipe.training
        self.streams = Streams(self.tokens["train"], training.streams, training.window)
        for part in ("validation", "test"):
            if len(self.tokens[part]) < 2:
                raise TextError(f"The {part} part has no text to score. Give a longer text, or another corpus.split.")
        self.steps = max(1, round(training.epochs * len(self.streams)))

        model = TASKS[recipe.task](recipe.model, self.vocabulary)
        self.method: Method = METHODS[training.method](training)
        self.method.initialise(model)
        self.model = model
        self.fabric_model, self.optimizer = self.fabric.setup(model, self.method.optimizer(model))
        self.state: State = None
        self.progress = Progress()
        self._pending: list[Tensor] = []

    def _tokens(self, documents: Sequence[Document]) -> Tensor:
        return torch.from_numpy(self.vocabulary.encode("".join(document.text for document in documents)))

    def _describe(self, corpus: Corpus) -> dict[str, Any]:
        strangers = {part: int((tokens == 0).sum()) for part, tokens in self.tokens.items()}
        for part, count in strangers.items():
            if count:
                self.console.print(f"{count:,} characters of the {part} part are not in the training part: unknown.")
        if corpus.skipped:
            self.console.print(f"{len(corpus.skipped):,} files are empty, binary or in another encoding: left out.")
        return {
            "name": corpus.name,
            "source": corpus.source,
            "licence": corpus.licence,
            "documents": len(corpus.documents),
            "characters": corpus.characters,
            "parts": {part: len(tokens) for part, tokens in self.tokens.items()},
            "unknown": strangers,
        }

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

    def look(self) -> None:
        """Add the pending steps to the tally, and stop at a loss that is no number.

        Raises
        ------
        TrainingError
        """
        if not self._pending:
            return
        losses, norms, clipped = torch.stack(self._pending).double().sum(dim=0).tolist()
        first = self.progress.step - len(self._pending) + 1
        if not math.isfinite(losses + norms):
            good = self.folder / "last.pt"
            kept = f"The last good checkpoint is {good}." if good.exists() else "There is no earlier checkpoint."
            raise TrainingError(
                f"The loss is no longer a number between steps {first:,} and {self.progress.step:,}: training "
                f"diverged. {kept} Start again with a smaller training.learning_rate or training.clip."
            )
        tally = self.progress.tally
        tally.steps += len(self._pending)
        tally.loss += losses
        tally.norm += norms
        tally.clipped += clipped
        self.progress.clipped += clipped
        self._pending.clear()

    def validate(self) -> None:
        """Score the validation part, keep the figures, and keep the weights if they are the best so far."""
        self.look()
        progress, tally = self.progress, self.progress.tally
        self.model.eval()
        tokens, training = self.tokens["validation"], self.recipe.training
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
        if nats < progress.best:
            progress.best = nats
            checkpoint.save(self.folder / "model.pt", self.model, self.record(validation_nats=nats))
        self.save()

    def record(self, **figures: float) -> dict[str, Any]:
        """What a checkpoint tells about its training."""
        progress = self.progress
        return {
            "recipe": self.recipe.as_dict(),
            "corpus": self.corpus,
            "step": progress.step,
            "epoch": self.epoch,
            "seconds": progress.seconds,
            "clipped_share": progress.clipped / max(1, progress.step),
            "figures": [dict(row) for row in progress.figures],
            "torch": str(torch.__version__),
            **figures,
        }

    def save(self) -> None:
        """Write ``last.pt`` and ``figures.csv``."""
        self.look()
        progress = self.progress
        resume = {
            "optimizer": self.optimizer.state_dict(),
            "state": self.state,
            "rng": torch.get_rng_state(),
            "best": progress.best,
            "clipped": progress.clipped,
            "tally": vars(progress.tally).copy(),
        }
        checkpoint.save(self.folder / "last.pt", self.model, self.record(), resume=resume)
        with atomic_path(self.folder / "figures.csv") as partial:
            pd.DataFrame(progress.figures).to_csv(partial, index=False)

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
        _demand_same(record["recipe"], self.recipe.as_dict(), "")
        if content["vocabulary"] != list(self.vocabulary.characters[1:]) or record["corpus"] != self.corpus:
            raise TrainingError(
                f"The corpus differs from the one that {path} was trained on. Start again with --force."
            )
        self.model.load_state_dict(content["state_dict"])
        self.optimizer.load_state_dict(resume["optimizer"])
        self.state = _to_device(resume["state"], self.fabric.device)
        torch.set_rng_state(resume["rng"])
        self.progress = Progress(
            step=record["step"],
            seconds=record["seconds"],
            clipped=resume["clipped"],
            best=resume["best"],
            tally=Tally(**resume["tally"]),
            figures=record["figures"],
        )

    def fit(self) -> None:
        """Step until the end; an interruption saves and raises KeyboardInterrupt."""
        window = self.recipe.training.window * self.recipe.training.streams
        every = self.recipe.training.validate_every
        began, saved = time.monotonic() - self.progress.seconds, time.monotonic()
        self.model.train()
        with _interruption() as interrupted, progress_bar(self.console) as bar:
            task = bar.add_task("training", total=self.steps * window, completed=self.progress.step * window)
            while self.progress.step < self.steps:
                self.advance()
                step = self.progress.step
                self.progress.seconds = time.monotonic() - began
                if step % _CHECK_STEPS == 0:
                    self.look()
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
        record = checkpoint.read(best)["training"]
        model = checkpoint.load(best, self.fabric.device)
        record["seconds"] = self.progress.seconds
        record["validation_nats"] = evaluate(model, self.tokens["validation"])
        record["test_nats"] = evaluate(model, self.tokens["test"])
        record["figures"] = [dict(row) for row in self.progress.figures]
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
        Go on from ``last.pt`` in the folder. On a CPU the weights are those of an uninterrupted
        run, bit for bit.
    force : bool
        Start anew in a folder that holds a run already.
    device : {"auto", "cpu", "cuda", "mps"}
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
        After Ctrl-C or SIGTERM, once ``last.pt`` is written.
    """
    recipe = read_recipe(recipe_path)
    folder = Path(folder) if folder is not None else Path("runs") / recipe.name
    if os.path.exists(folder / "last.pt") and not (resume or force):
        raise OutputError(f"{folder} holds a run already. Go on with it by --resume, or start anew with --force.")
    run = Run(recipe, folder, device, console or Console(quiet=True))
    if resume:
        run.restore()
    else:
        _start_folder(folder, Path(recipe_path))
    run.fit()
    return run.finish()


def _start_folder(folder: Path, recipe_path: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("last.pt", "model.pt", "figures.csv", "card.md"):
            (folder / name).unlink(missing_ok=True)
        if recipe_path.resolve() != (folder / "recipe.toml").resolve():
            shutil.copyfile(recipe_path, folder / "recipe.toml")
    except OSError as error:
        raise OutputError(f"{folder} cannot be written: {error.strerror}. Name another folder with -o.") from error


def _fabric(recipe: Recipe, folder: Path, device: str) -> Fabric:
    loggers = []
    if recipe.training.logger == "tensorboard":
        try:
            loggers.append(TensorBoardLogger(folder, name="tensorboard"))
        except ModuleNotFoundError:
            raise TrainingError(
                "training.logger is tensorboard, which is not installed: pip install tensorboard."
            ) from None
    try:
        return Fabric(accelerator=device, devices=1, loggers=loggers)
    except (RuntimeError, ValueError) as error:
        raise DeviceError(f"There is no device {device!r} on this machine. Take cpu.") from error


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


@contextmanager
def _interruption() -> Iterator[threading.Event]:
    """An event that Ctrl-C or SIGTERM sets, so that a step is never cut in two; a second Ctrl-C is immediate."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return

    def ask(number: int, frame: FrameType | None) -> None:
        event.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield event
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
