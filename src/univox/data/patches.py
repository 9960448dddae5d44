"""Where a patch lies, and cutting it out: positions, foreground, the order of cases, padding."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from univox.data.window import Window

_ORDER_STREAM = 1


class PatchCase(Protocol):
    """What patches need of a prepared case."""

    @property
    def name(self) -> str:
        """The case's name."""
        ...

    def image(self) -> npt.NDArray[np.float32]:
        """The prepared image, (C, *spatial), float32; may be a read-only memory map."""
        ...

    def label(self) -> npt.NDArray[np.uint8]:
        """Class indices, (*spatial), uint8; `univox.data.classes.NOT_ANNOTATED` where nobody labelled."""
        ...

    def foreground(self, class_index: int) -> npt.NDArray[np.int64]:
        """Flat indices (C order) of voxels of a class; empty where the case has none."""
        ...

    def annotated(self) -> npt.NDArray[np.int64] | None:
        """Flat indices (C order) of voxels that somebody labelled; None where all of them are."""
        ...


def case_at(visit: int, *, num_cases: int, seed: int) -> int:
    """The case of the n-th visit: every case once per epoch, each epoch in an order of its own.

    Args:
        visit: Number of patches drawn before this one.
        num_cases: Cases in an epoch.
        seed: The run's seed.

    >>> sorted(case_at(visit, num_cases=3, seed=0) for visit in range(3, 6))
    [0, 1, 2]
    """
    epoch, place = divmod(visit, num_cases)
    sequence = np.random.SeedSequence([seed, epoch], spawn_key=(_ORDER_STREAM,))
    return int(np.random.Generator(np.random.Philox(sequence)).permutation(num_cases)[place])


def is_foreground_item(item: int, *, share: float, batch_size: int, rng: np.random.Generator) -> bool:
    """Whether an item of a batch is centered on foreground.

    The first items are, as many as the share gives in whole patches; the next one is with the
    probability of the fraction left, so that the expected share is exact.
    """
    quota = share * batch_size - item
    return quota >= 1.0 or (quota > 0.0 and float(rng.random()) < quota)


def foreground_voxel(
    case: PatchCase, classes: Sequence[int], shape: Sequence[int], rng: np.random.Generator
) -> tuple[int, ...]:
    """A voxel of a class drawn evenly among `classes`, all of which the case has."""
    return drawn_voxel(case.foreground(classes[int(rng.integers(len(classes)))]), shape, rng)


def drawn_voxel(voxels: npt.NDArray[np.int64], shape: Sequence[int], rng: np.random.Generator) -> tuple[int, ...]:
    """One of some voxels, given as flat indices of which there is at least one, drawn evenly."""
    flat = int(voxels[int(rng.integers(len(voxels)))])
    return tuple(int(index) for index in np.unravel_index(flat, tuple(shape)))


def uniform_window(shape: Sequence[int], size: Sequence[int], rng: np.random.Generator) -> Window:
    """A window anywhere inside the image; where that is the smaller one, anywhere around it."""
    limits = [_start_limits(*lengths) for lengths in zip(shape, size, strict=True)]
    return Window(tuple(int(rng.integers(low, high + 1)) for low, high in limits), tuple(size))


def centered_window(voxel: Sequence[int], shape: Sequence[int], size: Sequence[int]) -> Window:
    """The window centered on a voxel, moved as far as it must be to stay in the image.

    >>> centered_window((9,), (10,), (4,)).start
    (6,)
    """
    starts: list[int] = []
    for center, length, edge in zip(voxel, shape, size, strict=True):
        low, high = _start_limits(length, edge)
        starts.append(min(max(center - edge // 2, low), high))
    return Window(tuple(starts), tuple(size))


def _start_limits(length: int, edge: int) -> tuple[int, int]:
    """First and last start that keep the window in the image, or the image in the window."""
    return min(0, length - edge), max(0, length - edge)


def cut(array: npt.NDArray, window: Window, *, fill: float | Literal["mirror"], dtype: npt.DTypeLike) -> npt.NDArray:
    """Copy a window out of an array, filled where the window reaches beyond it.

    Args:
        array: (*leading, *spatial).
        window: May lie partly or wholly outside.
        fill: Value outside; "mirror" reflects the array at its outermost voxels, again and again if need be.
        dtype: Of the patch.

    Returns:
        (*leading, *window.size), contiguous and writable.

    >>> cut(np.arange(3), Window((1,), (4,)), fill=-1, dtype=np.int64)
    array([ 1,  2, -1, -1])
    >>> cut(np.arange(3), Window((-3,), (8,)), fill="mirror", dtype=np.int64)
    array([1, 2, 1, 0, 1, 2, 1, 0])
    """
    leading = array.shape[: array.ndim - len(window.size)]
    shape = array.shape[len(leading) :]
    first = [min(max(start, 0), length) for start, length in zip(window.start, shape, strict=True)]
    last = [min(max(stop, 0), length) for stop, length in zip(window.stop, shape, strict=True)]
    source = tuple(slice(*ends) for ends in zip(first, last, strict=True))
    inside = array[(..., *source)]
    if inside.shape[len(leading) :] == window.size:
        return np.array(inside, dtype=dtype, order="C")
    if fill == "mirror":
        axes = (_mirrored(*ends) for ends in zip(window.start, window.stop, shape, strict=True))
        return np.array(array.reshape(-1, *shape)[(slice(None), *np.ix_(*axes))], dtype=dtype, order="C").reshape(
            *leading, *window.size
        )
    patch = np.full((*leading, *window.size), fill, dtype=dtype)
    if math.prod(inside.shape):
        target = tuple(
            slice(low - start, high - start) for low, high, start in zip(first, last, window.start, strict=True)
        )
        patch[(..., *target)] = inside
    return patch


def _mirrored(start: int, stop: int, length: int) -> npt.NDArray[np.intp]:
    """Which voxel of an axis stands at each place of a window, beyond its ends by reflection."""
    last = length - 1
    place = np.arange(start, stop) % max(2 * last, 1)
    return np.minimum(place, 2 * last - place)
