"""Parts that networks are built from, in 1-, 2- and 3-D from one implementation."""

from univox.networks.blocks.attention import attend, dropped_attention
from univox.networks.blocks.channelwise import convolve_channels, spread_channels
from univox.networks.blocks.conv import (
    AlignedConvolution,
    AlignedTransposedConvolution,
    Layers,
    aligned_layers,
    centered_layers,
)
from univox.networks.blocks.depthwise import ChannelwiseConvolution, ChannelwiseTransposedConvolution
from univox.networks.blocks.global_aggregation import GlobalAggregation
from univox.networks.blocks.initialize import initialize
from univox.networks.blocks.residual import PreActivation, PreActivationBlock, ResidualBlock
from univox.networks.blocks.sizes import SizeRule

__all__ = [
    "AlignedConvolution",
    "AlignedTransposedConvolution",
    "ChannelwiseConvolution",
    "ChannelwiseTransposedConvolution",
    "GlobalAggregation",
    "Layers",
    "PreActivation",
    "PreActivationBlock",
    "ResidualBlock",
    "SizeRule",
    "aligned_layers",
    "attend",
    "centered_layers",
    "convolve_channels",
    "dropped_attention",
    "initialize",
    "spread_channels",
]
