"""The 48 ways to store one volume."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np


def all_orders(array: np.ndarray, affine: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Give (array, affine) in every axis order and flip; trailing axes beyond the third stay."""
    for order in itertools.permutations(range(3)):
        for flips in itertools.product((False, True), repeat=3):
            turned = np.transpose(array, (*order, *range(3, array.ndim)))
            columns = affine[:, [*order, 3]].copy()
            for axis, flip in enumerate(flips):
                if flip:
                    turned = np.flip(turned, axis)
                    columns[:, 3] += columns[:, axis] * (turned.shape[axis] - 1)
                    columns[:, axis] *= -1
            yield turned, columns


def rotation(x: float, y: float, z: float) -> np.ndarray:
    """Rotation by three angles in radians."""
    cx, sx, cy, sy, cz, sz = np.cos(x), np.sin(x), np.cos(y), np.sin(y), np.cos(z), np.sin(z)
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return about_x @ about_y @ about_z


def ras_affine(spacing: tuple[float, ...], origin: tuple[float, ...], turn: np.ndarray) -> np.ndarray:
    """Affine of a volume stored (x, y, z)."""
    affine = np.eye(4)
    affine[:3, :3] = turn * np.array(spacing)
    affine[:3, 3] = origin
    return affine
