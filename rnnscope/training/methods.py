"""Three ways to find weights: Muon or AdamW with warm-up and a cosine, and the RMSprop recipe of char-rnn.

Muon (Jordan et al. 2024) makes the step of a weight matrix orthogonal: all its directions move equally
far, also those that gradients seldom name. It is given the recurrent layers' matrices; all else
(embedding, head, biases) goes by AdamW.

char-rnn's (Karpathy 2015; figures from its published code): RMSprop with decay 0.95, all weights
drawn from +-0.08, the forget gate's bias 1, each gradient element clipped, and the learning rate
multiplied by 0.97 an epoch after the tenth.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from rnnscope.cells import cell_of

from .recipe import TrainingRecipe


class Method(ABC):
    """Optimizers, their learning rate over time, and how gradients are clipped."""

    def __init__(self, recipe: TrainingRecipe) -> None:
        self.recipe = recipe

    def initialise(self, model: nn.Module) -> None:  # noqa: B027
        """Draw the weights anew, where the method has its own way; else the model's own first weights are kept."""

    @abstractmethod
    def optimizers(self, model: nn.Module) -> list[Optimizer]:
        """Each parameter in one of them."""

    @abstractmethod
    def learning_rate(self, step: int, steps: int, epoch: float) -> float:
        """The rate for one step out of ``steps``, in the given epoch (0 at the start)."""

    @abstractmethod
    def clip(self, parameters: list[nn.Parameter]) -> tuple[Tensor, Tensor]:
        """Clip gradients in place; the norm before, and whether anything was clipped."""


class AdamW(Method):
    def optimizers(self, model: nn.Module) -> list[Optimizer]:
        return [self._adamw(list(model.parameters()))]

    def _adamw(self, parameters: list[nn.Parameter]) -> Optimizer:
        recipe = self.recipe
        return torch.optim.AdamW(parameters, recipe.learning_rate, betas=(0.9, 0.99), weight_decay=recipe.weight_decay)

    def learning_rate(self, step: int, steps: int, epoch: float) -> float:
        warm = min(1.0, (step + 1) / max(1, self.recipe.warmup))
        return self.recipe.learning_rate * warm * 0.5 * (1 + math.cos(math.pi * step / steps))

    def clip(self, parameters: list[nn.Parameter]) -> tuple[Tensor, Tensor]:
        norm = nn.utils.clip_grad_norm_(parameters, self.recipe.clip)
        return norm, norm > self.recipe.clip


class Muon(AdamW):
    def optimizers(self, model: nn.Module) -> list[Optimizer]:
        layers = [module for module in model.modules() if isinstance(module, nn.RNNBase)]
        matrices = [weight for layer in layers for weight in layer.parameters() if weight.dim() == 2]
        chosen = set(map(id, matrices))
        others = [parameter for parameter in model.parameters() if id(parameter) not in chosen]
        recipe = self.recipe
        muon = torch.optim.Muon(  # its steps are scaled to AdamW's, so that one rate serves both
            matrices, recipe.learning_rate, weight_decay=recipe.weight_decay, adjust_lr_fn="match_rms_adamw"
        )
        return [muon, self._adamw(others)]


class CharRnn(Method):
    def initialise(self, model: nn.Module) -> None:
        for parameter in model.parameters():
            nn.init.uniform_(parameter, -0.08, 0.08)
        for layer in (module for module in model.modules() if isinstance(module, nn.RNNBase)):
            if "f" in cell_of(layer).signal_names:
                _open_forget_gates(layer)

    def optimizers(self, model: nn.Module) -> list[Optimizer]:
        return [torch.optim.RMSprop(model.parameters(), self.recipe.learning_rate, alpha=0.95)]

    def learning_rate(self, step: int, steps: int, epoch: float) -> float:
        return self.recipe.learning_rate * 0.97 ** max(0, int(epoch) - 9)

    def clip(self, parameters: list[nn.Parameter]) -> tuple[Tensor, Tensor]:
        gradients = [p.grad for p in parameters if p.grad is not None]
        norm = nn.utils.get_total_norm(gradients)
        largest = nn.utils.get_total_norm(gradients, norm_type=math.inf)
        nn.utils.clip_grad_value_(parameters, self.recipe.clip)
        return norm, largest > self.recipe.clip


def _open_forget_gates(layer: nn.RNNBase) -> None:
    rows = cell_of(layer).gate_rows("f", layer.hidden_size)
    for name, parameter in layer.named_parameters():
        if name.startswith("bias_"):
            nn.init.constant_(parameter.detach()[rows], 1.0 if name.startswith("bias_hh") else 0.0)


_KINDS: dict[str, type[Method]] = {"muon": Muon, "adamw": AdamW, "char-rnn": CharRnn}


def method_of(recipe: TrainingRecipe) -> Method:
    """The method that a recipe names."""
    return _KINDS[recipe.method](recipe)
