from __future__ import annotations

import pytest
import torch

from univox.networks import count_parameters
from univox.networks.blocks.resnet34 import BasicBlock, ResNet34Encoder


def test_it_has_the_parameters_of_the_published_network_without_its_classifier() -> None:
    with torch.device("meta"):
        encoder = ResNet34Encoder(3, spatial_dims=2)
    # 21,797,672 with the classifier of 1,000 classes.
    assert count_parameters(encoder) == 21_797_672 - (512 * 1_000 + 1_000)


@pytest.mark.parametrize("spatial_dims", [1, 2, 3])
def test_each_stage_halves_the_grid_of_the_one_before(spatial_dims: int) -> None:
    encoder = ResNet34Encoder(1, spatial_dims=spatial_dims, widths=(2, 3, 4, 5), units=(1, 1, 2, 1)).eval()
    maps = encoder(torch.randn(1, 1, *[64] * spatial_dims))
    assert [tuple(m.shape[1:]) for m in maps] == [
        (width, *[edge] * spatial_dims) for width, edge in ((2, 16), (3, 8), (4, 4), (5, 2))
    ]


def test_a_block_without_branch_passes_what_is_positive() -> None:
    block = BasicBlock(3, 3, spatial_dims=2).eval()
    torch.nn.init.zeros_(block.bn2.weight)
    image = torch.randn(1, 3, 4, 5)
    assert torch.equal(block(image), image.relu())


@pytest.mark.parametrize(("before", "after", "stride"), [(3, 4, 1), (3, 3, 2)])
def test_a_changed_shape_is_projected(before: int, after: int, stride: int) -> None:
    block = BasicBlock(before, after, spatial_dims=1, stride=stride)
    assert block.downsample is not None
    assert block(torch.randn(2, before, 8)).shape == (2, after, 8 // stride)
