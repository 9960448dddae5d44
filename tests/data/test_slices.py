from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import tifffile
from written_cases import msd

from univox.data.classes import NOT_ANNOTATED, Classes
from univox.data.dataset import read_case_codes, read_case_image, read_case_label
from univox.data.layouts import open_dataset
from univox.data.slices import write_slices
from univox.errors import DatasetError


@pytest.mark.parametrize("axes", [(0,), (2, 1)])
def test_the_slices_stacked_are_the_volume(tmp_path: Path, axes: tuple[int, ...]) -> None:
    volumes = open_dataset(msd(tmp_path / "old", names=("a", "b")))
    done = write_slices(volumes, tmp_path / "new", axes=axes)
    names = ";".join(f"{name}={index}" for index, name in enumerate(volumes.classes.names) if index)
    slices = open_dataset(tmp_path / "new", classes=names)
    assert (slices.spatial_dims, slices.channel_names) == (2, volumes.channel_names)
    assert slices.classes.names == volumes.classes.names
    assert {case.subject for case in slices.cases} == {"a", "b"}
    for volume, sliced in zip(volumes.cases, done, strict=True):
        image, label = read_case_image(volumes, volume), read_case_label(volumes, volume)
        assert (sliced.name, sliced.slices) == (volume.name, sum(image.spatial_shape[axis] for axis in axes))
        for axis in axes:
            cases = [case for case in slices.cases if case.name.startswith(f"{volume.name}_axis{axis}_")]
            planes = [read_case_image(slices, case) for case in cases]
            np.testing.assert_array_equal(np.stack([plane.array for plane in planes], axis + 1), image.array)
            indices = [read_case_label(slices, case).array for case in cases]
            np.testing.assert_array_equal(np.stack(indices, axis), label.array)
            assert planes[0].spacing_mm == tuple(np.delete(image.spacing_mm, axis))


def test_a_tiff_stack_with_numbered_objects(tmp_path: Path) -> None:
    stack = np.random.default_rng(0).integers(0, 60_000, (5, 8, 9)).astype(np.uint16)
    numbers = np.arange(5 * 8 * 9).reshape(5, 8, 9).astype(np.uint16)
    for folder, array in (("images", stack), ("labels", numbers)):
        (tmp_path / "old" / folder).mkdir(parents=True)
        tifffile.imwrite(tmp_path / "old" / folder / "cells.tif", array, photometric="minisblack")
    volumes = open_dataset(tmp_path / "old", labels_are="instances")
    write_slices(volumes, tmp_path / "new")
    slices = open_dataset(tmp_path / "new", labels_are="instances")
    assert slices.classes.instances
    np.testing.assert_array_equal(np.stack([read_case_image(slices, c).array[0] for c in slices.cases]), stack)
    np.testing.assert_array_equal(np.stack([read_case_codes(case).array for case in slices.cases]), numbers)


def test_blank_slices_are_left_out(tmp_path: Path) -> None:
    stack = np.random.default_rng(0).integers(1, 60_000, (5, 8, 9)).astype(np.uint16)
    stack[[0, 3]] = 7
    for folder, array in (("images", stack), ("labels", (stack > 30_000).astype(np.uint8))):
        (tmp_path / "old" / folder).mkdir(parents=True)
        tifffile.imwrite(tmp_path / "old" / folder / "cells.tif", array, photometric="minisblack")
    volumes = open_dataset(tmp_path / "old")
    assert [(each.slices, each.blank) for each in write_slices(volumes, tmp_path / "new")] == [(3, 2)]
    slices = open_dataset(tmp_path / "new", classes="cell=1")
    assert [case.name[-4:] for case in slices.cases] == ["0001", "0002", "0004"]
    tifffile.imwrite(tmp_path / "old/images/cells.tif", np.full_like(stack, 7), photometric="minisblack")
    with pytest.raises(DatasetError, match="one value everywhere in each"):
        write_slices(open_dataset(tmp_path / "old"), tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_what_has_no_slices_is_named(tmp_path: Path) -> None:
    volumes = open_dataset(msd(tmp_path / "old", names=("a",)))
    for axes in ((), (0, 0), (3,)):
        with pytest.raises(DatasetError, match="each once"):
            write_slices(volumes, tmp_path / "new", axes=axes)
    partly = dataclasses.replace(volumes.classes, ignored=(NOT_ANNOTATED,))
    with pytest.raises(DatasetError, match="nobody labelled"):
        write_slices(dataclasses.replace(volumes, classes=partly), tmp_path / "new")
    flat = dataclasses.replace(volumes, spatial_dims=2, classes=Classes.of({1: "x"}))
    with pytest.raises(DatasetError, match="a dataset of volumes"):
        write_slices(flat, tmp_path / "new")
    assert not (tmp_path / "new").exists()
