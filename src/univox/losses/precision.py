"""What every loss does first: full precision, whatever the network ran in, and a label that fits."""

from __future__ import annotations

import torch
from torch import Tensor

from univox.errors import ShapeError


def full_precision(logits: Tensor) -> Tensor:
    """Float32 for bf16 and float16; float32 and float64 as they are."""
    return logits.to(torch.promote_types(logits.dtype, torch.float32))


def check_label_shape(logits: Tensor, label: Tensor) -> None:
    """Raise ShapeError unless the label (B, *spatial) lies on the grid of the logits (B, K, *spatial)."""
    wanted = (logits.shape[0], *logits.shape[2:])
    if tuple(label.shape) != wanted:
        raise ShapeError(
            expected=f"a label of shape {wanted}",
            got=str(tuple(label.shape)),
            remedy="give integers without a channel axis, on the grid of the logits",
        )
