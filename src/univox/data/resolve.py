"""Decide what a recipe's preprocessing leaves `auto`, with the reason of each decision."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from univox.data.fingerprint import ChannelIntensity
from univox.data.preprocess_settings import Normalization, Percentiles, Preprocessing, Values
from univox.types import SpacingMM

# CT as a word, and the compounds that are in use: "contrast", "section" and "OCT" hold the letters too.
_CT = re.compile(r"(?<![a-z0-9])(?:cb|ce|hr|ld|md|nc|pet)?cta?(?![a-z0-9])", re.IGNORECASE)

STATED = "stated in the recipe"


def decided_crop(
    crop: Literal["auto", "nonzero", "nonzero-first-channel", "none"], spatial_dims: int
) -> tuple[Literal["nonzero", "nonzero-first-channel", "none"], str]:
    """Decide the crop, and say why; it comes before anything is measured.

    >>> decided_crop("auto", 3)[0], decided_crop("auto", 2)[0]
    ('nonzero', 'none')
    """
    if crop != "auto":
        return crop, STATED
    if spatial_dims == 2:
        return "none", "2-D images are used whole"
    return "nonzero", "nothing is lost with a border that is zero in every channel"


def resolved_preprocessing(
    preprocessing: Preprocessing,
    *,
    channel_names: Sequence[str],
    spacing_mm: SpacingMM,
    intensity: Sequence[ChannelIntensity],
) -> tuple[Preprocessing, dict[str, str]]:
    """Decide everything that is `auto`.

    Args:
        preprocessing: Of the recipe.
        channel_names: CT is recognized by name.
        spacing_mm: That fits the set, per axis.
        intensity: Of the foreground, per channel.

    Returns:
        Settings that leave nothing open, and a reason for each by its place in the recipe.
    """
    spatial_dims = len(spacing_mm)
    quantitative = is_ct(channel_names)
    crop, crop_reason = decided_crop(preprocessing.crop, spatial_dims)
    spacing, spacing_reason = _spacing(preprocessing, spacing_mm)
    over = "image" if crop == "none" else "nonzero"
    clip, clip_reason = _clip(preprocessing, over, quantitative, spatial_dims, intensity)
    normalization, normalization_reason = _normalization(preprocessing.normalization, over, quantitative, intensity)
    resolved = Preprocessing(crop=crop, spacing_mm=spacing, clip=clip, normalization=normalization)
    return resolved, {
        "preprocessing.crop": crop_reason,
        "preprocessing.spacing_mm": spacing_reason,
        "preprocessing.clip": clip_reason,
        "preprocessing.normalization": normalization_reason,
    }


def is_ct(channel_names: Sequence[str]) -> bool:
    """Whether every channel is computed tomography, whose intensities mean the same in every case.

    >>> is_ct(["CT"]), is_ct(["ct_venous"]), is_ct(["T1 contrast"]), is_ct(["CT", "T2"])
    (True, True, False, False)
    """
    return len(channel_names) > 0 and all(_CT.search(name.replace("_", " ")) for name in channel_names)


def _spacing(preprocessing: Preprocessing, spacing_mm: SpacingMM) -> tuple[Literal["none"] | SpacingMM, str]:
    asked = preprocessing.spacing_mm
    if asked == "auto":
        if len(spacing_mm) == 2:
            return "none", "2-D images keep their pixels"
        return spacing_mm, "every case is resampled to the spacing that fits the set"
    if asked == "median":
        return spacing_mm, "the median of the set, as the recipe asks"
    return asked, STATED


def _clip(
    preprocessing: Preprocessing,
    over: Literal["image", "nonzero"],
    quantitative: bool,
    spatial_dims: int,
    intensity: Sequence[ChannelIntensity],
) -> tuple[Literal["none"] | Percentiles | Values, str]:
    if preprocessing.clip != "auto":
        return preprocessing.clip, STATED
    if quantitative:
        low = tuple(channel.percentile_00_5 for channel in intensity)
        high = tuple(channel.percentile_99_5 for channel in intensity)
        if all(least < most for least, most in zip(low, high, strict=True)):
            return Values(low=low, high=high), "CT: the foreground's percentiles 0.5 and 99.5 over the set"
        return "none", "CT, but the foreground of the set is one single intensity"
    if spatial_dims == 2:
        return "none", "pixels have a bounded range already"
    return Percentiles(over=over), "a few extreme voxels must not set the scale of a case"


def _normalization(
    asked: Normalization,
    over: Literal["image", "nonzero"],
    quantitative: bool,
    intensity: Sequence[ChannelIntensity],
) -> tuple[Normalization, str]:
    if asked.resolved:
        return asked, STATED
    for_set = asked.over == "foreground" or (quantitative and asked.over == "auto")
    if asked.scope == "set" or (asked.scope == "auto" and for_set):
        measured = Normalization(
            scope="set",
            over="foreground",
            mean=tuple(channel.mean for channel in intensity),
            # A foreground of one intensity has no scale; 1 leaves that of the image.
            sd=tuple(channel.sd or 1.0 for channel in intensity),
        )
        because = ": CT numbers mean the same in every case" if quantitative else ", as the recipe asks"
        return measured, "by the foreground of the set" + because
    if asked.over in ("image", "nonzero"):
        stated = Normalization(scope="case", over=asked.over)
        return stated, "case by case, over the voxels that the recipe states"
    return Normalization(scope="case", over=over), "case by case, since scanners set intensities freely"
