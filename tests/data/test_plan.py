from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from toy_dataset import SHAPES, write_case, write_dataset

from univox.data.dataset import Dataset
from univox.data.patch_size import PatchSizes
from univox.data.plan import Plan, decide_plan, make_plan
from univox.data.preprocess_settings import Normalization, Preprocessing
from univox.errors import DatasetError, FileError, RecipeError
from univox.image import read_image


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return write_dataset(tmp_path)


def test_a_plan_worked_by_hand(dataset: Dataset) -> None:
    plan = make_plan(dataset, dataset.cases, preprocessing=Preprocessing(), sizes=PatchSizes(levels=1))
    assert (plan.dataset, plan.num_cases, plan.spatial_dims, plan.channel_names) == ("toy", 4, 3, ("MRI",))
    assert plan.spacing_mm == (1.0, 1.0, 1.0)
    # Crops: 10 12 8, 11 10 9, 8 14 10, 10 13 7; medians 10, 12.5, 8.5, rounded up.
    assert plan.median_shape == (10, 13, 9)
    # Each axis keeps 4 voxels after one halving; the patch is the shape, rounded up to even edges.
    assert plan.strides == ((2, 2, 2),)
    assert plan.patch_size == (10, 14, 10)
    assert plan.batch_size == 8 * 49_152 // (10 * 14 * 10)
    assert sum(plan.class_frequencies) == pytest.approx(1, abs=1e-5)
    (intensity,) = plan.intensity
    # The classes lie at 150 and 200 in noise of sd 5.
    assert 100 < intensity.minimum < intensity.percentile_00_5 < 150 < intensity.mean < 200
    assert intensity.percentile_99_5 <= intensity.maximum
    assert plan.preprocessing.resolved


def test_neither_order_nor_jobs_matter(dataset: Dataset) -> None:
    plan = make_plan(dataset, dataset.cases, preprocessing=Preprocessing())
    assert make_plan(dataset, dataset.cases[::-1], preprocessing=Preprocessing(), jobs=2) == plan


def test_every_value_has_its_reason(dataset: Dataset) -> None:
    plan = make_plan(dataset, dataset.cases, preprocessing=Preprocessing())
    described = {"dataset", "num_cases", "spatial_dims", "channel_names", "preprocessing", "reasons"}
    assert {name.partition(".")[0] for name in plan.reasons} == set(Plan.model_fields) - described | {"preprocessing"}
    assert all(reason.strip() and not reason.endswith(".") for reason in plan.reasons.values())


def test_what_is_written_is_read(dataset: Dataset, tmp_path: Path) -> None:
    dataset = dataclasses.replace(dataset, name='set "[1,\n 2]"', channel_names=("CT",))
    plan = make_plan(dataset, dataset.cases, preprocessing=Preprocessing())
    path = tmp_path / "run" / "plan.json"
    plan.write(path)
    assert Plan.read(path) == plan
    assert Plan.model_validate(json.loads(json.dumps(plan.model_dump(mode="json")))) == plan
    assert '"median_shape": [10, 13, 9]' in path.read_text()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"dataset": "toy"}'])
def test_a_broken_plan_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(text)
    with pytest.raises(RecipeError, match="a plan as univox writes it"):
        Plan.read(path)


def test_a_missing_plan_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="a readable plan"):
        Plan.read(tmp_path / "plan.json")


def test_stated_sizes_win(dataset: Dataset) -> None:
    sizes = PatchSizes(patch_size=32, batch_size=5, levels=2)
    plan = make_plan(dataset, dataset.cases, preprocessing=Preprocessing(spacing_mm=(0.5, 1, 1)), sizes=sizes)
    assert (plan.patch_size, plan.batch_size) == ((32, 32, 32), 5)
    assert plan.spacing_mm == (0.5, 1.0, 1.0)
    assert plan.median_shape == (20, 13, 9)
    # The fine axis first, then all: voxels become cubes.
    assert plan.strides == ((2, 1, 1), (2, 2, 2))
    stated = {name for name, reason in plan.reasons.items() if reason == "stated in the recipe"}
    assert stated == {"patch_size", "batch_size", "spacing_mm", "preprocessing.spacing_mm"}


def test_patch_voxels_and_anisotropy_shape_the_patch(dataset: Dataset, tmp_path: Path) -> None:
    cases = [write_case(tmp_path, f"thick_{i}", shape=(20, 60, 60), spacing_mm=(5, 1, 1), seed=i) for i in range(2)]
    sizes = PatchSizes(patch_voxels=10 * 32 * 32, levels=3)
    plan = make_plan(dataset, cases, preprocessing=Preprocessing(), sizes=sizes)
    assert plan.strides == ((1, 2, 2), (1, 2, 2), (2, 2, 2))
    assert plan.pools == (1, 3, 3)
    assert plan.patch_size == (10, 32, 32)
    assert "axis 0" in plan.reasons["spacing_mm"]


def test_without_cases_or_foreground_there_is_no_plan(dataset: Dataset) -> None:
    with pytest.raises(DatasetError, match="expected training cases, got none"):
        make_plan(dataset, (), preprocessing=Preprocessing())


def test_all_bad_cases_are_named(dataset: Dataset) -> None:
    unlabeled = dataclasses.replace(dataset.cases[1], label=None)
    broken = np.full(SHAPES[3][::-1], np.nan, dtype=np.float32)
    nib.save(nib.Nifti1Image(broken, np.eye(4)), dataset.cases[3].images[0])
    cases = (dataset.cases[0], unlabeled, dataset.cases[2], dataset.cases[3])
    with pytest.raises(
        DatasetError, match=r"2 of 4 .*case_1 \(case_1\.nii\.gz: expected a label.*case_3 \(.*finite intensities"
    ):
        make_plan(dataset, cases, preprocessing=Preprocessing())


def test_the_published_preprocessing_is_left_alone(dataset: Dataset) -> None:
    published = Preprocessing(
        crop="nonzero-first-channel",
        spacing_mm="none",
        clip="none",
        normalization=Normalization(scope="patch"),
    )
    assert make_plan(dataset, dataset.cases, preprocessing=published).preprocessing == published


def test_decisions_come_from_measurements_alone(dataset: Dataset) -> None:
    from univox.data.fingerprint import measure_cases

    measured = measure_cases(dataset, dataset.cases, crop="nonzero")
    decided = decide_plan("toy", ("MRI",), measured, preprocessing=Preprocessing(), sizes=PatchSizes())
    assert decided == make_plan(dataset, dataset.cases, preprocessing=Preprocessing())


def test_hippocampus(shared_data) -> None:
    from univox.data.layouts import open_dataset

    dataset = open_dataset(shared_data("hippocampus_mri"))
    cases = dataset.labelled[::8]
    plan = make_plan(dataset, cases, preprocessing=Preprocessing(), sizes=PatchSizes(levels=3))
    assert plan.spacing_mm == (1.0, 1.0, 1.0)
    shapes = [read_image(case.images[0]).spatial_shape for case in cases]
    np.testing.assert_allclose(plan.median_shape, np.median(shapes, axis=0), atol=2)
    assert plan.patch_size == (32, 48, 32)
    assert plan.strides == ((2, 2, 2),) * 3
    assert plan.batch_size == 8
