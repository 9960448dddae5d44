"""Fixtures that every room's tests share."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """Give the folder of a development dataset, or skip where it is absent."""

    def folder(name: str) -> Path:
        path = SHARED_DATA / name
        if not path.exists():
            pytest.skip(f"development dataset {name} is not at {SHARED_DATA}")
        return path

    return folder


@pytest.fixture(scope="session")
def tiny_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a Decathlon folder of eight 12 x 14 x 16 volumes, each with one bright ball (class 1) in noise."""
    folder = tmp_path_factory.mktemp("tiny") / "Task99_Ball"
    rng = np.random.default_rng(0)
    names = [f"ball_{index:02d}" for index in range(8)]
    grid = np.stack(np.meshgrid(*(np.arange(n) for n in (12, 14, 16)), indexing="ij"))
    for part in ("imagesTr", "labelsTr"):
        (folder / part).mkdir(parents=True)
    for name in names:
        center = rng.uniform(4, 8, size=(3, 1, 1, 1))
        label = (((grid - center) ** 2).sum(0) < 3.2**2).astype(np.uint8)
        image = (100 + 60 * label + rng.normal(0, 12, label.shape)).astype(np.float32)
        nibabel.save(nibabel.Nifti1Image(image, np.eye(4)), folder / "imagesTr" / f"{name}.nii.gz")
        nibabel.save(nibabel.Nifti1Image(label, np.eye(4)), folder / "labelsTr" / f"{name}.nii.gz")
    listed = [{"image": f"./imagesTr/{n}.nii.gz", "label": f"./labelsTr/{n}.nii.gz"} for n in names]
    description = {
        "name": "Ball",
        "modality": {"0": "MRI"},
        "labels": {"0": "background", "1": "ball"},
        "numTraining": len(names),
        "training": listed,
        "test": [],
    }
    (folder / "dataset.json").write_text(json.dumps(description))
    return folder


@pytest.fixture
def write_model_of(tmp_path: Path) -> Callable[..., Path]:
    """Give a function that writes a 3-D model of several domains with random weights, those shared being the same.

    Its keyword arguments are the domains: fields of `Domain`, of which `codes`, one per class, stands for `classes`.
    """

    def write(domains: dict[str, dict[str, Any]], provenance: dict[str, Any] | None = None) -> Path:
        import torch

        from univox.model.folder import Domain, NetworkSpec, write_model
        from univox.networks import build_network
        from univox.networks.sharing import SharedNetworks

        torch.manual_seed(3)
        arguments = {"strides": [[2, 2, 2]] * 2, "widths": [8, 8]}
        members = [Domain.model_validate(_domain_values(name, **changes)) for name, changes in domains.items()]
        specs = [
            NetworkSpec(
                name="residual-unet",
                in_channels=len(member.channel_names),
                num_classes=member.label_classes.num_classes,
                spatial_dims=3,
                arguments=arguments,
            )
            for member in members
        ]
        networks = {m.name: build_network(**s.model_dump()) for m, s in zip(members, specs, strict=True)}
        for network in networks.values():
            # A network fresh from its initialiser answers with one class almost everywhere.
            torch.nn.init.normal_(network.output[-1].weight, 0.0, 1.0)
        shared = SharedNetworks(networks)
        path = tmp_path / "several"
        write_model(
            path,
            spec=specs[0],
            members=[(member, shared.domain(member.name)) for member in members],
            recipe={"name": "test"},
            provenance=provenance or {},
        )
        return path

    return write


def _domain_values(name: str, *, codes: tuple[int, ...] = (0, 10, 250), **changes: Any) -> dict[str, Any]:
    return {
        "name": name,
        "channel_names": ("T1",),
        "classes": {"classes": [{"name": f"class {c}", "codes": [c]} for c in codes], "instances": False},
        "spatial_dims": 3,
        "plan": {"patch_size": (8, 8, 8)},
        "preprocessing": {
            "crop": "nonzero",
            "spacing_mm": "none",
            "clip": "none",
            "normalization": {"scope": "case", "over": "image"},
        },
        "inference": {"precision": "fp32", "overlap": 0.5},
        **changes,
    }


@pytest.fixture(scope="session")
def dark_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a Decathlon folder of four volumes of two channels with a dark ball and a dark cube."""
    folder = tmp_path_factory.mktemp("dark") / "Task98_Dark"
    rng = np.random.default_rng(1)
    grid = np.stack(np.meshgrid(*(np.arange(n) for n in (14, 12, 12)), indexing="ij"))
    (folder / "imagesTr").mkdir(parents=True)
    (folder / "labelsTr").mkdir()
    names = [f"dark_{index}" for index in range(4)]
    for name in names:
        center = rng.uniform(4, 8, size=(3, 1, 1, 1))
        label = (((grid - center) ** 2).sum(0) < 3.4**2).astype(np.uint8)
        label[9:14, 0:5, 0:5] = 2
        image = rng.normal(0, 10, (*label.shape, 2)).astype(np.float32) + 200
        image[..., 0] -= 120 * (label == 1)
        image[..., 1] -= 120 * (label == 2)
        nibabel.save(nibabel.Nifti1Image(image, np.eye(4)), folder / "imagesTr" / f"{name}.nii.gz")
        nibabel.save(nibabel.Nifti1Image(label, np.eye(4)), folder / "labelsTr" / f"{name}.nii.gz")
    description = {
        "name": "Dark",
        "modality": {"0": "T1", "1": "T2"},
        "labels": {"0": "background", "1": "ball", "2": "cube"},
        "numTraining": len(names),
        "training": [{"image": f"./imagesTr/{n}.nii.gz", "label": f"./labelsTr/{n}.nii.gz"} for n in names],
        "test": [],
    }
    (folder / "dataset.json").write_text(json.dumps(description))
    return folder


@pytest.fixture(scope="module")
def without_reports() -> Generator[None, None, None]:
    """Judge without drawing the page of each judgement, which takes most of a tiny study's time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("univox.judging.judge.write_report", lambda *_, **__: None)
        yield
