"""The dtype in which a custom function computes."""

from __future__ import annotations

import torch
from torch import Tensor


def autocast(tensor: Tensor) -> Tensor:
    """In the dtype that autocast prescribes: a custom function has to ask for itself."""
    kind = tensor.device.type
    # The meta device, on which shapes and costs are computed, has no autocast and objects to the question.
    if kind != "meta" and torch.is_autocast_enabled(kind) and tensor.dtype != torch.float64:
        return tensor.to(torch.get_autocast_dtype(kind))
    return tensor
