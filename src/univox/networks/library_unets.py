"""Attention U-Net, ResUNet and SegResNet, built from MONAI."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from monai.networks.nets.attentionunet import AttentionUnet
from monai.networks.nets.segresnet import SegResNet as MonaiSegResNet
from monai.networks.nets.unet import UNet

from univox.errors import RecipeError
from univox.networks.blocks.by_dimension import check_spatial_dims
from univox.networks.blocks.sizes import SizeRule
from univox.networks.library_network import LibraryNetwork

_GROUPS = 8


class AttentionUNet(LibraryNetwork):
    """U-Net whose skips pass additive gates.

    Args:
        in_channels: Image channels.
        num_classes: Classes, background included.
        spatial_dims: 1, 2 or 3.
        widths: Channels per level, full resolution first.

    Shape:
        image  (B, in_channels, *spatial), normalized float
        logits (B, num_classes, *spatial); each size divisible by 2 ** (levels - 1)

    Raises:
        RecipeError: Fewer than two widths.
        ShapeError: At call, with axis, size and the next size that fits.

    Source: Oktay et al., MIDL 2018, as MONAI's `AttentionUnet` has it: the gate reads the up-sampled coarser level (in
        the paper the coarser level itself), up-sampling is transposed convolution (there linear), one output (there
        deep supervision), batch norm.
    """

    domain_parts: ClassVar[tuple[str, ...]] = ("network.model.0.conv.0.conv", "network.model.2")

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        *,
        spatial_dims: int = 3,
        widths: Sequence[int] = (16, 32, 64, 128, 256),
    ) -> None:
        check_spatial_dims(spatial_dims)
        steps = _halvings(widths)
        network = AttentionUnet(
            spatial_dims=spatial_dims,
            in_channels=in_channels,
            out_channels=num_classes,
            channels=tuple(widths),
            strides=(2,) * steps,
        )
        super().__init__(network, in_channels=in_channels, sizes=SizeRule.multiples(2**steps, spatial_dims))
        inner = [f"network.model.1.submodule{'.1.submodule' * level}" for level in range(steps)]
        self.encoder_parts = ("network.model.0", *(f"{part}.0" for part in inner[:-1]), inner[-1])


class ResUNet(LibraryNetwork):
    """U-Net of residual units with concatenated skips.

    Args:
        in_channels: Image channels.
        num_classes: Classes, background included.
        spatial_dims: 1, 2 or 3.
        widths: Channels per level; the first is already at half resolution.
        units: Convolutions of each residual unit of the encoder.

    Shape:
        image  (B, in_channels, *spatial), normalized float
        logits (B, num_classes, *spatial); each size divisible by 2 ** (levels - 1)

    Raises:
        RecipeError: Fewer than two widths.
        ShapeError: At call, with axis, size and the next size that fits.

    Source: Zhang, Liu, Wang, IEEE GRSL 2018, as MONAI's `UNet` with residual units comes to it, batch norm and ReLU:
        activation after the convolutions (in the paper before), a strided first level (there at full resolution),
        transposed convolution to the output's own channels.
    """

    domain_parts: ClassVar[tuple[str, ...]] = (
        "network.model.0.conv.unit0.conv",
        "network.model.0.residual",
        "network.model.2",
    )

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        *,
        spatial_dims: int = 2,
        widths: Sequence[int] = (64, 128, 256, 512),
        units: int = 2,
    ) -> None:
        check_spatial_dims(spatial_dims)
        steps = _halvings(widths)
        network = UNet(
            spatial_dims=spatial_dims,
            in_channels=in_channels,
            out_channels=num_classes,
            channels=tuple(widths),
            strides=(2,) * steps,
            num_res_units=units,
            norm="batch",
            act="relu",
        )
        super().__init__(network, in_channels=in_channels, sizes=SizeRule.multiples(2**steps, spatial_dims))
        inner = [f"network.model{'.1.submodule' * level}" for level in range(steps + 1)]
        self.encoder_parts = (*(f"{part}.0" for part in inner[:-1]), inner[-1])


class SegResNet(LibraryNetwork):
    """Asymmetric residual network with group norm and summed skips, without the autoencoder branch.

    Args:
        in_channels: Image channels.
        num_classes: Classes, background included.
        spatial_dims: 2 or 3.
        width: Channels at full resolution, doubled per level; a multiple of 8.
        encoder_blocks: Residual blocks per level of the encoder, full resolution first.
        decoder_blocks: The same of the decoder, coarse to fine, one level fewer.
        dropout: Probability that a channel of the first convolution's output is zeroed in training.

    Shape:
        image  (B, in_channels, *spatial), normalized float
        logits (B, num_classes, *spatial); each size divisible by 2 ** (levels - 1), 8 by default

    Raises:
        RecipeError: Another number of axes, a width that 8 does not divide, or numbers of levels that differ.
        ShapeError: At call, with axis, size and the next size that fits.

    Source: Myronenko, BrainLes 2018, as MONAI's `SegResNet` has it.
    """

    domain_parts: ClassVar[tuple[str, ...]] = ("network.convInit", "network.conv_final")

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        *,
        spatial_dims: int = 3,
        width: int = 8,
        encoder_blocks: Sequence[int] = (1, 2, 2, 4),
        decoder_blocks: Sequence[int] = (1, 1, 1),
        dropout: float = 0.0,
    ) -> None:
        check_two_or_three(spatial_dims)
        steps = len(decoder_blocks)
        if width % _GROUPS or len(encoder_blocks) != steps + 1:
            raise RecipeError(
                expected=f"a width that {_GROUPS} divides, and one level more in the encoder than in the decoder",
                got=f"{width}, {tuple(encoder_blocks)}, {tuple(decoder_blocks)}",
                remedy="correct width, encoder_blocks and decoder_blocks",
            )
        network = MonaiSegResNet(
            spatial_dims=spatial_dims,
            in_channels=in_channels,
            out_channels=num_classes,
            init_filters=width,
            blocks_down=tuple(encoder_blocks),
            blocks_up=tuple(decoder_blocks),
            dropout_prob=dropout or None,
        )
        super().__init__(network, in_channels=in_channels, sizes=SizeRule.multiples(2**steps, spatial_dims))
        self.encoder_parts = ("network.convInit", "network.down_layers")


def check_two_or_three(spatial_dims: int) -> None:
    """Raise RecipeError unless there are 2 or 3 spatial axes, which is what the library has."""
    if spatial_dims not in (2, 3):
        raise RecipeError(expected="2 or 3 spatial dimensions", got=str(spatial_dims), remedy="set spatial_dims")


def _halvings(widths: Sequence[int]) -> int:
    if len(widths) < 2:
        raise RecipeError(expected="at least two widths", got=str(tuple(widths)), remedy="give one per level")
    return len(widths) - 1
