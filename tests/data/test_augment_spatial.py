from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from univox.data.augment_spatial import (
    Elastic,
    SpatialDraw,
    draw_spatial,
    rotation_planes,
    sampling_places,
    take_patch,
)
from univox.data.patch_settings import Augmentation, PatchSampling
from univox.data.patches import cut
from univox.data.window import Window

EAGER = Augmentation(
    rotation_probability=0.7,
    scaling_probability=0.7,
    scaling_per_axis_probability=0.5,
    elastic_probability=0.5,
    mirror_axes=(0, 1),
)


def drawn(dims: int, **changes: object) -> SpatialDraw:
    """Nothing drawn, but for what is given."""
    still: dict = {
        "rotation_degrees": (0.0,) * len(rotation_planes(dims)),
        "scaling": (1.0,) * dims,
        "mirrored": (False,) * dims,
    }
    return SpatialDraw(**(still | changes))


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def classes(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 5, shape).astype(np.uint8)


@pytest.mark.parametrize("start", [(2, 3, 1), (-3, 4, 0)])
def test_nothing_drawn_is_the_crop_bit_for_bit(start: tuple[int, ...]) -> None:
    image, label, window = noise(2, 9, 10, 8), classes(9, 10, 8), Window(start, (5, 6, 4))
    sampling = PatchSampling(padding_value=-1.5, padding_label=9)
    patch, patch_label = take_patch(image, label, window, drawn(3), sampling=sampling, spacing_mm=(1, 1, 1))
    np.testing.assert_array_equal(patch, cut(image, window, fill=-1.5, dtype=np.float32))
    np.testing.assert_array_equal(patch_label, cut(label, window, fill=9, dtype=np.int64))
    assert (patch.dtype, patch_label.dtype) == (torch.float32, torch.int64)


@pytest.mark.parametrize("size", [(5, 6), (4, 3, 6)])
def test_with_nothing_drawn_places_are_the_voxels_themselves(size: tuple[int, ...]) -> None:
    places = sampling_places(size, drawn(len(size)), (1.0, 2.5, 0.7)[: len(size)])
    np.testing.assert_allclose(places, np.stack(np.indices(size), axis=-1), atol=1e-6)


@pytest.mark.parametrize(("dims", "plane"), [(2, 0), (3, 0), (3, 1), (3, 2)])
@pytest.mark.parametrize("edge", [6, 7])
def test_a_quarter_turn_is_rot90(dims: int, plane: int, edge: int) -> None:
    image, label = noise(2, *[edge + 4] * dims), classes(*[edge + 4] * dims)
    window = Window((2,) * dims, (edge,) * dims)
    angles = tuple(90.0 if index == plane else 0.0 for index in range(len(rotation_planes(dims))))
    patch, patch_label = take_patch(
        image,
        label,
        window,
        drawn(dims, rotation_degrees=angles),
        sampling=PatchSampling(),
        spacing_mm=(1.5,) * dims,
    )
    axes = rotation_planes(dims)[plane]
    crop = image[(slice(None), *window.slices)]
    np.testing.assert_allclose(patch, np.rot90(crop, axes=(axes[0] + 1, axes[1] + 1)), atol=1e-4)
    np.testing.assert_array_equal(patch_label, np.rot90(label[window.slices], axes=axes))


def test_mirroring_flips_the_crop_and_twice_is_the_identity() -> None:
    image, label, window = noise(1, 8, 9, 10), classes(8, 9, 10), Window((1, 1, 2), (6, 5, 8))
    mirror = drawn(3, mirrored=(True, False, True))
    options: dict = {"sampling": PatchSampling(), "spacing_mm": (1.0, 1.0, 1.0)}
    crop, crop_label = take_patch(image, label, window, drawn(3), **options)
    once, once_label = take_patch(image, label, window, mirror, **options)
    assert torch.equal(once, crop.flip(1, 3))
    assert torch.equal(once_label, crop_label.flip(0, 2))
    whole = Window((0, 0, 0), (6, 5, 8))
    twice, twice_label = take_patch(once.numpy(), once_label.numpy().astype(np.uint8), whole, mirror, **options)
    assert torch.equal(twice, crop)
    assert torch.equal(twice_label, crop_label)


def test_a_mirrored_grid_reads_what_the_flip_shows() -> None:
    mirror = drawn(3, mirrored=(True, False, True))
    places = sampling_places((6, 5, 8), mirror, (1.0, 2.0, 3.0))
    expected = np.stack(np.indices((6, 5, 8)), axis=-1)[::-1, :, ::-1]
    np.testing.assert_allclose(places, expected, atol=1e-6)


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10_000), dims=st.sampled_from([2, 3]))
def test_any_draw_reads_the_case_as_map_coordinates_does(seed: int, dims: int) -> None:
    """Reading a sub-block, padding included, is reading the whole case."""
    rng = np.random.default_rng(seed)
    shape, size = rng.integers(1, 14, dims), tuple(int(n) for n in rng.integers(1, 12, dims))
    spacing = tuple(float(edge) for edge in rng.uniform(0.5, 4.0, dims))
    image, label = noise(2, *shape, seed=seed), classes(*shape, seed=seed)
    window = Window(tuple(int(rng.integers(-6, 8)) for _ in range(dims)), size)
    draw = draw_spatial(rng, EAGER.model_copy(update={"scaling_probability": 1.0}), spacing)
    sampling = PatchSampling(padding_value=3.0, padding_label=7)
    patch, patch_label = take_patch(image, label, window, draw, sampling=sampling, spacing_mm=spacing)
    places = sampling_places(size, draw, spacing).double().numpy() + np.array(window.start)
    for channel in range(2):
        expected = ndimage.map_coordinates(
            image[channel], np.moveaxis(places, -1, 0), order=1, mode="grid-constant", cval=3.0
        )
        np.testing.assert_allclose(patch[channel], expected, atol=2e-4)
    # Voxels within rounding of half-way between two labels may go either way.
    clear = (np.abs(places - np.floor(places) - 0.5) > 1e-3).all(axis=-1)
    nearest = ndimage.map_coordinates(
        label.astype(float), np.moveaxis(np.round(places), -1, 0), order=1, mode="grid-constant", cval=7.0
    )
    np.testing.assert_array_equal(patch_label.numpy()[clear], nearest.round()[clear])


@settings(deadline=None, max_examples=25)
@given(
    angles=st.tuples(*[st.floats(-180, 180)] * 3),
    edges=st.tuples(*[st.floats(0.3, 5.0)] * 3),
    seed=st.integers(0, 99),
)
def test_rotations_are_rigid_in_millimeters(angles: tuple, edges: tuple, seed: int) -> None:
    size = (4, 5, 6)
    places = sampling_places(size, drawn(3, rotation_degrees=angles), edges).double().numpy()
    before = np.stack(np.indices(size), axis=-1).reshape(-1, 3) * edges
    after = places.reshape(-1, 3) * edges
    one, other = np.random.default_rng(seed).integers(0, len(before), (2, 50))
    lengths = np.linalg.norm(before[one] - before[other], axis=1)
    np.testing.assert_allclose(np.linalg.norm(after[one] - after[other], axis=1), lengths, atol=1e-3)
    center = (np.array(size) - 1) / 2
    np.testing.assert_allclose(places.reshape(-1, 3).mean(axis=0), center, atol=1e-4)


def test_scaling_by_two_shows_half_the_extent() -> None:
    places = sampling_places((9, 9), drawn(2, scaling=(2.0, 1.0)), (1.0, 1.0))
    assert places[:, 0, 0].tolist() == [2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 5.5, 6.0]
    assert places[0, :, 1].tolist() == list(range(9))


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10_000), dims=st.sampled_from([2, 3]))
def test_image_and_label_stay_registered(seed: int, dims: int) -> None:
    """A blob whose image is its own label: away from its edge the two agree after any draw."""
    rng = np.random.default_rng(seed)
    grid = np.indices([28] * dims) - rng.uniform(10, 18, dims).reshape(-1, *[1] * dims)
    label = ((grid**2).sum(axis=0) < 49).astype(np.uint8)
    spacing = (1.0, 1.3, 0.8)[:dims]
    draw = draw_spatial(rng, EAGER, spacing)
    patch, patch_label = take_patch(
        label[np.newaxis].astype(np.float32),
        label,
        Window((4,) * dims, (20,) * dims),
        draw,
        sampling=PatchSampling(),
        spacing_mm=spacing,
    )
    sure = (patch[0] < 0.01) | (patch[0] > 0.99)
    assert sure.float().mean() > 0.5
    assert torch.equal((patch[0] > 0.5)[sure].long(), patch_label[sure])


def test_thick_slices_are_turned_in_their_plane_only() -> None:
    settings_ = Augmentation.none().model_copy(update={"rotation_probability": 1.0})
    rng = np.random.default_rng(0)
    assert all(draw_spatial(rng, settings_, (1.0, 1.0, 1.0)).rotation_degrees)
    thick = draw_spatial(rng, settings_, (3.0, 1.0, 1.0))
    assert thick.rotation_degrees[0] != 0.0
    assert thick.rotation_degrees[1:] == (0.0, 0.0)
    assert draw_spatial(rng, settings_, (1.0, 3.0, 3.1)).rotation_degrees[1:] == (0.0, 0.0)
    assert all(draw_spatial(rng, settings_, (2.9, 1.0, 1.0)).rotation_degrees)


def test_angles_and_factors_fill_their_ranges() -> None:
    settings_ = EAGER.model_copy(
        update={
            "rotation_probability": 1.0,
            "rotation_degrees": (10.0, 0.0, 40.0),
            "scaling_probability": 1.0,
        }
    )
    draws = [draw_spatial(np.random.default_rng(seed), settings_, (1.0,) * 3) for seed in range(400)]
    angles = np.array([draw.rotation_degrees for draw in draws])
    factors = np.array([draw.scaling for draw in draws])
    np.testing.assert_allclose(angles.min(axis=0), [-10, 0, -40], atol=1)
    np.testing.assert_allclose(angles.max(axis=0), [10, 0, 40], atol=1)
    np.testing.assert_allclose([factors.min(), factors.max()], [0.7, 1.4], atol=0.02)
    own = (np.ptp(factors, axis=1) > 0).mean()
    assert own == pytest.approx(0.5, abs=5 * 0.5 / 20)
    mirrored = np.mean([draw.mirrored for draw in draws], axis=0)
    np.testing.assert_allclose(mirrored, [0.5, 0.5, 0.0], atol=5 * 0.5 / 20)


def test_no_augmentation_draws_nothing() -> None:
    draw = draw_spatial(np.random.default_rng(0), Augmentation.none(), (1.0, 2.0, 3.0))
    assert draw == drawn(3)
    assert not draw.interpolates


def test_elastic_displacement_has_its_deviation_and_follows_the_spacing() -> None:
    size, spacing, still = (24, 24, 24), (2.0, 1.0, 1.0), drawn(3)
    shifts = []
    for seed in range(30):
        bent = drawn(3, elastic=Elastic(sd_voxels=1.5, control_voxels=6.0, seed=seed))
        places = sampling_places(size, bent, spacing) - sampling_places(size, still, spacing)
        shifts.append(places.numpy().reshape(-1, 3))
    deviation = np.concatenate(shifts).std(axis=0)
    np.testing.assert_allclose(deviation, [0.75, 1.5, 1.5], rtol=0.08)


def test_default_bending_does_not_fold() -> None:
    standard = Augmentation()
    for seed in range(20):
        elastic = Elastic(standard.elastic_sd_voxels[1], standard.elastic_control_voxels, seed)
        places = sampling_places((32, 32, 32), drawn(3, elastic=elastic), (1.0,) * 3).numpy()
        jacobian = np.stack([np.diff(places, axis=axis)[:31, :31, :31] for axis in range(3)], axis=-1)
        assert np.linalg.det(jacobian).min() > 0.0


def test_the_corner_of_a_turned_patch_shows_tissue() -> None:
    image, label = np.ones((1, 40, 40), np.float32), np.ones((40, 40), np.uint8)
    patch, patch_label = take_patch(
        image,
        label,
        Window((10, 10), (20, 20)),
        drawn(2, rotation_degrees=(45.0,)),
        sampling=PatchSampling(),
        spacing_mm=(1.0, 1.0),
    )
    torch.testing.assert_close(patch, torch.ones_like(patch))
    assert patch_label.min() == 1


def test_beyond_the_image_lies_its_mirror_image_whatever_is_drawn() -> None:
    rng = np.random.default_rng(3)
    image, label = rng.standard_normal((1, 9, 7)).astype(np.float32), np.ones((9, 7), np.uint8)
    sampling = PatchSampling(padding_value="mirror", padding_label=255)
    window = Window((-6, -5), (17, 18))
    still = SpatialDraw((0.0,), (1.0, 1.0), (False, False))
    crop, classes = take_patch(image, label, window, still, sampling=sampling, spacing_mm=(1.0, 1.0))
    expected = np.pad(image, ((0, 0), (6, 2), (5, 6)), mode="reflect")
    np.testing.assert_array_equal(crop, expected)
    assert (classes != 255).sum() == label.size
    # A quarter turn of a square window about its center, read by interpolation, is the turned crop.
    square = Window((-6, -5), (17, 17))
    crop, classes = take_patch(image, label, square, still, sampling=sampling, spacing_mm=(1.0, 1.0))
    turn = SpatialDraw((90.0,), (1.0, 1.0), (False, False))
    turned, turned_classes = take_patch(image, label, square, turn, sampling=sampling, spacing_mm=(1.0, 1.0))
    np.testing.assert_allclose(turned, np.rot90(crop, axes=(1, 2)), atol=1e-4)
    np.testing.assert_array_equal(turned_classes, np.rot90(classes))
