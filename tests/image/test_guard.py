from __future__ import annotations

import zlib
from pathlib import Path

import pytest

from univox.errors import FileError, LabelError
from univox.image.guard import reading, writing

OWN = LabelError(expected="a", got="b", remedy="c")


@pytest.mark.parametrize(
    ("raised", "words"),
    [
        (EOFError("deep inside"), "a damaged or truncated file"),
        (zlib.error("Error -3"), "a damaged or truncated file"),
        (PermissionError(13, "Permission denied"), "permission denied"),
        (RuntimeError("/tmp/SimpleITK/x.cxx:97:\nsitk::ERROR"), "one that its library cannot process"),
        (ValueError("no such\n  code"), r"one that its library refuses \(no such code\)"),
        (KeyError(), r"one that its library refuses \(KeyError\)"),
    ],
)
@pytest.mark.parametrize("guard", [reading, writing])
def test_whatever_a_library_raises_becomes_one_sentence(tmp_path, guard, raised, words):
    path = tmp_path / "case.nii"
    path.write_bytes(b"x")
    with pytest.raises(FileError, match=words) as caught, guard(path, "NIfTI"):
        raise raised
    assert str(caught.value).startswith(f"{path}: expected ")
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is raised


@pytest.mark.parametrize("raised", [OWN, MemoryError()])
@pytest.mark.parametrize("guard", [reading, writing])
def test_what_is_already_clear_passes(tmp_path, guard, raised):
    path = tmp_path / "case.nii"
    path.write_bytes(b"x")
    with pytest.raises(type(raised)) as caught, guard(path, "NIfTI"):
        raise raised
    assert caught.value is raised


def test_what_cannot_be_read_is_not_tried(tmp_path):
    (tmp_path / "empty").write_bytes(b"")
    for path, words in (
        (tmp_path / "none", "no such file"),
        (tmp_path, "a folder"),
        (tmp_path / "empty", "an empty file"),
    ):
        with pytest.raises(FileError, match=f"expected a NRRD file, got {words}"), reading(Path(path), "NRRD"):
            raise AssertionError
