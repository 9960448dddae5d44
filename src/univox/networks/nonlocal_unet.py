"""The Non-local U-Net of 2020, its released form and the ablation models of its paper."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Literal

from torch import Tensor, nn

from univox.errors import RecipeError
from univox.networks.blocks.conv import Layers, aligned_layers
from univox.networks.blocks.global_aggregation import GlobalAggregation
from univox.networks.blocks.initialize import Initializer, initialize
from univox.networks.blocks.residual import PreActivation, PreActivationBlock
from univox.networks.blocks.sizes import SizeRule


@dataclass(frozen=True)
class Variant:
    """What the models of the paper differ in.

    Args:
        bottom: The block at the coarsest level.
        up: The up-sampling blocks, coarsest first; their number is the number of halvings.
        shortcuts: Whether encoder and decoder blocks are residual.
    """

    bottom: Literal["attention", "convolution"]
    up: tuple[Literal["attention", "deconvolution"], ...]
    shortcuts: bool = True


VARIANTS: dict[str, Variant] = {
    "paper": Variant("attention", ("attention", "attention")),
    "released": Variant("attention", ("attention", "deconvolution")),
    "model1": Variant("convolution", ("deconvolution", "deconvolution"), shortcuts=False),
    "model2": Variant("convolution", ("deconvolution", "deconvolution")),
    "model3": Variant("convolution", ("attention", "deconvolution")),
    "model4": Variant("convolution", ("attention", "attention")),
    "model5": Variant("attention", ("deconvolution", "deconvolution")),
}


class NonLocalUNet(nn.Module):
    """U-Net whose bottom and up-sampling blocks attend to every voxel.

    Args:
        in_channels: Image channels (T1 with T2: 2).
        num_classes: Classes, background included.
        spatial_dims: 1, 2 or 3.
        width: Channels at full resolution, doubled per level.
        variant: A name of `VARIANTS`; "paper" is the published network.
        attention_dropout: Probability that an attention weight is zeroed in training. The paper's is 0.5; in the
            released code it is never active (0).
        output_dropout: The same for each number that the last convolution reads.
        initializer: "he", or the released code's "truncated-normal-1".
        batch_norm_momentum: Share of the new batch in the running statistics; as released, 0.003.

    Shape:
        image  (B, in_channels, *spatial), standardized float
        logits (B, num_classes, *spatial); each size divisible by 2 ** halvings, 4 as published

    Raises:
        RecipeError: An unknown variant or initializer.
        ShapeError: At call, with axis, size and the next size that fits.

    Source: Wang et al., AAAI 2020, Figs. 1-3, Eqs. 1-3. Departs: stem and first projection as in
        the released code, which the published count needs.

    >>> import torch
    >>> NonLocalUNet(2, 4).eval()(torch.zeros(1, 2, 8, 8, 8)).shape
    torch.Size([1, 4, 8, 8, 8])
    """

    encoder_parts: ClassVar[tuple[str, ...]] = ("stem", "encoder")
    domain_parts: ClassVar[tuple[str, ...]] = ("stem", "output.2")

    def __init__(  # noqa: PLR0913 - each is a choice that the paper or its code makes
        self,
        in_channels: int,
        num_classes: int,
        *,
        spatial_dims: int = 3,
        width: int = 32,
        variant: str = "paper",
        attention_dropout: float = 0.5,
        output_dropout: float = 0.5,
        initializer: Initializer = "he",
        batch_norm_momentum: float = 0.1,
    ) -> None:
        super().__init__()
        choice = _variant(variant)
        layers = aligned_layers(spatial_dims, batch_norm_momentum=batch_norm_momentum)
        halvings = len(choice.up)
        widths = [width * 2**level for level in range(halvings + 1)]
        self.in_channels = in_channels
        self.sizes = SizeRule.multiples(2**halvings, spatial_dims)
        self.stem = layers.convolution(in_channels, width, kernel_size=3)
        self.encoder = _encoder(widths, layers=layers, shortcuts=choice.shortcuts)
        self.bottom = _bottom(choice.bottom, widths[-1], layers=layers, dropout=attention_dropout)
        coarse_to_fine = widths[::-1]
        self.up = nn.ModuleList(
            UpSampling(coarse, fine, layers=layers, attention=kind == "attention", dropout=attention_dropout)
            for coarse, fine, kind in zip(coarse_to_fine, coarse_to_fine[1:], choice.up, strict=False)
        )
        identity = "auto" if choice.shortcuts else "none"
        self.decoder = nn.ModuleList(
            PreActivationBlock(fine, fine, layers=layers, shortcut=identity) for fine in coarse_to_fine[1:]
        )
        self.output = nn.Sequential(
            PreActivation(width, layers=layers),
            nn.Dropout(output_dropout),
            layers.convolution(width, num_classes, kernel_size=1, bias=True),
        )
        initialize(self, initializer)

    def forward(self, image: Tensor) -> Tensor:
        """Logits on the image's grid."""
        self.sizes.check(image, in_channels=self.in_channels)
        features = self.stem(image)
        skips: list[Tensor] = []
        for block in self.encoder:
            features = block(features)
            skips.append(features)
        features = self.bottom(skips.pop())
        for up, decode in zip(self.up, self.decoder, strict=True):
            features = decode(up(features) + skips.pop())
        return self.output(features)


class UpSampling(nn.Module):
    """Doubles the grid: by a transposed convolution, with attention beside it or alone.

    With attention both read the normalized, activated image and are summed; alone, the convolution reads the
    image itself.

    Source: Wang et al., AAAI 2020, Fig. 2(d); the bare form as in the released code.
    """

    def __init__(self, in_channels: int, out_channels: int, *, layers: Layers, attention: bool, dropout: float) -> None:
        super().__init__()
        self.shortcut = layers.transposed(in_channels, out_channels, kernel_size=3, stride=2)
        self.activate: nn.Module | None = None
        if attention:
            self.activate = PreActivation(in_channels, layers=layers)
            self.aggregation = GlobalAggregation(in_channels, out_channels, layers=layers, kind="up", dropout=dropout)

    def forward(self, image: Tensor) -> Tensor:
        """Every size doubled."""
        if self.activate is None:
            return self.shortcut(image)
        activated = self.activate(image)
        return self.aggregation(activated) + self.shortcut(activated)


class BottomAttention(nn.Module):
    """Size-preserving attention, two heads, behind normalization and activation; adds the untouched image.

    Source: Wang et al., AAAI 2020, Fig. 2(c); two heads as in the released code.
    """

    def __init__(self, channels: int, *, layers: Layers, dropout: float) -> None:
        super().__init__()
        self.activate = PreActivation(channels, layers=layers)
        self.aggregation = GlobalAggregation(channels, channels, layers=layers, heads=2, dropout=dropout)

    def forward(self, image: Tensor) -> Tensor:
        """Image plus what was aggregated."""
        return image + self.aggregation(self.activate(image))


def _variant(name: str) -> Variant:
    if name not in VARIANTS:
        raise RecipeError(expected=f"a variant of {', '.join(VARIANTS)}", got=repr(name), remedy="choose one of them")
    return VARIANTS[name]


def _encoder(widths: list[int], *, layers: Layers, shortcuts: bool) -> nn.ModuleList:
    """One block at full size, whose shortcut is a projection too, and one per halving."""
    projected = "projection" if shortcuts else "none"
    blocks = [PreActivationBlock(widths[0], widths[0], layers=layers, shortcut=projected)]
    for fine, coarse in pairwise(widths):
        blocks.append(PreActivationBlock(fine, coarse, layers=layers, stride=2, shortcut=projected))
    return nn.ModuleList(blocks)


def _bottom(kind: str, channels: int, *, layers: Layers, dropout: float) -> nn.Module:
    if kind == "attention":
        return BottomAttention(channels, layers=layers, dropout=dropout)
    return nn.Sequential(PreActivation(channels, layers=layers), layers.convolution(channels, channels))
