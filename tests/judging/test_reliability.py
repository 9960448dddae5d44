"""Probabilities beside predictions: found, counted over cases, refused where they are another's."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from tiny_dataset import SHAPE, SPACING_MM, label_codes, tiny_dataset, write_nifti

from univox import metrics
from univox.judging.evaluate import evaluate
from univox.judging.measures import Measures
from univox.judging.reliability import reliability_of
from univox.judging.report import render
from univox.judging.tables import metrics_json

CODES = (0, 10, 250)


def probabilities_of(codes: np.ndarray, confidence: float) -> np.ndarray:
    """Give (K, D, H, W): `confidence` to the class of each voxel, the rest to the others alike."""
    rest = (1 - confidence) / 2
    return np.stack([np.where(codes == code, confidence, rest) for code in CODES]).astype(np.float32)


def write_probabilities(path: Path, array: np.ndarray, spacing_mm: tuple[float, ...] = SPACING_MM) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(np.moveaxis(array, 0, -1).transpose(2, 1, 0, 3), np.diag([*spacing_mm[::-1], 1])), path)


def test_two_cases_add_up_to_what_the_metric_says_of_both(tmp_path: Path) -> None:
    dataset, folder = tiny_dataset(tmp_path / "data", "a", "b", "bare"), tmp_path / "p"
    predicted = {"a": label_codes(shift=1), "b": label_codes()}
    for (name, codes), confidence in zip(predicted.items(), (0.75, 0.9), strict=True):
        write_nifti(folder / f"{name}.nii.gz", codes)
        write_probabilities(folder / "probabilities" / f"{name}.nii.gz", probabilities_of(codes, confidence))
    write_nifti(folder / "bare.nii.gz", label_codes())
    evaluation = evaluate(folder, dataset, measures=Measures(("dice",)))
    assert evaluation.extra == ()  # probabilities are no stray predictions
    assert [result.unreliable for result in evaluation.results] == ["", "", ""]
    found = reliability_of(result.reliability for result in evaluation.results)
    assert found is not None
    # Foreground, by hand: a has 32 voxels of which 4 are wrong at 75 %, b has 32 that are right at 90 %.
    assert found.foreground.voxels.sum() == 64
    assert found.foreground.expected_error == pytest.approx((abs(28 - 24) + abs(32 - 28.8)) / 64)
    truth = dataset.classes.to_index(label_codes())
    both = [
        metrics.measure_calibration(probabilities_of(*pair), truth)
        for pair in zip(predicted.values(), (0.75, 0.9), strict=True)
    ]
    assert found.everywhere.expected_error == pytest.approx((both[0] + both[1]).expected_error)
    assert found.everywhere.voxels.sum() == 2 * np.prod(SHAPE)
    assert metrics_json(evaluation)["calibration"] == {
        "cases": 2,
        "expected_error_foreground": found.foreground.expected_error,
        "expected_error_everywhere": found.everywhere.expected_error,
    }
    page = render(evaluation)
    for bins in (found.foreground, found.everywhere):
        assert f"ECE {bins.expected_error:.3f}" in page
        assert f"{bins.expected_error:.3f} over" in page
    assert "2 cases.</p>" in page


@pytest.mark.parametrize("what", ["another prediction", "another grid", "other classes", "garbage"])
def test_what_cannot_be_judged_says_why_and_costs_the_case_nothing(tmp_path: Path, what: str) -> None:
    dataset = tiny_dataset(tmp_path / "data", "a")
    path = tmp_path / "p" / "probabilities" / "a.nii.gz"
    write_nifti(tmp_path / "p" / "a.nii.gz", label_codes())
    write_probabilities(path, probabilities_of(label_codes(shift=what == "another prediction"), 0.9))
    if what == "another grid":
        write_probabilities(path, probabilities_of(label_codes(), 0.9), (1.0, 1.0, 1.0))
    elif what == "other classes":
        write_probabilities(path, probabilities_of(label_codes(), 0.9)[:2])
    elif what == "garbage":
        path.write_bytes(b"no volume at all")
    [result] = evaluate(tmp_path / "p", dataset).results
    assert result.mean_dice == 1.0
    assert result.reliability is None
    assert "probabilities" in result.unreliable


def test_nothing_is_said_where_no_probabilities_were_kept(tmp_path: Path) -> None:
    dataset = tiny_dataset(tmp_path / "data", "a")
    write_nifti(tmp_path / "p" / "a.nii.gz", label_codes())
    [result] = evaluate(tmp_path / "p", dataset).results
    assert (result.reliability, result.unreliable) == (None, "")
    assert reliability_of([None]) is None
