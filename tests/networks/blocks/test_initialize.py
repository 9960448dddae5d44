from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from univox.errors import RecipeError
from univox.networks.blocks import ChannelwiseConvolution, ChannelwiseTransposedConvolution, initialize


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(16, 32, 3),
        nn.BatchNorm2d(32),
        nn.ConvTranspose2d(32, 64, 3, stride=2),
        nn.Conv2d(64, 64, 1),
    )


def test_he_gives_variance_two_over_the_inputs_of_one_output() -> None:
    module = network()
    initialize(module, "he")
    # A transposed kernel of edge 3 and stride 2 sums 9 / 4 voxels of 32 channels on average.
    for index, inputs in ((0, 16 * 9), (2, 32 * 9 / 4), (3, 64)):
        assert module[index].weight.std().item() == pytest.approx(math.sqrt(2 / inputs), rel=0.05)


def test_he_counts_the_inputs_of_one_channel_where_channels_keep_apart() -> None:
    torch.manual_seed(0)
    rows = [
        (ChannelwiseConvolution(2000, spatial_dims=2, kernel_size=(1, 3), bias=True), 3),
        (ChannelwiseTransposedConvolution(2000, spatial_dims=2, kernel_size=3, bias=True), 9 / 4),
        (nn.Conv2d(2000, 2000, 3, groups=2000), 9),
        (nn.ConvTranspose2d(2000, 2000, 3, stride=2, groups=2000), 9 / 4),
    ]
    for module, inputs in rows:
        nn.init.ones_(module.weight)
        nn.init.ones_(module.bias)
        initialize(module, "he")
        assert module.weight.std().item() == pytest.approx(math.sqrt(2 / inputs), rel=0.05)
        assert not module.bias.any()


def test_truncated_normal_is_cut_at_two_standard_deviations() -> None:
    module = network()
    initialize(module, "truncated-normal-1")
    kernel = module[2].weight
    assert kernel.abs().max() <= 2
    # A unit normal cut at 2 has this standard deviation.
    assert kernel.std().item() == pytest.approx(0.8796, rel=0.02)


def test_biases_are_zero_and_norms_left_alone() -> None:
    module = network()
    initialize(module, "he")
    assert not any(module[index].bias.any() for index in (0, 2, 3))
    assert torch.equal(module[1].weight, torch.ones(32))


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(RecipeError, match="he, truncated-normal-1"):
        initialize(network(), "xavier")
