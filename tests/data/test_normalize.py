from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from univox.data.normalize import normalize_intensity
from univox.data.preprocess_settings import Normalization, Percentiles, Preprocessing, Values
from univox.errors import RecipeError


def normalized(array: np.ndarray, **choices: object) -> np.ndarray:
    fixed = {"crop": "none", "spacing_mm": "none", "clip": "none", "normalization": Normalization(scope="none")}
    copy = array.astype(np.float32)
    normalize_intensity(copy, Preprocessing.model_validate(fixed | choices))
    return copy


def case(over: str) -> Normalization:
    return Normalization.model_validate({"scope": "case", "over": over})


def test_z_score_worked_by_hand() -> None:
    # Mean of 2, 4, 6 is 4 and their sd sqrt(8/3); the zero takes no part but moves along.
    array = np.array([[[0, 2], [4, 6]]])
    sd = np.sqrt(8 / 3)
    expected = np.array([[[-4, -2], [0, 2]]]) / sd
    np.testing.assert_allclose(normalized(array, normalization=case("nonzero")), expected, rtol=1e-6)
    whole = np.array([[[-3, -1], [1, 3]]]) / np.sqrt(5)
    np.testing.assert_allclose(normalized(array, normalization=case("image")), whole, rtol=1e-6)


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 10_000),
    factor=st.sampled_from([1e-4, 0.3, 7.0, 1e5]),
    shift=st.sampled_from([0.0, 3.0, -20.0]),
)
def test_scale_and_offset_of_the_scanner_do_not_matter(seed: int, factor: float, shift: float) -> None:
    array = np.random.default_rng(seed).normal(5, 2, (2, 4, 5, 6)).astype(np.float32)
    choices = {"clip": Percentiles(over="image"), "normalization": case("image")}
    once = normalized(array, **choices)
    np.testing.assert_allclose(normalized(array * factor + shift * factor, **choices), once, atol=2e-4)
    np.testing.assert_allclose(once.mean(axis=(1, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(once.std(axis=(1, 2, 3)), 1, atol=1e-5)


def test_percentiles_are_of_the_nonzero_voxels() -> None:
    # 1..101 among many zeros: percentiles 10 and 90 are 11 and 91; zeros rise to the lower limit.
    array = np.zeros((1, 10, 50))
    array.ravel()[:101] = np.arange(1, 102)
    clipped = normalized(array, clip=Percentiles(low=10, high=90))
    np.testing.assert_allclose(clipped.ravel()[:101], np.clip(np.arange(1, 102), 11, 91))
    assert set(clipped.ravel()[101:]) == {11}
    assert normalized(array, clip=Percentiles(low=10, high=90, over="image")).max() == np.float32(51.1)


def test_values_and_statistics_of_a_set_are_taken_as_stated() -> None:
    array = np.array([[[-500.0, 0.0, 900.0]], [[1.0, 2.0, 3.0]]])
    choices = {
        "clip": Values(low=(-100, 0), high=(300, 2.5)),
        "normalization": Normalization(scope="set", mean=(100, 1), sd=(50, 0.5)),
    }
    np.testing.assert_allclose(normalized(array, **choices), [[[-4, -2, 4]], [[0, 2, 3]]])


@pytest.mark.parametrize("level", [0.0, 0.1, 1234567.0])
@pytest.mark.parametrize("over", ["image", "nonzero"])
def test_a_constant_channel_becomes_zero_and_not_noise(level: float, over: str) -> None:
    array = np.full((1, 7, 9, 11), level)
    result = normalized(array, clip=Percentiles(), normalization=case(over))
    assert np.abs(result).max() <= 1e-6 * max(level, 1)


@pytest.mark.parametrize("scope", ["patch", "none"])
def test_other_scopes_leave_the_intensities(scope: str) -> None:
    array = np.arange(24, dtype=np.float32).reshape(1, 4, 6)
    np.testing.assert_array_equal(normalized(array, normalization={"scope": scope}), array)


@pytest.mark.parametrize(
    "choices",
    [
        {"clip": Values(low=(0,), high=(1,))},
        {"normalization": Normalization(scope="set", mean=(0,), sd=(1,))},
    ],
)
def test_values_for_another_number_of_channels_are_refused(choices: dict[str, object]) -> None:
    with pytest.raises(RecipeError, match="one value for each of the 2 channels"):
        normalized(np.ones((2, 3, 3)), **choices)


def test_a_mask_is_not_clipped_away() -> None:
    # All that is not zero is one intensity: both percentiles are that, and clipping to them erases the image.
    mask = np.zeros((1, 20, 20))
    mask[0, 5:9, 5:9] = 7
    np.testing.assert_array_equal(normalized(mask, clip=Percentiles()), mask)
    sparse = np.zeros((1, 50, 50))
    sparse[0, 3, 4] = 7
    np.testing.assert_array_equal(normalized(sparse, clip=Percentiles(over="image")), sparse)


def test_noise_below_single_precision_is_not_amplified() -> None:
    array = np.full((1, 8, 8), 1000, dtype=np.float32)
    array[0, ::2] = np.nextafter(np.float32(1000), np.float32(2000))
    assert np.abs(normalized(array, normalization=case("image"))).max() < 1e-3
