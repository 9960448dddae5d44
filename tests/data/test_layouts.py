from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from written_cases import blocks, description, msd, noise, picture, volume

from univox.data.layouts import LAYOUTS, open_dataset, recognize
from univox.errors import DatasetError


def folders(root: Path) -> Path:
    for number in range(3):
        picture(root / "images" / f"{number}.png", noise(number, (8, 9)).astype(np.uint8))
        picture(root / "labels" / f"{number}.png", 255 * np.eye(8, 9, k=number, dtype=np.uint8))
    return root


def table(root: Path) -> Path:
    volume(root / "x.nii", noise(0))
    volume(root / "y.nii", blocks())
    (root / "cases.csv").write_text("image,label\nx.nii,y.nii\n")
    return root


def nnunet(root: Path) -> Path:
    root = root / "Dataset001_X"
    volume(root / "imagesTr" / "a_0000.nii", noise(0))
    volume(root / "labelsTr" / "a.nii", blocks())
    description(root, {"channel_names": {"0": "CT"}, "labels": {"background": 0, "x": 1, "y": 2}})
    return root


def iseg(root: Path) -> Path:
    volume(root / "subject-1-T1.hdr", noise(0))
    volume(root / "subject-1-label.hdr", blocks((0, 10)))
    return root


MAKERS: dict[str, Callable[[Path], Path]] = {
    "msd": msd,
    "nnunet": nnunet,
    "iseg": iseg,
    "folders": folders,
    "csv": table,
}


@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_every_layout_is_recognized_and_nothing_is_touched(tmp_path: Path, layout: str) -> None:
    root = MAKERS[layout](tmp_path / "data")
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    assert recognize(root) == layout
    dataset = open_dataset(root)
    assert dataset.layout == layout
    assert len(dataset.labelled) == len(dataset.cases) >= 1
    assert dataset.spatial_dims == (2 if layout == "folders" else 3)
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before


def test_a_description_or_a_table_opens_its_dataset(tmp_path: Path) -> None:
    assert open_dataset(msd(tmp_path / "m") / "dataset.json").name == "Toy"
    assert open_dataset(table(tmp_path / "t") / "cases.csv").layout == "csv"


def test_the_layout_may_be_overruled(tmp_path: Path) -> None:
    root = msd(tmp_path)
    folders(tmp_path)
    assert open_dataset(root).spatial_dims == 3
    assert open_dataset(root, layout="folders").classes.codes == (0, 255)
    with pytest.raises(DatasetError, match="a layout out of msd"):
        open_dataset(root, layout="bids")  # pyright: ignore[reportArgumentType]


def test_declared_classes_are_taken_and_undeclared_ones_measured(tmp_path: Path) -> None:
    root = msd(tmp_path)
    assert open_dataset(root).declared
    assert open_dataset(root).classes.names == ("background", "front", "back")
    assert open_dataset(root, classes="whole=1,2").classes.names == ("background", "whole")
    (root / "dataset.json").unlink()
    measured = open_dataset(root)
    assert not measured.declared
    assert measured.classes.names == ("background", "class 1", "class 2")
    assert measured.channel_names == ("image",)


@pytest.mark.parametrize(("labels_are", "instances"), [("classes", False), ("instances", True)])
def test_the_user_says_what_labels_are(
    tmp_path: Path, labels_are: Literal["classes", "instances"], *, instances: bool
) -> None:
    root = folders(tmp_path)
    picture(root / "labels" / "0.png", np.arange(72, dtype=np.uint8).reshape(8, 9) // 6)  # 0 to 11, beside 255
    dataset = open_dataset(root, labels_are=labels_are)
    assert dataset.classes.instances is instances
    assert dataset.classes.num_classes == (2 if instances else 13)


def test_channels_are_named_by_what_they_are(tmp_path: Path) -> None:
    root = folders(tmp_path / "gray")
    assert open_dataset(root).channel_names == ("image",)
    for number in range(3):
        picture(root / "images" / f"{number}.png", np.zeros((8, 9, 3), np.uint8))
    assert open_dataset(root).channel_names == ("red", "green", "blue")
    msd(tmp_path / "volumes", ("a",), modality=None)
    volume(tmp_path / "volumes" / "imagesTr" / "a.nii.gz", np.stack([noise(i) for i in range(3)], -1))
    assert open_dataset(tmp_path / "volumes").channel_names == ("channel_0", "channel_1", "channel_2")


def test_a_folder_of_datasets_points_to_them(tmp_path: Path) -> None:
    msd(tmp_path / "Task04")
    folders(tmp_path / "cells")
    with pytest.raises(DatasetError, match="open one of the datasets in it: Task04, cells"):
        open_dataset(tmp_path)


def test_what_is_no_dataset_says_what_would_be(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent", volume(tmp_path / "one.nii", noise(0))):
        with pytest.raises(DatasetError, match=r"Medical Segmentation Decathlon.*nnU-Net.*iSeg-2017.*CSV"):
            open_dataset(path)
    (tmp_path / "empty" / "imagesTr").mkdir(parents=True)
    with pytest.raises(DatasetError, match="no image file in the layout msd"):
        open_dataset(tmp_path / "empty")


def test_unreadable_files_do_not_keep_a_dataset_from_opening(tmp_path: Path) -> None:
    root = msd(tmp_path)
    for folder in ("imagesTr", "labelsTr"):
        for path in (root / folder).iterdir():
            path.write_bytes(b"")
    dataset = open_dataset(root)
    assert (len(dataset.cases), dataset.spatial_dims) == (3, 3)


def test_real_datasets_open_as_what_they_are(shared_data: Callable[[str], Path]) -> None:
    broken = open_dataset(shared_data("hippocampus_broken"))
    assert broken.layout == "msd"
    assert [case.name for case in broken.cases] == ["hippocampus_118"]
    assert [path.name[:15] for path in broken.orphan_labels] == ["hippocampus_010", "hippocampus_281"]
    nuclei = open_dataset(shared_data("nuclei_2d_dsb2018"))
    assert (nuclei.layout, nuclei.spatial_dims, len(nuclei.cases)) == ("folders", 2, 72)
    assert nuclei.classes.instances
    assert nuclei.channel_names == ("red", "green", "blue")
    tumor = open_dataset(shared_data("brain_tumour_flair_t1c"), classes="whole=1,2,3,4")
    assert tumor.channel_names == ("FLAIR", "T1 contrast-enhanced")
    assert tumor.classes.names == ("background", "whole")
    axons = open_dataset(shared_data("axon_myelin_sem"))
    assert {case.subject.startswith("sub-rat") for case in axons.cases} == {True}


def test_a_copy_elsewhere_is_the_same_dataset(tmp_path: Path) -> None:
    first = open_dataset(msd(tmp_path / "a"))
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    second = open_dataset(tmp_path / "b")
    assert [case.name for case in first.cases] == [case.name for case in second.cases]
    assert first.classes == second.classes


def test_two_tables_in_a_folder_are_for_the_user_to_choose_from(tmp_path: Path) -> None:
    root = table(tmp_path)
    shutil.copyfile(root / "cases.csv", root / "more.csv")
    with pytest.raises(DatasetError, match="2 tables with images"):
        open_dataset(root, layout="csv")
    assert open_dataset(root / "more.csv").name == "more"
    with pytest.raises(DatasetError, match="a single file"):
        open_dataset(root / "more.csv", layout="msd")


def test_nnunet_may_list_every_file_elsewhere(tmp_path: Path) -> None:
    volume(tmp_path / "far" / "x.nii", noise(0))
    volume(tmp_path / "far" / "y.nii", blocks())
    listing = {"x": {"images": ["../far/x.nii"], "label": "../far/y.nii"}}
    labels = {"background": 0, "a": 1, "b": 2}
    description(tmp_path / "set", {"channel_names": {"0": "CT"}, "labels": labels, "dataset": listing})
    dataset = open_dataset(tmp_path / "set")
    assert dataset.layout == "nnunet"
    assert [case.name for case in dataset.labelled] == ["x"]


def test_labels_alone_still_tell_their_dimensions(tmp_path: Path) -> None:
    root = folders(tmp_path)
    shutil.rmtree(root / "images")
    (root / "images").mkdir()
    (root / "labels" / "0.png").write_bytes(b"broken")
    dataset = open_dataset(root)
    assert (dataset.spatial_dims, len(dataset.orphan_labels)) == (2, 3)
