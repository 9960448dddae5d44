"""First values of a network's kernels."""

from __future__ import annotations

import math
from typing import Literal, cast, get_args

from torch import Tensor, nn

from univox.errors import RecipeError
from univox.networks.blocks.depthwise import ChannelwiseConvolution, ChannelwiseTransposedConvolution

Initializer = Literal["he", "truncated-normal-1"]

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_CHANNELWISE = (ChannelwiseConvolution, ChannelwiseTransposedConvolution)


def initialize(network: nn.Module, initializer: Initializer) -> None:
    """Draw every convolution kernel anew, and set every bias of a convolution to zero.

    Args:
        network: Changed in place.
        initializer: "he": normal, variance 2 / inputs per output. "truncated-normal-1": standard deviation 1 cut
            at 2, the released Non-local U-Net's.

    Raises:
        RecipeError: An unknown name.
    """
    if initializer not in get_args(Initializer):
        raise RecipeError(
            expected=f"an initializer of {', '.join(get_args(Initializer))}",
            got=repr(initializer),
            remedy="choose one of them",
        )
    for module in network.modules():
        if isinstance(module, _CONVOLUTIONS + _TRANSPOSED + _CHANNELWISE):
            _draw(module.weight, initializer, inputs=_inputs_per_output(module))
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def _draw(kernel: Tensor, initializer: Initializer, *, inputs: float) -> None:
    if initializer == "he":
        nn.init.normal_(kernel, std=math.sqrt(2.0 / inputs))
    else:
        nn.init.trunc_normal_(kernel, std=1.0, a=-2.0, b=2.0)


def _inputs_per_output(module: nn.Module) -> float:
    """Numbers summed into one output; a transposed convolution shares its kernel among stride^n outputs."""
    if isinstance(module, _CHANNELWISE):
        return module.inputs_per_output()
    kernel = cast(Tensor, module.weight)
    edges = math.prod(kernel.shape[2:])
    if isinstance(module, _TRANSPOSED):
        return kernel.shape[0] / module.groups * edges / math.prod(module.stride)
    return kernel.shape[1] * edges
