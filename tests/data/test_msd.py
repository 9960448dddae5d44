from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from written_cases import blocks, description, msd, noise, volume

from univox.data.msd import read_msd
from univox.errors import DatasetError


def test_cases_are_those_listed_with_declared_channels_and_classes(tmp_path: Path) -> None:
    inventory = read_msd(msd(tmp_path))
    assert [case.name for case in inventory.cases] == ["a", "b", "c"]
    assert inventory.cases[0].images == (tmp_path / "imagesTr" / "a.nii.gz",)
    assert inventory.cases[0].label == tmp_path / "labelsTr" / "a.nii.gz"
    assert (inventory.name, inventory.channel_names) == ("Toy", ("MRI",))
    assert inventory.classes is not None
    assert inventory.classes.names == ("background", "front", "back")
    assert inventory.findings == ()


def test_files_that_are_not_listed_are_found_and_noted(tmp_path: Path) -> None:
    msd(tmp_path)
    volume(tmp_path / "imagesTr" / "d.nii.gz", noise(9))
    (tmp_path / "imagesTr" / "._a.nii.gz").write_bytes(b"\0")
    inventory = read_msd(tmp_path)
    assert [case.name for case in inventory.cases] == ["a", "b", "c", "d"]
    assert inventory.cases[3].label is None
    assert [(f.severity, f.kind) for f in inventory.findings] == [("note", "unlisted")]
    assert ": d." in inventory.findings[0].cause


def test_listed_files_that_are_not_there(tmp_path: Path) -> None:
    msd(tmp_path)
    (tmp_path / "imagesTr" / "a.nii.gz").unlink()
    (tmp_path / "labelsTr" / "b.nii.gz").unlink()
    (tmp_path / "imagesTr" / "c.nii.gz").unlink()
    (tmp_path / "labelsTr" / "c.nii.gz").unlink()
    inventory = read_msd(tmp_path)
    assert [(case.name, case.label) for case in inventory.cases] == [("b", None)]
    assert inventory.orphan_labels == (tmp_path / "labelsTr" / "a.nii.gz",)
    assert {(f.case, f.kind) for f in inventory.findings} == {("b", "missing-label"), ("c", "missing-image")}


def test_without_a_description_the_folders_speak(tmp_path: Path) -> None:
    msd(tmp_path)
    (tmp_path / "dataset.json").unlink()
    inventory = read_msd(tmp_path)
    assert [case.name for case in inventory.cases] == ["a", "b", "c"]
    assert inventory.classes is None
    assert inventory.channel_names is None
    assert inventory.name == tmp_path.name


def test_a_label_under_another_name_belongs_to_the_image_it_is_listed_with(tmp_path: Path) -> None:
    volume(tmp_path / "imagesTr" / "a.nii", noise(0))
    label = volume(tmp_path / "labelsTr" / "a_seg.nii", blocks())
    description(tmp_path, {"training": [{"image": "imagesTr/a.nii", "label": ".\\labelsTr\\a_seg.nii"}], "labels": {}})
    inventory = read_msd(tmp_path)
    assert [case.label for case in inventory.cases] == [label]
    assert inventory.orphan_labels == ()


def test_other_labels_bring_their_own_names(tmp_path: Path) -> None:
    msd(tmp_path, ("a",), labels_whole={"0": "background", "1": "whole"})
    other = volume(tmp_path / "labelsTr_whole" / "a.nii.gz", blocks((0, 1)))
    inventory = read_msd(tmp_path, labels="labelsTr_whole")
    assert inventory.cases[0].label == other
    assert inventory.classes is not None
    assert inventory.classes.names == ("background", "whole")
    volume(tmp_path / "labelsTr_more" / "a.nii.gz", blocks((0, 1)))
    assert read_msd(tmp_path, labels="labelsTr_more").classes is None
    with pytest.raises(DatasetError, match=r"labelsTr_less.*imagesTr, labelsTr, labelsTr_more, labelsTr_whole"):
        read_msd(tmp_path, labels="labelsTr_less")


def test_test_images_are_those_listed_and_those_there(tmp_path: Path) -> None:
    msd(tmp_path, test=["./imagesTs/x.nii.gz", "./imagesTs/gone.nii.gz"])
    for seed, name in enumerate("xy"):
        volume(tmp_path / "imagesTs" / f"{name}.nii.gz", noise(seed))
    assert [case.name for case in read_msd(tmp_path).test_cases] == ["x", "y"]


def test_fetal_brain_with_either_labels(shared_data: Callable[[str], Path]) -> None:
    root = shared_data("fetal_brain_t2_spina_bifida")
    eight, three = read_msd(root), read_msd(root, labels="labelsTr_csf_gm_wm")
    assert len(eight.cases) == len(three.cases) == 12
    assert eight.classes is not None
    assert three.classes is not None
    assert eight.classes.num_classes == 9
    assert three.classes.names[1:] == ("CSF (source 2,4)", "GM (source 5,6)", "WM (source 1,8)")
    assert all(c.label is not None and c.label.parent.name == "labelsTr_csf_gm_wm" for c in three.cases)
