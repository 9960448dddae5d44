"""Class probabilities of a whole image, as the mean over overlapping windows."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from univox.data.standardize import standardize
from univox.data.window import Window, regular_grid
from univox.errors import ShapeError
from univox.inference.device import autocast, evaluation_mode
from univox.inference.mirror_border import mirror_border
from univox.networks.blocks.sizes import size_rule
from univox.networks.memory_order import MEMORY_FORMATS
from univox.recipes.inference_settings import InferenceSettings

VOXELS_PER_BATCH = {"cpu": 8 * 32**3, "cuda": 64 * 32**3}
"""Voxels of a batch of windows by device: enough to keep it busy, few enough to be kind to its memory."""

FREE_SHARE = 0.25
"""Share of an accelerator's free memory that the sum of probabilities may take before it stays on the CPU."""


def sliding_window(
    network: nn.Module,
    array: Tensor,
    *,
    window_size: Sequence[int],
    num_classes: int,
    settings: InferenceSettings,
    standardize_windows: bool = False,
    device: torch.device | str = "cpu",
) -> Tensor:
    """Apply a network to an image window by window and average the class probabilities.

    The windows form the regular grid of `univox.data.window`; the last of each axis is flush with the far
    face. An image smaller than the window is surrounded with zeros, and the result cut back. The windows of an
    unpadded network, whose logits lack a margin, are placed by their logits; beyond the image they see it mirrored.

    Args:
        network: Maps (B, C, *window_size) to logits (B, num_classes, *window_size), less its margins; on `device`.
        array: Prepared image (C, *spatial), float32.
        window_size: Voxels per spatial axis.
        num_classes: Classes, background included.
        settings: Step, blend, batch, precision, mirroring.
        standardize_windows: Bring each window and channel to mean 0 and deviation 1, as a recipe with
            normalization of scope `patch` does in training.
        device: Where to compute.

    Returns:
        Probabilities (num_classes, *spatial), float32, on the CPU; they sum to 1 at each voxel.

    Raises:
        ShapeError: Image, window and network do not fit each other.

    Source: Wang et al., AAAI 2020: mean of probabilities, in any order of windows. Ronneberger et al., MICCAI 2015:
        mirrored context.

    >>> settings = InferenceSettings(precision="fp32")
    >>> one = sliding_window(nn.Conv2d(1, 3, 1), torch.zeros(1, 9, 7), window_size=(4, 4), num_classes=3,
    ...                      settings=settings)
    >>> one.shape, bool(torch.allclose(one.sum(0), torch.ones(9, 7)))
    (torch.Size([3, 9, 7]), True)
    """
    device, size = torch.device(device), tuple(window_size)
    if array.dim() != len(size) + 1:
        raise ShapeError(
            expected=f"an image (channels, {len(size)} spatial axes) for the window {list(size)}",
            got=f"shape {list(array.shape)}",
            remedy="give the window as many edges as the image has spatial axes",
        )
    rule = size_rule(network, len(size))
    inner = rule.inner(size)
    padded, inside = _pad(array, inner)
    windows = regular_grid(tuple(padded.shape[1:]), inner, settings.steps(inner))
    # What a window sees reaches beyond its logits by the margin: it starts where they do in the widened image.
    widened = mirror_border(padded, rule.margin)
    seen = {window: Window(window.start, size) for window in windows}
    profiles = [_profile(edge, settings.blend) for edge in inner]
    total = _zeros((num_classes, *padded.shape[1:]), device)
    weight = _outer(profiles).to(total.device)
    count = _windows_per_batch(settings, size, device)
    with evaluation_mode(network), torch.inference_mode(), autocast(device, settings.precision):
        for group in _groups(windows, count):
            batch = torch.stack([widened[:, *seen[window].slices] for window in group]).to(device, torch.float32)
            if standardize_windows:
                batch = standardize(batch)
            probabilities = _probabilities(network, batch, num_classes, inner, mirror=settings.mirror)
            for window, votes in zip(group, probabilities.to(total.device), strict=True):
                total[:, *window.slices].addcmul_(votes, weight)
    _divide_by_visits(total, windows, profiles)
    return total[:, *inside].contiguous().cpu()


def _pad(array: Tensor, size: tuple[int, ...]) -> tuple[Tensor, tuple[slice, ...]]:
    shape = tuple(array.shape[1:])
    missing = [max(0, edge - length) for edge, length in zip(size, shape, strict=True)]
    before = [count // 2 for count in missing]
    inside = tuple(slice(start, start + length) for start, length in zip(before, shape, strict=True))
    if not any(missing):
        return array, inside
    margins = [(start, count - start) for start, count in zip(before, missing, strict=True)]
    # torch wants the last axis first.
    return nn.functional.pad(array, tuple(itertools.chain(*reversed(margins)))), inside


def _profile(edge: int, blend: str) -> Tensor:
    """Give the weight of a window along one axis; a window's weight is the product over its axes.

    The Gaussian's deviation is an eighth of the edge. Its ends lie within four deviations of the center, so
    that the smallest weight is above 3e-4 and no voxel is divided by zero.
    """
    if blend == "uniform":
        return torch.ones(edge)
    distance = torch.arange(edge, dtype=torch.float32) - (edge - 1) / 2
    return torch.exp(-0.5 * (distance / (edge / 8)) ** 2)


def _outer(profiles: Sequence[Tensor]) -> Tensor:
    weight = torch.ones(())
    for profile in profiles:
        weight = weight.unsqueeze(-1) * profile
    return weight


def _zeros(shape: tuple[int, ...], device: torch.device) -> Tensor:
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        if 4 * math.prod(shape) > FREE_SHARE * free:
            device = torch.device("cpu")
    return torch.zeros(shape, device=device)


def _windows_per_batch(settings: InferenceSettings, size: tuple[int, ...], device: torch.device) -> int:
    if settings.windows_per_batch != "auto":
        return settings.windows_per_batch
    return max(1, VOXELS_PER_BATCH.get(device.type, VOXELS_PER_BATCH["cpu"]) // math.prod(size))


def _groups(windows: Sequence[Window], count: int) -> Iterator[Sequence[Window]]:
    for first in range(0, len(windows), count):
        yield windows[first : first + count]


def _probabilities(
    network: nn.Module, batch: Tensor, num_classes: int, inner: tuple[int, ...], *, mirror: bool
) -> Tensor:
    mean = _votes(network, batch, num_classes, inner)
    if not mirror:
        return mean
    axes = range(2, batch.dim())
    for flip in itertools.chain.from_iterable(itertools.combinations(axes, n + 1) for n in range(len(axes))):
        mean += _votes(network, batch.flip(flip), num_classes, inner).flip(flip)
    return mean.div_(2 ** len(axes))


def _votes(network: nn.Module, batch: Tensor, num_classes: int, inner: tuple[int, ...]) -> Tensor:
    logits = network(_channels_last(batch))
    expected = (batch.shape[0], num_classes, *inner)
    if tuple(logits.shape) != expected:
        raise ShapeError(
            expected=f"logits of shape {list(expected)}",
            got=f"{list(logits.shape)} from the network",
            remedy="build the network with this number of classes, and state the sizes that it takes",
        )
    # Class after class in memory again: softmax and sum then run along the voxels.
    return logits.to(torch.float32, memory_format=torch.contiguous_format).softmax(1)


def _channels_last(batch: Tensor) -> Tensor:
    memory_format = MEMORY_FORMATS.get(batch.dim())
    return batch if memory_format is None else batch.contiguous(memory_format=memory_format)


def _divide_by_visits(total: Tensor, windows: Sequence[Window], profiles: Sequence[Tensor]) -> None:
    """Divide the weighted sum by the sum of weights at each voxel, in place.

    Grid and weights are both products over the axes, hence so is the sum of weights: one line of numbers per
    axis does for a volume of them.
    """
    for axis, profile in enumerate(profiles):
        visits = torch.zeros(total.shape[axis + 1])
        for start in sorted({window.start[axis] for window in windows}):
            visits[start : start + len(profile)] += profile
        shape = [1] * total.dim()
        shape[axis + 1] = -1
        total /= visits.view(shape).to(total.device)
