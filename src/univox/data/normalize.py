"""Clip and normalize intensities, channel by channel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from univox.data.preprocess_settings import Percentiles, Preprocessing, Values
from univox.errors import RecipeError

# A channel that varies by less than float32 resolves is constant; dividing by its noise would amplify it.
SMALLEST_RELATIVE_SD = 1e-7


def normalize_intensity(array: NDArray[np.float32], settings: Preprocessing) -> None:
    """Clip and normalize in place.

    Statistics are those of the array as it comes: before clipping for percentiles, after it for mean and
    sd. Scope `patch` leaves the scale to whoever cuts patches.

    Args:
        array: (C, *spatial), C-contiguous, finite; changed.
        settings: Resolved.

    Raises:
        RecipeError: The settings state values for another number of channels.
    """
    _require_channels(settings, len(array))
    for index, channel in enumerate(array):
        nonzero = channel != 0
        _clip(channel, settings, index, nonzero)
        _standardize(channel, settings, index, nonzero)


def _clip(channel: NDArray[np.float32], settings: Preprocessing, index: int, nonzero: NDArray[np.bool_]) -> None:
    clip = settings.clip
    if isinstance(clip, Values):
        np.clip(channel, clip.low[index], clip.high[index], out=channel)
    elif isinstance(clip, Percentiles):
        voxels = _chosen(channel, nonzero if clip.over == "nonzero" else None)
        low, high = np.percentile(voxels, (clip.low, clip.high))
        # Where nearly all voxels are one intensity (a drawing, a mask) clipping would leave nothing else.
        if low < high:
            np.clip(channel, np.float32(low), np.float32(high), out=channel)


def _standardize(channel: NDArray[np.float32], settings: Preprocessing, index: int, nonzero: NDArray[np.bool_]) -> None:
    normalization = settings.normalization
    if normalization.scope == "set" and normalization.mean is not None and normalization.sd is not None:
        mean, sd = normalization.mean[index], normalization.sd[index]
    elif normalization.scope == "case":
        voxels = _chosen(channel, nonzero if normalization.over == "nonzero" else None)
        mean = float(np.mean(voxels, dtype=np.float64))
        sd = float(np.std(voxels, dtype=np.float64))
    else:
        return
    channel -= np.float32(mean)
    if sd > SMALLEST_RELATIVE_SD * abs(mean):
        channel /= np.float32(sd)


def _chosen(channel: NDArray[np.float32], mask: NDArray[np.bool_] | None) -> NDArray[np.float32]:
    # An empty choice (a channel of zeros) has no statistics of its own; the whole channel has.
    if mask is None or not mask.any():
        return channel.ravel()
    return channel[mask]


def _require_channels(settings: Preprocessing, channels: int) -> None:
    stated: dict[str, int] = {}
    if isinstance(settings.clip, Values):
        stated["preprocessing.clip"] = len(settings.clip.low)
    if settings.normalization.mean is not None:
        stated["preprocessing.normalization.mean"] = len(settings.normalization.mean)
    for place, count in stated.items():
        if count != channels:
            raise RecipeError(
                expected=f"one value for each of the {channels} channels at {place}",
                got=f"{count}",
                remedy=f"state {channels} values, or leave it auto",
            )
