"""The fully convolutional networks of 2015."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from torch import Tensor, nn

from univox.errors import RecipeError
from univox.networks.blocks.bilinear import BilinearUpSampling, LearnedUpSampling
from univox.networks.blocks.by_dimension import MAX_POOLS
from univox.networks.blocks.initialize import initialize
from univox.networks.blocks.sizes import SizeRule
from univox.networks.blocks.u_shape import plain_layers
from univox.networks.blocks.vgg import VGG16_WIDTHS, VGG16Features

_REDUCTION = 32
_PUBLISHED_FC = (7, 4096)
_COMPACT_FC = (3, 512)
_STEPS = {8: (2, 2, 8), 16: (2, 16), 32: (32,)}
"""Factors of the up-samplings, coarsest first, by the stride of the finest scores."""


class FCN(nn.Module):
    """VGG-16 made convolutional, whose class scores are enlarged and summed with scores of finer features.

    Args:
        in_channels: Image channels.
        num_classes: Classes, background included.
        spatial_dims: 1, 2 or 3; the published network is 2-D.
        stride: Of the finest features that are scored: 8 (FCN-8s), 16 or 32 (no skip at all).
        widths: Channels per group of the encoder, five.
        fc: Edge and channels of the first of the two convolutions that were fully connected layers; the other has
            edge 1. None: (7, 4096) as published in 2-D, (3, 512) otherwise. Edge 7 exists in 2-D only.
        dropout: Probability that one of their outputs is zeroed in training.
        skip_scales: Factors of the pooled features at stride 16 and at stride 8 before they are scored: 1 where the
            three networks are trained one from the other, (0.01, 0.0001) where one is trained at once.
        learned_upsampling: Whether the up-samplings are transposed convolutions that begin as bilinear
            interpolation, as the paper has them; the released networks keep them fixed.

    Shape:
        image  (B, in_channels, *spatial), normalized float
        logits (B, num_classes, *spatial); each size divisible by 32

    Raises:
        RecipeError: A stride, edge, or number of widths or scales that is not one of the above.
        ShapeError: At call, with axis, size and the next size that fits.

    Source: Long, Shelhamer, Darrell, CVPR 2015, and its released network files. Departs: symmetric padding
        everywhere instead of 100 pixels around the image and crops, so that logits lie on the image's grid. Scores
        start at zero, for the files name no filler. The compact form, 1-D and 3-D are this project's.

    >>> import torch
    >>> FCN(3, 21, widths=(2, 2, 2, 2, 2), fc=(3, 4)).eval()(torch.zeros(1, 3, 32, 64)).shape
    torch.Size([1, 21, 32, 64])
    """

    encoder_parts: ClassVar[tuple[str, ...]] = ("features",)
    domain_parts: ClassVar[tuple[str, ...]] = ("features.0", "scores")

    def __init__(  # noqa: PLR0913 - each is a choice that the paper, its code or a dimension makes
        self,
        in_channels: int,
        num_classes: int,
        *,
        spatial_dims: int = 2,
        stride: int = 8,
        widths: Sequence[int] = VGG16_WIDTHS,
        fc: Sequence[int] | None = None,
        dropout: float = 0.5,
        skip_scales: Sequence[float] = (1.0, 1.0),
        learned_upsampling: bool = False,
    ) -> None:
        super().__init__()
        layers = plain_layers(spatial_dims)
        kernel_size, channels = _fc(fc, spatial_dims)
        steps = _steps(stride)
        self.in_channels = in_channels
        self.sizes = SizeRule.multiples(_REDUCTION, spatial_dims)
        self.skip_scales = _two_scales(skip_scales)
        self.features = VGG16Features(in_channels, widths=widths, layers=layers, spatial_dims=spatial_dims)
        self.pool = MAX_POOLS[spatial_dims](2)
        self.fc = nn.Sequential(
            layers.convolution(widths[-1], channels, kernel_size=kernel_size, bias=True),
            layers.activation(),
            nn.Dropout(dropout),
            layers.convolution(channels, channels, kernel_size=1, bias=True),
            layers.activation(),
            nn.Dropout(dropout),
        )
        scored = (channels, widths[3], widths[2])[: len(steps)]
        self.scores = nn.ModuleList(layers.convolution(w, num_classes, kernel_size=1, bias=True) for w in scored)
        self.upsampling = nn.ModuleList(
            LearnedUpSampling(num_classes, step, spatial_dims)
            if learned_upsampling
            else BilinearUpSampling(step, spatial_dims)
            for step in steps
        )
        self._start()

    def forward(self, image: Tensor) -> Tensor:
        """Logits on the image's grid."""
        self.sizes.check(image, in_channels=self.in_channels)
        # Only what is scored is pooled here; the poolings between the groups are the encoder's own.
        pooled = [self.pool(group) for group in self.features(image)[-len(self.scores) :]]
        scores = self.scores[0](self.fc(pooled.pop()))
        for enlarge, score, scale in zip(self.upsampling, self.scores[1:], self.skip_scales, strict=False):
            scores = enlarge(scores) + score(scale * pooled.pop())
        return self.upsampling[-1](scores)

    def _start(self) -> None:
        initialize(self, "he")
        for score in self.scores.parameters():
            nn.init.zeros_(score)
        for enlarge in self.upsampling:
            if isinstance(enlarge, LearnedUpSampling):
                enlarge.start()


def _steps(stride: int) -> tuple[int, ...]:
    if stride not in _STEPS:
        raise RecipeError(expected="a stride of 8, 16 or 32", got=str(stride), remedy="choose one of them")
    return _STEPS[stride]


def _fc(fc: Sequence[int] | None, spatial_dims: int) -> tuple[int, int]:
    if fc is None:
        return _PUBLISHED_FC if spatial_dims == 2 else _COMPACT_FC
    if len(fc) != 2 or fc[0] % 2 == 0 or (fc[0] > _COMPACT_FC[0] and spatial_dims != 2):
        raise RecipeError(
            expected="fc as an odd edge and channels, the edge at most 3 unless in 2-D",
            got=f"{tuple(fc)} in {spatial_dims}-D",
            remedy=f"give {_COMPACT_FC}, or leave fc out",
        )
    return fc[0], fc[1]


def _two_scales(skip_scales: Sequence[float]) -> tuple[float, float]:
    if len(skip_scales) != 2:
        raise RecipeError(
            expected="two skip_scales, for stride 16 and stride 8",
            got=str(tuple(skip_scales)),
            remedy="give both; FCN-16s uses the first alone",
        )
    return skip_scales[0], skip_scales[1]
