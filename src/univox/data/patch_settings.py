"""How patches are drawn and augmented: every share, probability and range of it, as values."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _ordered(limits: tuple[float, float]) -> tuple[float, float]:
    """Refuse a range whose low end is above its high end."""
    low, high = limits
    if low > high:
        raise ValueError(f"a range is (low, high) with low <= high; got ({low}, {high})")
    return limits


def _at_most_one(limits: tuple[float, float]) -> tuple[float, float]:
    """Refuse a zoom that would sharpen."""
    if limits[1] > 1.0:
        raise ValueError(f"a zoom to lower resolution is at most 1; got {limits}")
    return limits


_Angle = Annotated[float, Field(ge=0.0, le=180.0)]
_Axis = Annotated[int, Field(ge=0, le=2)]
Probability = Annotated[float, Field(ge=0.0, le=1.0)]
Amounts = Annotated[tuple[Annotated[float, Field(ge=0.0)], Annotated[float, Field(ge=0.0)]], AfterValidator(_ordered)]
"""A range (low, high) of amounts, drawn uniformly."""
Factors = Annotated[tuple[Annotated[float, Field(gt=0.0)], Annotated[float, Field(gt=0.0)]], AfterValidator(_ordered)]
"""A range (low, high) of factors, drawn log-uniformly: halving is as likely as doubling."""


class PatchSampling(BaseModel):
    """Where patches lie, and what fills them beyond the image.

    Args:
        foreground_share: Expected share of patches centered on a foreground voxel; the rest lie anywhere.
        padding_value: Intensity outside the image (0 is the mean of a z-scored image); "mirror" goes on with the
            image's mirror image, as prediction does for networks without padding.
        padding_label: Class outside the image; a loss's ignore index leaves the padding out of it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    foreground_share: Probability = 1.0 / 3.0
    padding_value: float | Literal["mirror"] = 0.0
    padding_label: int = 0


class Augmentation(BaseModel):
    """What is done at random to a patch, each with its own probability.

    Lengths are in voxels of the finest axis and are converted by the spacing, so that a thick-sliced
    patch is not blurred or bent across its slices.

    Args:
        rotation_probability: Of turning the patch, about every axis at once.
        rotation_degrees: Largest angle either way: one for all axes, or one per axis in 3-D (array order).
        rotation_anisotropy: A plane is not turned when its two spacings differ by this ratio or more.
        scaling_probability: Of enlarging (factor above 1) or shrinking what the patch shows.
        scaling_factor: Range of that factor.
        scaling_per_axis_probability: That a scaled patch gets a factor of its own on each axis.
        elastic_probability: Of bending by a smooth random displacement.
        elastic_sd_voxels: Range of the displacement's standard deviation.
        elastic_control_voxels: Distance between the displacement's control points.
        mirror_axes: Axes that may be mirrored; none, where left and right are different classes.
        mirror_probability: Of mirroring, for each of those axes.
        noise_probability: Of adding Gaussian noise.
        noise_sd: Range of its standard deviation, in standard deviations of the channel in the patch.
        blur_probability: Of a Gaussian blur.
        blur_sigma_voxels: Range of its standard deviation.
        brightness_probability: Of multiplying each channel.
        brightness_factor: Range of that multiplier.
        contrast_probability: Of multiplying each channel's distance from its mean, within its old range.
        contrast_factor: Range of that multiplier.
        low_resolution_probability: Of averaging to coarser voxels and interpolating back.
        low_resolution_zoom: Range of coarse over fine resolution, at most 1.
        inverted_gamma_probability: Of a gamma curve from the bright end; mean and deviation are kept.
        gamma_probability: Of a gamma curve from the dark end; mean and deviation are kept.
        gamma_exponent: Range of the exponent, for both.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rotation_probability: Probability = 0.2
    rotation_degrees: _Angle | tuple[_Angle, _Angle, _Angle] = 30.0
    rotation_anisotropy: Annotated[float, Field(gt=1.0)] = 3.0
    scaling_probability: Probability = 0.2
    scaling_factor: Factors = (0.7, 1.4)
    scaling_per_axis_probability: Probability = 0.2
    elastic_probability: Probability = 0.1
    elastic_sd_voxels: Amounts = (0.5, 2.0)
    elastic_control_voxels: Annotated[float, Field(ge=2.0)] = 12.0
    mirror_axes: tuple[_Axis, ...] = ()
    mirror_probability: Probability = 0.5
    noise_probability: Probability = 0.1
    noise_sd: Amounts = (0.0, 0.2)
    blur_probability: Probability = 0.1
    blur_sigma_voxels: Amounts = (0.5, 1.0)
    brightness_probability: Probability = 0.15
    brightness_factor: Factors = (0.75, 1.25)
    contrast_probability: Probability = 0.15
    contrast_factor: Factors = (0.75, 1.25)
    low_resolution_probability: Probability = 0.1
    low_resolution_zoom: Annotated[Factors, AfterValidator(_at_most_one)] = (0.5, 1.0)
    inverted_gamma_probability: Probability = 0.1
    gamma_probability: Probability = 0.15
    gamma_exponent: Factors = (0.7, 1.5)

    @classmethod
    def none(cls) -> Augmentation:
        """No augmentation: every probability is zero.

        >>> Augmentation.none().rotation_probability
        0.0
        """
        return cls.model_validate({name: 0.0 for name in cls.model_fields if name.endswith("_probability")})
