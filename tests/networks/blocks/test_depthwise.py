from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from univox.errors import RecipeError
from univox.networks.blocks import ChannelwiseConvolution, ChannelwiseTransposedConvolution

LAWS = settings(deadline=None, max_examples=25)


def with_kernel(module: nn.Module, *kernels: list[float]) -> nn.Module:
    with torch.no_grad():
        module.weight.copy_(torch.tensor(kernels).unsqueeze(1))
    return module


def lines(*values: list[float]) -> torch.Tensor:
    return torch.tensor([values], dtype=torch.float32)


def test_each_channel_has_its_own_kernel() -> None:
    module = with_kernel(ChannelwiseConvolution(2, spatial_dims=1), [1, 10, 100], [0, 1, 0])
    assert torch.equal(module(lines([1, 2, 3], [4, 5, 6])), lines([10 + 200, 1 + 20 + 300, 2 + 30], [4, 5, 6]))


def test_at_stride_two_windows_are_centered_on_every_other_voxel() -> None:
    module = with_kernel(ChannelwiseConvolution(1, spatial_dims=1, stride=2), [1, 10, 100])
    assert torch.equal(module(lines([1, 2, 3, 4])), lines([10 + 200, 2 + 30 + 400]))


def test_transposed_turns_each_voxel_into_a_block() -> None:
    module = with_kernel(ChannelwiseTransposedConvolution(2, spatial_dims=1), [1, 10], [5, 0])
    assert torch.equal(module(lines([1, 2], [3, 4])), lines([1, 10, 2, 20], [15, 0, 20, 0]))


def test_a_longer_kernel_reaches_past_its_block() -> None:
    module = with_kernel(ChannelwiseTransposedConvolution(1, spatial_dims=1, kernel_size=3), [1, 10, 100])
    # 1 -> (1 before the grid) 10 100 from 0; 2 -> 2 20 200 from 1.
    assert torch.equal(module(lines([1, 2])), lines([10, 102, 20, 200]))


def test_a_shorter_kernel_leaves_gaps() -> None:
    module = with_kernel(ChannelwiseTransposedConvolution(1, spatial_dims=1, kernel_size=1, stride=3), [7])
    assert torch.equal(module(lines([1, 2])), lines([7, 0, 0, 14, 0, 0]))


@LAWS
@given(dims=st.integers(1, 3), data=st.data())
def test_sizes_divide_and_multiply_by_the_stride(dims: int, data: st.DataObject) -> None:
    stride = tuple(data.draw(st.sampled_from([1, 2, 3])) for _ in range(dims))
    kernel = tuple(data.draw(st.sampled_from([1, 3, 5] if s == 1 else [1, 2, 3, 4, 5])) for s in stride)
    coarse = tuple(data.draw(st.integers(1, 4)) for _ in range(dims))
    fine = tuple(n * s for n, s in zip(coarse, stride, strict=True))
    arguments = {"spatial_dims": dims, "kernel_size": kernel, "stride": stride, "bias": True}
    assert ChannelwiseConvolution(2, **arguments)(torch.zeros(1, 2, *fine)).shape == (1, 2, *coarse)
    assert ChannelwiseTransposedConvolution(2, **arguments)(torch.zeros(1, 2, *coarse)).shape == (1, 2, *fine)


def test_padding_is_as_given() -> None:
    module = ChannelwiseConvolution(2, spatial_dims=2, padding=(0, 2))
    assert module(torch.zeros(1, 2, 8, 8)).shape == (1, 2, 6, 10)


def test_parameters_are_one_kernel_and_one_bias_a_channel() -> None:
    module = ChannelwiseConvolution(4, spatial_dims=3, kernel_size=(1, 3, 3), bias=True)
    assert {name: tuple(p.shape) for name, p in module.named_parameters()} == {
        "weight": (4, 1, 1, 3, 3),
        "bias": (4,),
    }
    assert ChannelwiseConvolution(4, spatial_dims=3).bias is None


def test_values_are_those_of_torchs_layer_with_the_same_weights() -> None:
    ours = ChannelwiseConvolution(4, spatial_dims=2, stride=2, bias=True)
    theirs = nn.Conv2d(4, 4, 3, stride=2, padding=1, groups=4)
    theirs.load_state_dict(ours.state_dict())
    image = torch.randn(2, 4, 6, 8)
    torch.testing.assert_close(ours(image), theirs(image))


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_bf16_autocast_stays_near_float32(dims: int) -> None:
    torch.manual_seed(0)
    down = ChannelwiseConvolution(4, spatial_dims=dims, stride=2, bias=True)
    network = nn.Sequential(down, ChannelwiseTransposedConvolution(4, spatial_dims=dims, bias=True))
    image = torch.randn(2, 4, *(8, 6, 4)[:dims])
    results = []
    for enabled in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            result = network(image)
        results.append((result.float(), *torch.autograd.grad(result.float().square().mean(), network.parameters())))
    assert result.dtype == torch.bfloat16
    for plain, rough in zip(*results, strict=True):
        assert rough.dtype == torch.float32
        assert (rough - plain).norm() < 0.03 * plain.norm()


def test_an_exported_graph_holds_ordinary_convolutions() -> None:
    down = ChannelwiseConvolution(4, spatial_dims=3, stride=2, bias=True)
    network = nn.Sequential(down, ChannelwiseTransposedConvolution(4, spatial_dims=3, bias=True)).eval()
    image = torch.randn(2, 4, 8, 6, 4)
    exported = torch.export.export(network, (image,))
    calls = [str(node.target) for node in exported.graph.nodes if node.op == "call_function"]
    assert calls == ["aten.conv3d.default", "aten.conv_transpose3d.input"]
    torch.testing.assert_close(exported.module()(image), network(image))


def test_an_even_kernel_at_stride_one_is_refused() -> None:
    with pytest.raises(RecipeError, match="odd kernel size"):
        ChannelwiseConvolution(2, spatial_dims=2, kernel_size=(2, 3), stride=(1, 2))
    with pytest.raises(RecipeError, match="odd kernel size"):
        ChannelwiseTransposedConvolution(2, spatial_dims=2, kernel_size=4, stride=1)
    # With a padding of one's own it is one's own affair.
    assert ChannelwiseConvolution(2, spatial_dims=1, kernel_size=2, padding=0)(torch.zeros(1, 2, 5)).shape[-1] == 4
