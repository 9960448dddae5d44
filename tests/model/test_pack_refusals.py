"""A pack that belongs elsewhere, or under another name, is refused in one sentence."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from small_models import base
from strangers_packs import members, refused, rewritten, with_domain

from univox.model.folder import read_model
from univox.model.pack import export_pack, read_pack, verify_pack


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
