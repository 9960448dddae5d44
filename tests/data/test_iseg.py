from __future__ import annotations

from pathlib import Path

import pytest
from written_cases import blocks, noise, volume

from univox.data.iseg import is_iseg, read_iseg
from univox.errors import DatasetError


def subjects(root: Path, numbers: tuple[int, ...], *, suffix: str = ".hdr", labelled: bool = True) -> Path:
    for number in numbers:
        for part in ("T1", "T2"):
            volume(root / f"subject-{number}-{part}{suffix}", noise(number))
        if labelled:
            volume(root / f"subject-{number}-label{suffix}", blocks((0, 10, 150, 250)))
    return root


@pytest.mark.parametrize("suffix", [".hdr", ".nii", ".nii.gz"])
def test_subjects_channels_and_codes(tmp_path: Path, suffix: str) -> None:
    assert is_iseg(subjects(tmp_path, (2, 10), suffix=suffix))
    inventory = read_iseg(tmp_path)
    assert [case.name for case in inventory.cases] == ["subject-2", "subject-10"]
    assert [path.name for path in inventory.cases[0].images] == [f"subject-2-T1{suffix}", f"subject-2-T2{suffix}"]
    assert inventory.cases[1].label == tmp_path / f"subject-10-label{suffix}"
    assert inventory.channel_names == ("T1", "T2")
    assert inventory.classes is not None
    assert dict(zip(inventory.classes.names, inventory.classes.codes, strict=True)) == {
        "background": 0,
        "CSF": 10,
        "GM": 150,
        "WM": 250,
    }


def test_the_challenge_folder_has_training_and_test_parts(tmp_path: Path) -> None:
    subjects(tmp_path / "iSeg-2017-Training", (1, 2))
    subjects(tmp_path / "iSeg-2017-Testing", (11,), labelled=False)
    assert is_iseg(tmp_path)
    inventory = read_iseg(tmp_path)
    assert [case.name for case in inventory.cases] == ["subject-1", "subject-2"]
    assert [case.name for case in inventory.test_cases] == ["subject-11"]


def test_missing_files(tmp_path: Path) -> None:
    subjects(tmp_path, (1, 2, 3), suffix=".nii")
    (tmp_path / "subject-1-T2.nii").unlink()
    (tmp_path / "subject-2-T1.nii").unlink()
    (tmp_path / "subject-2-T2.nii").unlink()
    (tmp_path / "subject-3-label.nii").unlink()
    inventory = read_iseg(tmp_path)
    assert [(f.case, f.kind) for f in inventory.findings] == [("subject-1", "missing-channel")]
    assert inventory.orphan_labels == (tmp_path / "subject-2-label.nii",)
    assert [(case.name, case.label is None) for case in inventory.cases] == [("subject-1", False), ("subject-3", True)]


def test_other_folders_are_not_iseg(tmp_path: Path) -> None:
    volume(tmp_path / "case-1-T1.nii", noise(1))
    assert not is_iseg(tmp_path)
    with pytest.raises(DatasetError, match="subject-1-T1"):
        read_iseg(tmp_path)
