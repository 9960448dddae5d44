"""A domain of unlawful values, or weights that do not fit, are refused and nothing is written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from strangers_packs import members, refused, rewritten, with_domain, with_tensors

from univox.errors import ModelError
from univox.model.pack import verify_pack

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
