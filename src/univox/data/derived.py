"""A dataset made of another, in the layout of the Decathlon: the codes in its labels, and its description."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from univox.data.classes import NOT_ANNOTATED, Classes
from univox.data.dataset import Dataset
from univox.data.description import IGNORE, read_description
from univox.data.msd import DESCRIPTION, IMAGES, LABELS
from univox.errors import GeometryError
from univox.image import Image, Label, grid_difference

TOLD_ON = ("reference", "licence", "license", "release")
"""What of a dataset's own description goes into that of what is made of it."""


def written_codes(classes: Classes) -> NDArray[np.int64]:
    """Give the code of each class in new label files, and in the last place that of what nobody labelled.

    Codes are the dataset's where they come back in the same order, else 0, 1, ...; above them all is the one for
    voxels that nobody labelled, as nnU-Net wants it.

    Returns:
        (256,), looked up by class index; where there is no class, that of what nobody labelled.

    >>> written_codes(Classes.of({0: "background", 10: "GM"}))[[0, 1, NOT_ANNOTATED]]
    array([ 0, 10, 11])
    """
    codes = [0, *(each.codes[0] for each in classes.classes[1:])]
    if len(set(codes)) < len(codes) or codes != sorted(codes):
        codes = list(range(classes.num_classes))
    table = np.full(NOT_ANNOTATED + 1, codes[-1] + 1)
    table[: len(codes)] = codes
    return table


def require_one_grid(image: Image, label: Label, what: str, path: Path | None) -> None:
    """Refuse a label that is not on the grid of its image.

    Raises:
        GeometryError: They differ; names `what` and its file.
    """
    difference = grid_difference(image, label)
    if difference is not None:
        raise GeometryError(
            expected=f"{what} on the grid of its image",
            got=difference,
            remedy="mend it as `univox check` says",
            path=path,
        )


def description(
    dataset: Dataset,
    codes: NDArray[np.int64],
    names: Sequence[str],
    *,
    note: str,
    sparse: bool = False,
    **facts: Mapping[str, Any],
) -> dict[str, Any]:
    """Give the dataset.json of what is made of a dataset.

    Args:
        dataset: That it is made of.
        codes: As `written_codes` gives them.
        names: Of the new cases.
        note: What a reader must know of them.
        sparse: They have voxels that nobody labelled, even where the dataset has none.
        facts: How each came about, under a name of its own.
    """
    told = (read_description(dataset.root / DESCRIPTION) if dataset.root.is_dir() else None) or {}
    labels = {str(code): name for code, name in zip(codes.tolist(), dataset.classes.names, strict=False)}
    if sparse or dataset.classes.ignored:
        labels[str(codes[NOT_ANNOTATED])] = IGNORE
    return {
        "name": dataset.name,
        "description": str(told.get("description") or dataset.name),
        **{key: told[key] for key in TOLD_ON if isinstance(told.get(key), str)},
        "note": note,
        "tensorImageSize": "3D",
        "modality": {str(index): name for index, name in enumerate(dataset.channel_names)},
        "labels": labels,
        "numTraining": len(names),
        "numTest": 0,
        "training": [{"image": f"./{IMAGES}/{name}.nii.gz", "label": f"./{LABELS}/{name}.nii.gz"} for name in names],
        "test": [],
        **facts,
    }
