from __future__ import annotations

import pytest
import torch
from torch import nn

from univox.networks import count_parameters
from univox.networks.blocks.conv import centered_layers
from univox.networks.blocks.inverted_residual import InvertedResidual


def block(in_channels: int, out_channels: int, *, dims: int = 2, **arguments: int) -> InvertedResidual:
    torch.manual_seed(0)
    return InvertedResidual(in_channels, out_channels, layers=centered_layers(dims), spatial_dims=dims, **arguments)


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("expansion", [1, 6])
def test_parameters_follow_the_closed_form(dims: int, expansion: int) -> None:
    i, o, h = 4, 5, 4 * expansion
    widening = h * i + 2 * h if expansion > 1 else 0
    assert (
        count_parameters(block(i, o, dims=dims, expansion=expansion)) == widening + h * o + 3**dims * h + 2 * h + 2 * o
    )


@pytest.mark.parametrize(("out_channels", "stride", "adds"), [(4, 1, True), (5, 1, False), (4, 2, False)])
def test_the_image_is_added_where_the_shape_stays(out_channels: int, stride: int, adds: bool) -> None:
    module, image = block(4, out_channels, stride=stride).eval(), torch.randn(1, 4, 7, 9)
    for parameter in module.parameters():
        nn.init.zeros_(parameter)
    result = module(image)
    assert result.shape == (1, out_channels, *((7, 9) if stride == 1 else (4, 5)))
    assert torch.equal(result, image if adds else torch.zeros_like(result))
