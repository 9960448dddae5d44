"""Packs as a stranger may make them, and the proof that a model is none the worse for them."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load, save
from small_models import tree

from univox.errors import ModelError
from univox.model import pack_archive
from univox.model.pack import add_pack, verify_pack


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
