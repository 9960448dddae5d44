from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from univox.errors import RecipeError
from univox.networks.blocks import (
    AlignedConvolution,
    AlignedTransposedConvolution,
    aligned_layers,
    centered_layers,
)
from univox.networks.blocks.conv import per_axis

LAWS = settings(deadline=None, max_examples=25)


def with_kernel(module: nn.Module, kernel: list[float]) -> nn.Module:
    with torch.no_grad():
        module.convolution.weight.copy_(torch.tensor([[kernel]]))
    return module


def line(*values: float) -> torch.Tensor:
    return torch.tensor([[values]], dtype=torch.float32)


def test_at_stride_two_the_zero_lies_after_the_last_voxel() -> None:
    module = with_kernel(AlignedConvolution(1, 1, spatial_dims=1, stride=2), [1, 10, 100])
    # Windows 1 2 3 and 3 4 0, not 0 1 2 and 2 3 4.
    assert torch.equal(module(line(1, 2, 3, 4)), line(1 + 20 + 300, 3 + 40))


def test_at_stride_one_padding_is_on_both_sides() -> None:
    module = with_kernel(AlignedConvolution(1, 1, spatial_dims=1), [1, 10, 100])
    assert torch.equal(module(line(1, 2, 3)), line(10 + 200, 1 + 20 + 300, 2 + 30))


def test_a_pointwise_stride_takes_the_first_voxel_of_each_pair() -> None:
    module = with_kernel(AlignedConvolution(1, 1, spatial_dims=1, kernel_size=1, stride=2), [1])
    assert torch.equal(module(line(1, 2, 3, 4)), line(1, 3))


def test_the_transposed_form_spreads_a_voxel_forward_and_drops_the_last_plane() -> None:
    module = with_kernel(AlignedTransposedConvolution(1, 1, spatial_dims=1), [1, 10, 100])
    # 1 -> 1 10 100 at 0; 2 -> 2 20 (200 past the grid) at 2.
    assert torch.equal(module(line(1, 2)), line(1, 10, 102, 20))


@LAWS
@given(
    dims=st.integers(1, 3),
    kernel=st.sampled_from([1, 2, 3, 5]),
    stride=st.sampled_from([1, 2, 3]),
    data=st.data(),
)
def test_the_transposed_form_is_the_adjoint(dims: int, kernel: int, stride: int, data: st.DataObject) -> None:
    torch.manual_seed(0)
    strides = tuple(data.draw(st.sampled_from([1, stride])) for _ in range(dims))
    coarse = tuple(data.draw(st.integers(1, 4)) for _ in range(dims))
    fine = tuple(size * s for size, s in zip(coarse, strides, strict=True))
    arguments = {"spatial_dims": dims, "kernel_size": kernel, "stride": strides}
    down = AlignedConvolution(2, 3, **arguments).double()
    up = AlignedTransposedConvolution(3, 2, **arguments).double()
    up.convolution.weight.data = down.convolution.weight.data
    x = torch.randn(1, 2, *fine, dtype=torch.float64)
    y = torch.randn(1, 3, *coarse, dtype=torch.float64)
    assert down(x).shape == y.shape
    assert up(y).shape == x.shape
    torch.testing.assert_close((down(x) * y).sum(), (x * up(y)).sum())


@pytest.mark.parametrize("make", [aligned_layers, centered_layers])
@pytest.mark.parametrize("dims", [1, 2, 3])
def test_sizes_divide_and_multiply_by_the_stride(make: object, dims: int) -> None:
    layers = make(dims)
    image, stride = torch.randn(1, 2, *[8] * dims), (4, 2, 1)[:dims]
    down = layers.convolution(2, 3, stride=stride)(image)
    assert down.shape[2:] == tuple(8 // s for s in stride)
    assert layers.transposed(3, 2, kernel_size=3, stride=1)(down).shape[1] == 2
    assert layers.transposed(3, 2, kernel_size=stride, stride=stride)(down).shape == image.shape


def test_numbers_per_axis_must_be_as_many_as_axes() -> None:
    assert per_axis([1, 2], 2) == (1, 2)
    with pytest.raises(RecipeError, match="3 numbers"):
        per_axis((1, 2), 3)
