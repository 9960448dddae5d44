"""The 3D U-Net of 2016."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase  # pyright: ignore[reportPrivateUsage] - the family's common class

from univox.networks.blocks.by_dimension import MAX_POOLS
from univox.networks.blocks.initialize import initialize
from univox.networks.blocks.u_shape import Convolutions, Normalization, UpLevel, plain_layers, u_sizes


class UNet3D(nn.Module):
    """U-Net that doubles its channels before each pooling, keeps them in up-convolutions, and normalizes.

    Args:
        in_channels: Image channels.
        num_classes: Classes, background included.
        spatial_dims: 1, 2 or 3; the published network is 3-D.
        widths: Channels of one chain: level l convolves to `widths[l]` and then to `widths[l + 1]`, and has one
            level less than there are numbers.
        padded: Whether convolutions keep the size. The published ones do not: the logits lack a margin, 44 voxels
            with four levels.
        normalization: Before every ReLU: "batch" as published; "none", the paper's comparison; or "instance", which
            is batch normalization by the batch at hand, in prediction too, for batches of one.
        bias: Whether convolutions of edge 3 add a number per channel; the output does in any case.
        up_bias: The same of up-convolutions.

    Shape:
        image  (B, in_channels, *spatial), normalized float
        logits (B, num_classes, *inner). Padded: inner = spatial, divisible by 8 with four levels; with instance
        normalization more than that on some axis.
        Unpadded: spatial = 92 + 8 m, inner = spatial - 88 (132 x 132 x 116 -> 44 x 44 x 28)

    Raises:
        RecipeError: Another number of axes or an unknown normalization.
        ShapeError: At call, with axis, size and the next size that fits.

    Source: Cicek et al., MICCAI 2016, Fig. 2. The printed count 19,069,955 needs biases in all convolutions, none in
        up-convolutions, and leaves out what the normalization learns (`count_without_normalization`). Chosen here:
        He initialization; the padded form, 1-D and 2-D are not in the paper.

    >>> import torch
    >>> UNet3D(1, 3, widths=(2, 4, 8), padded=True).eval()(torch.zeros(1, 1, 4, 6, 4)).shape
    torch.Size([1, 3, 4, 6, 4])
    """

    encoder_parts: ClassVar[tuple[str, ...]] = ("encoder",)
    domain_parts: ClassVar[tuple[str, ...]] = ("encoder.0.0", "output")

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        *,
        spatial_dims: int = 3,
        widths: Sequence[int] = (32, 64, 128, 256, 512),
        padded: bool = False,
        normalization: Normalization = "batch",
        bias: bool = True,
        up_bias: bool = False,
    ) -> None:
        super().__init__()
        layers = plain_layers(spatial_dims, padded=padded, normalization=normalization)
        steps = list(pairwise(widths))
        self.in_channels = in_channels
        self.sizes = u_sizes(len(steps) - 1, spatial_dims, padded=padded, normalization=normalization)
        self.encoder = nn.ModuleList(
            Convolutions(first if number else in_channels, first, second, layers=layers, bias=bias)
            for number, (first, second) in enumerate(steps)
        )
        self.pool = MAX_POOLS[spatial_dims](2)
        self.decoder = nn.ModuleList(
            UpLevel(
                layers.transposed(coarse, coarse, kernel_size=2, stride=2, bias=up_bias),
                Convolutions(skip + coarse, skip, skip, layers=layers, bias=bias),
            )
            for skip, coarse in reversed(steps[1:])
        )
        self.output = layers.convolution(widths[1], num_classes, kernel_size=1, bias=True)
        initialize(self, "he")

    def forward(self, image: Tensor) -> Tensor:
        """Logits on the image's grid, less the margin."""
        self.sizes.check(image, in_channels=self.in_channels)
        features = image
        skips: list[Tensor] = []
        for number, level in enumerate(self.encoder):
            features = level(self.pool(features) if number else features)
            skips.append(features)
        features = skips.pop()
        for level in self.decoder:
            features = level(features, skips.pop())
        return self.output(features)


def count_without_normalization(network: nn.Module) -> int:
    """Count the numbers that training changes, save the scales and shifts of normalizations."""
    return sum(
        parameter.numel()
        for module in network.modules()
        if not isinstance(module, _NormBase)
        for parameter in module.parameters(recurse=False)
        if parameter.requires_grad
    )
