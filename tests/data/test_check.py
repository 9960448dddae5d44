from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from written_cases import blocks, msd, noise, volume

from univox.data import check
from univox.data.case_facts import CaseFacts, Expected, Files
from univox.data.check import bad_cases, check_dataset, verdict, without
from univox.data.check_case import examine
from univox.data.dataset import Dataset
from univox.data.findings import Finding
from univox.data.layouts import open_dataset

BROKEN = ["hippocampus_010", "hippocampus_118", "hippocampus_281"]


def kinds(findings: list[Finding]) -> set[tuple[str, str, str]]:
    return {(finding.case, finding.severity, finding.kind) for finding in findings}


def test_a_sound_dataset_is_sound_in_any_number_of_processes(tmp_path: Path) -> None:
    dataset = open_dataset(msd(tmp_path))
    progress: list[tuple[int, int]] = []
    assert check_dataset(dataset, on_progress=lambda done, total: progress.append((done, total))) == []
    assert progress == [(1, 3), (2, 3), (3, 3)]
    volume(tmp_path / "labelsTr" / "a.nii.gz", blocks((0, 1, 5)))
    once = check_dataset(dataset)
    assert check_dataset(dataset, jobs=2) == once
    assert ("a", "error", "undeclared-label") in kinds(once)


def test_nothing_is_said_twice(tmp_path: Path) -> None:
    root = msd(tmp_path)
    (root / "labelsTr" / "a.nii.gz").unlink()
    (root / "imagesTr" / "b.nii.gz").unlink()
    findings = check_dataset(open_dataset(root))
    assert [(f.case, f.kind) for f in findings if f.severity == "error"] == [
        ("a", "missing-label"),
        ("b", "missing-image"),
    ]
    assert "dataset.json lists the label" in findings[0].cause


def test_a_missing_channel_is_not_also_a_wrong_count(tmp_path: Path) -> None:
    for number in (1, 2):
        for part in ("T1", "T2"):
            volume(tmp_path / f"subject-{number}-{part}.nii", noise(10 * number + len(part) * (part == "T2")))
        volume(tmp_path / f"subject-{number}-label.nii", blocks((0, 10, 150, 250), shift=number))
    (tmp_path / "subject-2-T2.nii").unlink()
    findings = check_dataset(open_dataset(tmp_path))
    assert {(f.case, f.kind) for f in findings if f.severity == "error"} == {("subject-2", "missing-channel")}


def test_without_its_bad_cases_a_dataset_is_sound(tmp_path: Path) -> None:
    root = msd(tmp_path, ("a", "b", "c", "d"))
    (root / "labelsTr" / "a.nii.gz").unlink()
    (root / "imagesTr" / "b.nii.gz").unlink()
    dataset = open_dataset(root)
    findings = check_dataset(dataset)
    assert verdict(findings) == "errors"
    mended = without(dataset, bad_cases(findings))
    assert [case.name for case in mended.cases] == ["c", "d"]
    assert mended.orphan_labels == ()
    assert verdict(check_dataset(mended)) == "sound"


@pytest.mark.parametrize(
    "name", ["hippocampus_mri", "spinal_cord_mri", "ct_spleen", "nuclei_2d_dsb2018", "em_membrane_isbi2012"]
)
def test_real_sound_sets_are_quiet(shared_data: Callable[[str], Path], name: str) -> None:
    findings = check_dataset(open_dataset(shared_data(name)))
    assert verdict(findings) == "sound", findings
    assert len(findings) <= 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("fetal_brain_t2_spina_bifida", None),
        ("fetal_brain_t2_spina_bifida", "labelsTr_csf_gm_wm"),
        ("brain_tumour_flair_t1c", None),
        ("axon_myelin_sem", None),
        ("em_drosophila_vnc", None),
    ],
)
def test_larger_real_sound_sets_are_quiet(shared_data: Callable[[str], Path], name: str, labels: str | None) -> None:
    assert verdict(check_dataset(open_dataset(shared_data(name), labels=labels))) == "sound"


def assert_planted_defects_are_named(dataset: Dataset, second_class: str) -> None:
    findings = check_dataset(dataset)
    bad = bad_cases(findings)
    assert sorted(bad) == BROKEN
    assert [f.kind for f in bad["hippocampus_010"]] == ["missing-image"]
    assert [f.kind for f in bad["hippocampus_118"]] == ["missing-label"]
    assert [f.kind for f in bad["hippocampus_281"]] == ["grid-differs", "missing-image"]
    assert "94x512x512 voxels of 5x0.7344x0.7344 mm" in bad["hippocampus_281"][0].cause
    absent = [f for f in findings if f.kind == "class-absent"]
    assert [f.case for f in absent] == ["hippocampus_281"]
    assert f"no {second_class}" in absent[0].cause


def test_planted_defects_by_themselves(shared_data: Callable[[str], Path]) -> None:
    assert_planted_defects_are_named(open_dataset(shared_data("hippocampus_broken")), "class 2")


def test_planted_defects_among_sound_cases(shared_data: Callable[[str], Path], tmp_path: Path) -> None:
    sound, broken = shared_data("hippocampus_mri"), shared_data("hippocampus_broken")
    root = tmp_path / "mixed"
    for folder in ("imagesTr", "labelsTr"):
        (root / folder).mkdir(parents=True)
        for path in [*(sound / folder).iterdir(), *(broken / folder).iterdir()]:
            (root / folder / path.name).symlink_to(path)
    shutil.copyfile(sound / "dataset.json", root / "dataset.json")
    dataset = open_dataset(root)
    assert_planted_defects_are_named(dataset, "Posterior")
    mended = without(dataset, BROKEN)
    assert len(mended.cases) == 208
    assert verdict(check_dataset(mended)) == "sound"


def test_a_reader_that_fails_unforeseen_costs_one_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fragile(expected: Expected, files: Files) -> CaseFacts:
        if files.name == "b":
            raise RuntimeError("a bug")
        return examine(expected, files)

    monkeypatch.setattr(check, "examine", fragile)
    findings = check_dataset(open_dataset(msd(tmp_path)))
    assert kinds(findings) == {("b", "error", "unreadable")}
    assert "a bug" in findings[0].cause


def test_a_lone_label_with_the_name_of_another_case_keeps_its_own_finding(tmp_path: Path) -> None:
    root = msd(tmp_path)
    stray = volume(tmp_path / "elsewhere" / "a.nii.gz", blocks())
    dataset = dataclasses.replace(open_dataset(root), orphan_labels=(stray,))
    findings = check_dataset(dataset)
    assert sorted(bad_cases(findings)) == ["a (label)"]
    assert check_dataset(without(dataset, bad_cases(findings))) == []
