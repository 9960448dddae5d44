from __future__ import annotations

from pathlib import Path

import pytest

from univox.data.folder_pair import read_folder_pair
from univox.errors import DatasetError


def pair(root: Path, images: tuple[str, ...], labels: tuple[str, ...], folders: tuple[str, str]) -> Path:
    for folder, names in zip(folders, (images, labels), strict=True):
        (root / folder).mkdir(parents=True)
        for name in names:
            (root / folder / name).touch()
    return root


def found(root: Path) -> dict[str, tuple[list[str], str | None]]:
    return {
        case.name: ([path.name for path in case.images], case.label.name if case.label else None)
        for case in read_folder_pair(root).cases
    }


@pytest.mark.parametrize("folders", [("images", "labels"), ("imgs", "masks"), ("Images", "Annotations")])
def test_names_that_match_are_pairs(tmp_path: Path, folders: tuple[str, str]) -> None:
    pair(tmp_path, ("a.png", "b.jpg", "c.png"), ("a.png", "b.png"), folders)
    assert found(tmp_path) == {"a": (["a.png"], "a.png"), "b": (["b.jpg"], "b.png"), "c": (["c.png"], None)}


@pytest.mark.parametrize("suffix", ["_label", "_mask", "_seg", "-gt", "_Labels", ".mask"])
def test_a_label_may_bear_a_suffix(tmp_path: Path, suffix: str) -> None:
    pair(tmp_path, ("a.png", "b_image.png"), (f"a{suffix}.png", f"b{suffix}.png"), ("images", "labels"))
    assert found(tmp_path) == {"a": (["a.png"], f"a{suffix}.png"), "b_image": (["b_image.png"], f"b{suffix}.png")}
    assert read_folder_pair(tmp_path).orphan_labels == ()


def test_exact_names_come_before_suffixes(tmp_path: Path) -> None:
    pair(tmp_path, ("a.png", "a_mask.png"), ("a.png", "a_mask.png"), ("images", "labels"))
    assert found(tmp_path) == {"a": (["a.png"], "a.png"), "a_mask": (["a_mask.png"], "a_mask.png")}


def test_channel_numbers_are_channels_only_where_labels_lack_them(tmp_path: Path) -> None:
    channels = pair(tmp_path / "x", ("a_0000.nii", "a_0001.nii"), ("a_seg.nii",), ("images", "labels"))
    assert found(channels) == {"a": (["a_0000.nii", "a_0001.nii"], "a_seg.nii")}
    frames = pair(tmp_path / "y", ("a_0000.png", "a_0001.png"), ("a_0000.png", "a_0001.png"), ("images", "labels"))
    assert list(found(frames)) == ["a_0000", "a_0001"]


def test_labels_without_image_are_kept_apart(tmp_path: Path) -> None:
    pair(tmp_path, ("a.png",), ("a.png", "b_mask.png"), ("images", "labels"))
    assert read_folder_pair(tmp_path).orphan_labels == (tmp_path / "labels" / "b_mask.png",)


def test_other_labels_by_argument_and_no_pair(tmp_path: Path) -> None:
    pair(tmp_path / "x", ("a.png",), ("a.png",), ("images", "labels"))
    (tmp_path / "x" / "second").mkdir()
    (tmp_path / "x" / "second" / "a.png").touch()
    assert read_folder_pair(tmp_path / "x", labels="second").cases[0].label == tmp_path / "x" / "second" / "a.png"
    (tmp_path / "y").mkdir()
    with pytest.raises(DatasetError, match="images and a folder labels"):
        read_folder_pair(tmp_path / "y")
