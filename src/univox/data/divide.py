"""Each case of a dataset as two, so that a dataset of one subject can keep something out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from univox.atomic import folder_written_atomically, write_json
from univox.data.case import Case
from univox.data.classes import NOT_ANNOTATED
from univox.data.dataset import Dataset, read_case_image, read_case_label
from univox.data.derived import description, require_one_grid, written_codes
from univox.data.msd import DESCRIPTION, IMAGES, LABELS
from univox.errors import DatasetError
from univox.image import Image, image_part, write_image, write_label

KEPT_OUT = "_kept_out"
"""What the name of a case's second part ends in."""
NOTE = (
    f"NAME and NAME{KEPT_OUT} are two parts of one volume of one subject. A score on NAME{KEPT_OUT} says how well a "
    "network does on more of a volume that it was trained on; it is no measure of new subjects."
)


@dataclass(frozen=True)
class Divided:
    """A case that became two.

    Args:
        name: The first part's, which is the old case's.
        axis: Of the canonical array, along which it was cut.
        cut: The first position that is kept out.
        size: Positions in all.
        only_in_first, only_kept_out: Classes, without the background, that only one part holds.
    """

    name: str
    axis: int
    cut: int
    size: int
    only_in_first: tuple[str, ...]
    only_kept_out: tuple[str, ...]

    @property
    def kept_out(self) -> str:
        """The second part's name."""
        return self.name + KEPT_OUT


def divide(
    dataset: Dataset,
    output: Path,
    *,
    share: float = 0.25,
    axis: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[Divided, ...]:
    """Write every labelled case as two, in the layout of the Decathlon; every voxel stays where it was in the world.

    NAME is the first part of the volume, NAME_kept_out the last. Labels keep the codes of the dataset's classes, the
    first code of each; codes that number objects become 0 and 1. What nobody labelled stays so.

    Args:
        dataset: Of volumes. It is only read.
        output: The new dataset's folder, which appears whole or not at all.
        share: Of the positions along the axis, that go to NAME_kept_out; in (0, 1).
        axis: Of the canonical array (0: from the feet to the head, 1: from back to front, 2: from left to right);
            None: the longest in mm of each case, the first of equals.
        on_progress: Called with the cases done and all.

    Returns:
        What became of each case.

    Raises:
        DatasetError: Pictures, no labelled case, a share or an axis that there is not, a case too thin to be cut, or
            a name that two cases would have.
        FileError: The output is there already, or a file cannot be read or written.
        GeometryError: A label is not on the grid of its image.
        LabelError: A label holds a code that the dataset does not declare.
    """
    _check(dataset, share, axis)
    codes = written_codes(dataset.classes)
    divided: list[Divided] = []
    with folder_written_atomically(output) as folder:
        for name in (IMAGES, LABELS):
            (folder / name).mkdir()
        for case in dataset.labelled:
            divided.append(_divide_case(dataset, case, folder, codes, share=share, axis=axis))
            if on_progress is not None:
                on_progress(len(divided), len(dataset.labelled))
        names = [name for each in divided for name in (each.name, each.kept_out)]
        facts = {each.name: {"axis": each.axis, "cut": each.cut, "size": each.size} for each in divided}
        write_json(folder / DESCRIPTION, description(dataset, codes, names, note=NOTE, divided=facts))
    return tuple(divided)


def _check(dataset: Dataset, share: float, axis: int | None) -> None:
    names = [case.name for case in dataset.labelled]
    twice = sorted({name + KEPT_OUT for name in names} & set(names))
    expected, got, remedy = "", "", ""
    if dataset.spatial_dims != 3:
        expected, got = "a dataset of volumes", f"{dataset.spatial_dims}-D images"
        remedy = "crop pictures with a picture tool, and list both parts in a CSV"
    elif not names:
        expected, got, remedy = "cases with labels", "none", "`univox check` says what the folder holds"
    elif twice:
        expected, got, remedy = "no case of that name yet", twice[0], "divide the dataset that this one was made of"
    elif not 0 < share < 1:
        expected, got, remedy = "a share between 0 and 1", f"{share:g}", "0.25 keeps a quarter of each volume out"
    elif axis not in (None, 0, 1, 2):
        expected, got, remedy = "the axis 0, 1 or 2", f"{axis}", "leave it out for the longest in mm"
    if expected:
        raise DatasetError(expected=expected, got=got, remedy=remedy, path=dataset.root)


def _divide_case(
    dataset: Dataset, case: Case, folder: Path, codes: NDArray, *, share: float, axis: int | None
) -> Divided:
    image, label = read_case_image(dataset, case), read_case_label(dataset, case)
    require_one_grid(image, label, f"the label of {case.name}", case.label)
    axis = _longest(image) if axis is None else axis
    size = image.spatial_shape[axis]
    if size < 2:
        raise DatasetError(
            expected=f"at least two positions along axis {axis} of {case.name}",
            got=f"{size}",
            remedy="choose another --axis",
            path=case.images[0],
        )
    cut = size - min(max(round(share * size), 1), size - 1)
    present: list[set[int]] = []
    for name, (start, stop) in {case.name: (0, cut), case.name + KEPT_OUT: (cut, size)}.items():
        part = image_part(image, axis, start, stop)
        indices = label.array.take(range(start, stop), axis)
        write_image(folder / IMAGES / f"{name}.nii.gz", part)
        write_label(folder / LABELS / f"{name}.nii.gz", codes[indices], like=part)
        present.append(set(np.unique(indices).tolist()) - {0, NOT_ANNOTATED})
    first, last = present
    return Divided(case.name, axis, cut, size, _names(dataset, first - last), _names(dataset, last - first))


def _names(dataset: Dataset, indices: set[int]) -> tuple[str, ...]:
    return tuple(dataset.classes.names[index] for index in sorted(indices))


def _longest(image: Image) -> int:
    lengths = [size * edge for size, edge in zip(image.spatial_shape, image.spacing_mm, strict=True)]
    return lengths.index(max(lengths))
