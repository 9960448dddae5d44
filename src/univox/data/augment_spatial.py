"""Spatial augmentation: rotation, scaling, elastic bending and mirroring in one interpolation.

What is drawn becomes one grid of sampling places in voxels of the case, and image and label are read there,
straight from the case: where the case has tissue a turned patch has it too, up to its corners.
A patch for which nothing but mirroring was drawn is a plain crop, bit for bit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from univox.data.patch_settings import Augmentation, PatchSampling
from univox.data.patches import cut
from univox.data.separable import apply_taps, bspline_taps
from univox.data.window import Window


@dataclass(frozen=True)
class Elastic:
    """A smooth random displacement, replayed from its seed.

    Args:
        sd_voxels: Standard deviation at every voxel and axis, in voxels of the finest axis.
        control_voxels: Distance of control points, likewise.
        seed: Of the control values.
    """

    sd_voxels: float
    control_voxels: float
    seed: int


@dataclass(frozen=True)
class SpatialDraw:
    """What was drawn for one patch.

    Args:
        rotation_degrees: One angle per plane of `rotation_planes`; 90 is numpy.rot90 of that plane.
        scaling: Per axis; above 1 the patch shows its content larger.
        mirrored: Per axis.
        elastic: The bending, if any.
    """

    rotation_degrees: tuple[float, ...]
    scaling: tuple[float, ...]
    mirrored: tuple[bool, ...]
    elastic: Elastic | None = None

    @property
    def interpolates(self) -> bool:
        """Whether voxels fall between voxels; otherwise the patch is a crop, perhaps mirrored."""
        turned = any(angle != 0.0 for angle in self.rotation_degrees)
        return turned or any(factor != 1.0 for factor in self.scaling) or self.elastic is not None


def rotation_planes(spatial_dims: int) -> tuple[tuple[int, int], ...]:
    """The axis pairs that rotations turn: the page in 2-D; in 3-D the plane across each axis in order.

    >>> rotation_planes(3)
    ((1, 2), (0, 2), (0, 1))
    """
    return ((0, 1),) if spatial_dims == 2 else ((1, 2), (0, 2), (0, 1))


def draw_spatial(rng: np.random.Generator, settings: Augmentation, spacing_mm: Sequence[float]) -> SpatialDraw:
    """Draw the spatial augmentation of one patch.

    Args:
        rng: Drawn from; nothing else is random.
        settings: Probabilities and ranges.
        spacing_mm: Voxel edges of the patch, array order.
    """
    dims = len(spacing_mm)
    angles = (0.0,) * len(rotation_planes(dims))
    if rng.random() < settings.rotation_probability:
        angles = _draw_angles(rng, settings, spacing_mm)
    scaling = (1.0,) * dims
    if rng.random() < settings.scaling_probability:
        own = rng.random() < settings.scaling_per_axis_probability
        low, high = np.log(settings.scaling_factor)
        factors = np.exp(rng.uniform(low, high, size=dims if own else 1))
        scaling = tuple(float(factor) for factor in np.broadcast_to(factors, dims))
    elastic = None
    if rng.random() < settings.elastic_probability:
        sd = float(rng.uniform(*settings.elastic_sd_voxels))
        elastic = Elastic(sd, settings.elastic_control_voxels, int(rng.integers(2**63)))
    mirrored = [False] * dims
    for axis in settings.mirror_axes:
        mirrored[axis] = bool(rng.random() < settings.mirror_probability)
    return SpatialDraw(angles, scaling, tuple(mirrored), elastic)


def _draw_angles(rng: np.random.Generator, settings: Augmentation, spacing_mm: Sequence[float]) -> tuple[float, ...]:
    """One angle per plane, 0 in planes of too unlike spacings."""
    planes = rotation_planes(len(spacing_mm))
    limits = np.broadcast_to(settings.rotation_degrees, len(planes))
    angles: list[float] = []
    for plane, limit in zip(planes, limits, strict=True):
        edges = [spacing_mm[axis] for axis in plane]
        allowed = max(edges) / min(edges) < settings.rotation_anisotropy
        angles.append(float(rng.uniform(-limit, limit)) if allowed else 0.0)
    return tuple(angles)


def sampling_places(size: Sequence[int], draw: SpatialDraw, spacing_mm: Sequence[float]) -> torch.Tensor:
    """Where each voxel of the patch is read, in voxels counted from the start of its window.

    Args:
        size: Voxels of the patch per axis.
        draw: What was drawn; with nothing drawn each voxel is read where it is.
        spacing_mm: Voxel edges; rotations are rigid in mm.

    Returns:
        float32, (*size, n): the last axis holds one place per axis, array order.
    """
    matrix = torch.from_numpy(_matrix(draw, spacing_mm))
    dims = len(size)
    places = torch.empty((*size, dims), dtype=torch.float32)
    offsets = [torch.arange(edge, dtype=torch.float64) - (edge - 1) / 2.0 for edge in size]
    for axis, edge in enumerate(size):
        # A sum of one-dimensional terms, broadcast: a grid of offsets is never built.
        terms = [(matrix[axis, other] * offsets[other]).float().reshape(_along(other, dims)) for other in range(dims)]
        places[..., axis] = sum(terms[1:], terms[0]) + (edge - 1) / 2.0
    if draw.elastic is not None:
        places += _displacement(size, draw.elastic, spacing_mm).movedim(0, -1)
    return places


def _along(axis: int, dims: int) -> tuple[int, ...]:
    """The shape that lays a vector along one axis."""
    return tuple(-1 if index == axis else 1 for index in range(dims))


def _matrix(draw: SpatialDraw, spacing_mm: Sequence[float]) -> npt.NDArray[np.float64]:
    """From offsets in the patch to offsets in the case, both in voxels from the center."""
    dims = len(spacing_mm)
    turn = np.eye(dims)
    for (first, second), angle in zip(rotation_planes(dims), draw.rotation_degrees, strict=True):
        cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        plane = np.eye(dims)
        plane[[first, first, second, second], [first, second, first, second]] = cosine, sine, -sine, cosine
        turn = turn @ plane
    spacing = np.asarray(spacing_mm, dtype=np.float64)
    stretch = np.where(draw.mirrored, -1.0, 1.0) / np.asarray(draw.scaling)
    return turn * spacing / spacing[:, None] * stretch


def _displacement(size: Sequence[int], elastic: Elastic, spacing_mm: Sequence[float]) -> torch.Tensor:
    """The displacement in voxels of each axis, (n, *size)."""
    coarseness = [edge / min(spacing_mm) for edge in spacing_mm]
    taps = tuple(
        bspline_taps(edge, elastic.control_voxels / coarse) for edge, coarse in zip(size, coarseness, strict=True)
    )
    controls = [int(operator.indices.max()) + 1 for operator in taps]
    rng = np.random.Generator(np.random.Philox(elastic.seed))
    values = torch.from_numpy(rng.standard_normal((len(size), *controls), dtype=np.float32))
    scale = torch.tensor([elastic.sd_voxels / coarse for coarse in coarseness])
    return apply_taps(values * scale.reshape(-1, *(1,) * len(size)), taps)


def take_patch(
    image: npt.NDArray[np.float32],
    label: npt.NDArray[np.uint8],
    window: Window,
    draw: SpatialDraw,
    *,
    sampling: PatchSampling,
    spacing_mm: Sequence[float],
) -> tuple[torch.Tensor, torch.Tensor]:
    """Cut a patch, or sample it where the draw says.

    Args:
        image: (C, *spatial), float32.
        label: (*spatial), class indices.
        window: Where the patch lies; rotation and scaling leave its center in place.
        draw: What was drawn.
        sampling: What fills the outside.
        spacing_mm: Voxel edges, array order.

    Returns:
        The image patch, float32 (C, *size), linearly interpolated; the label patch, int64 (*size), nearest.
    """
    patch, classes, _ = take_weighted_patch(image, label, None, window, draw, sampling=sampling, spacing_mm=spacing_mm)
    return patch, classes


def take_weighted_patch(
    image: npt.NDArray[np.float32],
    label: npt.NDArray[np.uint8],
    weights: npt.NDArray[np.float32] | None,
    window: Window,
    draw: SpatialDraw,
    *,
    sampling: PatchSampling,
    spacing_mm: Sequence[float],
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
    """Take a patch as `take_patch` does, and the voxels' weights with it.

    Args:
        image: (C, *spatial), float32.
        label: (*spatial), class indices.
        weights: (*spatial), float32, or none.
        window: Where the patch lies.
        draw: What was drawn.
        sampling: What fills the outside.
        spacing_mm: Voxel edges, array order.

    Returns:
        Image and label as there; the weights, float32 (*size), linearly interpolated, 1 outside.
    """
    fills = sampling.padding_value, sampling.padding_label
    if not draw.interpolates:
        crops = [
            torch.from_numpy(cut(image, window, fill=fills[0], dtype=np.float32)),
            torch.from_numpy(cut(label, window, fill=fills[1], dtype=np.int64)),
        ]
        if weights is not None:
            crops.append(torch.from_numpy(cut(weights, window, fill=1.0, dtype=np.float32)))
        axes = [axis - len(window.size) for axis, mirrored in enumerate(draw.mirrored) if mirrored]
        crop, classes, *rest = (array.flip(axes) for array in crops) if axes else crops
        return crop, classes, rest[0] if rest else None
    places = sampling_places(window.size, draw, spacing_mm)
    block = _block(places, window, label.shape)
    # A mirror image goes on for ever: the block then holds it as far as the places reach.
    wide = _block(places, window, None) if fills[0] == "mirror" else block
    patch = _read(image, wide, _normalized(places, wide, window), fill=fills[0], mode="bilinear")
    grid = _normalized(places, block, window)
    classes = _read(label[np.newaxis], block, grid, fill=fills[1], mode="nearest")[0].round().long()
    if weights is None:
        return patch, classes, None
    return patch, classes, _read(weights[np.newaxis], block, grid, fill=1.0, mode="bilinear")[0]


def _block(places: torch.Tensor, window: Window, shape: Sequence[int] | None) -> Window:
    """The smallest box that holds every voxel an interpolation touches: of a case of that shape; at least one voxel."""
    starts: list[int] = []
    sizes: list[int] = []
    for axis in range(places.shape[-1]):
        low, high = (float(limit) for limit in torch.aminmax(places[..., axis]))
        start, stop = math.floor(low) + window.start[axis], math.floor(high) + 2 + window.start[axis]
        if shape is not None:
            start = min(max(start, 0), shape[axis] - 1)
            stop = max(min(stop, shape[axis]), start + 1)
        starts.append(start)
        sizes.append(stop - start)
    return Window(tuple(starts), tuple(sizes))


def _normalized(places: torch.Tensor, block: Window, window: Window) -> torch.Tensor:
    """Places as torch's grid_sample wants them: voxel edges at -1 and 1, last axis first."""
    grid = torch.empty_like(places)
    dims = len(block.size)
    for axis, size in enumerate(block.size):
        shift = window.start[axis] - block.start[axis]
        grid[..., dims - 1 - axis] = (places[..., axis] + (shift + 0.5)) * (2.0 / size) - 1.0
    return grid


def _read(
    array: npt.NDArray, block: Window, grid: torch.Tensor, *, fill: float | Literal["mirror"], mode: str
) -> torch.Tensor:
    """Interpolate a block at the places of a grid, (C, *size); `fill` goes on beyond the case."""
    values = torch.from_numpy(cut(array, block, fill=fill, dtype=np.float32))
    # The block of a mirror image holds all that is read.
    fill = 0.0 if fill == "mirror" else fill
    # Outside counts as zero there, so the block is shifted to make the fill zero.
    if fill != 0.0:
        values -= fill
    patch = functional.grid_sample(values[None], grid[None], mode=mode, padding_mode="zeros", align_corners=False)[0]
    return patch + fill if fill != 0.0 else patch
