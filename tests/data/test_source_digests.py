"""A file's name says nothing of its digest; what lies beside it in one image does."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from univox.data.source_digests import source_digests
from univox.errors import FileError


def test_it_is_the_sha256_of_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "scan.NII"
    path.write_bytes(b"voxels")
    assert source_digests(path) == [f".nii:{hashlib.sha256(b'voxels').hexdigest()}"]
    assert source_digests(path.rename(tmp_path / "other.nii")) == [f".nii:{hashlib.sha256(b'voxels').hexdigest()}"]


def test_a_detached_header_brings_its_voxels(tmp_path: Path) -> None:
    (tmp_path / "a.mhd").write_text("ObjectType = Image\nElementDataFile = beside.raw\n")
    (tmp_path / "beside.raw").write_bytes(b"1")
    before = source_digests(tmp_path / "a.mhd")
    (tmp_path / "beside.raw").write_bytes(b"2")
    after = source_digests(tmp_path / "a.mhd")
    assert (before[0], len(before)) == (after[0], 2)
    assert before[1] != after[1]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"gone.nii: expected a readable file"):
        source_digests(tmp_path / "gone.nii")
