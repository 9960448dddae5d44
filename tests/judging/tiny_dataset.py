"""A tiny dataset whose every figure is known by hand, written without univox's own writers.

Two boxes of 2 x 2 x 4 voxels (6 mm3 each): class "front" (code 10) and class "back" (codes 250 and 7).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import nibabel as nib
import numpy as np

from univox.data.case import Case
from univox.data.classes import Classes, LabelClass
from univox.data.dataset import Dataset

SHAPE = (6, 8, 10)  # (D, H, W)
SPACING_MM = (3.0, 2.0, 1.0)
CLASSES = Classes((LabelClass("background", (0,)), LabelClass("front", (10,)), LabelClass("back", (250, 7))))


def write_nifti(path: Path, array: np.ndarray, spacing_mm: Sequence[float] = SPACING_MM) -> Path:
    """Write a canonical array as a RAS+ NIfTI file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(array.T, np.diag([*spacing_mm[::-1], 1.0])), path)
    return path


def label_codes(*, shift: int = 0, front: int = 10, back: int = 250) -> np.ndarray:
    """Give the label, with "front" moved by `shift` voxels to the right."""
    codes = np.zeros(SHAPE, np.uint8)
    codes[2:4, 4:6, 1 + shift : 5 + shift] = front
    codes[2:4, 1:3, 1:5] = back
    return codes


def tiny_dataset(root: Path, *names: str) -> Dataset:
    """Write one case per name, and give their dataset."""
    random = np.random.default_rng(0)
    cases = []
    for index, name in enumerate(names):
        image = write_nifti(root / "images" / f"{index}.nii.gz", random.normal(100, 20, SHAPE).astype(np.float32))
        label = write_nifti(root / "labels" / f"label_of_{index}.nii.gz", label_codes())
        cases.append(Case(name, (image,), label))
    return Dataset(
        name="tiny",
        root=root,
        layout="folders",
        cases=tuple(cases),
        orphan_labels=(),
        test_cases=(),
        channel_names=("MR",),
        classes=CLASSES,
        spatial_dims=3,
        declared=True,
    )
