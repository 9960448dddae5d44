from __future__ import annotations

import pytest
import torch
from torch import nn

from univox.networks.blocks.depthwise import ChannelwiseConvolution
from univox.training.shallow_convolution import ShallowConvolutionsInFloat32


@pytest.mark.parametrize(
    ("shape", "kernel", "stride"),
    [
        *(((2, 2, 2), 3, 1), ((2, 4, 4), 3, 1), ((2, 2, 1), 3, 1), ((1, 2, 2), 3, 1), ((4, 2, 2), 3, 1)),
        *(((4, 4, 4), 5, 1), ((3, 3, 3), 5, 1), ((4, 4, 1), 3, 2), ((4, 4, 2), 3, 2), ((2, 2, 2), 3, 2)),
    ],
)
@pytest.mark.parametrize("channels", [8, 16])
def test_the_kernels_gradient_is_written_whole(shape: tuple[int, ...], kernel: int, stride: int, channels: int) -> None:
    torch.manual_seed(0)
    layer = nn.Conv3d(channels, channels, kernel, padding=kernel // 2, stride=stride)
    image = torch.randn(2, channels, *shape).bfloat16().float()
    exact = nn.Conv3d(channels, channels, kernel, padding=kernel // 2, stride=stride).double()
    exact.load_state_dict(layer.state_dict())
    wanted = exact(image.double())
    gradient = torch.randn(wanted.shape).bfloat16().float()
    wanted.backward(gradient.double())
    for _ in range(20):
        # Memory that was left full of what is no number: what is not written shows.
        left = [torch.full((size,), torch.nan) for size in (64, 512, 2000, 4096, 16_000, 65_000)]
        del left
        layer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16), ShallowConvolutionsInFloat32():
            result = layer(image)
        result.float().backward(gradient)
        off = (layer.weight.grad - exact.weight.grad).abs().max() / exact.weight.grad.abs().max()
        assert off < 0.02


def test_a_deep_enough_image_stays_in_bfloat16() -> None:
    layer = nn.Conv3d(2, 2, 3, padding=1)
    with torch.autocast("cpu", torch.bfloat16), ShallowConvolutionsInFloat32():
        assert layer(torch.zeros(1, 2, 3, 3, 3)).dtype == torch.bfloat16
        assert layer(torch.zeros(1, 2, 2, 3, 3)).dtype == torch.float32
        assert layer(torch.zeros(1, 2, 3, 3, 1)).dtype == torch.float32


def test_a_depthwise_convolution_keeps_its_own_backward() -> None:
    layer = ChannelwiseConvolution(4, spatial_dims=3)
    image = torch.randn(1, 4, 2, 2, 2, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16), ShallowConvolutionsInFloat32():
        result = layer(image)
    assert result.dtype == torch.bfloat16
    result.float().sum().backward()
    assert image.grad.isfinite().all()
