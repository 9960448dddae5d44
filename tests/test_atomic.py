from __future__ import annotations

from pathlib import Path

import pytest

from univox.atomic import folder_written_atomically, write_json, written_atomically
from univox.errors import FileError


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "kept.txt"
    target.write_text("old")

    def write_half() -> None:
        with written_atomically(target) as partial:
            partial.write_text("half of the n")
            raise ValueError("midway")

    with pytest.raises(ValueError, match="midway"):
        write_half()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_full_disk_is_one_sentence_that_names_the_file(tmp_path: Path) -> None:
    target = tmp_path / "kept.txt"
    with pytest.raises(FileError, match=r"kept\.txt.*No space left.*free disk space"), written_atomically(target):
        raise OSError(28, "No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="inside"):
        write_json(tmp_path / "file" / "inside.json", {})


def test_not_a_number_is_no_json(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", {"x": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "made"

    def make_half() -> None:
        with folder_written_atomically(target) as partial:
            (partial / "a.txt").write_text("a")
            assert not target.exists()
            raise ValueError("midway")

    with pytest.raises(ValueError, match="midway"):
        make_half()
    assert list(tmp_path.iterdir()) == []
    target.mkdir()
    with folder_written_atomically(target) as partial:
        (partial / "a.txt").write_text("a")
    assert [path.name for path in tmp_path.iterdir()] == ["made"]
    assert (target / "a.txt").read_text() == "a"
    (tmp_path / "usual").mkdir()
    assert target.stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_folder_that_holds_something_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for name in ("mine", "file", "file/inside"):
        with pytest.raises(FileError, match=name), folder_written_atomically(tmp_path / name) as partial:
            (partial / "b.txt").write_text("other")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["a.txt"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "mine"]
