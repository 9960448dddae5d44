"""An evaluation with known figures, failures and all."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_dataset import SPACING_MM, label_codes, tiny_dataset, write_nifti

from univox.judging.evaluate import Evaluation, evaluate


@pytest.fixture(scope="session")
def mixed_evaluation(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    """Judge three good predictions, four that fail, and a stranger."""
    root = tmp_path_factory.mktemp("mixed")
    dataset = tiny_dataset(root / "data", "perfect", "shifted", "missed", "swapped", "garbage", "undeclared", "absent")
    folder = root / "predictions"
    write_nifti(folder / "perfect.nii.gz", label_codes(back=7))
    write_nifti(folder / "shifted.nii.gz", label_codes(shift=1))
    write_nifti(folder / "missed.nii.gz", label_codes(front=0))
    write_nifti(folder / "swapped.nii.gz", label_codes(), SPACING_MM[::-1])
    (folder / "garbage.nii.gz").write_bytes(b"no volume at all")
    write_nifti(folder / "undeclared.nii.gz", label_codes() + np.uint8(1))
    write_nifti(folder / "stranger.nii.gz", label_codes())
    return evaluate(folder, dataset)
