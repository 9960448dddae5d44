"""Fixtures that every room's tests share."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

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
