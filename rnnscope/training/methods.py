"""Two ways to find weights: AdamW with warm-up and a cosine, and the RMSprop recipe of char-rnn.

char-rnn's (Karpathy 2015; figures from its published code): RMSprop with decay 0.95, all weights
drawn from +-0.08, the forget gate's bias 1, each gradient element clipped, and the learning rate
multiplied by 0.97 an epoch after the tenth.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from rnnscope.cells import CELLS
from rnnscope.models import CharLanguageModel

if TYPE_CHECKING:
    from .recipe import TrainingRecipe


class Method(ABC):
    """An optimizer, its learning rate over time, and how gradients are clipped."""

    def __init__(self, recipe: TrainingRecipe) -> None:
        self.recipe = recipe

    @abstractmethod
    def initialise(self, model: CharLanguageModel) -> None:
        """Draw the weights anew, where the method has its own way."""

    @abstractmethod
    def optimizer(self, model: nn.Module) -> Optimizer: ...

    @abstractmethod
    def learning_rate(self, step: int, steps: int, epoch: float) -> float:
        """The rate for one step out of ``steps``, in the given epoch (0 at the start)."""

    @abstractmethod
    def clip(self, parameters: list[nn.Parameter]) -> tuple[Tensor, Tensor]:
        """Clip gradients in place; the norm before, and whether anything was clipped."""


class AdamW(Method):
    def initialise(self, model: CharLanguageModel) -> None:
        """The model's own first weights are kept."""

    def optimizer(self, model: nn.Module) -> Optimizer:
        recipe = self.recipe
        return torch.optim.AdamW(
            model.parameters(), recipe.learning_rate, betas=(0.9, 0.99), weight_decay=recipe.weight_decay
        )

    def learning_rate(self, step: int, steps: int, epoch: float) -> float:
        warm = min(1.0, (step + 1) / max(1, self.recipe.warmup))
        return self.recipe.learning_rate * warm * 0.5 * (1 + math.cos(math.pi * step / steps))

    def clip(self, parameters: list[nn.Parameter]) -> tuple[Tensor, Tensor]:
        norm = nn.utils.clip_grad_norm_(parameters, self.recipe.clip)
        return norm, norm > self.recipe.clip


class CharRnn(Method):
    def initialise(self, model: CharLanguageModel) -> None:
        cell = CELLS[model.config.cell]
        for name, parameter in model.named_parameters():
            nn.init.uniform_(parameter, -0.08, 0.08)
            if "f" in cell.signal_names and ".bias_" in name:
                forget = parameter.detach()[cell.gate_rows("f", model.config.hidden_size)]
                nn.init.constant_(forget, 1.0 if ".bias_hh" in name else 0.0)

    def optimizer(self, model: nn.Module) -> Optimizer:
        return torch.optim.RMSprop(model.parameters(), self.recipe.learning_rate, alpha=0.95)

    def learning_rate(self, step: int, steps: int, epoch: float) -> float:
        return self.recipe.learning_rate * 0.97 ** max(0, int(epoch) - 9)

    def clip(self, parameters: list[nn.Parameter]) -> tuple[Tensor, Tensor]:
        gradients = [p.grad for p in parameters if p.grad is not None]
        norm = nn.utils.get_total_norm(gradients)
        largest = nn.utils.get_total_norm(gradients, norm_type=math.inf)
        nn.utils.clip_grad_value_(parameters, self.recipe.clip)
        return norm, largest > self.recipe.clip


METHODS: dict[str, type[Method]] = {"adamw": AdamW, "char-rnn": CharRnn}
