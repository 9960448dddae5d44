"""What the zip of a stranger may not do: each kind is refused in one sentence, and the model stays byte for byte."""

from __future__ import annotations

import io
import random
import stat
import struct
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strangers_packs import members, refused, rewritten, zipped

from univox.errors import ModelError
from univox.model import pack_archive
from univox.model.pack import read_pack


def test_what_is_no_file_or_no_zip(home: Path) -> None:
    refused(home, home / "absent.univox", "expected a pack, got no such file")
    refused(home, home / "model", "expected a pack, got a folder")
    for content in (b"", b"PK", b"#!/bin/sh\n" * 9, b"\x80\x04cposix\nsystem\n"):
        refused(home, content, "a zip file, as every pack is, got a file of another kind")


def test_a_zip_that_is_cut_or_has_a_tail(home: Path) -> None:
    whole = (home / "liver.univox").read_bytes()
    for content in (whole[:-1], whole[: len(whole) // 2], whole[:100], whole + b"x", whole + whole):
        refused(home, content, "a whole zip file, got |members one behind the other")
    refused(
        home, whole[:-22] + whole[-22:].replace(b"PK\5\6", b"PK\5\6")[:20] + b"\1\0x", "a whole zip file, got one that"
    )


def test_bytes_that_belong_to_no_member(home: Path) -> None:
    whole = (home / "liver.univox").read_bytes()
    start = struct.unpack("<I", whole[-6:-2])[0]
    hidden = whole[:start] + b"hidden" + whole[start:-6] + struct.pack("<I", start + 6) + whole[-2:]
    refused(home, hidden, "members one behind the other and nothing else, got bytes that belong to no member")
    refused(home, zipped(home, lambda info: setattr(info, "extra", b"\1\0\2\0ab")), "one behind the other")
    refused(home, zipped(home, lambda info: setattr(info, "comment", b"a comment")), "one behind the other")


def test_members_that_are_missing_or_too_many(home: Path) -> None:
    found = members(home)
    for name in found:
        left = {other: content for other, content in found.items() if other != name}
        refused(home, pack_archive.write_archive(left), f"weights.safetensors, got no {name}")
    more = pack_archive.write_archive({**found, "setup.py": b"import os"})
    refused(home, more, "a pack of pack.json, domain.json, weights.safetensors, got 'setup.py' too")
    refused(home, pack_archive.write_archive({}), "got no pack.json")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_comes_twice(home: Path) -> None:
    stream = io.BytesIO((home / "liver.univox").read_bytes())
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr(zipfile.ZipInfo("domain.json"), b"{}")
    refused(home, stream.getvalue(), "expected each member once, got 'domain.json' 2 times")


@pytest.mark.parametrize(
    "name",
    ["../../.bashrc", "/etc/passwd", "..\\up.txt", "C:\\x", "C:x", "a/b", "x/", "..", ".", "a\nb", "nul\0.json", "é"],
)
def test_a_name_that_leads_elsewhere(home: Path, name: str) -> None:
    content = zipped(home, **{"0123456789abcdef"[: len(name.encode())]: b"evil"})
    placeholder = b"0123456789abcdef"[: len(name.encode())]
    content = content.replace(placeholder, name.encode())
    refused(home, content, r"members with plain file names, got '.*', which may point elsewhere")


def test_a_link(home: Path) -> None:
    for kind in (stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFDIR):
        linked = zipped(home, lambda info, kind=kind: setattr(info, "external_attr", (kind | 0o777) << 16))
        refused(home, linked, "members that are plain files, got 'pack.json', a link or device")


def test_an_encrypted_member(home: Path) -> None:
    # The flag of the directory's first line: zipfile writes no encrypted members.
    content = bytearray((home / "liver.univox").read_bytes())
    content[content.index(b"PK\1\2") + 8] |= 1
    refused(home, bytes(content), "members that are not encrypted, got 'pack.json', encrypted")


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_bomb_that_swells(home: Path, method: int) -> None:
    def compressed(info: zipfile.ZipInfo) -> None:
        if info.filename == "weights.safetensors":
            info.compress_type = method

    bomb = zipped(home, compressed, **{"weights.safetensors": bytes(1 << 22)})
    assert len(bomb) < 1 << 16
    refused(home, bomb, r"members stored as they are, got 'weights.safetensors', compressed to swell \d{3,}-fold")


def test_an_unknown_compression(home: Path) -> None:
    content = bytearray((home / "liver.univox").read_bytes())
    content[content.index(b"PK\1\2") + 10] = 77
    refused(home, bytes(content), "members stored as they are, got 'pack.json'")


def test_a_bomb_whose_members_overlap(home: Path) -> None:
    # Two lines of the directory for one member's bytes.
    found = {name: content for name, content in members(home).items() if name != "weights.safetensors"}
    whole = pack_archive.write_archive({**found, "a" * 19: b""})
    lines, second = whole.rindex(b"PK\1\2"), whole.index(b"PK\1\2")
    overlapping = bytearray(whole)
    overlapping[lines + 42 : lines + 46] = overlapping[second + 42 : second + 46]
    overlapping[lines + 46 : lines + 46 + 19] = b"weights.safetensors"
    refused(
        home, bytes(overlapping), "one behind the other and nothing else, got bytes that belong to no member, or to"
    )


def test_a_header_that_lies_about_sizes(home: Path) -> None:
    content = bytearray((home / "liver.univox").read_bytes())
    line = content.index(b"PK\1\2")
    content[line + 24 : line + 28] = struct.pack("<I", 1 << 30)
    refused(home, bytes(content), r"\d+ bytes in 'pack.json', as many as are stored, got 1073741824 by the zip's own")
    content[line + 20 : line + 24] = struct.pack("<I", 1 << 30)
    refused(home, bytes(content), "at most 1024 KiB of JSON, got 1048576 KiB in 'pack.json'")


def test_json_that_is_too_long(home: Path) -> None:
    found = members(home) | {"domain.json": b" " * (pack_archive.MOST_JSON + 1)}
    refused(home, rewritten(found), r"at most 1024 KiB of JSON, got 1024 KiB in 'domain\.json'")


def test_a_file_that_is_too_large_is_not_read(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sparse = home / "sparse.univox"
    with sparse.open("wb") as stream:
        stream.truncate(1 << 20)
    monkeypatch.setattr(pack_archive, "MOST_BYTES", (1 << 20) - 1)
    refused(home, sparse, "a pack of at most 0 MiB, got a larger file")
    sparse.unlink()


def test_a_damaged_member(home: Path) -> None:
    content = bytearray((home / "liver.univox").read_bytes())
    content[content.index(b"PK\1\2") - 1] ^= 1
    refused(home, bytes(content), r"a whole zip file, got a damaged one \(Bad CRC-32 for file 'weights.safetensors'\)")


@settings(max_examples=150, deadline=None, database=None)
@given(st.integers(0, 1 << 20), st.integers(1, 255), st.booleans())
def test_any_byte_changed_is_a_sentence_or_nothing(place: int, by: int, cut: bool) -> None:
    whole, path = _WHOLE
    changed = bytearray(whole)
    changed[place % len(whole)] ^= by
    try:
        found = pack_archive.read_archive(bytes(changed[: place % len(whole)] if cut else changed), path)
    except ModelError:
        return
    assert found == pack_archive.read_archive(whole, path)


@pytest.mark.parametrize("seed", range(6))
def test_any_bytes_changed_leave_the_pack_or_a_sentence(home: Path, seed: int) -> None:
    whole, rng = (home / "liver.univox").read_bytes(), random.Random(seed)
    known = read_pack(home / "liver.univox")
    for _ in range(25):
        changed = bytearray(whole)
        for place in (rng.randrange(len(whole)), -1 - rng.randrange(250)):
            changed[place] = rng.randrange(256)
        (home / "evil.univox").write_bytes(changed)
        try:
            found = read_pack(home / "evil.univox")
        except ModelError:
            continue
        assert (found.record, found.domain, found.weights) == (known.record, known.domain, known.weights)


# Zip of three members as small as can be, so that every part of its structure is hit.
_WHOLE = (pack_archive.write_archive({"a.json": b"{}", "b": b"12", "c": b""}), Path("a.univox"))


def test_crc_of_a_pack_is_what_any_zip_says(home: Path) -> None:
    with zipfile.ZipFile(home / "liver.univox") as archive:
        for info in archive.infolist():
            assert zlib.crc32(archive.read(info)) == info.CRC
