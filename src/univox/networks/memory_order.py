"""The order of numbers in memory in which convolutions are fast: the channels of a voxel side by side."""

from __future__ import annotations

import torch
from torch import nn

MEMORY_FORMATS = {4: torch.channels_last, 5: torch.channels_last_3d}
"""The fast order in memory, by the number of a tensor's axes."""


def channels_last(module: nn.Module) -> nn.Module:
    """Reorder the kernels of 2-D and 3-D convolutions in memory, in place; their values stay the same."""
    for parameter in module.parameters():
        memory_format = MEMORY_FORMATS.get(parameter.dim())
        if memory_format is not None:
            parameter.data = parameter.data.contiguous(memory_format=memory_format)
    return module
