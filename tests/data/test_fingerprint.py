from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from toy_dataset import write_case, write_dataset

from univox.data.dataset import read_case_image, read_case_label
from univox.data.fingerprint import (
    VOXELS_PER_CASE,
    Fingerprint,
    class_frequencies,
    measure_case,
    median_shape,
    median_spacing,
    pooled_intensity,
    significant,
)
from univox.errors import DatasetError, GeometryError


def fingerprint(**changes: object) -> Fingerprint:
    plain = Fingerprint(
        shape=(10, 10, 10),
        spacing_mm=(1.0, 1.0, 1.0),
        class_counts=(900, 100),
        foreground=np.array([[4.0, 6.0]], dtype=np.float32),
        minimum=(3.0,),
        maximum=(7.0,),
    )
    return dataclasses.replace(plain, **changes)


def test_a_case_is_measured_inside_its_crop(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path)
    case = dataset.cases[0]
    measured = measure_case(case, dataset=dataset, crop="nonzero")
    image, label = read_case_image(dataset, case).array, read_case_label(dataset, case).array
    assert measured.shape == tuple(size - 2 for size in label.shape)
    assert measured.spacing_mm == (1.0, 1.0, 1.0)
    inside = label[1:-1, 1:-1, 1:-1]
    assert measured.class_counts == tuple(np.count_nonzero(inside == index) for index in range(3))
    np.testing.assert_array_equal(np.sort(measured.foreground[0]), np.sort(image[0][label > 0]))
    assert (measured.minimum, measured.maximum) == ((image[0][label > 0].min(),), (image[0][label > 0].max(),))


def test_a_large_case_gives_a_sample_of_what_it_has(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path)
    case = write_case(tmp_path, "large", shape=(40, 40, 40))
    first = measure_case(case, dataset=dataset, crop="none")
    again = measure_case(case, dataset=dataset, crop="none")
    np.testing.assert_array_equal(first.foreground, again.foreground)
    assert first.foreground.shape == (1, VOXELS_PER_CASE)
    everything = read_case_image(dataset, case).array[0][read_case_label(dataset, case).array > 0]
    values, drawn = np.unique(first.foreground[0], return_counts=True)
    all_values, available = np.unique(everything, return_counts=True)
    places = np.searchsorted(all_values, values)
    np.testing.assert_array_equal(all_values[places], values)
    assert (drawn <= available[places]).all()
    assert abs(first.foreground.mean() - everything.mean()) < 1
    assert first.maximum == (everything.max(),)


def test_an_image_and_a_label_of_two_grids_are_refused(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path)
    mixed = dataclasses.replace(dataset.cases[0], label=dataset.cases[1].label)
    with pytest.raises(GeometryError, match=r"\[12, 14, 10\] and a label of \[13, 12, 11\]"):
        measure_case(mixed, dataset=dataset, crop="none")


def test_spacing_is_the_median_per_axis() -> None:
    spacings = [(1.0, 0.8, 0.8), (2.0, 0.7, 0.7), (1.5, 0.9, 0.6)]
    assert median_spacing([fingerprint(spacing_mm=spacing) for spacing in spacings]) == (1.5, 0.8, 0.7)


def test_thick_slices_aim_at_the_finer_cases() -> None:
    # 1, 2, ..., 11 mm: the median is 6, the 10th percentile 2.
    thick = [fingerprint(spacing_mm=(float(edge), 0.5, 0.5)) for edge in range(1, 12)]
    assert median_spacing(thick) == (2.0, 0.5, 0.5)
    # Never finer than the plane: 1 mm slices under a plane of 1.8 mm would be thick the other way round.
    coarse = [fingerprint(spacing_mm=(float(edge), 1.8, 1.8)) for edge in (1, 1, 6, 6, 6)]
    assert median_spacing(coarse) == (1.8, 1.8, 1.8)


def test_median_shape_rounds_up() -> None:
    assert median_shape([(10, 30), (12, 31)]) == (11, 31)


def test_intensity_is_pooled_over_the_foreground() -> None:
    other = fingerprint(foreground=np.array([[10.0, 12.0]], dtype=np.float32), minimum=(9.0,), maximum=(20.0,))
    (channel,) = pooled_intensity([fingerprint(), other])
    # 4, 6, 10, 12: mean 8, sd sqrt(10); percentiles by linear interpolation.
    assert (channel.mean, channel.sd) == (8.0, significant(10**0.5))
    assert (channel.minimum, channel.maximum) == (3.0, 20.0)
    assert (channel.percentile_00_5, channel.percentile_99_5) == (4.03, 11.97)
    assert pooled_intensity([other, fingerprint()]) == (channel,)


def test_a_case_of_background_only_does_not_count() -> None:
    empty = fingerprint(foreground=np.zeros((1, 0), dtype=np.float32), minimum=(), maximum=())
    assert pooled_intensity([empty, fingerprint()]) == pooled_intensity([fingerprint()])
    with pytest.raises(DatasetError, match="foreground in at least one"):
        pooled_intensity([empty, empty])


def test_class_frequencies_count_voxels_not_cases() -> None:
    small = fingerprint(class_counts=(0, 1000))
    assert class_frequencies([fingerprint(class_counts=(2500, 500)), small]) == (0.625, 0.375)
