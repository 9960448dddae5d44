from __future__ import annotations

from pathlib import Path

import pytest

from univox.atomic import write_json, written_atomically
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
