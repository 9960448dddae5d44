"""One update of the weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from univox.data.batches import Batch
from univox.errors import DatasetError, RecipeError
from univox.inference.device import autocast
from univox.networks.blocks.sizes import size_rule
from univox.networks.memory_order import MEMORY_FORMATS
from univox.training.shallow_convolution import ShallowConvolutionsInFloat32


@dataclass(frozen=True)
class Step:
    """Everything that one iteration needs.

    Args:
        network: In training mode.
        loss: Maps logits (B, K, *spatial) and labels (B, *spatial), and voxel weights where batches have them, to a
            scalar.
        optimizer: Over the network's parameters.
        device: Where the network is.
        precision: "fp32", "bf16", or "auto": bfloat16 where the device has instructions for it.
        gradient_clip: Largest norm of the whole gradient, or none.
        seed: Of the run; with the iteration's index it fixes every random number in the network.
        equalized: Parameters whose whole gradient is scaled to the norm 1, before any clipping; none, unless given.
    """

    network: nn.Module
    loss: nn.Module
    optimizer: torch.optim.Optimizer
    device: torch.device
    precision: str
    gradient_clip: float | None
    seed: int
    equalized: Sequence[nn.Parameter] = ()

    def __call__(self, batch: Batch, iteration: int, *, learning_rate: float) -> float:
        """Update the weights once.

        Args:
            batch: Images and labels.
            iteration: Its index, from 0.
            learning_rate: For this update.

        Returns:
            The loss before the update.

        Raises:
            RecipeError: The loss is not finite.
        """
        # Dropout draws from the index alone, so that a resumed run draws what an undisturbed one does.
        torch.manual_seed((self.seed * 1_000_003 + iteration) % 2**63)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        order = MEMORY_FORMATS.get(batch.image.ndim, torch.contiguous_format)
        image = batch.image.to(self.device, memory_format=order, non_blocking=True)
        label = batch.label.to(self.device, non_blocking=True)
        with autocast(self.device, self.precision), ShallowConvolutionsInFloat32():
            logits = self._logits(image)
        if batch.weights is None:
            loss = self.loss(logits, self._inner(label))
        else:
            weights = batch.weights.to(self.device, non_blocking=True)
            loss = self.loss(logits, self._inner(label), self._inner(weights))
        value = float(loss.detach())
        if not torch.isfinite(loss):
            raise _diverged(batch, iteration, value)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        _equalize(self.equalized)
        if self.gradient_clip is not None:
            nn.utils.clip_grad_norm_(self.network.parameters(), self.gradient_clip)
        self.optimizer.step()
        return value

    def _logits(self, image: torch.Tensor) -> torch.Tensor | tuple[torch.Tensor, ...]:
        try:
            return self.network(image)
        except ValueError as error:
            # torch's words; it has no error of its own for this.
            if "more than 1 value per channel" not in str(error):
                raise
            raise RecipeError(
                expected="a batch in which batch normalization has several voxels to compare at the coarsest level",
                got=f"{image.shape[0]} patch of {list(image.shape[2:])}",
                remedy="raise patches.batch_size or patches.patch_size (--set)",
            ) from error

    def _inner(self, label: torch.Tensor) -> torch.Tensor:
        """The part of the label that an unpadded network gives logits of."""
        rule = size_rule(self.network, label.ndim - 1)
        for axis, (margin, size) in enumerate(zip(rule.margin, rule.inner(label.shape[1:]), strict=True), start=1):
            label = label.narrow(axis, margin, size)
        return label


def _equalize(parameters: Sequence[nn.Parameter]) -> None:
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    if gradients:
        norm = nn.utils.get_total_norm(gradients)
        # A gradient of zero stays zero.
        scale = torch.where(norm > 0, 1.0 / norm, 1.0)
        for gradient in gradients:
            gradient.mul_(scale)


def _diverged(batch: Batch, iteration: int, value: float) -> Exception:
    if not torch.isfinite(batch.image).all():
        return DatasetError(
            expected="finite intensities in every patch",
            got=f"non-finite ones at iteration {iteration} in {', '.join(batch.names)}",
            remedy="`univox check` names the case; mend it or use --skip-bad-cases",
        )
    return RecipeError(
        expected="a finite loss",
        got=f"{value} at iteration {iteration}",
        remedy="lower the learning rate (--set optimizer.lr=...), or --set training.precision=fp32",
    )
