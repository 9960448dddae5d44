"""Whatever is done to a model, and in whatever order, a domain that it was not done to stays to the last bit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from model_witness import logits

from univox.model.folder import read_model
from univox.model.membership import remove_domain
from univox.model.pack import add_pack, export_pack
from univox.training.extend import extend
from univox.training.extend_request import ExtendRequest

SEQUENCES = (
    "extend a, extend b, remove a, extend a, remove b",
    "extend a, export a, remove a, extend b, add a, remove b",
    "extend a, export Ball, remove Ball, extend b, add Ball, remove a",
    "export Ball, extend a, export a, extend b, remove a, remove Ball, add Ball, add a",
)


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_untouched_domains_stay_to_the_last_bit(
    base: Path, asked: Callable[..., ExtendRequest], tmp_path: Path, sequence: str
) -> None:
    shared = (base / "shared.safetensors").read_bytes()
    known = {"Ball": logits(base, "Ball")}
    there = ["Ball"]
    for number, step in enumerate(sequence.split(", ")):
        verb, name = step.split()
        others = {path: path.read_bytes() for path in (base / "domains").rglob("*") if path.is_file()}
        match verb:
            case "extend":
                extend(asked(name=name, like=there[0], iterations=2, seed=number))
                known[name] = logits(base, name)
                there.append(name)
            case "export":
                export_pack(base, name, tmp_path / f"{name}.univox")
            case "remove":
                remove_domain(read_model(base), name)
                there.remove(name)
            case _:
                add_pack(base, tmp_path / f"{name}.univox")
                there.append(name)
        assert (base / "shared.safetensors").read_bytes() == shared
        assert list(read_model(base).domains) == there
        # A domain that left and came back by its pack is the one that left.
        assert all(torch.equal(logits(base, each), known[each]) for each in there)
        assert all(path.read_bytes() == content for path, content in others.items() if path.parent.name != name)
