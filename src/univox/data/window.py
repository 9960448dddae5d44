"""A window: the box that a patch is cut from; and the regular grid of windows over an image."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from univox.errors import ShapeError


@dataclass(frozen=True)
class Window:
    """A box in voxels, array order.

    Args:
        start: First voxel per axis; negative where the box begins before the image.
        size: Voxels per axis.

    >>> window = Window(start=(4, 0), size=(8, 6))
    >>> window.stop, window.slices
    ((12, 6), (slice(4, 12, None), slice(0, 6, None)))
    """

    start: tuple[int, ...]
    size: tuple[int, ...]

    @property
    def stop(self) -> tuple[int, ...]:
        """The voxel after the last, per axis."""
        return tuple(start + size for start, size in zip(self.start, self.size, strict=True))

    @property
    def slices(self) -> tuple[slice, ...]:
        """One slice per axis; they mean the box only while it lies inside the image."""
        return tuple(slice(start, stop) for start, stop in zip(self.start, self.stop, strict=True))


def regular_grid(shape: Sequence[int], size: Sequence[int], step: int | Sequence[int]) -> list[Window]:
    """Windows that cover an image, the last of each axis flush with the far face.

    Args:
        shape: Image voxels per axis, array order.
        size: Window voxels per axis, at most `shape`.
        step: Voxels between window starts, one number or one per axis, in 1..size.

    Returns:
        ceil((N - size) / step) + 1 windows per axis, the last axis varying fastest.

    Raises:
        ShapeError: The image is smaller than a window, or the step leaves gaps.

    Source: networks of Wang et al., AAAI 2020, released prediction code.

    >>> [window.start for window in regular_grid((10,), (4,), 4)]
    [(0,), (4,), (6,)]
    """
    return [Window(start, tuple(size)) for start in product(*_starts_by_axis(shape, size, step))]


def count_windows(shape: Sequence[int], size: Sequence[int], step: int | Sequence[int]) -> int:
    """Count the windows of `regular_grid` without making them.

    Args:
        shape: Image voxels per axis.
        size: Window voxels per axis, at most `shape`.
        step: Voxels between window starts, one number or one per axis, in 1..size.

    Raises:
        ShapeError: The image is smaller than a window, or the step leaves gaps.

    >>> [count_windows((100, 116, 148), (32, 32, 32), step) for step in (4, 8, 16, 32)]
    [11880, 1920, 378, 80]
    """
    return math.prod(len(starts) for starts in _starts_by_axis(shape, size, step))


def _starts_by_axis(shape: Sequence[int], size: Sequence[int], step: int | Sequence[int]) -> list[list[int]]:
    steps = (step,) * len(shape) if isinstance(step, int) else tuple(step)
    if not len(shape) == len(size) == len(steps):
        raise ShapeError(
            expected=f"a window size and a step for each of {len(shape)} axes",
            got=f"size {tuple(size)}, step {steps}",
            remedy="give one number per axis of the image",
        )
    return [_starts(axis, *lengths) for axis, lengths in enumerate(zip(shape, size, steps, strict=True))]


def _starts(axis: int, length: int, size: int, step: int) -> list[int]:
    """Window starts along one axis."""
    if not 1 <= size <= length:
        raise ShapeError(
            expected=f"a window of 1 to {length} voxels on axis {axis}",
            got=str(size),
            remedy="pad the image to the window, or choose a smaller window",
        )
    if not 1 <= step <= size:
        raise ShapeError(
            expected=f"a step of 1 to {size} voxels on axis {axis}",
            got=str(step),
            remedy="choose a step no longer than the window, so that no voxel is left out",
        )
    last = length - size
    starts = list(range(0, last + 1, step))
    return starts if starts[-1] == last else [*starts, last]
