"""Context beyond the border of an image, by mirroring it there."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def mirror_border(array: Tensor, margin: Sequence[int]) -> Tensor:
    """Extend an image on every side by its mirror image; a wide margin mirrors again and again.

    The outermost voxel is the mirror and is not repeated. An axis of one voxel repeats it.

    Args:
        array: (C, *spatial).
        margin: Voxels to add on either side, per spatial axis.

    Returns:
        (C, *spatial), each size larger by twice its margin.

    Source: Ronneberger et al., MICCAI 2015, Fig. 2 (the overlap-tile strategy).

    >>> mirror_border(torch.arange(3).view(1, 3), (4,)).tolist()
    [[0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2]]
    """
    for axis, width in enumerate(margin, start=1):
        if width:
            last = array.shape[axis] - 1
            place = torch.arange(-width, array.shape[axis] + width).remainder(max(2 * last, 1))
            array = array.index_select(axis, torch.minimum(place, 2 * last - place))
    return array
