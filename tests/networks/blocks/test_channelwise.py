from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from univox.networks.blocks import channelwise, convolve_channels, spread_channels
from univox.training.shallow_convolution import ShallowConvolutionsInFloat32

LAWS = settings(deadline=None, max_examples=60)
CONVOLVE = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}
TRANSPOSE = {1: functional.conv_transpose1d, 2: functional.conv_transpose2d, 3: functional.conv_transpose3d}
LAST = {2: torch.channels_last, 3: torch.channels_last_3d}

Axes = tuple[int, ...]


@st.composite
def geometries(draw: Callable[..., int]) -> dict[str, Axes]:
    """Kernel, stride, padding and an image's shape of one to three axes, such that there is an output."""
    dims = draw(st.integers(1, 3))
    axes = [
        (draw(st.integers(1, 4)), draw(st.sampled_from([1, 1, 2, 3])), draw(st.integers(0, 3)), draw(st.integers(0, 5)))
        for _ in range(dims)
    ]
    kernel, stride, padding, _ = zip(*axes, strict=True)
    shape = tuple(max(1, k - 2 * p) + more for k, _, p, more in axes)
    return {"kernel": kernel, "stride": stride, "padding": padding, "shape": shape}


def tensors(*shapes: Axes, dtype: torch.dtype = torch.float64) -> tuple[Tensor, ...]:
    generator = torch.Generator().manual_seed(sum(map(sum, shapes)))
    return tuple(torch.randn(shape, generator=generator, dtype=dtype).requires_grad_() for shape in shapes)


def with_gradients(result: Tensor, of: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    incoming = torch.randn(result.shape, generator=torch.Generator().manual_seed(9)).to(result.dtype)
    return (result, *torch.autograd.grad(result, of, incoming))


def torch_spread(image: Tensor, weight: Tensor, bias: Tensor | None, *, stride: Axes, padding: Axes, shape: Axes):
    axes = zip(shape, image.shape[2:], weight.shape[2:], stride, padding, strict=True)
    extra = [fine - (coarse - 1) * s + 2 * p - k for fine, coarse, k, s, p in axes]
    call, groups = TRANSPOSE[len(shape)], len(weight)
    return call(image, weight, bias, stride=stride, padding=padding, output_padding=extra, groups=groups)


precisions = st.sampled_from([torch.float64, torch.float32])


@LAWS
@given(geometry=geometries(), batch=st.integers(1, 3), channels=st.sampled_from([1, 3, 16, 17]), dtype=precisions)
def test_convolution_and_its_gradients_are_torchs(
    geometry: dict[str, Axes], batch: int, channels: int, dtype: torch.dtype
) -> None:
    kernel, stride, padding, shape = (geometry[name] for name in ("kernel", "stride", "padding", "shape"))
    parts = tensors((batch, channels, *shape), (channels, 1, *kernel), (channels,), dtype=dtype)
    ours = convolve_channels(*parts, stride=stride, padding=padding)
    reference = CONVOLVE[len(shape)](*parts, stride=stride, padding=padding, groups=channels)
    torch.testing.assert_close(with_gradients(ours, parts), with_gradients(reference, parts), rtol=1e-4, atol=1e-4)


@LAWS
@given(geometry=geometries(), batch=st.integers(1, 3), channels=st.sampled_from([1, 3, 16, 17]), dtype=precisions)
def test_transposed_convolution_and_its_gradients_are_torchs(
    geometry: dict[str, Axes], batch: int, channels: int, dtype: torch.dtype
) -> None:
    kernel, stride, padding, shape = (geometry[name] for name in ("kernel", "stride", "padding", "shape"))
    coarse = tuple((n + 2 * p - k) // s + 1 for n, k, s, p in zip(shape, kernel, stride, padding, strict=True))
    parts = tensors((batch, channels, *coarse), (channels, 1, *kernel), (channels,), dtype=dtype)
    ours = spread_channels(*parts, stride=stride, padding=padding, spatial_shape=shape)
    reference = torch_spread(*parts, stride=stride, padding=padding, shape=shape)
    torch.testing.assert_close(with_gradients(ours, parts), with_gradients(reference, parts), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("piece", [1, 60, 10**9])
def test_pieces_add_up_however_many_there_are(piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channelwise, "PIECE_NUMBERS", piece)
    parts = tensors((5, 2, 4, 3, 2), (2, 1, 3, 3, 1))
    places = {"stride": (2, 1, 1), "padding": (1, 1, 0)}
    reference = CONVOLVE[3](*parts, **places, groups=2)
    torch.testing.assert_close(
        with_gradients(convolve_channels(*parts, **places), parts), with_gradients(reference, parts)
    )


@pytest.mark.parametrize("stride", [(1,), (2,), (1, 2), (1, 1, 1), (2, 1, 2)])
def test_gradients_are_the_numerical_ones(stride: Axes) -> None:
    dims = len(stride)
    kernel, padding, shape = (3, 2, 3)[:dims], (1, 0, 2)[:dims], (4, 3, 5)[:dims]
    coarse = tuple((n + 2 * p - k) // s + 1 for n, k, s, p in zip(shape, kernel, stride, padding, strict=True))
    places = {"stride": stride, "padding": padding}
    parts = tensors((2, 2, *shape), (2, 1, *kernel), (2,))
    assert torch.autograd.gradcheck(lambda *x: convolve_channels(*x, **places), parts)
    parts = tensors((2, 2, *coarse), (2, 1, *kernel), (2,))
    assert torch.autograd.gradcheck(lambda *x: spread_channels(*x, **places, spatial_shape=shape), parts)


def test_bf16_rounds_no_worse_than_torch() -> None:
    parts = tensors((3, 16, 8, 7, 6), (16, 1, 3, 3, 3), (16,), dtype=torch.float32)
    rough = tuple(x.detach().bfloat16().requires_grad_() for x in parts)
    exact = tuple(x.detach().double().requires_grad_() for x in rough)
    places = {"stride": (1, 1, 1), "padding": (1, 1, 1)}
    wanted = with_gradients(convolve_channels(*exact, **places), exact)
    ours = with_gradients(convolve_channels(*rough, **places), rough)
    torchs = with_gradients(CONVOLVE[3](*rough, **places, groups=16), rough)
    for value, own, other in zip(wanted, ours, torchs, strict=True):
        assert own.dtype == torch.bfloat16
        error, allowed = (own.double() - value).norm(), (other.double() - value).norm()
        assert error < 1.5 * allowed + 1e-3 * value.norm()


@pytest.mark.parametrize("dims", [2, 3])
def test_memory_format_changes_no_value_and_the_result_is_channels_last(dims: int) -> None:
    parts = tensors((2, 3, *(6, 5, 4)[:dims]), (3, 1, *[3] * dims))
    last = parts[0].detach().contiguous(memory_format=LAST[dims]).requires_grad_()
    places = {"stride": (2,) * dims, "padding": (1,) * dims}
    plain = convolve_channels(*parts, **places)
    assert convolve_channels(*(x.float() for x in parts), **places).is_contiguous(memory_format=LAST[dims])
    torch.testing.assert_close(
        with_gradients(convolve_channels(last, parts[1], **places), (last, parts[1])), with_gradients(plain, parts)
    )


def test_inputs_are_left_alone_and_runs_repeat_bit_for_bit() -> None:
    parts = tensors((3, 16, 6, 5, 4), (16, 1, 3, 3, 3), (16,), dtype=torch.float32)
    before = [x.detach().clone() for x in parts]
    places = {"stride": (1, 1, 1), "padding": (1, 1, 1)}
    first = with_gradients(convolve_channels(*parts, **places), parts)
    second = with_gradients(convolve_channels(*parts, **places), parts)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(before, parts, strict=True))


def test_only_the_gradients_asked_for_are_computed() -> None:
    image, weight = tensors((1, 2, 5, 5), (2, 1, 3, 3))
    result = convolve_channels(image.detach(), weight, stride=(1, 1), padding=(1, 1))
    result.sum().backward()
    assert image.grad is None
    assert weight.grad is not None


def test_a_second_derivative_is_refused_rather_than_wrong() -> None:
    parts = tensors((1, 2, 5, 5), (2, 1, 3, 3))
    result = convolve_channels(*parts, stride=(1, 1), padding=(1, 1))
    (first,) = torch.autograd.grad(result.square().sum(), parts[0], create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.sum().backward()


def test_no_cases_give_no_gradient() -> None:
    parts = tensors((0, 2, 5, 5, 4), (2, 1, 3, 3, 3), (2,))
    result, *gradients = with_gradients(convolve_channels(*parts, stride=(1, 1, 1), padding=(1, 1, 1)), parts)
    assert result.shape == parts[0].shape
    assert not any(x.any() for x in gradients)


def test_without_data_only_shapes_are_computed() -> None:
    image, weight = torch.empty(2, 3, 8, 8, 8, device="meta"), torch.empty(3, 1, 3, 3, 3, device="meta")
    assert convolve_channels(image, weight, stride=(2, 2, 2), padding=(1, 1, 1)).shape == (2, 3, 4, 4, 4)
    places = {"stride": (2, 2, 2), "padding": (1, 1, 1)}
    assert spread_channels(image, weight, **places, spatial_shape=(16, 16, 15)).shape == (2, 3, 16, 16, 15)


@pytest.mark.parametrize("shape", [(5, 1), (8, 3, 1), (1, 2, 1)])
def test_bf16_taps_that_meet_no_voxel_have_no_gradient(shape: Axes) -> None:
    dims = len(shape)
    stride, padding = (1, 1, 2)[-dims:], (2,) * dims
    parts = tuple(x.detach().bfloat16().requires_grad_() for x in tensors((3, 32, *shape), (32, 1, *[5] * dims), (32,)))
    exact = tuple(x.detach().double().requires_grad_() for x in parts)
    wanted = with_gradients(convolve_channels(*exact, stride=stride, padding=padding), exact)
    for _ in range(3):
        # Memory given back holds what would be found in a gradient that is not written.
        for numbers in (160, 800, 4000, 20000):
            torch.full((numbers,), float("nan"))
        ours = with_gradients(convolve_channels(*parts, stride=stride, padding=padding), parts)
        for value, own in zip(wanted, ours, strict=True):
            assert (own.double() - value).norm() < 0.01 * value.norm()
        assert not ours[2][wanted[2] == 0].any()


def test_thin_images_that_training_computes_in_float32_keep_their_dtype() -> None:
    parts = tensors((2, 16, 1, 4, 2), (16, 1, 3, 3, 3), dtype=torch.float32)
    with torch.autocast("cpu", torch.bfloat16), ShallowConvolutionsInFloat32():
        result = convolve_channels(*parts, stride=(1, 1, 1), padding=(1, 1, 1))
        spread = spread_channels(*parts, stride=(1, 1, 1), padding=(1, 1, 1), spatial_shape=(1, 4, 2))
    assert result.dtype == spread.dtype == torch.bfloat16
    (result + spread).sum().backward()
    assert all(x.grad.isfinite().all() for x in parts)
