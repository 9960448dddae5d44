"""The study of sparse annotation: what is judged, what is done once, and what its files say."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from univox.data.classes import NOT_ANNOTATED
from univox.data.source import DatasetSource
from univox.errors import CheckpointError, DatasetError
from univox.image import read_label
from univox.studies.arms import Arm
from univox.studies.sparse import sparse_study
from univox.studies.sparse_picture import unknown_position
from univox.studies.sparse_results import write_sparse
from univox.training.request import TrainRequest

TINY = Arm(
    name="sparse",
    set=(
        "patches.patch_size=[8, 8, 8]",
        "patches.batch_size=2",
        "patches.levels=2",
        "network.arguments={strides: [[2, 2, 2], [2, 2, 2]], widths: [8, 8], detail_channels: 4}",
    ),
)


@pytest.fixture
def asked(tiny_dataset: Path, tmp_path: Path) -> TrainRequest:
    return TrainRequest(
        datasets=(DatasetSource(path=tiny_dataset),),
        output=tmp_path / "study",
        cache=tmp_path / "cache",
        iterations=3,
        jobs=1,
        workers=0,
    )


def test_the_rest_of_the_volume_is_judged_and_a_second_call_trains_nothing(
    asked: TrainRequest, tiny_dataset: Path, tmp_path: Path
) -> None:
    study = sparse_study(asked, [3, 1], arm=TINY, case="ball_04", axes=(0, 2))
    assert [result.slices for result in study.results] == [1, 3]
    whole = read_label(tiny_dataset / "labelsTr" / "ball_04.nii.gz").array
    never = np.ones(whole.shape, bool)
    for result, files in zip(study.results, study.cases, strict=True):
        sparse = files.label
        known = sparse != NOT_ANNOTATED
        for axis, number in ((0, result.slices), (2, result.slices), (1, 0)):
            others = tuple(other for other in range(3) if other != axis)
            assert known.all(axis=others).sum() == number
        assert result.annotated == pytest.approx(known.mean())
        never &= ~known
        prediction = read_label(files.folder / "predictions" / "ball_04.nii.gz").array
        truth, found = (whole == 1) & ~known, (prediction == 1) & ~known
        assert result.iou["ball"] == pytest.approx((truth & found).sum() / (truth | found).sum())
    for result, files in zip(study.results, study.cases, strict=True):
        truth, found = (whole == 1) & never, (files.prediction == 1) & never
        assert result.common_iou["ball"] == pytest.approx((truth & found).sum() / (truth | found).sum())

    report = write_sparse(study, tmp_path / "study", command="univox study sparse <a>")
    stamps = {path: path.stat().st_mtime_ns for path in (tmp_path / "study" / "arms").rglob("*") if path.is_file()}
    again = sparse_study(asked, [1, 3], arm=TINY, case="ball_04", axes=(0, 2))
    assert again.results == study.results
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "study" / "arms").rglob("*") if p.is_file()} == stamps
    page = report.read_text()
    assert "&lt;a&gt;" in page
    assert page.count("<img") == 2
    with (tmp_path / "study" / "sparse.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [float(row["mean_iou"]) for row in rows] == [result.mean_iou for result in study.results]
    told = json.loads((tmp_path / "study" / "sparse.json").read_text())
    assert [entry["iou"] for entry in told["results"]] == [result.iou for result in study.results]
    with pytest.raises(CheckpointError):
        sparse_study(asked, [1], arm=TINY, case="ball_05", axes=(0, 2))


def test_what_is_no_study_is_refused(asked: TrainRequest) -> None:
    for slices, case in (([], None), ([0], None), ([1], "nobody")):
        with pytest.raises(DatasetError):
            sparse_study(asked, slices, arm=TINY, case=case)


def test_the_plane_shown_is_the_one_farthest_from_annotation() -> None:
    whole = np.zeros((20, 3), np.uint8)
    whole[4:16] = 1
    sparse = np.full(whole.shape, NOT_ANNOTATED, np.uint8)
    sparse[[6, 14]] = whole[[6, 14]]
    assert unknown_position(sparse, whole, 0, sliced=True) == 10
    assert unknown_position(sparse, whole, 1, sliced=False) == 1
    sparse[10] = 1
    assert unknown_position(sparse, whole, 0, sliced=True) in (8, 12)
