"""Small datasets on disk, in any layout; written with nibabel and pillow, not with what is tested."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from PIL import Image as Picture

SHAPE = (9, 8, 7)


def noise(seed: int, shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    return np.random.default_rng(seed).normal(100, 20, shape).astype(np.float32)


def blocks(codes: tuple[int, ...] = (0, 1, 2), shape: tuple[int, ...] = SHAPE, shift: int = 0) -> np.ndarray:
    """Give an array that holds every code, in one block each; `shift` makes another one of it."""
    label = np.full(shape, codes[0], np.int16)
    for number, code in enumerate(codes[1:], start=1):
        label[2 + shift % 3, number, 1:4] = code
    return label


def volume(path: Path, array: np.ndarray, *, affine: np.ndarray | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = nib.Nifti1Pair if path.suffix == ".hdr" else nib.Nifti1Image
    nib.save(kind(array, np.eye(4) if affine is None else affine), path)
    return path


def picture(path: Path, array: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Picture.fromarray(array).save(path)
    return path


def description(root: Path, value: dict[str, Any]) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    path = root / "dataset.json"
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def msd(root: Path, names: tuple[str, ...] = ("a", "b", "c"), **extra: Any) -> Path:
    """Write a sound dataset in the Decathlon's layout, with classes 1 and 2."""
    for seed, name in enumerate(names):
        volume(root / "imagesTr" / f"{name}.nii.gz", noise(seed))
        volume(root / "labelsTr" / f"{name}.nii.gz", blocks(shift=seed))
    value = {
        "name": "Toy",
        "modality": {"0": "MRI"},
        "labels": {"0": "background", "1": "front", "2": "back"},
        "training": [{"image": f"./imagesTr/{n}.nii.gz", "label": f"./labelsTr/{n}.nii.gz"} for n in names],
        "test": [],
    }
    description(root, {**value, **extra})
    return root
