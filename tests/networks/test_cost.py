from __future__ import annotations

import pytest
import torch
from torch import nn

from univox.networks.blocks import GlobalAggregation, centered_layers
from univox.networks.cost import activation_bytes, costs, multiply_adds


def test_multiply_adds_of_a_convolution_by_hand() -> None:
    network = nn.Sequential(nn.Conv3d(2, 4, 3, padding=1), nn.ReLU(), nn.Conv3d(4, 1, 1))
    assert multiply_adds(network, torch.zeros(1, 2, 4, 5, 6)) == 120 * (27 * 2 * 4 + 4)


# Queries, keys, values and output: 4 convolutions of 8 x 8 channels; scores and sums: 2 x N x N x 8.
def test_multiply_adds_of_attention_by_hand() -> None:
    network = GlobalAggregation(8, 8, layers=centered_layers(2), heads=2)
    assert multiply_adds(network, torch.zeros(1, 8, 6, 6)) == 36 * 4 * 64 + 2 * 36 * 36 * 8


def test_what_is_kept_for_the_backward_by_hand() -> None:
    # A convolution keeps its input, a ReLU its output, which is the next one's input; 4 bytes a number.
    network = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 8, 1))
    image = torch.zeros(3, 2, 5, 5)
    assert activation_bytes(network, image) == 4 * 3 * 25 * (2 + 4)


def test_a_cost_is_of_one_patch_of_the_size_that_fits() -> None:
    [standard, separable] = costs(9, names=["residual-unet"])
    assert standard.patch == (16, 16, 16)
    assert separable.multiply_adds < standard.multiply_adds
    assert standard.predicted_per_second is None
    [large, _] = costs(32, names=["residual-unet"])
    # Attention aside, work grows with the voxels.
    assert large.multiply_adds == pytest.approx(8 * standard.multiply_adds, rel=0.05)
    assert large.activation_bytes == pytest.approx(8 * standard.activation_bytes, rel=0.05)
