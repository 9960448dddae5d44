"""What a stranger's file may not do: each kind is refused in one sentence, and the model stays byte for byte."""

from __future__ import annotations

import hashlib
import io
import json
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load, save
from small_models import base, tree

from univox.errors import ModelError
from univox.model import pack_archive
from univox.model.folder import read_model
from univox.model.membership import remove_domain
from univox.model.pack import add_pack, export_pack, read_pack, verify_pack

Change = Callable[[dict[str, bytes]], None]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of a brain, and the pack of a liver for it; no test may change them."""
    folder = tmp_path_factory.mktemp("packs")
    base(folder / "model", "brain", "liver")
    export_pack(folder / "model", "liver", folder / "liver.univox")
    remove_domain(read_model(folder / "model"), "liver")
    return folder


def members(home: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(home / "liver.univox") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def refused(home: Path, content: bytes | Path, message: str, *, name: str | None = None) -> None:
    """Prove that a pack cannot be added, and why, and that nothing was written."""
    path = content
    if isinstance(content, bytes):
        path = home / "evil.univox"
        path.write_bytes(content)
    before = tree(home)
    for attempt in (lambda: add_pack(home / "model", path, name=name), lambda: verify_pack(path, home / "model")):
        with pytest.raises(ModelError, match=message) as caught:
            attempt()
        assert "\n" not in str(caught.value)
        assert tree(home) == before
        if name is not None:
            break


def rewritten(found: dict[str, bytes], **record: Any) -> bytes:
    """A pack of these members whose hashes agree with them, as a liar would write it."""
    values = json.loads(found["pack.json"])
    for key, member in (("domain", "domain.json"), ("weights", "weights.safetensors")):
        values[key] = hashlib.sha256(found[member]).hexdigest()
    found = {**found, "pack.json": json.dumps({**values, **record}).encode()}
    return pack_archive.write_archive(found)


def with_domain(home: Path, record: dict[str, Any] | None = None, **changes: Any) -> bytes:
    found = members(home)
    found["domain.json"] = json.dumps({**json.loads(found["domain.json"]), **changes}).encode()
    return rewritten(found, **(record or {}))


def with_tensors(home: Path, change: Callable[[dict[str, torch.Tensor]], Any]) -> bytes:
    found = members(home)
    tensors = load(found["weights.safetensors"])
    change(tensors)
    return rewritten({**found, "weights.safetensors": save(tensors, metadata={"format": "pt"})})


def zipped(home: Path, change: Callable[[zipfile.ZipInfo], Any] = lambda info: None, **more: bytes) -> bytes:
    """The pack with something else about its zip."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in (members(home) | more).items():
            info = zipfile.ZipInfo(name)
            change(info)
            archive.writestr(info, content)
    return stream.getvalue()


def test_the_pack_itself_is_taken(home: Path) -> None:
    assert verify_pack(home / "liver.univox", home / "model").domain.name == "liver"
    assert read_pack(home / "liver.univox").sha256 == hashlib.sha256((home / "liver.univox").read_bytes()).hexdigest()


# Where it belongs.
def test_a_pack_of_another_base(home: Path, tmp_path: Path) -> None:
    other = base(tmp_path / "model", "cells", "liver")
    pack = export_pack(other, "liver", tmp_path / "liver.univox")
    ours = read_model(home / "model").identity
    message = rf"shared weights have the sha256 {ours[:12]}\.\.\., got one for {pack.record.base[:12]}\.\.\."
    refused(home, tmp_path / "liver.univox", message + "; remedy: add it to the model that it was made with")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "unet"}, r"the model's network \(name 'u2net'\), got name 'unet'"),
        ({"arguments": {"pools": 10**9}}, r"\(arguments \{'pools': 1, 'width': 2\}\), got arguments \{'pools': 1000"),
        ({"name": "os.path.join"}, r"the model's network \(name 'u2net'\), got name 'os.path.join'"),
        (
            {"num_classes": 7},
            "a network for 2 channels, 3 classes and 2 axes, as the domain has, got 2 channels, 7 classes and 2 axes",
        ),
        ({"in_channels": 0}, r"a valid 'network\.in_channels' in pack\.json"),
    ],
)
def test_a_pack_of_another_network(home: Path, changes: dict[str, Any], message: str) -> None:
    network = json.loads(members(home)["pack.json"])["network"]
    refused(home, rewritten(members(home), network={**network, **changes}), message)


def test_a_network_of_a_pack_is_never_imported(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "strangers_network.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    network = json.loads(members(home)["pack.json"])["network"]
    foreign = rewritten(members(home), network={**network, "name": "strangers_network.Network"})
    refused(home, foreign, "got name 'strangers_network.Network'")
    (tmp_path / "foreign.univox").write_bytes(foreign)
    verify_pack(tmp_path / "foreign.univox")


def test_a_newer_format_asks_for_an_update(home: Path) -> None:
    newer = rewritten(members(home) | {"onnx.bin": b""}, pack_format=2, univox_version="9.1", more=True)
    refused(home, newer, r"a pack of format 1, got format 2, written by univox 9\.1; remedy: update univox")


def test_a_domain_that_is_there_already(home: Path) -> None:
    for name in ("brain", "Brain", "\uff42rain"):
        refused(home, home / "liver.univox", f"that the model does not have .brain., got '{name}'", name=name)


@pytest.mark.parametrize("name", ["..", "../up", "a/b", "a\\b", ".hidden", "a\0b", "x" * 101])
def test_an_unlawful_name(home: Path, name: str) -> None:
    refused(home, home / "liver.univox", "a name that begins with a letter or digit", name=name)
    refused(home, with_domain(home, name=name), r"a valid 'name' in domain\.json|control characters")


# The zip.
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


# Zip of three members as small as can be, so that every part of its structure is hit.
_WHOLE = (pack_archive.write_archive({"a.json": b"{}", "b": b"12", "c": b""}), Path("a.univox"))


# The JSON.
def test_tampered_members(home: Path) -> None:
    found = members(home)
    for name, altered in (
        ("domain.json", found["domain.json"].replace(b"0.5", b"0.9")),
        ("weights.safetensors", found["weights.safetensors"][:-1] + b"!"),
    ):
        content = pack_archive.write_archive({**found, name: altered})
        refused(home, content, rf"{name} with sha256 [0-9a-f]{{12}}\.\.\., got an altered one with [0-9a-f]{{12}}")


HOSTILE = [
    (b"[" * 200_000, "values nested too deeply"),
    (b'{"a":' * 100 + b"1" + b"}" * 100, "values nested too deeply"),
    (b"{" + b'"a":1,' * 2 + b'"b":1}', "a key that comes twice"),
    (b"\xff\xfe", "codec can't decode"),
    (b"[]", "a list"),
    (b"{", "Expecting property name"),
    (b'{"a": NaN}', "NaN, which is no number"),
    (b'{"a": 1e999}', "a number beyond all bounds"),
    (b'{"a": ' + b"9" * 50 + b"}", "a number beyond all bounds"),
    (b'{"a": ' + b"9" * 5000 + b"}", "Exceeds the limit"),
    (rb'{"a": "\ud800"}', "control characters in a text"),
    (rb'{"a\u001b[2J": 1}', "control characters in a text"),
    ('{"a": "\u202egnp.exe"}'.encode(), "control characters in a text"),
]


@pytest.mark.parametrize("member", ["pack.json", "domain.json"])
@pytest.mark.parametrize(("content", "message"), HOSTILE)
def test_json_that_is_malformed(home: Path, member: str, content: bytes, message: str) -> None:
    found = members(home) | {member: content}
    altered = rewritten(found) if member == "domain.json" else pack_archive.write_archive(found)
    refused(home, altered, rf"a JSON object of plain values in {member}, got .*{message}")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"base": "abc"}, "a valid 'base' in pack.json"),
        ({"base": "g" * 64}, "a valid 'base' in pack.json"),
        ({"pack_format": "1"}, "a valid 'pack_format' in pack.json"),
        ({"parameters": 1.5}, "a valid 'parameters' in pack.json"),
        ({"run": "rm"}, "a valid 'run' in pack.json, got extra inputs"),
        ({"parameters": 7}, r"expected \d+ parameters, got 7 by the pack's word"),
    ],
)
def test_a_record_that_is_none(home: Path, changes: dict[str, Any], message: str) -> None:
    refused(home, rewritten(members(home), **changes), message)


# What the domain says.
CLASSES = [{"name": f"class {index}", "codes": [10 * index]} for index in range(3)]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"channel_names": ["T1"] * 2000}, "at most 1024 channels, got 2000"),
        ({"channel_names": []}, "a valid 'channel_names' in domain.json"),
        ({"channel_names": ["T1"]}, "a network for 1 channels, 3 classes"),
        ({"channel_names": ["a\nb", "c"]}, r"names of one line and at most 200 letters, got 'a\\nb'"),
        ({"channel_names": ["a" * 201, "c"]}, "names of one line and at most 200 letters"),
        ({"spatial_dims": 10**6}, "expected 1000000 values of patch_size, one per axis, got 2"),
        ({"spatial_dims": "2"}, "a valid 'spatial_dims' in domain.json"),
        ({"classes": {}}, "classes with names and codes in domain.json, got KeyError 'classes'"),
        ({"classes": {"classes": 7, "instances": False}}, "classes with names and codes"),
        ({"classes": {"classes": [7], "instances": False}}, "classes with names and codes"),
        ({"classes": {"classes": CLASSES, "instances": 0}}, "got other values among them"),
        ({"classes": {"classes": [*CLASSES[:2], {"name": "x", "codes": [1 << 60]}], "instances": False}}, "got other"),
        (
            {"classes": {"classes": [{"name": str(n), "codes": [n]} for n in range(300)], "instances": False}},
            "got 300 classes",
        ),
        ({"plan": {"patch_size": [1 << 20, 1 << 20]}}, "windows of 2 edges and at most 268435456 voxels"),
        ({"plan": {"patch_size": [0, 8]}}, "windows of 2 edges"),
        ({"plan": {"patch_size": [7, 8]}}, r"windows that fit the network \(a size divisible by 2\), got 7 on axis H"),
        ({"plan": {"patch_size": "8, 8"}}, "a valid plan.patch_size"),
        ({"plan": {"patch_size": [8]}}, "2 values of patch_size, one per axis, got 1"),
        ({"plan": {"spacing_mm": ["1", "1"]}}, r"a valid '0' in plan.spacing_mm"),
        ({"plan": {"num_cases": {}}}, "a valid plan.num_cases"),
        ({"plan": 7}, "a valid 'plan' in domain.json"),
        ({"preprocessing": {"crop": "everything"}}, "a valid 'crop' in preprocessing"),
        ({"preprocessing": {"run": "rm"}}, "a valid 'run' in preprocessing"),
        ({"preprocessing": {}}, "preprocessing that is decided, got a setting that is left 'auto'"),
        ({"inference": {"overlap": 1.0}}, "a valid 'overlap' in inference"),
        ({"inference": {"window_size": [8, 8, 8]}}, "windows of 2 edges"),
        ({"inference": {"windows_per_batch": 10**9}}, "at most 1024 windows at once, got 1000000000"),
        ({"inference": {"step": [9, 9]}}, "2 steps, none wider than the window"),
        ({"validation": {"dice": [1]}}, "a valid validation.dice"),
        ({"validation": {"dice": {"a": "high"}}}, "a valid 'a' in validation.dice"),
        ({"provenance": {"split": ["a"]}}, "a valid provenance.split"),
        ({"provenance": {"split": {"train": [7]}}}, r"a valid 'train.0' in provenance.split"),
        ({"weights": "w.pt"}, "a valid 'weights' in domain.json, got extra inputs"),
    ],
)
def test_a_domain_of_unlawful_values(home: Path, changes: dict[str, Any], message: str) -> None:
    refused(home, with_domain(home, **changes), message)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"spacing_mm": [1.0, 1.0, 1.0]}, "2 values of spacing_mm, one per axis, got 3"),
        ({"clip": {"low": [0], "high": [1]}}, "2 values of clip.low, one per channel, got 1"),
        ({"normalization": {"scope": "set", "mean": [0], "sd": [1]}}, "2 values of mean, one per channel, got 1"),
        ({"spacing_mm": [0, 1]}, "a valid 'spacing_mm"),
    ],
)
def test_preprocessing_of_other_channels_or_axes(home: Path, changes: dict[str, Any], message: str) -> None:
    stated = json.loads(members(home)["domain.json"])["preprocessing"]
    refused(home, with_domain(home, preprocessing={**stated, **changes}), message)


# The weights.
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda t: t.update({"output.convolution.weight": torch.zeros(1, 2, 3)}),
            r"of shape \[1, 2, 3\] in float32 in the pack",
        ),
        (
            lambda t: t.update({"output.convolution.weight": t["output.convolution.weight"].half()}),
            "in float32 in the network, got .* in float16",
        ),
        (
            lambda t: t.pop("output.convolution.weight"),
            r"'output.convolution.weight' of shape .*, got no 'output.convolution.weight' in the pack",
        ),
        (lambda t: t.update({"down.0.0.0.convolution.weight": torch.zeros(1)}), "no 'down.*' in the network"),
        (
            lambda t: t["output.convolution.weight"].fill_(float("nan")),
            "finite weights, got nan or infinity in 'output.convolution.weight'",
        ),
        (lambda t: t["output.convolution.weight"][0].fill_(float("-inf")), "finite weights, got nan or infinity"),
        (lambda t: t.update({"more": torch.zeros(1 << 19)}), r"at most \d+ KiB of weights, as the network has, got 20"),
    ],
)
def test_weights_that_do_not_fit(home: Path, change: Callable[[dict[str, torch.Tensor]], Any], message: str) -> None:
    refused(home, with_tensors(home, change), message)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x80\x04\x95cposix\nsystem\n",
        (1 << 40).to_bytes(8, "little") + b"{}",
        (100_000).to_bytes(8, "little") + b"[" * 100_000,
        (2).to_bytes(8, "little") + b"[]",
        (60).to_bytes(8, "little") + b'{"a":{"dtype":"F32","shape":[9999999],"data_offsets":[0,4]}}' + bytes(4),
        (56).to_bytes(8, "little") + b'{"a":{"dtype":"F99","shape":[1],"data_offsets":[0,4]}}  ' + bytes(4),
        (54).to_bytes(8, "little") + b'{"a":{"dtype":"F4","shape":[8],"data_offsets":[0,4]}} ' + bytes(4),
    ],
)
def test_weights_that_are_no_safetensors(home: Path, content: bytes) -> None:
    refused(home, rewritten(members(home) | {"weights.safetensors": content}), "a safetensors file of weights, got ")
    (home / "evil.univox").write_bytes(rewritten(members(home) | {"weights.safetensors": content}))
    with pytest.raises(ModelError, match="a safetensors file of weights"):
        verify_pack(home / "evil.univox")


def test_weights_of_absurd_channels_are_never_there(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # 1024 channels, lawful in number: the network is made of shapes alone, and the weights do not fit it.
    made: list[str] = []
    real = torch.nn.Conv2d.__init__

    def watched(self: Any, *args: Any, **kwargs: Any) -> None:
        real(self, *args, **kwargs)
        made.append(self.weight.device.type)

    monkeypatch.setattr(torch.nn.Conv2d, "__init__", watched)
    network = json.loads(members(home)["pack.json"])["network"]
    stated = json.loads(members(home)["domain.json"])
    many = with_domain(
        home,
        {"network": {**network, "in_channels": 1024}},
        channel_names=["x"] * 1024,
        preprocessing=stated["preprocessing"],
    )
    refused(home, many, r"of shape \[2, 1024, 3, 3\] in float32 in the network, got")
    assert made
    assert set(made) == {"meta"}


def test_crc_of_a_pack_is_what_any_zip_says(home: Path) -> None:
    with zipfile.ZipFile(home / "liver.univox") as archive:
        for info in archive.infolist():
            assert zlib.crc32(archive.read(info)) == info.CRC
