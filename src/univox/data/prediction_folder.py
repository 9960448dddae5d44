"""What a folder of predictions holds beside the labels, and where."""

from __future__ import annotations

from pathlib import Path

PROBABILITIES = "probabilities"
"""Folder inside the output folder, apart from the labels so that these can be evaluated as they lie."""

UNCERTAINTY = "uncertainty"
"""Folder of the maps of entropy, apart from the labels like the probabilities."""

BESIDE_THE_LABELS = (PROBABILITIES, UNCERTAINTY)
"""Folders of images that are no predicted labels."""


def probabilities_file(folder: Path, name: str, spatial_dims: int) -> Path:
    """Give the place of a case's probabilities.

    >>> probabilities_file(Path("out"), "scan", 3).as_posix()
    'out/probabilities/scan.nii.gz'
    >>> probabilities_file(Path("out"), "cell", 2).as_posix()
    'out/probabilities/cell.npy'
    """
    return folder / PROBABILITIES / f"{name}{'.npy' if spatial_dims == 2 else '.nii.gz'}"
