"""Linear operators that act on one axis after the other, each output a sum of a few inputs ("taps").

Blurring, coarse voxels and smooth displacement fields are all of this kind. Sums run in a fixed order and
every step is elementwise, so results do not depend on the number of threads.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch


@dataclass(frozen=True, eq=False)
class Taps:
    """One axis's operator: output[o] = sum over t of weights[t, o] * input[indices[t, o]].

    Args:
        indices: int64, (taps, output size).
        weights: float32, (taps, output size).
    """

    indices: torch.Tensor
    weights: torch.Tensor


def apply_taps(array: torch.Tensor, taps: tuple[Taps, ...]) -> torch.Tensor:
    """Apply one operator to each of the trailing axes.

    Args:
        array: float32, (*leading, *spatial).
        taps: One per spatial axis.

    Returns:
        (*leading, *output sizes).
    """
    first = array.ndim - len(taps)
    for operator in taps:
        # The axis in hand comes to the front, where picking its planes copies whole rows, and then goes to
        # the end: after the last one the axes stand as they did.
        rows = array.movedim(first, 0).contiguous()
        picked = [rows.index_select(0, index) for index in operator.indices]
        weights = operator.weights.reshape(*operator.weights.shape, *(1,) * (rows.ndim - 1))
        total = picked[0] * weights[0]
        for values, weight in zip(picked[1:], weights[1:], strict=True):
            total += values * weight
        array = total.movedim(0, -1)
    return array.contiguous()


def gaussian_taps(size: int, sigma: float) -> Taps:
    """A Gaussian blur along one axis; beyond the ends the last value goes on.

    Args:
        size: Voxels on the axis.
        sigma: Standard deviation in voxels, at least 0; cut off at 3.
    """
    radius = math.ceil(3.0 * sigma)
    offsets = torch.arange(-radius, radius + 1)
    kernel = torch.exp(-0.5 * (offsets / max(sigma, 1e-6)) ** 2)
    indices = (torch.arange(size) + offsets[:, None]).clamp(0, size - 1)
    return Taps(indices, (kernel / kernel.sum())[:, None].expand(-1, size).contiguous())


def coarse_taps(size: int, zoom: float) -> Taps:
    """Average to voxels 1 / zoom as long, then interpolate linearly back.

    Args:
        size: Voxels on the axis.
        zoom: Coarse resolution over fine, in (0, 1]; the coarse axis has round(size * zoom) voxels.
    """
    coarse = max(1, round(size * zoom))
    edges = torch.arange(size + 1, dtype=torch.float64)
    cell = size / coarse
    lower = torch.arange(coarse, dtype=torch.float64)[:, None] * cell
    # Share of each fine voxel (column) in each coarse one (row).
    overlap = (torch.minimum(lower + cell, edges[1:]) - torch.maximum(lower, edges[:-1])).clamp_min(0.0)
    place = ((torch.arange(size, dtype=torch.float64) + 0.5) / cell - 0.5).clamp(0.0, coarse - 1.0)
    below = place.floor().long()
    above = (below + 1).clamp_max(coarse - 1)
    share = (place - below)[:, None]
    matrix = (1.0 - share) * overlap[below] / cell + share * overlap[above] / cell
    return _taps_of(matrix)


def bspline_taps(size: int, control_voxels: float) -> Taps:
    """A cubic B-spline through random control values, of unit variance at every voxel.

    Args:
        size: Voxels on the axis.
        control_voxels: Voxels between control points.

    Returns:
        Taps over the control points (their number is the largest index + 1), scaled so that independent
        control values of variance 1 give values of variance 1.
    """
    place = torch.arange(size, dtype=torch.float64) / control_voxels
    below = place.floor()
    t = place - below
    weights = torch.stack([(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3])
    weights = weights / weights.square().sum(dim=0).sqrt()
    indices = below.long() + torch.arange(4)[:, None]
    return Taps(indices, weights.float())


def _taps_of(matrix: torch.Tensor) -> Taps:
    """Keep the non-zero entries of each row of a matrix (output, input)."""
    width = int((matrix != 0).sum(dim=1).max())
    order = torch.argsort((matrix == 0).to(torch.uint8), dim=1, stable=True)[:, :width]
    return Taps(order.T.contiguous(), matrix.gather(1, order).T.float().contiguous())
