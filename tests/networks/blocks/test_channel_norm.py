from __future__ import annotations

import pytest
import torch

from univox.networks.blocks.channel_norm import ChannelNorm


@pytest.mark.parametrize("spatial_dims", [1, 2, 3])
def test_every_voxel_is_normalized_by_itself(spatial_dims: int) -> None:
    torch.manual_seed(0)
    norm = ChannelNorm(6).double()
    image = 3 + 2 * torch.randn(2, 6, *(3, 4, 5)[:spatial_dims], dtype=torch.float64)
    centered = image - image.mean(1, keepdim=True)
    deviation = (centered.square().mean(1, keepdim=True) + norm.eps).sqrt()
    torch.testing.assert_close(norm(image), centered / deviation)


def test_scale_and_shift_are_per_channel() -> None:
    norm = ChannelNorm(2)
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([2.0, 3.0]))
        norm.bias.copy_(torch.tensor([10.0, 20.0]))
    # Of two channels, one is a deviation above the mean and the other one below.
    image = torch.tensor([[[5.0, -5.0], [-5.0, 5.0]]]) * 1e3
    torch.testing.assert_close(norm(image), torch.tensor([[[12.0, 8.0], [17.0, 23.0]]]))


def test_it_is_not_group_normalization_with_one_group() -> None:
    image = torch.randn(1, 4, 8, generator=torch.Generator().manual_seed(0))
    assert not torch.allclose(ChannelNorm(4)(image), torch.nn.GroupNorm(1, 4)(image), atol=1e-2)
