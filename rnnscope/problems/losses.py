"""What is lost at a step of a problem, as PyTorch computes it."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from .problem import Loss


def masked_loss(kind: Loss, outputs: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    """The loss, summed over the steps that have an answer.

    A squared error is the mean over the features, in the square of their unit. Cross-entropy is that of the softmax
    over the features. That of legal symbols is the sum over the features, each of which is the logit of a symbol's
    being legal. The latter two are in nats.

    Parameters
    ----------
    kind : {"squared error", "cross-entropy", "legal symbols"}
    outputs : tensor of shape (time, batch, feature)
    targets, mask : tensors
        Of a `Batch`.

    Returns
    -------
    tensor of shape ()
    """
    outputs, targets = outputs[mask].float(), targets[mask]
    if kind == "squared error":
        return (outputs - targets).square().mean(dim=-1).sum()
    if kind == "cross-entropy":
        return functional.cross_entropy(outputs, targets, reduction="sum")
    return functional.binary_cross_entropy_with_logits(outputs, targets, reduction="sum")
