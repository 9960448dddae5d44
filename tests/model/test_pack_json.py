"""JSON of a stranger: whatever it holds, the answer is a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from strangers_packs import members, refused, rewritten

from univox.model import pack_archive


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
