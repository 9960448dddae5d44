from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from univox.data.augment_intensity import IntensityDraw, apply_intensity, draw_intensity
from univox.data.patch_settings import Augmentation
from univox.data.standardize import moments

ALL = Augmentation(**{name: 1.0 for name in Augmentation.model_fields if name.endswith("_probability")})
CUBE = (1.0, 1.0, 1.0)


def patch(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_nothing_drawn_is_the_image_itself() -> None:
    image = patch(2, 5, 6, 7)
    assert torch.equal(apply_intensity(image, IntensityDraw(), spacing_mm=CUBE), image)
    assert draw_intensity(np.random.default_rng(0), Augmentation.none(), 2) == IntensityDraw()


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000), kind=st.sampled_from(["noise", "constant", "one voxel", "huge"]))
def test_everything_at_once_keeps_shape_input_and_finite_values(seed: int, kind: str) -> None:
    image = {
        "noise": patch(2, 6, 7, 5, seed=seed),
        "constant": torch.full((2, 6, 7, 5), -3.0),
        "one voxel": torch.zeros(2, 6, 7, 5).index_fill(3, torch.tensor([2]), 1e-30),
        "huge": patch(2, 6, 7, 5, seed=seed) * 1e6,
    }[kind]
    before = image.clone()
    draw = draw_intensity(np.random.default_rng(seed), ALL, 2)
    result = apply_intensity(image, draw, spacing_mm=(4.0, 1.0, 1.0))
    assert None not in (draw.noise, draw.gamma, draw.inverted_gamma, draw.low_resolution_zoom)
    assert result.shape == image.shape
    assert result.dtype == torch.float32
    assert torch.isfinite(result).all()
    assert torch.equal(image, before)
    assert torch.equal(apply_intensity(image, draw, spacing_mm=(4.0, 1.0, 1.0)), result)


@pytest.mark.parametrize("shape", [(1, 33, 33, 33), (2, 1, 190, 177), (1, 201, 199)])
def test_the_number_of_threads_changes_no_bit(shape: tuple[int, ...]) -> None:
    image = patch(*shape)
    draw = draw_intensity(np.random.default_rng(0), ALL, shape[0])
    before = torch.get_num_threads()
    results = []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            results.append(apply_intensity(image, draw, spacing_mm=(1.0,) * (len(shape) - 1)))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(results[0], results[1])
    assert torch.equal(results[0], results[2])


def test_noise_is_in_deviations_of_its_channel() -> None:
    image = torch.stack([patch(30, 30, 30), patch(30, 30, 30, seed=1) * 50 + 9])
    added = apply_intensity(image, IntensityDraw(noise=(0.2, 5)), spacing_mm=CUBE) - image
    mean, deviation = moments(added, spatial_dims=3)
    np.testing.assert_allclose(deviation.flatten(), [0.2, 10.0], rtol=0.03)
    np.testing.assert_allclose(mean.flatten(), [0.0, 0.0], atol=5 * 10 / 27000**0.5)


def test_blur_is_scipys_and_follows_the_spacing() -> None:
    image = patch(1, 10, 11, 12)
    result = apply_intensity(image, IntensityDraw(blur_sigma_voxels=1.0), spacing_mm=(2.0, 1.0, 1.0))
    expected = ndimage.gaussian_filter(image[0].numpy(), (0.5, 1.0, 1.0), mode="nearest", radius=(2, 3, 3))
    np.testing.assert_allclose(result[0], expected, atol=1e-5)


def test_brightness_multiplies_each_channel() -> None:
    image = patch(2, 4, 4)
    result = apply_intensity(image, IntensityDraw(brightness=(0.5, 2.0)), spacing_mm=(1.0, 1.0))
    assert torch.equal(result[0], image[0] * 0.5)
    assert torch.equal(result[1], image[1] * 2.0)


def test_contrast_stretches_about_the_mean_within_the_old_range() -> None:
    image = torch.tensor([[[-2.0, -1.0], [1.0, 2.0]]])
    shrunk = apply_intensity(image, IntensityDraw(contrast=(0.5,)), spacing_mm=(1.0, 1.0))
    assert shrunk.flatten().tolist() == [-1.0, -0.5, 0.5, 1.0]
    grown = apply_intensity(image, IntensityDraw(contrast=(1.5,)), spacing_mm=(1.0, 1.0))
    assert grown.flatten().tolist() == [-2.0, -1.5, 1.5, 2.0]


def test_low_resolution_leaves_thick_slices_alone() -> None:
    image = patch(1, 6, 8, 8)
    coarse = IntensityDraw(low_resolution_zoom=0.5)
    thick = apply_intensity(image, coarse, spacing_mm=(2.0, 1.0, 1.0))
    slices = [apply_intensity(image[:, d], coarse, spacing_mm=(1.0, 1.0)) for d in range(6)]
    torch.testing.assert_close(thick, torch.stack(slices, dim=1))


def test_gamma_keeps_moments_and_order_and_exponent_one_is_the_identity() -> None:
    image = patch(2, 8, 9, 10) * 3 + 40
    curved = apply_intensity(image, IntensityDraw(gamma=(0.7, 1.5)), spacing_mm=CUBE)
    for result, expected in zip(moments(curved, spatial_dims=3), moments(image, spatial_dims=3), strict=True):
        torch.testing.assert_close(result, expected, rtol=1e-4, atol=1e-4)
    assert torch.equal(curved.flatten(1).argsort(dim=1), image.flatten(1).argsort(dim=1))
    assert (curved - image).abs().max() > 0.1
    same = apply_intensity(image, IntensityDraw(gamma=(1.0, 1.0)), spacing_mm=CUBE)
    torch.testing.assert_close(same, image, rtol=1e-4, atol=1e-4)


def test_inverted_gamma_is_gamma_of_the_negative() -> None:
    image = patch(1, 8, 9)
    inverted = apply_intensity(image, IntensityDraw(inverted_gamma=(1.4,)), spacing_mm=(1.0, 1.0))
    negative = apply_intensity(-image, IntensityDraw(gamma=(1.4,)), spacing_mm=(1.0, 1.0))
    assert torch.equal(inverted, -negative)


def test_channels_do_not_mix() -> None:
    image = patch(2, 6, 7, 8)
    draw = draw_intensity(np.random.default_rng(3), ALL.model_copy(update={"noise_probability": 0.0}), 2)
    other = torch.stack([image[0], image[1] * 7 - 3])
    first = apply_intensity(image, draw, spacing_mm=CUBE)[0]
    assert torch.equal(apply_intensity(other, draw, spacing_mm=CUBE)[0], first)


@pytest.mark.parametrize(
    ("field", "limits"), [("brightness", (0.75, 1.25)), ("contrast", (0.75, 1.25)), ("gamma", (0.7, 1.5))]
)
def test_draws_fill_their_ranges_one_value_per_channel(field: str, limits: tuple[float, float]) -> None:
    draws = [getattr(draw_intensity(np.random.default_rng(seed), ALL, 3), field) for seed in range(200)]
    values = np.array(draws)
    assert values.shape == (200, 3)
    np.testing.assert_allclose([values.min(), values.max()], limits, atol=0.02)
    assert np.median(values) == pytest.approx(np.sqrt(limits[0] * limits[1]), abs=0.05)


def test_probabilities_hold() -> None:
    draws = [draw_intensity(np.random.default_rng(seed), Augmentation(), 1) for seed in range(2000)]
    for field, probability in {
        "noise": 0.1,
        "blur_sigma_voxels": 0.1,
        "brightness": 0.15,
        "contrast": 0.15,
        "low_resolution_zoom": 0.1,
        "inverted_gamma": 0.1,
        "gamma": 0.15,
    }.items():
        share = np.mean([getattr(draw, field) is not None for draw in draws])
        assert share == pytest.approx(probability, abs=4 * np.sqrt(probability / 2000)), field
