from __future__ import annotations

from typing import Any, ClassVar

import torch
from closed_forms import built, closed_forms, counts
from network_contract import NetworkContract

from univox.networks import count_parameters
from univox.networks.lcmunet import AsymmetricBlock, ChannelAttention


class TestLcmUNet(NetworkContract):
    name = "lcmunet"
    arguments: ClassVar[dict[str, Any]] = {"widths": (8, 16, 16, 16, 16)}
    divisor = 32

    def image(self, spatial_dims: int = 2, *, batch: int = 2, in_channels: int = 2) -> torch.Tensor:
        image = super().image(spatial_dims, batch=batch, in_channels=in_channels)
        return image[..., :32, :] if spatial_dims == 3 else image


def test_every_part_has_the_parameters_of_the_layer_table() -> None:
    network = built("lcmunet", 3, 1, 2)
    assert counts(network.encoder) == [997, 3_704, 36_992]
    assert [counts(stage)[2] for stage in network.tokens] == [57_760, 141_568]
    assert counts(block[0] for block in network.decoder) == [57_760, 38_016]
    assert count_parameters(network) == 1_490_222


@closed_forms({2: (1_490_076, 43, 17), 3: (3_877_100, 61, 17)})
def test_totals_of_channels_and_classes(spatial_dims: int, in_channels: int, num_classes: int, parameters: int) -> None:
    assert count_parameters(built("lcmunet", in_channels, num_classes, spatial_dims)) == parameters


def test_a_block_counts_its_convolutions_strips_and_attention() -> None:
    i, o, squeezed = 6, 10, 4
    attention = 2 * o * squeezed + squeezed + o
    flat = (i * o + 15 * o) + (o * o + 12 * o) + (i * o + 11 * i + 2 * o) + attention
    deep = (i * o + 33 * o) + (o * o + 15 * o) + (i * o + 29 * i + 2 * o) + attention
    assert counts([AsymmetricBlock(i, o, spatial_dims=2), AsymmetricBlock(i, o, spatial_dims=3)]) == [flat, deep]


def test_equal_channels_pass_unchanged_beside_the_branch() -> None:
    torch.manual_seed(0)
    block = AsymmetricBlock(4, 4, spatial_dims=2).eval()
    with torch.no_grad():
        block.strips.of_convolution.weight.zero_()
        block.strips.of_image.weight.zero_()
    image = torch.randn(1, 4, 5, 6)
    assert torch.equal(block(image), image)


def test_channel_attention_scales_whole_channels() -> None:
    torch.manual_seed(0)
    attention = ChannelAttention(4, spatial_dims=1)
    image = torch.rand(2, 4, 7) + 1
    share = attention(image) / image
    torch.testing.assert_close(share, share[..., :1].expand_as(share))
    assert ((share > 0) & (share < 1)).all()
