from __future__ import annotations

import pytest
import torch
from torch import nn

from univox.networks import count_parameters
from univox.networks.blocks import PreActivationBlock, ResidualBlock, aligned_layers, centered_layers


def silenced(block: nn.Module) -> nn.Module:
    """With a branch that gives zero."""
    with torch.no_grad():
        for parameter in block.branch.parameters():
            parameter.zero_()
    return block.eval()


def test_an_identity_shortcut_adds_the_untouched_input() -> None:
    image = torch.randn(1, 4, 6, 6) * 10
    assert torch.equal(silenced(PreActivationBlock(4, 4, layers=aligned_layers(2)))(image), image)


def test_a_projection_reads_the_first_activation() -> None:
    block = silenced(PreActivationBlock(4, 8, layers=aligned_layers(2), stride=2))
    image = torch.randn(1, 4, 6, 6) * 10
    assert torch.equal(block(image), block.projection(block.activate(image)))
    assert block.activate(image).min() == 0
    assert block.activate(image).max() == 6


def test_without_a_shortcut_the_branch_is_all() -> None:
    block = silenced(PreActivationBlock(4, 4, layers=aligned_layers(2), shortcut="none"))
    assert not block(torch.randn(1, 4, 6, 6)).any()


@pytest.mark.parametrize(
    ("inside", "outside", "stride", "shortcut", "parameters"),
    [
        (32, 32, 1, "projection", 56_448),
        (32, 64, 2, "auto", 168_128),
        (64, 128, 2, "auto", 672_128),
        (64, 64, 1, "auto", 221_440),
        (32, 32, 1, "auto", 55_424),
        (32, 32, 1, "none", 55_424),
    ],
)
def test_parameters_are_the_published_ones(
    inside: int, outside: int, stride: int, shortcut: str, parameters: int
) -> None:
    block = PreActivationBlock(inside, outside, layers=aligned_layers(3), stride=stride, shortcut=shortcut)
    assert count_parameters(block) == parameters


def test_the_post_activation_block_adds_then_activates() -> None:
    image = torch.randn(1, 4, 6)
    assert torch.equal(silenced(ResidualBlock(4, layers=centered_layers(1)))(image), image.relu())
