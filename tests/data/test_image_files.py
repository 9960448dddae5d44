from __future__ import annotations

from pathlib import Path

from univox.data.image_files import all_have_channel, by_channel, image_files, stem_of


def touched(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


def test_twins_of_a_mac_hidden_files_and_strangers_are_no_images(tmp_path: Path) -> None:
    touched(tmp_path, "b.nii.gz", "._b.nii.gz", ".a.nii.gz", "notes.txt", "c.PNG")
    (tmp_path / "folder.nii.gz").mkdir()
    files = image_files(tmp_path)
    assert list(files.by_stem) == ["b", "c"]
    assert files.findings == ()


def test_a_pair_is_one_image_by_its_header(tmp_path: Path) -> None:
    touched(tmp_path, "a.img", "a.hdr")
    assert image_files(tmp_path).by_stem == {"a": tmp_path / "a.hdr"}
    assert image_files(tmp_path).findings == ()


def test_two_files_of_one_name_are_reported(tmp_path: Path) -> None:
    touched(tmp_path, "a.nii", "a.png")
    files = image_files(tmp_path)
    assert files.by_stem == {"a": tmp_path / "a.nii"}
    assert [(f.case, f.kind, f.severity) for f in files.findings] == [("a", "ambiguous-files", "warning")]


def test_a_missing_folder_is_empty(tmp_path: Path) -> None:
    assert image_files(tmp_path / "imagesTr").by_stem == {}


def test_channels_are_grouped_in_their_order() -> None:
    files = {stem: Path(f"{stem}.nii") for stem in ("b_0001", "b_0000", "a_0002", "plain")}
    assert by_channel(files) == {
        "a": {2: Path("a_0002.nii")},
        "b": {0: Path("b_0000.nii"), 1: Path("b_0001.nii")},
        "plain": {0: Path("plain.nii")},
    }
    assert not all_have_channel(files)
    assert not all_have_channel([])
    assert all_have_channel(["x_0000"])


def test_a_stem_is_found_for_any_name() -> None:
    assert stem_of(Path("x/scan.v2.nii.gz")) == "scan.v2"
    assert stem_of(Path("x/scan.dcm")) == "scan"
