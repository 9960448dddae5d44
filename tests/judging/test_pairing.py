"""Every way in which a prediction may be named."""

from __future__ import annotations

from pathlib import Path

import pytest

from univox.data.case import Case
from univox.errors import FileError
from univox.judging.pairing import Pairing, pair_predictions


def pair(root: Path, files: list[str], *names: str) -> Pairing:
    for name in files:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return pair_predictions(root, [Case(name, (), root / "labels" / f"{name}-label.hdr") for name in names])


@pytest.mark.parametrize(
    "name",
    [
        "case.nii.gz",
        "case.nii",
        "case.NRRD",
        "case.png",
        "case-label.mha",
        "case/anything.tif",
        "deep/er/case.nii.gz",
        "fold0/case-label.nii.gz",
    ],
)
def test_one_file_by_any_name(tmp_path: Path, name: str) -> None:
    found = pair(tmp_path, [name, "other.txt", ".hidden.nii.gz", ".cache/case.nii.gz"], "case", "absent")
    assert found == Pairing({"case": tmp_path / name}, {}, ())


def test_a_dot_in_the_name_is_no_suffix(tmp_path: Path) -> None:
    found = pair(tmp_path, ["v1.2.nii.gz", "v1.nii.gz"], "v1.2", "v1")
    assert found.found == {"v1.2": tmp_path / "v1.2.nii.gz", "v1": tmp_path / "v1.nii.gz"}


@pytest.mark.parametrize("name", ["prediction.nii.gz", "seg.nrrd", "case.mha"])
def test_the_plain_name_in_a_case_folder_is_preferred(tmp_path: Path, name: str) -> None:
    found = pair(tmp_path, [f"case/{name}", "case/probabilities.nii.gz"], "case")
    assert found == Pairing({"case": tmp_path / "case" / name}, {}, ())


def test_a_file_at_the_top_is_preferred_to_one_below(tmp_path: Path) -> None:
    found = pair(tmp_path, ["case.nii.gz", "older/case.nii.gz"], "case")
    assert found.found == {"case": tmp_path / "case.nii.gz"}
    assert found.extra == (tmp_path / "older/case.nii.gz",)


def test_what_is_saved_beside_the_labels_is_neither_prediction_nor_stranger(tmp_path: Path) -> None:
    beside = ["probabilities/case.nii.gz", "probabilities/other.nii.gz", "uncertainty/case.nii.gz"]
    found = pair(tmp_path, ["case.nii.gz", *beside], "case", "other")
    assert found.found == {"case": tmp_path / "case.nii.gz"}
    assert found.extra == ()


def test_a_header_and_its_data_are_one_file(tmp_path: Path) -> None:
    found = pair(tmp_path, ["case.hdr", "case.img"], "case")
    assert found == Pairing({"case": tmp_path / "case.hdr"}, {}, ())


def test_two_files_for_one_case_are_ambiguous(tmp_path: Path) -> None:
    found = pair(tmp_path, ["case.nii.gz", "case.nrrd", "b.nii"], "case", "b")
    assert found.found == {"b": tmp_path / "b.nii"}
    assert found.ambiguous == {"case": (tmp_path / "case.nii.gz", tmp_path / "case.nrrd")}


def test_a_list_of_files_and_folders(tmp_path: Path) -> None:
    pair(tmp_path, ["x/a.nii", "y/b.nii", "y/c.nii"])
    cases = [Case(name, (), None) for name in "abz"]
    found = pair_predictions([tmp_path / "x" / "a.nii", tmp_path / "y"], cases)
    assert found.found == {"a": tmp_path / "x/a.nii", "b": tmp_path / "y/b.nii"}
    assert found.extra == (tmp_path / "y/c.nii",)


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"nowhere: expected a folder or file of predictions, got nothing"):
        pair_predictions(tmp_path / "nowhere", [])
