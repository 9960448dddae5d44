"""V-Net, built from MONAI's transitions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

from monai.networks.blocks.convolutions import Convolution
from monai.networks.nets.vnet import DownTransition, InputTransition, OutputTransition, UpTransition
from monai.networks.nets.vnet import VNet as MonaiVNet
from torch import Tensor, nn

from univox.errors import RecipeError
from univox.networks.blocks.sizes import SizeRule
from univox.networks.library_network import LibraryNetwork
from univox.networks.library_unets import check_two_or_three

_SIDES = 4


class VNet(LibraryNetwork):
    """Residual network of convolutions of edge 5, with strided convolutions down and transposed ones up.

    Args:
        in_channels: Image channels, any number.
        num_classes: Classes, background included.
        spatial_dims: 2 or 3.
        width: Channels at full resolution, doubled per level.
        down_convolutions: Convolutions of the four coarser levels of the encoder, fine to coarse.
        up_convolutions: Those of the decoder, coarse to fine.
        dropout: Probability with which whole channels are zeroed in training, where MONAI does so with 0.5: in the two
            coarsest levels of either side, and in every skip.

    Shape:
        image  (B, in_channels, *spatial), normalized float
        logits (B, num_classes, *spatial); each size divisible by 16

    Raises:
        RecipeError: Another number of axes, or other than four numbers of convolutions.
        ShapeError: At call, with axis, size and the next size that fits.

    Source: Milletari, Navab, Ahmadi, 3DV 2016, as MONAI's `VNet` has it, whose names and shapes of weights these are
        by default: batch norm, fewer convolutions than the paper's 2, 3, 3, 3 down and 3, 3, 2, 1 up, and a convolution
        of edge 5 to the classes. PReLU is the paper's (MONAI's default is ELU). MONAI adds the image, repeated to the
        width, to the first convolution, and so takes only divisors of 16 as channels; here the repetition is cut
        off at the width.
    """

    domain_parts: ClassVar[tuple[str, ...]] = ("network.in_tr.conv_block.conv", "network.out_tr")

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        *,
        spatial_dims: int = 3,
        width: int = 16,
        down_convolutions: Sequence[int] = (1, 2, 3, 2),
        up_convolutions: Sequence[int] = (2, 2, 1, 1),
        dropout: float = 0.0,
    ) -> None:
        check_two_or_three(spatial_dims)
        if len(down_convolutions) != _SIDES or len(up_convolutions) != _SIDES:
            raise RecipeError(
                expected="four numbers of convolutions down and four up",
                got=f"{tuple(down_convolutions)} and {tuple(up_convolutions)}",
                remedy="correct down_convolutions and up_convolutions",
            )
        network = _Transitions(
            in_channels,
            num_classes,
            spatial_dims=spatial_dims,
            width=width,
            down=down_convolutions,
            up=up_convolutions,
            dropout=dropout,
        )
        super().__init__(network, in_channels=in_channels, sizes=SizeRule.multiples(2**_SIDES, spatial_dims))
        self.encoder_parts = (
            "network.in_tr",
            *(f"network.down_tr{channels}" for channels in (32, 64, 128, 256)),
        )


class _Transitions(MonaiVNet):
    """MONAI's network with its names (which tell its own widths) and its order of calls, at any width."""

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        *,
        spatial_dims: int,
        width: int,
        down: Sequence[int],
        up: Sequence[int],
        dropout: float,
    ) -> None:
        # MONAI's constructor would build the network at its own width.
        nn.Module.__init__(self)
        act, dims = "prelu", spatial_dims
        inner = dropout or None
        self.in_tr = CyclicInput(in_channels, width, spatial_dims=dims, act=act)
        self.down_tr32 = DownTransition(dims, width, down[0], act)
        self.down_tr64 = DownTransition(dims, 2 * width, down[1], act)
        self.down_tr128 = DownTransition(dims, 4 * width, down[2], act, dropout_prob=inner, dropout_dim=dims)
        self.down_tr256 = DownTransition(dims, 8 * width, down[3], act, dropout_prob=inner, dropout_dim=dims)

        def rising(before: int, after: int, convolutions: int, within: float | None) -> UpTransition:
            return UpTransition(
                dims, before, after, convolutions, act, dropout_prob=(within, dropout), dropout_dim=dims
            )

        self.up_tr256 = rising(16 * width, 16 * width, up[0], inner)
        self.up_tr128 = rising(16 * width, 8 * width, up[1], inner)
        self.up_tr64 = rising(8 * width, 4 * width, up[2], None)
        self.up_tr32 = rising(4 * width, 2 * width, up[3], None)
        self.out_tr = OutputTransition(dims, 2 * width, num_classes, act)


class CyclicInput(InputTransition):
    """The first level: a convolution plus the image itself, its channels repeated in turn up to the width.

    Shape:
        (B, in_channels, *spatial) -> (B, width, *spatial)
    """

    def __init__(self, in_channels: int, width: int, *, spatial_dims: int, act: str) -> None:
        super().__init__(spatial_dims, 1, width, act)
        self.repetitions = math.ceil(width / in_channels)
        self.conv_block = Convolution(
            spatial_dims=spatial_dims,
            in_channels=in_channels,
            out_channels=width,
            kernel_size=5,
            act=None,
            norm="batch",
            bias=False,
        )

    def forward(self, x: Tensor) -> Tensor:
        """Convolve and add."""
        repeated = x.repeat(1, self.repetitions, *(1,) * (x.ndim - 2))[:, : self.out_channels]
        return self.act_function(self.conv_block(x) + repeated)
