"""What paths stand for; nothing but names is looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from univox.errors import DatasetError, FileError
from univox.inference import find_inputs


def touch(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


def found(paths: Sequence[Path], *channels: str) -> list[tuple[str, list[str]]]:
    return [(entry.name, [path.name for path in entry.files]) for entry in find_inputs(paths, channels)]


def test_files_stay_in_the_order_given_and_folders_in_the_order_of_names(tmp_path: Path) -> None:
    folder = touch(tmp_path / "a", "c.nii.gz", "b.nii", "d.mha", "notes.txt", ".hidden.nii.gz", "._b.nii")
    other = touch(tmp_path / "b", "z.png", "y.tif")
    expected = [("b", ["b.nii"]), ("c", ["c.nii.gz"]), ("d", ["d.mha"])]
    assert found([folder], "T1") == expected
    assert found([other / "z.png", folder], "T1") == [("z", ["z.png"]), *expected]
    assert found([other / "z.png", other / "y.tif"], "T1") == [("z", ["z.png"]), ("y", ["y.tif"])]


def test_numbered_channels_are_one_case(tmp_path: Path) -> None:
    folder = touch(tmp_path, "x_0001.nii.gz", "x_0000.nii.gz", "y_0000.nii.gz", "y_0001.nii.gz")
    x, y = [("x", ["x_0000.nii.gz", "x_0001.nii.gz"])], [("y", ["y_0000.nii.gz", "y_0001.nii.gz"])]
    assert found([folder], "T1", "T2") == x + y
    # One channel stands for its case, however many of them a shell's pattern names.
    assert found([folder / "y_0001.nii.gz"], "T1", "T2") == y
    assert found([folder / "y_0001.nii.gz", folder / "x_0000.nii.gz", folder / "y_0000.nii.gz"], "T1", "T2") == y + x


def test_the_one_channel_of_a_model_loses_its_number(tmp_path: Path) -> None:
    folder = touch(tmp_path, "x_0000.nii.gz", "y_0000.nii.gz")
    assert [name for name, _ in found([folder], "T1")] == ["x", "y"]


def test_numbers_beyond_the_channels_make_a_series(tmp_path: Path) -> None:
    folder = touch(tmp_path, *(f"frame_{number:04d}.png" for number in range(3)), "year_2019.png")
    names = ["frame_0000", "frame_0001", "frame_0002", "year_2019"]
    assert [name for name, _ in found([folder], "gray")] == names
    assert [name for name, _ in found([folder / "frame_0000.png"], "gray")] == ["frame_0000"]
    assert [name for name, _ in found([folder], "red", "green")] == names


def test_channels_named_at_the_end_are_one_case_and_the_label_none(tmp_path: Path) -> None:
    names = [f"subject-1-{part}.{kind}" for part in ("T1", "T2", "label") for kind in ("hdr", "img")]
    folder = touch(tmp_path, *names, "other_t1.nii.gz", "other_t2.nii.gz")
    subject = ("subject-1", ["subject-1-T1.hdr", "subject-1-T2.hdr"])
    other = ("other", ["other_t1.nii.gz", "other_t2.nii.gz"])
    assert found([folder / "subject-1-T2.img", folder / "other_t1.nii.gz"], "T1", "T2") == [subject, other]


def test_a_pair_of_header_and_voxels_is_one_file(tmp_path: Path) -> None:
    folder = touch(tmp_path, "a.hdr", "a.img")
    assert found([folder], "T1") == [("a", ["a.hdr"])]
    assert found([folder / "a.img", folder / "a.hdr"], "T1") == [("a", ["a.hdr"])]


def test_two_cases_of_one_name_are_an_error(tmp_path: Path) -> None:
    one, two = touch(tmp_path / "one", "a.nii.gz"), touch(tmp_path / "two", "a.nii.gz")
    with pytest.raises(DatasetError, match=r"two called 'a': .*one/a.nii.gz and .*two/a.nii.gz"):
        find_inputs([one, two], ["T1"])
    with pytest.raises(DatasetError, match="two called 'a'"):
        find_inputs([touch(one, "a.nii")], ["T1"])


def test_what_is_no_input_is_said(tmp_path: Path) -> None:
    touch(tmp_path / "empty", "notes.txt")
    with pytest.raises(DatasetError, match="a folder of images or a dataset, got no image in it"):
        find_inputs([tmp_path / "empty"], ["T1"])
    with pytest.raises(FileError, match=r"notes.txt: expected an image .* got another file"):
        find_inputs([tmp_path / "empty/notes.txt"], ["T1"])
    with pytest.raises(FileError, match="got nothing"):
        find_inputs([tmp_path / "absent.nii.gz"], ["T1"])


def test_a_dataset_gives_all_its_cases(shared_data: Callable[[str], Path]) -> None:
    root = shared_data("brain_tumour_flair_t1c")
    inputs = find_inputs([root], ["FLAIR", "T1c"])
    assert [entry.name for entry in inputs] == sorted(
        path.name.removesuffix(".nii.gz") for path in (root / "imagesTr").glob("[!.]*.nii.gz")
    )
    assert {entry.files[0].parent for entry in inputs} == {root / "imagesTr"}
