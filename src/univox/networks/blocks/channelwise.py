"""Convolution of each channel with a kernel of its own, whose backward costs what it should on a CPU.

torch's forward of a depthwise convolution is fast on a CPU where channels lie side by side in memory (channels-last).
Its backward in 3-D is not. Here both gradients are put together from calls that are fast:

- by the image: at stride 1 a convolution with the flipped kernel; at stride s one convolution for each phase of the
  finer grid, with those taps of the kernel that reach it;
- by the kernel: plane by plane of the kernel, each as the kernel's gradient of a 2-D convolution whose batch is all
  planes of a case.

No compiler is needed. On other devices, and while a graph is captured (export, compilation), torch's own convolution
is called and nothing else: a graph holds ordinary convolutions.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from univox.networks.blocks.precision import autocast

_CONVOLVE: dict[int, Callable[..., Tensor]] = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}
_TRANSPOSE: dict[int, Callable[..., Tensor]] = {
    1: functional.conv_transpose1d,
    2: functional.conv_transpose2d,
    3: functional.conv_transpose3d,
}
_CHANNELS_LAST = {4: torch.channels_last, 5: torch.channels_last_3d}

# Numbers of the image that one call of the kernel's gradient reads at least. Small cases are joined by a copy that
# stays in the second-level cache, for a call has its fixed price; a large case is read where it lies.
PIECE_NUMBERS = 2**19

Axes = tuple[int, ...]


def convolve_channels(
    image: Tensor, weight: Tensor, bias: Tensor | None = None, *, stride: Axes, padding: Axes
) -> Tensor:
    """Convolve each channel with its own kernel.

    Args:
        image: (B, C, *spatial), one to three axes.
        weight: (C, 1, *kernel).
        bias: (C,).
        stride: Voxels between outputs, one per axis.
        padding: Zeros on either side, one per axis.

    Returns:
        (B, C, *spatial), as torch's convolution with groups = C; channels-last on a CPU
        in float32 and bf16.
    """
    line = image.ndim == 3
    if _is_plain(image):
        convolve = _CONVOLVE[image.ndim - 2]
        return convolve(image, weight, bias, stride=stride, padding=padding, groups=weight.shape[0])
    parts = _prepared(image, weight, bias)
    out = cast(Tensor, _Convolve.apply(*parts, _axes(stride, 1), _axes(padding, 0)))
    return out.squeeze(2) if line else out


def spread_channels(
    image: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    stride: Axes,
    padding: Axes,
    spatial_shape: Axes,
) -> Tensor:
    """The adjoint of `convolve_channels` on a grid of that shape.

    Args:
        image: (B, C, *spatial), one to three axes.
        weight: (C, 1, *kernel).
        bias: (C,).
        stride: One per axis.
        padding: Of the convolution that this is the adjoint of, one per axis.
        spatial_shape: Of the result; that convolution must lead from it to the image's.

    Returns:
        (B, C, *spatial_shape), as torch's transposed convolution with groups = C; channels-last on a CPU
        in float32 and bf16.
    """
    line = image.ndim == 3
    if _is_plain(image):
        return _transposed(image, weight, bias, stride, padding, spatial_shape)
    parts = _prepared(image, weight, bias)
    out = cast(Tensor, _Spread.apply(*parts, _axes(stride, 1), _axes(padding, 0), _axes(spatial_shape, 1)))
    return out.squeeze(2) if line else out


class _Convolve(torch.autograd.Function):
    """torch's forward, and a backward of fast parts; two or three axes."""

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Tensor:
        image, weight, bias, ctx.stride, ctx.padding = inputs
        ctx.save_for_backward(image, weight)
        with torch.autocast(image.device.type, enabled=False):
            return _gather(image, weight, bias, ctx.stride, ctx.padding)

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride] - the decorator hides the names
        ctx: Any, *gradients: Any
    ) -> tuple[Tensor | None, ...]:
        image, weight = ctx.saved_tensors
        incoming = _channels_last(gradients[0])
        to_image, to_weight, to_bias, *_ = ctx.needs_input_grad
        with torch.autocast(image.device.type, enabled=False):
            return (
                _scatter(incoming, weight, ctx.stride, ctx.padding, image.shape[2:]) if to_image else None,
                _to_kernel(image, incoming, weight, ctx.stride, ctx.padding) if to_weight else None,
                _channel_sums(incoming) if to_bias else None,
                None,
                None,
            )


class _Spread(torch.autograd.Function):
    """The adjoint of `_Convolve`: its forward and its gradient by the image trade places."""

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Tensor:
        image, weight, bias, ctx.stride, ctx.padding, spatial_shape = inputs
        ctx.save_for_backward(image, weight)
        with torch.autocast(image.device.type, enabled=False):
            out = _scatter(image, weight, ctx.stride, ctx.padding, spatial_shape)
            return out if bias is None else out.add_(bias.view(-1, *(1 for _ in spatial_shape)))

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride] - the decorator hides the names
        ctx: Any, *gradients: Any
    ) -> tuple[Tensor | None, ...]:
        image, weight = ctx.saved_tensors
        incoming = _channels_last(gradients[0])
        to_image, to_weight, to_bias, *_ = ctx.needs_input_grad
        with torch.autocast(image.device.type, enabled=False):
            return (
                _gather(incoming, weight, None, ctx.stride, ctx.padding) if to_image else None,
                _to_kernel(incoming, image, weight, ctx.stride, ctx.padding) if to_weight else None,
                _channel_sums(incoming) if to_bias else None,
                None,
                None,
                None,
            )


def _is_plain(image: Tensor) -> bool:
    """Whether torch's own call is the faster one, or the one that a graph should show."""
    return image.device.type != "cpu" or torch.compiler.is_compiling()


def _prepared(image: Tensor, weight: Tensor, bias: Tensor | None) -> tuple[Tensor, Tensor, Tensor | None]:
    """In autocast's dtype and channels-last; a line as a picture of one row, for lines have no such form."""
    if image.ndim == 3:
        image, weight = image.unsqueeze(2), weight.unsqueeze(2)
    return _channels_last(autocast(image)), autocast(weight), None if bias is None else autocast(bias)


def _axes(numbers: Axes, first: int) -> Axes:
    return (first, *numbers) if len(numbers) == 1 else tuple(numbers)


def _channels_last(image: Tensor) -> Tensor:
    return image.contiguous(memory_format=_CHANNELS_LAST[image.ndim])


def _gather(image: Tensor, weight: Tensor, bias: Tensor | None, stride: Axes, padding: Axes) -> Tensor:
    convolve = _CONVOLVE[image.ndim - 2]
    out = convolve(image, weight, bias, stride=stride, padding=padding, groups=weight.shape[0])
    # Training may have torch compute thin images in float32; the gradients here count on one dtype.
    return out.to(image.dtype)


def _transposed(
    image: Tensor, weight: Tensor, bias: Tensor | None, stride: Axes, padding: Axes, spatial_shape: Axes
) -> Tensor:
    axes = zip(image.shape[2:], spatial_shape, weight.shape[2:], stride, padding, strict=True)
    # torch counts from the least grid that leads to the image's size.
    extra = [fine - ((coarse - 1) * s + k - 2 * p) for coarse, fine, k, s, p in axes]
    transpose = _TRANSPOSE[image.ndim - 2]
    groups = weight.shape[0]
    return transpose(image, weight, bias, stride=stride, padding=padding, output_padding=extra, groups=groups)


class _Phase(NamedTuple):
    """Along one axis: the taps that reach every stride-th output from one on, and how."""

    taps: slice
    padding: int
    source: slice
    target: slice


def _phases(*, sizes: tuple[int, int], kernel: int, stride: int, padding: int) -> list[_Phase]:
    """From a size to a finer one: output s q + r - p sums weight[r + s j] image[q - j] over j.

    Phases without taps or outputs are left out.
    """
    coarse, fine = sizes
    phases: list[_Phase] = []
    for phase in range(stride):
        taps = len(range(phase, kernel, stride))
        first = -((phase - padding) // stride)  # the least q whose output is not before the grid
        outputs = range(stride * first + phase - padding, fine, stride)
        # What the taps read before the first voxel and behind the last; padding is symmetric, so the larger.
        before, behind = taps - 1 - first, first + len(outputs) - coarse
        zeros = max(before, behind, 0)
        if taps and outputs:
            source = slice(zeros - before, zeros - before + len(outputs))
            phases.append(_Phase(slice(phase, None, stride), zeros, source, slice(outputs.start, None, stride)))
    return phases


def _scatter(image: Tensor, weight: Tensor, stride: Axes, padding: Axes, spatial_shape: Axes) -> Tensor:
    """Transposed convolution, one phase of the finer grid after the other."""
    along = [
        _phases(sizes=(coarse, fine), kernel=k, stride=s, padding=p)
        for coarse, fine, k, s, p in zip(image.shape[2:], spatial_shape, weight.shape[2:], stride, padding, strict=True)
    ]
    if max(stride) == 1:
        return _spread_phase(image, weight, tuple(phases[0] for phases in along))
    if image.ndim == 4 and image.dtype == torch.float32:
        return _transposed(image, weight, None, stride, padding, spatial_shape)  # the one case that torch has fast
    shape, last = (*image.shape[:2], *spatial_shape), _CHANNELS_LAST[image.ndim]
    out = torch.empty(shape, dtype=image.dtype, memory_format=last)
    if any(k < s for k, s in zip(weight.shape[2:], stride, strict=True)):
        out.zero_()
    for phases in product(*along):
        out[(..., *(phase.target for phase in phases))] = _spread_phase(image, weight, phases)
    return out


def _spread_phase(image: Tensor, weight: Tensor, phases: tuple[_Phase, ...]) -> Tensor:
    kernel = weight[(..., *(phase.taps for phase in phases))].flip(tuple(range(2, image.ndim)))
    padding = tuple(phase.padding for phase in phases)
    if kernel[0].numel() == 1 and not any(padding):
        spread = image * kernel.movedim(0, 1)  # torch has no fast call for a kernel of one tap
    else:
        spread = _gather(image, kernel, None, (1,) * len(phases), padding)
    return spread[(..., *(phase.source for phase in phases))]


def _to_kernel(image: Tensor, incoming: Tensor, weight: Tensor, stride: Axes, padding: Axes) -> Tensor:
    """Sum over cases and voxels of the image, shifted by each tap, times the gradient coming in."""
    if image.ndim == 4:
        return _to_kernel(
            image.unsqueeze(2), incoming.unsqueeze(2), weight.unsqueeze(2), (1, *stride), (0, *padding)
        ).squeeze(2)
    # Sums over the pieces are kept in float32 at least; within a call that is so anyway.
    sums = torch.zeros_like(weight, dtype=torch.promote_types(weight.dtype, torch.float32))
    flat = weight.shape[2] == 1
    cases = len(image) if flat else -(-PIECE_NUMBERS // max(1, math.prod(image.shape[1:])))
    for piece, gradient in zip(image.split(cases), incoming.split(cases), strict=True):
        # All planes of the kernel in turn, while the piece is in the cache.
        for tap in range(weight.shape[2]):
            read, written = _plane_pairs(piece.shape[2], gradient.shape[2], tap - padding[0], stride[0])
            if written.stop > written.start:
                sums[:, :, tap] += _to_plane(
                    _planes(piece[:, :, read]),
                    _planes(gradient[:, :, written]),
                    weight[:, :, tap],
                    stride[1:],
                    padding[1:],
                )
    return sums.to(weight.dtype)


def _plane_pairs(planes: int, outputs: int, shift: int, stride: int) -> tuple[slice, slice]:
    """Planes of the image, and of the output, that meet under one tap: plane = stride * output + shift."""
    first = max(0, -(shift // stride))
    end = min(outputs, (planes - 1 - shift) // stride + 1)
    return slice(stride * first + shift, max(0, stride * (end - 1) + shift + 1), stride), slice(first, end)


def _planes(image: Tensor) -> Tensor:
    """(B, C, D, H, W) -> (B D, C, H, W), a view where the planes lie in one row."""
    return image.transpose(1, 2).flatten(0, 1)


def _to_plane(image: Tensor, incoming: Tensor, weight: Tensor, stride: Axes, padding: Axes) -> Tensor:
    """The kernel's gradient of a 2-D convolution."""
    if any(size < edge for size, edge in zip(image.shape[2:], weight.shape[2:], strict=True)):
        # oneDNN in bfloat16 leaves taps unwritten that meet no voxel (torch 2.13, images thinner than the kernel).
        wide = torch.promote_types(image.dtype, torch.float32)
        image, incoming, weight = image.to(wide), incoming.to(wide), weight.to(wide)
    call = torch.ops.aten.convolution_backward
    ones, none, channels = [1, 1], [0, 0], weight.shape[0]
    wanted = [False, True, False]
    return call(incoming, image, weight, None, list(stride), list(padding), ones, False, none, channels, wanted)[1]


def _channel_sums(image: Tensor) -> Tensor:
    """As a product with ones: torch sums bf16 in channels-last an order of magnitude slower."""
    rows = image.movedim(1, -1).flatten(0, -2)
    return (rows.new_ones(1, len(rows)) @ rows).squeeze(0)
