"""Voxels that nobody labelled: read as such by every layout, and counted nowhere in the data room."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from array_case import ArrayCase, random_case
from hypothesis import given
from hypothesis import strategies as st
from toy_dataset import write_case
from written_cases import blocks, description, msd, noise, volume

from univox.data.batches import Batches
from univox.data.cache import prepare_cases
from univox.data.check import bad_cases, check_dataset
from univox.data.classes import NOT_ANNOTATED, Classes
from univox.data.dataset import Dataset, read_case_label
from univox.data.fingerprint import class_frequencies, measure_case
from univox.data.layouts import open_dataset
from univox.data.patch_settings import Augmentation, PatchSampling
from univox.data.plan import make_plan
from univox.data.preprocess_settings import Preprocessing
from univox.errors import DatasetError, LabelError
from univox.image import read_label, resample_label, write_label

TISSUE = Classes.of({0: "outside", 1: "wall", 2: "inside"})


def test_ignored_codes_have_an_index_that_no_class_has() -> None:
    classes = TISSUE.ignoring("3, -1")
    array = np.array([[0, 3], [2, -1]])
    assert classes.to_index(array).tolist() == [[0, NOT_ANNOTATED], [2, NOT_ANNOTATED]]
    assert classes.undeclared([0, 3, 4]) == (4,)
    assert classes.index_of(3) is None
    with pytest.raises(LabelError, match="undeclared 4"):
        classes.to_index(np.array([4]))
    with pytest.raises(LabelError):
        classes.to_codes(np.array([NOT_ANNOTATED]))


def test_a_declared_class_may_be_ignored_by_name_or_code_and_selection_keeps_it() -> None:
    unsure = Classes.of({0: "outside", 1: "wall", 2: "unsure"})
    assert unsure.ignoring("Unsure") == unsure.ignoring("2")
    assert unsure.ignoring("2").names == ("outside", "wall")
    assert unsure.ignoring("2").select("all=wall").ignored == (2,)
    # Where 0 stands for "not looked at", the first class after it is the background.
    assert unsure.ignoring("0").to_index(np.array([0, 1, 2])).tolist() == [NOT_ANNOTATED, 0, 1]
    for wrong in ("unsure?", "1.5", ""):
        with pytest.raises(DatasetError, match="nobody labelled"):
            unsure.ignoring(wrong)


def test_numbered_objects_may_be_ignored_too() -> None:
    objects = Classes.of_instances().ignoring("-1").select("nucleus=1")
    assert objects.to_index(np.array([0, 7, -1])).tolist() == [0, 1, NOT_ANNOTATED]


@pytest.mark.parametrize("declared", ["decathlon", "nnunet", "flag"])
def test_every_layout_says_what_nobody_labelled(tmp_path: Path, declared: str) -> None:
    sparse = blocks().copy()
    codes = sorted(int(code) for code in np.unique(sparse))
    sparse[0] = 9
    volume(tmp_path / "imagesTr" / "a_0000.nii.gz", noise(1))
    volume(tmp_path / "labelsTr" / "a.nii.gz", sparse)
    names = {str(code): f"class {code}" if code else "background" for code in codes}
    by_name = {name: int(code) for code, name in names.items()}
    ignore = None
    if declared == "decathlon":
        (tmp_path / "imagesTr" / "a_0000.nii.gz").rename(tmp_path / "imagesTr" / "a.nii.gz")
        description(tmp_path, {"modality": {"0": "MRI"}, "labels": {**names, "9": "ignore"}})
    elif declared == "nnunet":
        told = {"channel_names": {"0": "MRI"}, "labels": {**by_name, "ignore": 9}, "file_ending": ".nii.gz"}
        description(tmp_path, told)
    else:
        ignore = "9"
    dataset = open_dataset(tmp_path, ignore=ignore)
    assert dataset.classes.names == tuple(names.values())
    assert dataset.classes.ignored == (9,)
    stored = read_label(tmp_path / "labelsTr" / "a.nii.gz").array
    found = read_case_label(dataset, dataset.cases[0]).array
    np.testing.assert_array_equal(found == NOT_ANNOTATED, stored == 9)
    kinds = {finding.kind for finding in check_dataset(dataset)}
    assert "ignore-label" in kinds
    assert not kinds & {"undeclared-label", "class-in-no-label", "label-stops"}


def test_a_label_without_any_annotation_is_a_bad_case(tmp_path: Path) -> None:
    root = msd(tmp_path)
    dataset = open_dataset(root)
    assert dataset.labelled[0].label is not None
    old = read_label(dataset.labelled[0].label)
    write_label(dataset.labelled[0].label, np.full_like(old.array, 77), like=old)
    found = bad_cases(check_dataset(open_dataset(root, ignore="77")))
    assert [[f.kind for f in findings] for findings in found.values()] == [["nothing-annotated"]]


@given(st.integers(0, 2**32 - 1), st.integers(2, 9), st.integers(2, 9))
def test_resampled_classes_are_those_of_the_annotated_voxels(seed: int, size: int, new_size: int) -> None:
    rng = np.random.default_rng(seed)
    label = rng.choice(np.array([0, 1, 2, NOT_ANNOTATED], np.uint8), (size, 4))
    resampled = resample_label(label, (new_size, 4), 3, not_annotated=NOT_ANNOTATED)
    for column, old in zip(resampled.T, label.T, strict=True):
        assert set(column.tolist()) <= {*old.tolist()}
        if (old != NOT_ANNOTATED).all():
            np.testing.assert_array_equal(column, resample_label(old, (new_size,), 3))


def test_resampling_leaves_out_what_is_less_than_half_annotated_and_gives_it_no_vote() -> None:
    label = np.array([0, 0, 1, 1, 255, 255, 255, 255], np.uint8)
    assert resample_label(label, (4,), 2, not_annotated=255).tolist() == [0, 1, 255, 255]
    # A voxel of one annotated and one other half is annotated, whatever the other half holds.
    assert resample_label(np.array([1, 255], np.uint8), (1,), 2, not_annotated=255).tolist() == [1]
    assert resample_label(np.full(4, 255, np.uint8), (2,), 2, not_annotated=255).tolist() == [255, 255]


def sparse_dataset(tmp_path: Path) -> Dataset:
    """One toy case of which two planes are annotated."""
    case = write_case(tmp_path, "a", shape=(12, 14, 10))
    assert case.label is not None
    label = read_label(case.label)
    codes = np.full_like(label.array, 9)
    codes[[4, 7]] = label.array[[4, 7]]
    write_label(case.label, codes, like=label)
    return open_dataset(tmp_path, ignore="9")


def test_statistics_are_those_of_the_annotated_voxels(tmp_path: Path) -> None:
    dataset = sparse_dataset(tmp_path)
    [case] = dataset.cases
    found = measure_case(case, dataset=dataset, crop="none")
    planes = read_case_label(dataset, case).array[[4, 7]]
    assert found.class_counts == tuple(np.bincount(planes.ravel(), minlength=3).tolist())
    assert found.foreground.shape[1] == (planes > 0).sum()
    assert sum(class_frequencies([found])) == pytest.approx(1, abs=1e-5)


def test_prepared_cases_remember_what_is_annotated_and_a_broken_entry_is_made_anew(tmp_path: Path) -> None:
    dataset = sparse_dataset(tmp_path)
    plan = make_plan(dataset, dataset.cases, preprocessing=Preprocessing())
    [made] = prepare_cases(dataset, dataset.cases, plan, cache_dir=tmp_path / "cache")
    for entry in (made, *prepare_cases(dataset, dataset.cases, plan, cache_dir=tmp_path / "cache")):
        np.testing.assert_array_equal(entry.annotated(), np.flatnonzero(entry.label() != NOT_ANNOTATED))
        np.testing.assert_array_equal(entry.foreground(2), np.flatnonzero(entry.label() == 2))
    (made.folder / "annotated.npy").unlink()
    [again] = prepare_cases(dataset, dataset.cases, plan, cache_dir=tmp_path / "cache")
    np.testing.assert_array_equal(again.annotated(), np.flatnonzero(again.label() != NOT_ANNOTATED))


def test_every_patch_of_a_sparse_case_holds_an_annotated_voxel() -> None:
    whole = random_case(3, shape=(24, 20, 22), num_classes=3)
    label = np.full(whole.label().shape, NOT_ANNOTATED, np.uint8)
    label[3] = whole.label()[3]
    batches = Batches(
        cases=[ArrayCase("sparse", whole.image(), label)],
        patch_size=(6, 6, 6),
        batch_size=4,
        num_classes=3,
        sampling=PatchSampling(foreground_share=0.25),
        augmentation=Augmentation(),
        seed=5,
    )
    for iteration in range(20):
        batch = batches.batch(iteration)
        for draw, patch in zip(batches.draw(iteration), batch.label, strict=True):
            start, size = draw.window.start, draw.window.size
            assert start[0] <= 3 < start[0] + size[0]
            assert set(patch.unique().tolist()) <= {0, 1, 2, NOT_ANNOTATED}
