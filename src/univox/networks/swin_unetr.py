"""Swin UNETR, built from MONAI."""

from __future__ import annotations

from typing import ClassVar

import torch
from monai.networks.nets import swin_unetr as library

from univox.errors import RecipeError
from univox.networks.blocks.sizes import SizeRule
from univox.networks.library_network import LibraryNetwork
from univox.networks.library_unets import check_two_or_three

_EMBEDDED = 12
_DIVISOR = 32


class SwinUNETR(LibraryNetwork):
    """U-shaped network with a hierarchical transformer of shifted windows as its encoder.

    Args:
        in_channels: Image channels.
        num_classes: Classes, background included.
        spatial_dims: 2 or 3.
        width: Channels at full resolution and of the first tokens; a multiple of 12.
        window: Tokens per axis among which attention looks, cut to the map where that is smaller.
        dropout: Probability that a token's number is zeroed in training.

    Shape:
        image  (B, in_channels, *spatial), normalized float
        logits (B, num_classes, *spatial); each size divisible by 32, and one of them at least 64: instance
            norm cannot normalize the single voxel that 32 on every axis leaves

    Raises:
        RecipeError: Another number of axes, or a width that 12 does not divide.
        ShapeError: At call, with axis, size and the next size that fits.

    Source: Hatamizadeh et al., BrainLes 2021 (arXiv 2201.01266), as MONAI's `SwinUNETR` has it.
    """

    domain_parts: ClassVar[tuple[str, ...]] = (
        "network.swinViT.patch_embed",
        "network.encoder1.layer.conv1",
        "network.encoder1.layer.conv3",
        "network.out",
    )

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        *,
        spatial_dims: int = 3,
        width: int = 24,
        window: int = 7,
        dropout: float = 0.0,
    ) -> None:
        check_two_or_three(spatial_dims)
        if width % _EMBEDDED:
            raise RecipeError(
                expected=f"a width that {_EMBEDDED} divides",
                got=str(width),
                remedy=f"choose {width + -width % _EMBEDDED}",
            )
        # Its constructor reads numbers off tensors, which a device without memory (torch's meta) cannot give.
        device = torch.get_default_device()
        with torch.device("cpu"):
            network = library.SwinUNETR(
                in_channels=in_channels,
                out_channels=num_classes,
                spatial_dims=spatial_dims,
                feature_size=width,
                window_size=window,
                drop_rate=dropout,
            )
        steps = (_DIVISOR,) * spatial_dims
        super().__init__(network.to(device), in_channels=in_channels, sizes=SizeRule(steps, cell=steps))
        self.encoder_parts = ("network.swinViT",)
