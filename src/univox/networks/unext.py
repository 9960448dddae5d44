"""UNeXt: a small U-Net whose coarse levels mix shifted channels."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from torch import nn

from univox.networks.blocks.by_dimension import BATCH_NORMS, CONVOLUTIONS, check_spatial_dims
from univox.networks.blocks.shifted_mlp import ShiftedMLP
from univox.networks.blocks.token_unet import TokenUNet


class UNeXt(TokenUNet):
    """Three convolutional levels and two of shifted MLPs, with summed skips.

    Args:
        in_channels: Image channels.
        num_classes: Classes, background included.
        spatial_dims: 1, 2 or 3.
        widths: Channels of the five levels; half of them each is the small version, UNeXt-S.

    Shape:
        image  (B, in_channels, *spatial), normalized float
        logits (B, num_classes, *spatial); each size divisible by 32

    Raises:
        RecipeError: Other than five widths.
        ShapeError: At call, with axis, size and the next size that fits.

    Source: Valanarasu, Patel, MICCAI 2022. Widths of the released code jeya-maria-jose/UNeXt-pytorch, which the
        published 1.47 million need; those of the paper's text (32, 64, 128, 160, 256) count 1.58. Forms other than
        2-D are inferred.

    >>> import torch
    >>> UNeXt(1, 2, spatial_dims=2, widths=(8, 8, 8, 8, 8)).eval()(torch.zeros(1, 1, 32, 64)).shape
    torch.Size([1, 2, 32, 64])
    """

    domain_parts: ClassVar[tuple[str, ...]] = ("encoder.0.0.0", "output")

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        *,
        spatial_dims: int = 2,
        widths: Sequence[int] = (16, 32, 128, 160, 256),
    ) -> None:
        check_spatial_dims(spatial_dims)
        super().__init__(
            in_channels,
            num_classes,
            spatial_dims=spatial_dims,
            widths=widths,
            convolve=partial(_convolved, spatial_dims=spatial_dims),
            mix=partial(ShiftedMLP, spatial_dims=spatial_dims),
        )


def _convolved(in_channels: int, out_channels: int, *, spatial_dims: int) -> nn.Module:
    return nn.Sequential(
        CONVOLUTIONS[spatial_dims](in_channels, out_channels, 3, padding=1), BATCH_NORMS[spatial_dims](out_channels)
    )
