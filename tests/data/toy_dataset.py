"""A small dataset on disk, for tests of what reads a whole one."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np

from univox.data.case import Case
from univox.data.classes import Classes
from univox.data.dataset import Dataset

SHAPES = ((12, 14, 10), (13, 12, 11), (10, 16, 12), (12, 15, 9))


def write_case(
    root: Path,
    name: str,
    *,
    shape: tuple[int, ...],
    spacing_mm: tuple[float, ...] = (1.0, 1.0, 1.0),
    seed: int = 0,
) -> Case:
    """Write a bright box of two classes in dim noise, a border of one zero voxel around it all."""
    rng = np.random.default_rng(seed)
    label = np.zeros(shape, dtype=np.uint8)
    label[3:-3, 3:-3, 2:-4] = 1
    label[3:-3, 3:-3, -4:-2] = 2
    image = rng.normal(100, 5, shape) + 50 * label
    inside = np.pad(np.ones([size - 2 for size in shape], dtype=bool), 1)
    image[~inside] = 0
    # Canonical arrays are written as RAS+ files: the axes in reverse.
    affine = np.diag([*spacing_mm[::-1], 1.0])
    image_path, label_path = root / "images" / f"{name}.nii.gz", root / "labels" / f"{name}.nii.gz"
    for path, array in ((image_path, image.astype(np.float32)), (label_path, label)):
        path.parent.mkdir(parents=True, exist_ok=True)
        nib.save(nib.Nifti1Image(array.T, affine), path)
    return Case(name, (image_path,), label_path)


def write_dataset(root: Path, *, channel_name: str = "MRI") -> Dataset:
    """Write four cases with one channel and three classes."""
    cases = tuple(write_case(root, f"case_{index}", shape=shape, seed=index) for index, shape in enumerate(SHAPES))
    return Dataset(
        name="toy",
        root=root,
        layout="folders",
        cases=cases,
        orphan_labels=(),
        test_cases=(),
        channel_names=(channel_name,),
        classes=Classes.of({0: "background", 1: "body", 2: "cap"}),
        spatial_dims=3,
        declared=True,
    )
