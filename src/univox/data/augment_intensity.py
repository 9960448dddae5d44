"""Intensity augmentation: noise, blur, brightness, contrast, low resolution, gamma."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from univox.data.patch_settings import Augmentation
from univox.data.separable import apply_taps, coarse_taps, gaussian_taps
from univox.data.standardize import moments


@dataclass(frozen=True)
class IntensityDraw:
    """What was drawn for one patch; None leaves a step out. They apply in this order.

    Args:
        noise: Standard deviation, in the channel's own, and the seed of the noise.
        blur_sigma_voxels: Of the Gaussian, in voxels of the finest axis.
        brightness: Multiplier per channel.
        contrast: Multiplier per channel of the distance from the mean.
        low_resolution_zoom: Coarse over fine resolution, of the finest axis.
        inverted_gamma: Exponent per channel, from the bright end.
        gamma: Exponent per channel, from the dark end.
    """

    noise: tuple[float, int] | None = None
    blur_sigma_voxels: float | None = None
    brightness: tuple[float, ...] | None = None
    contrast: tuple[float, ...] | None = None
    low_resolution_zoom: float | None = None
    inverted_gamma: tuple[float, ...] | None = None
    gamma: tuple[float, ...] | None = None


def draw_intensity(rng: np.random.Generator, settings: Augmentation, num_channels: int) -> IntensityDraw:
    """Draw the intensity augmentation of one patch.

    Args:
        rng: Drawn from; nothing else is random.
        settings: Probabilities and ranges.
        num_channels: Channels of the image.
    """

    def happens(probability: float) -> bool:
        return bool(rng.random() < probability)

    def factors(limits: tuple[float, float], count: int = num_channels) -> tuple[float, ...]:
        low, high = math.log(limits[0]), math.log(limits[1])
        return tuple(float(factor) for factor in np.exp(rng.uniform(low, high, size=count)))

    chosen = settings
    return IntensityDraw(
        noise=(float(rng.uniform(*chosen.noise_sd)), int(rng.integers(2**63)))
        if happens(chosen.noise_probability)
        else None,
        blur_sigma_voxels=float(rng.uniform(*chosen.blur_sigma_voxels)) if happens(chosen.blur_probability) else None,
        brightness=factors(chosen.brightness_factor) if happens(chosen.brightness_probability) else None,
        contrast=factors(chosen.contrast_factor) if happens(chosen.contrast_probability) else None,
        low_resolution_zoom=factors(chosen.low_resolution_zoom, 1)[0]
        if happens(chosen.low_resolution_probability)
        else None,
        inverted_gamma=factors(chosen.gamma_exponent) if happens(chosen.inverted_gamma_probability) else None,
        gamma=factors(chosen.gamma_exponent) if happens(chosen.gamma_probability) else None,
    )


def apply_intensity(image: torch.Tensor, draw: IntensityDraw, *, spacing_mm: Sequence[float]) -> torch.Tensor:
    """Apply what was drawn to one patch.

    Args:
        image: float32, (C, *spatial); not altered.
        draw: What was drawn.
        spacing_mm: Voxel edges, array order.

    Returns:
        (C, *spatial), finite where the image is.
    """
    if draw.noise is not None:
        image = _noisy(image, *draw.noise)
    if draw.blur_sigma_voxels is not None:
        image = _blurred(image, draw.blur_sigma_voxels, spacing_mm)
    if draw.brightness is not None:
        image = image * _per_channel(draw.brightness, image)
    if draw.contrast is not None:
        image = _contrasted(image, draw.contrast)
    if draw.low_resolution_zoom is not None:
        image = _coarse(image, draw.low_resolution_zoom, spacing_mm)
    if draw.inverted_gamma is not None:
        image = -_gamma(-image, draw.inverted_gamma)
    if draw.gamma is not None:
        image = _gamma(image, draw.gamma)
    return image


def _per_channel(values: Sequence[float], image: torch.Tensor) -> torch.Tensor:
    """One value per channel, shaped to broadcast over the image."""
    return torch.tensor(values, dtype=image.dtype).reshape(-1, *(1,) * (image.ndim - 1))


def _limits(image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Least and greatest value per channel, shaped to broadcast over the image."""
    low, high = torch.aminmax(image.flatten(1), dim=1)
    shape = (-1, *(1,) * (image.ndim - 1))
    return low.reshape(shape), high.reshape(shape)


def _noisy(image: torch.Tensor, sd: float, seed: int) -> torch.Tensor:
    rng = np.random.Generator(np.random.Philox(seed))
    noise = torch.from_numpy(rng.standard_normal(tuple(image.shape), dtype=np.float32))
    _, deviation = moments(image, spatial_dims=image.ndim - 1)
    return image + noise * (deviation * sd)


def _blurred(image: torch.Tensor, sigma: float, spacing_mm: Sequence[float]) -> torch.Tensor:
    sizes = image.shape[1:]
    finest = min(spacing_mm)
    taps = [gaussian_taps(size, sigma * finest / edge) for size, edge in zip(sizes, spacing_mm, strict=True)]
    return apply_taps(image, tuple(taps))


def _coarse(image: torch.Tensor, zoom: float, spacing_mm: Sequence[float]) -> torch.Tensor:
    # The coarse voxel has one edge length in mm; an axis that is coarser already keeps its own.
    sizes = image.shape[1:]
    finest = min(spacing_mm)
    taps = [coarse_taps(size, min(1.0, zoom * edge / finest)) for size, edge in zip(sizes, spacing_mm, strict=True)]
    return apply_taps(image, tuple(taps))


def _contrasted(image: torch.Tensor, factors: Sequence[float]) -> torch.Tensor:
    low, high = _limits(image)
    mean, _ = moments(image, spatial_dims=image.ndim - 1)
    return ((image - mean) * _per_channel(factors, image) + mean).clamp(low, high)


def _gamma(image: torch.Tensor, exponents: Sequence[float]) -> torch.Tensor:
    """A power of the intensity between its limits, brought back to its old mean and deviation."""
    dims = image.ndim - 1
    low, high = _limits(image)
    mean, deviation = moments(image, spatial_dims=dims)
    # In a constant channel everything is 0 / tiny = 0, and the result is the mean.
    tiny = torch.finfo(image.dtype).tiny
    share = (image - low) / (high - low).clamp_min(tiny)
    # Torch's power rounds by where its threads divide the work; NumPy's does not.
    powers = np.asarray(exponents, dtype=np.float32).reshape(-1, *(1,) * dims)
    curve = torch.from_numpy(np.power(share.numpy(), powers))
    curve_mean, curve_deviation = moments(curve, spatial_dims=dims)
    return (curve - curve_mean) / curve_deviation.clamp_min(1e-7) * deviation + mean
