from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from tiny_dataset import tiny_dataset, write_nifti

from univox.data.classes import Classes
from univox.data.dataset import Dataset
from univox.errors import GeometryError
from univox.judging.evaluate import evaluate
from univox.judging.measures import Measures
from univox.judging.objects import objects_of_case

MEASURES = Measures(metrics=("objects",))


def cells() -> np.ndarray:
    """Two cells that touch and a speck apart, three voxels thick or more."""
    array = np.zeros((6, 8, 10), np.uint8)
    array[1:5, 1:7, 0:3], array[1:5, 1:7, 3:6], array[5, 7, 9] = 5, 2, 7
    return array


@pytest.fixture
def numbered(tmp_path: Path) -> Dataset:
    dataset = tiny_dataset(tmp_path, "a")
    (case,) = dataset.cases
    assert case.label is not None
    write_nifti(case.label, cells())
    return dataclasses.replace(dataset, classes=Classes.of_instances("cell", borders="background"))


def figures(dataset: Dataset, folder: Path) -> dict[str, float]:
    judged = evaluate(folder, dataset, measures=MEASURES)
    assert not judged.failures
    return dict(judged.results[0].whole)


def test_the_class_map_of_the_labels_has_their_objects(numbered: Dataset, tmp_path: Path) -> None:
    write_nifti(tmp_path / "p" / "a.nii.gz", numbered.classes.to_index(cells()))
    found = figures(numbered, tmp_path / "p")
    # The borders are given back to the voxel.
    assert set(found.values()) == {1.0}
    joined = dataclasses.replace(numbered, classes=Classes.of_instances("cell"))
    write_nifti(tmp_path / "q" / "a.nii.gz", (cells() > 0).astype(np.uint8))
    # Two of three cells are one: it finds either by 72 of 144 voxels, and not both.
    assert figures(joined, tmp_path / "q")["object_f1"] == 2 * 2 / (2 * 2 + 0 + 1)


def test_numbers_beside_the_label_win_and_so_do_those_of_another_program(numbered: Dataset, tmp_path: Path) -> None:
    write_nifti(tmp_path / "p" / "a.nii.gz", (cells() > 0).astype(np.uint8))
    assert figures(numbered, tmp_path / "p")["object_ap"] < 1.0
    write_nifti(tmp_path / "p" / "instances" / "a.nii.gz", cells())
    assert figures(numbered, tmp_path / "p")["object_ap"] == 1.0
    write_nifti(tmp_path / "foreign" / "a.nii.gz", cells())
    assert figures(numbered, tmp_path / "foreign")["object_ap"] == 1.0
    write_nifti(tmp_path / "p" / "instances" / "a.nii.gz", cells()[:-1])
    there = cells() > 0
    with pytest.raises(GeometryError, match="numbered objects"):
        objects_of_case(numbered, numbered.cases[0], tmp_path / "p" / "a.nii.gz", there, there, (1,))


def test_objects_of_classes_are_components_of_the_interior(tmp_path: Path) -> None:
    dataset = tiny_dataset(tmp_path, "a")
    (case,) = dataset.cases
    label = np.zeros((6, 8, 10), np.uint8)
    label[0, 0, :2], label[0, 0, 2:4], label[3, 3, 3] = 1, 2, 2
    path = write_nifti(tmp_path / "p" / "a.nii.gz", np.array([0, 10, 250], np.uint8)[label])
    for interior, number in (((1, 2), 3), ((2,), 2), ((1,), 1)):
        there, found = objects_of_case(dataset, case, path, label, label, interior)
        np.testing.assert_array_equal(there, found)
        assert there.max() == number
