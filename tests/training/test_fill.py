"""One volume annotated in part: what the annotator said stays, the rest is filled in on the volume's own grid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from univox.errors import FileError, LabelError
from univox.image import grid_difference, read_image, read_label, write_label
from univox.training.fill import fill

TINY: dict[str, Any] = {
    "overrides": (
        "patches.patch_size=[8, 8, 8]",
        "patches.batch_size=2",
        "network.arguments={strides: [[2, 2, 2], [2, 2, 2]], widths: [8, 8], detail_channels: 4}",
        "patches.levels=2",
    ),
    "jobs": 1,
    "workers": 0,
}


@pytest.fixture
def pair(tiny_dataset: Path, tmp_path: Path) -> tuple[Path, Path]:
    """Give a volume stored in another axis order, and its label of which two planes across each axis are annotated."""
    found: list[Path] = []
    for part in ("imagesTr", "labelsTr"):
        stored = nibabel.nifti1.load(tiny_dataset / part / "ball_02.nii.gz").as_reoriented([[1, -1], [2, 1], [0, -1]])
        found.append(tmp_path / f"{part}.nii.gz")
        nibabel.nifti1.save(stored, found[-1])
    label = read_label(found[1])
    codes = np.full(label.array.shape, 9, np.int16)
    for axis in range(3):
        rows = np.moveaxis(codes, axis, 0)
        rows[[5, 8]] = np.moveaxis(label.array, axis, 0)[[5, 8]]
    write_label(tmp_path / "sparse.nii.gz", 10 * codes, like=label)
    return found[0], tmp_path / "sparse.nii.gz"


def test_the_rest_is_filled_in_and_what_was_annotated_stays(pair: tuple[Path, Path], tmp_path: Path) -> None:
    volume, sparse = pair
    model = tmp_path / "model"
    done = fill(volume, sparse, tmp_path / "whole.nii.gz", ignore="90", model=model, iterations=150, **TINY)
    before, after, image = read_label(sparse), read_label(tmp_path / "whole.nii.gz"), read_image(volume)
    known = before.array != 90
    np.testing.assert_array_equal(after.array[known], before.array[known])
    assert set(np.unique(after.array).tolist()) == {0, 10}
    assert grid_difference(after, image) is None
    stored = [nibabel.nifti1.load(path) for path in (volume, tmp_path / "whole.nii.gz")]
    assert stored[0].shape == stored[1].shape
    np.testing.assert_allclose(stored[0].affine, stored[1].affine, atol=1e-5)
    assert done.annotated == pytest.approx(known.mean())
    truth = read_label(tmp_path / "labelsTr.nii.gz").array == 1
    found = (after.array == 10) & ~known
    assert 2 * (found & truth).sum() / (found.sum() + (truth & ~known).sum()) > 0.6
    assert (model / "model.json").exists()


def test_the_network_may_answer_everywhere(pair: tuple[Path, Path], tmp_path: Path) -> None:
    volume, sparse = pair
    paths = [tmp_path / "kept.nii.gz", tmp_path / "own.nii.gz"]
    for path, everywhere in zip(paths, (False, True), strict=True):
        done = fill(volume, sparse, path, ignore="90", everywhere=everywhere, iterations=2, **TINY)
    label, kept, own = (read_label(path).array for path in (sparse, *paths))
    known = label != 90
    np.testing.assert_array_equal(kept[~known], own[~known])
    assert done.agreement == pytest.approx((own == label)[known].mean())


def test_what_cannot_be_filled_is_said_before_training(pair: tuple[Path, Path], tmp_path: Path) -> None:
    volume, sparse = pair
    with pytest.raises(LabelError, match=r"code 7.*0, 10, 90"):
        fill(volume, sparse, tmp_path / "whole.nii.gz", ignore="7", iterations=1, **TINY)
    with pytest.raises(FileError, match=r"whole\.xyz"):
        fill(volume, sparse, tmp_path / "whole.xyz", ignore="90", iterations=1, **TINY)
