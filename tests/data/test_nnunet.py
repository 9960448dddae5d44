from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from written_cases import blocks, description, noise, volume

from univox.data.nnunet import is_nnunet, read_nnunet
from univox.errors import DatasetError

V2: dict[str, Any] = {
    "channel_names": {"0": "T1", "1": "T2"},
    "labels": {"background": 0, "back": 2, "front": 1},
    "numTraining": 2,
    "file_ending": ".nii.gz",
}


def raw(root: Path, value: dict[str, Any] | None, names: tuple[str, ...] = ("toy_001", "toy_002")) -> Path:
    root = root / "Dataset042_Toy"
    for seed, name in enumerate(names):
        for channel in (0, 1):
            volume(root / "imagesTr" / f"{name}_{channel:04d}.nii.gz", noise(10 * seed + channel))
        volume(root / "labelsTr" / f"{name}.nii.gz", blocks(shift=seed))
    if value is not None:
        description(root, value)
    return root


@pytest.mark.parametrize(
    "value",
    [
        V2,
        {
            "modality": {"0": "T1", "1": "T2"},
            "labels": {"0": "background", "1": "front", "2": "back"},
            "training": [{"image": "./imagesTr/toy_001.nii.gz", "label": "./labelsTr/toy_001.nii.gz"}],
        },
    ],
)
def test_both_generations_give_the_same_dataset(tmp_path: Path, value: dict[str, Any]) -> None:
    root = raw(tmp_path, value)
    assert is_nnunet(root, value)
    inventory = read_nnunet(root)
    assert [case.name for case in inventory.cases] == ["toy_001", "toy_002"]
    assert [path.name for path in inventory.cases[0].images] == ["toy_001_0000.nii.gz", "toy_001_0001.nii.gz"]
    assert inventory.cases[0].label == root / "labelsTr" / "toy_001.nii.gz"
    assert inventory.channel_names == ("T1", "T2")
    assert inventory.classes is not None
    assert inventory.classes.names == ("background", "front", "back")
    assert inventory.findings == ()


def test_suffixes_alone_are_enough(tmp_path: Path) -> None:
    root = raw(tmp_path, None)
    assert is_nnunet(root, None)
    assert [len(case.images) for case in read_nnunet(root).cases] == [2, 2]


def test_numbered_frames_are_no_channels(tmp_path: Path) -> None:
    for name in ("frame_0001", "frame_0002"):
        volume(tmp_path / "imagesTr" / f"{name}.nii", noise(1))
        volume(tmp_path / "labelsTr" / f"{name}.nii", blocks())
    assert not is_nnunet(tmp_path, None)


def test_a_missing_channel_names_its_case(tmp_path: Path) -> None:
    root = raw(tmp_path, V2)
    (root / "imagesTr" / "toy_002_0001.nii.gz").unlink()
    findings = read_nnunet(root).findings
    assert [(f.case, f.kind, f.severity) for f in findings] == [("toy_002", "missing-channel", "error")]
    assert "_0001" in findings[0].remedy


def test_voxels_to_ignore_are_of_no_class(tmp_path: Path) -> None:
    inventory = read_nnunet(raw(tmp_path, {**V2, "labels": {**V2["labels"], "ignore": 3}}))
    assert inventory.findings == ()
    assert inventory.classes is not None
    assert (inventory.classes.index_of(3), inventory.classes.ignored) == (None, (3,))
    assert inventory.classes.num_classes == 3


def test_regions_are_refused(tmp_path: Path) -> None:
    root = raw(tmp_path, {**V2, "labels": {"background": 0, "whole": [1, 2], "core": 2}})
    with pytest.raises(DatasetError, match="overlapping region 'whole'"):
        read_nnunet(root)


def test_files_listed_elsewhere_and_test_images(tmp_path: Path) -> None:
    root = raw(tmp_path, None, ("toy_001",))
    image, label = volume(tmp_path / "far" / "x.nii", noise(5)), volume(tmp_path / "far" / "y.nii", blocks())
    listing = {
        "far": {"images": ["../far/x.nii", "../far/x.nii"], "label": "../far/y.nii"},
        "gone": {"images": ["../far/z.nii"], "label": "../far/z_label.nii"},
    }
    description(root, {**V2, "dataset": listing})
    volume(root / "imagesTs" / "toy_009_0000.nii.gz", noise(7))
    inventory = read_nnunet(root)
    case = next(case for case in inventory.cases if case.name == "far")
    assert [path.resolve() for path in case.images] == [image, image]
    assert case.label is not None
    assert case.label.resolve() == label
    assert {(f.case, f.kind) for f in inventory.findings} == {("gone", "missing-image"), ("gone", "missing-label")}
    assert [case.name for case in inventory.test_cases] == ["toy_009"]
