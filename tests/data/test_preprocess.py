from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from univox.data.crop import box_slices
from univox.data.preprocess import (
    CaseGeometry,
    case_geometry,
    prepare_image,
    prepare_instances,
    prepare_label,
)
from univox.data.preprocess_settings import Normalization, Percentiles, Preprocessing
from univox.data.restore import restore_label, restore_probabilities
from univox.errors import DatasetError, LabelError, RecipeError, ShapeError
from univox.image import Image, read_image, read_label

GEOMETRIC = Preprocessing(crop="nonzero", spacing_mm="none", clip="none", normalization=Normalization(scope="none"))


def with_border(seed: int, *, channels: int = 1, dims: int = 3) -> Image:
    rng = np.random.default_rng(seed)
    core = rng.uniform(1, 2, (channels, *rng.integers(3, 9, dims)))
    array = np.pad(core, [(0, 0), *rng.integers(0, 4, (dims, 2)).tolist()])
    return Image.from_array(array.astype(np.float32), spacing_mm=tuple(rng.uniform(0.5, 3, dims).round(2)))


def to_spacing(*spacing_mm: float) -> Preprocessing:
    return GEOMETRIC.model_copy(update={"spacing_mm": spacing_mm})


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000), dims=st.sampled_from([2, 3]))
def test_without_resampling_a_label_comes_back_as_it_was(seed: int, dims: int) -> None:
    image = with_border(seed, dims=dims)
    array, geometry = prepare_image(image, GEOMETRIC)
    inside = box_slices(geometry.box)
    np.testing.assert_array_equal(array, image.array[(slice(None), *inside)])
    label = np.zeros(image.spatial_shape, dtype=np.uint8)
    label[inside] = np.random.default_rng(seed).integers(0, 5, geometry.box_shape)
    prepared = prepare_label(label, geometry, 5)
    np.testing.assert_array_equal(restore_label(prepared, geometry, 5), label)
    one_hot = np.moveaxis(np.eye(5, dtype=np.float32)[prepared], -1, 0)
    np.testing.assert_array_equal(restore_probabilities(one_hot, geometry), label)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000), target=st.tuples(*[st.floats(0.4, 4)] * 3))
def test_whatever_the_spacing_the_whole_grid_comes_back(seed: int, target: tuple[float, ...]) -> None:
    image = with_border(seed)
    array, geometry = prepare_image(image, to_spacing(*target))
    assert array.shape[1:] == geometry.prepared_shape
    assert array.dtype == np.float32
    extents = np.multiply(geometry.prepared_shape, geometry.spacing_mm)
    np.testing.assert_allclose(extents, np.multiply(geometry.box_shape, image.spacing_mm), rtol=1e-5)
    restored = restore_label(np.full(geometry.prepared_shape, 2), geometry, 3)
    expected = np.zeros(image.spatial_shape)
    expected[box_slices(geometry.box)] = 2
    np.testing.assert_array_equal(restored, expected)


def test_a_spacing_within_a_thousandth_is_the_same() -> None:
    # 0.7 over 100 voxels would round to 70.05 at 1.0007: the axis keeps its hundred all the same.
    box = ((0, 1000), (0, 10), (0, 10))
    near = case_geometry((1000, 10, 10), (1.0, 1.0, 2.0), box, to_spacing(1.0009, 1.0, 1.0))
    assert near.prepared_shape == (1000, 10, 20)
    assert near.spacing_mm == (1.0, 1.0, 1.0)
    far = case_geometry((1000, 10, 10), (1.0, 1.0, 2.0), box, to_spacing(1.002, 1.0, 1.0))
    assert far.prepared_shape == (998, 10, 20)


def test_isotropic_images_are_interpolated_cubically() -> None:
    rng = np.random.default_rng(0)
    image = Image.from_array(rng.normal(size=(1, 9, 8, 10)).astype(np.float32), spacing_mm=(2, 2, 2))
    array, geometry = prepare_image(image, to_spacing(1, 1, 1))
    assert geometry.prepared_shape == (18, 16, 20)
    expected = ndimage.zoom(image.array[0], 2, order=3, mode="nearest", grid_mode=True)
    np.testing.assert_allclose(array[0], expected, atol=1e-4)


def test_thick_slices_are_interpolated_linearly_between() -> None:
    # Along the coarse axis a step does not overshoot; a cubic would.
    step = np.ones((1, 8, 6, 6), dtype=np.float32)
    step[:, 4:] = 2
    image = Image.from_array(step, spacing_mm=(4, 1, 1))
    array, _ = prepare_image(image, to_spacing(1, 1, 1))
    assert array.shape == (1, 32, 6, 6)
    np.testing.assert_allclose(array[0, [0, 13, 15, 16, 18, 31], 3, 3], [1, 1, 1.375, 1.625, 2, 2], atol=1e-5)
    assert array.min() >= 1 - 1e-5
    assert array.max() <= 2 + 1e-5


def test_intensities_do_not_depend_on_the_spacing_aimed_at() -> None:
    image = Image.from_array(np.full((1, 8, 8, 8), 3, np.float32) * np.arange(1, 9), spacing_mm=(2, 2, 2))
    case = {
        "clip": Percentiles(low=0, high=100),
        "normalization": Normalization(scope="case", over="image"),
    }
    same, _ = prepare_image(image, GEOMETRIC.model_copy(update=case))
    finer, _ = prepare_image(image, to_spacing(2, 1, 1).model_copy(update=case))
    np.testing.assert_allclose(
        finer[0].reshape(8, 8, 2, 8, 2).mean(axis=(2, 4))[:, :, 3:5], same[0][:, :, 3:5], atol=2e-2
    )


def test_an_image_is_not_changed() -> None:
    array = np.arange(27, dtype=np.float32).reshape(1, 3, 3, 3)
    choices = {"normalization": Normalization(scope="case", over="nonzero"), "crop": "none"}
    prepare_image(Image.from_array(array), GEOMETRIC.model_copy(update=choices))
    np.testing.assert_array_equal(array.ravel(), np.arange(27))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e300])
def test_intensities_must_be_finite(bad: float) -> None:
    array = np.ones((2, 3, 3, 3))
    array[1, 0, 0, 0] = bad
    image = Image.from_array(array, channel_names=("T1", "T2"))
    with pytest.raises(DatasetError, match="finite intensities, got 1 voxels of channel 'T2'"):
        prepare_image(image, GEOMETRIC)


def test_open_settings_are_refused() -> None:
    with pytest.raises(RecipeError, match="nothing is left auto"):
        prepare_image(Image.from_array(np.ones((1, 3, 3))), Preprocessing())


def test_arrays_on_another_grid_are_refused() -> None:
    geometry = CaseGeometry((4, 4), ((0, 4), (1, 3)), (4, 2), (1.0, 1.0))
    with pytest.raises(ShapeError, match=r"the image's shape, \[4, 4\], got \[4, 2\]"):
        prepare_label(np.zeros((4, 2), dtype=int), geometry, 2)
    with pytest.raises(RecipeError, match="2 values at preprocessing"):
        case_geometry((4, 4), (1.0, 1.0), geometry.box, to_spacing(1, 1, 1))


def test_geometry_survives_json() -> None:
    geometry = prepare_image(with_border(3), to_spacing(1, 2, 3))[1]
    assert CaseGeometry.from_json(json.loads(json.dumps(geometry.to_json()))) == geometry


def test_real_labels_come_back(shared_data) -> None:
    root: Path = shared_data("hippocampus_mri")
    for path in sorted((root / "imagesTr").glob("*.nii.gz"))[:5]:
        image, label = read_image(path), read_label(root / "labelsTr" / path.name).array
        choices = {"spacing_mm": image.spacing_mm, "normalization": Normalization(scope="case", over="nonzero")}
        _, geometry = prepare_image(image, GEOMETRIC.model_copy(update=choices))
        np.testing.assert_array_equal(restore_label(prepare_label(label, geometry, 3), geometry, 3), label)
        _, finer = prepare_image(image, to_spacing(0.5, 0.5, 0.5))
        there_and_back = restore_label(prepare_label(label, finer, 3), finer, 3)
        for index in (1, 2):
            both = np.count_nonzero((there_and_back == index) & (label == index))
            sizes = np.count_nonzero(there_and_back == index) + np.count_nonzero(label == index)
            assert 2 * both / sizes > 0.98


def test_numbers_of_objects_take_the_nearest_even_when_they_are_large() -> None:
    numbers = np.array([[0, 2**31 - 1, 16_777_217], [5, 5, 0]], dtype=np.int64)
    same = CaseGeometry((2, 3), ((0, 2), (0, 3)), (2, 3), (1.0, 1.0))
    np.testing.assert_array_equal(prepare_instances(numbers, same), numbers)
    doubled = CaseGeometry((2, 3), ((0, 2), (1, 3)), (4, 4), (0.5, 0.5))
    np.testing.assert_array_equal(
        prepare_instances(numbers, doubled), np.kron(numbers[:, 1:], np.ones((2, 2), np.int64))
    )
    with pytest.raises(LabelError, match="numbered up to"):
        prepare_instances(numbers + 1, same)
