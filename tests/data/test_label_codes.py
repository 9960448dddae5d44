from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from written_cases import blocks, picture, volume

from univox.data.label_codes import count_codes, measured_classes, measured_codes, recognized
from univox.errors import DatasetError


@settings(deadline=None, max_examples=40)
@given(
    arrays.arrays(np.int64, st.integers(0, 20), elements=st.one_of(st.integers(-3, 9), st.integers(-(2**50), 2**50)))
)
def test_counting_agrees_with_unique(array: np.ndarray) -> None:
    codes, counts = np.unique(array, return_counts=True)
    assert count_codes(array) == dict(zip(codes.tolist(), counts.tolist(), strict=True))


def numbered(*lengths: int) -> list[frozenset[int]]:
    return [frozenset(range(length + 1)) for length in lengths]


@pytest.mark.parametrize(
    ("files", "spatial_dims", "answer"),
    [
        (numbered(2, 2, 2), 2, "classes"),
        (numbered(1, 2, 3), 2, "classes"),
        ([frozenset({0, 255})] * 3, 2, "classes"),
        ([frozenset({0, 32, 64, 96, 128, 159, 191, 223, 255})], 2, "classes"),
        (numbered(20, 20, 19), 3, "classes"),
        (numbered(12), 3, "classes"),
        (numbered(104, 104, 104), 3, "classes"),
        ([frozenset(range(105)) - {7}, frozenset(range(105)) - {99, 3}], 3, "classes"),
        (numbered(50, 52, 49), 2, "instances"),
        (numbered(50, 52, 49), 3, "unclear"),
        (numbered(12, 60), 3, "instances"),
        (numbered(3, 9), 3, "unclear"),
        (numbered(18, 20, 22), 2, "unclear"),
        (numbered(50, 50, 50), 2, "unclear"),
        (numbered(11, 11, 11), 2, "classes"),
        ([frozenset({0, 3, *range(50, 90)}), frozenset({0, *range(100, 160)})], 2, "instances"),
        ([frozenset({0, *range(50, 90)})], 2, "unclear"),
        (numbered(3, 60, 12), 2, "instances"),
        (numbered(4, 12, 30, 9), 2, "instances"),
        (numbered(60), 2, "instances"),
        (numbered(60), 3, "unclear"),
        (numbered(12), 2, "unclear"),
        ([frozenset({0, 5, 9, *range(20, 60, 4)}), frozenset({0, 70, 71})], 2, "classes"),
        ([frozenset(range(11)), frozenset({0, 5, 9, 11})], 2, "unclear"),
        ([], 2, "classes"),
        ([frozenset({0})], 2, "classes"),
    ],
)
def test_what_is_plain_and_what_is_not(files: list[frozenset[int]], spatial_dims: int, answer: str) -> None:
    assert recognized(files, spatial_dims=spatial_dims) == answer


def test_measured_classes_are_named_by_code(tmp_path: Path) -> None:
    codes = {tmp_path / "a.png": frozenset({0, 255}), tmp_path / "b.png": frozenset({0, 7})}
    classes = measured_classes(codes, spatial_dims=2, labels_are="auto", root=tmp_path)
    assert classes.names == ("background", "class 7", "class 255")


def test_unclear_labels_are_asked_for_and_the_answer_is_taken(tmp_path: Path) -> None:
    codes = {tmp_path / "a.png": frozenset(range(13))}
    with pytest.raises(DatasetError, match="--labels-are classes or --labels-are instances"):
        measured_classes(codes, spatial_dims=2, labels_are="auto", root=tmp_path)
    assert measured_classes(codes, spatial_dims=2, labels_are="classes", root=tmp_path).num_classes == 13
    assert measured_classes(codes, spatial_dims=2, labels_are="instances", root=tmp_path).instances


def test_more_classes_than_fit_are_refused(tmp_path: Path) -> None:
    codes = {tmp_path / "a.png": frozenset(range(300))}
    with pytest.raises(DatasetError, match="300 codes in all"):
        measured_classes(codes, spatial_dims=2, labels_are="classes", root=tmp_path)


def test_a_file_that_changed_is_read_again_and_a_broken_one_left_out(tmp_path: Path) -> None:
    path = volume(tmp_path / "a.nii", blocks((0, 1)))
    broken = tmp_path / "b.nii"
    broken.write_bytes(b"no image")
    assert measured_codes([path, broken, tmp_path / "absent.nii"]) == {path: frozenset({0, 1})}
    volume(path, blocks((0, 1, 2, 3)))
    assert measured_codes([path]) == {path: frozenset({0, 1, 2, 3})}


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("axon_myelin_sem", (0, 1, 2)),
        ("em_membrane_isbi2012", (0, 255)),
        ("em_drosophila_vnc", (0, 32, 64, 96, 128, 159, 191, 223, 255)),
    ],
)
def test_real_gray_codes_are_classes(shared_data: Callable[[str], Path], name: str, codes: tuple[int, ...]) -> None:
    paths = sorted((shared_data(name) / "labels").glob("*.png"))[:4]
    classes = measured_classes(measured_codes(paths), spatial_dims=2, labels_are="auto", root=Path(name))
    assert classes.codes == codes


def test_real_nuclei_are_instances(shared_data: Callable[[str], Path]) -> None:
    paths = sorted((shared_data("nuclei_2d_dsb2018") / "labels").glob("*.png"))
    classes = measured_classes(measured_codes(paths), spatial_dims=2, labels_are="auto", root=Path("nuclei"))
    assert classes.instances
    assert classes.num_classes == 2


def test_a_picture_counts_the_same_as_its_array(tmp_path: Path) -> None:
    array = np.array([[0, 3], [3, 9]], np.uint8)
    path = picture(tmp_path / "a.png", array)
    assert measured_codes([path]) == {path: frozenset({0, 3, 9})}
