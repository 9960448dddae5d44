"""The slices of volumes as pictures, so that a 2-D network can be trained on them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from univox.atomic import folder_written_atomically, write_text
from univox.data.case import Case
from univox.data.dataset import Dataset, read_case_codes, read_case_image, read_case_label
from univox.data.derived import require_one_grid, written_codes
from univox.errors import DatasetError
from univox.image import Image, write_image, write_label

TABLE = "cases.csv"
# Not the names of a folder pair: the table says whose slice each is, the folders alone would not.
IMAGES, LABELS = "slices", "slice_labels"


@dataclass(frozen=True)
class Sliced:
    """What became of one volume.

    Args:
        name: Its name.
        slices: That were written.
        blank: That were not: one value everywhere teaches nothing, and `univox check` calls it an error.
    """

    name: str
    slices: int
    blank: int


def write_slices(
    dataset: Dataset,
    output: Path,
    *,
    axes: Sequence[int] = (0,),
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[Sliced, ...]:
    """Write every slice of every labelled volume as a case of its own, whose subject is that of the volume.

    Slices that have one value everywhere, in any channel, are left out. The others are TIFF files with the intensities
    as they are; a table names files, cases and subjects, so that no split parts the slices of one volume. Labels keep
    the codes of the dataset's classes, or its numbers of objects.

    Args:
        dataset: Of volumes, TIFF stacks among them. It is only read.
        output: The new dataset's folder, which appears whole or not at all.
        axes: Slices lie across each of these axes of the canonical array, 0 to 2.
        on_progress: Called with the volumes done and all.

    Returns:
        What became of each volume.

    Raises:
        DatasetError: Pictures, no labelled case, an axis that there is not or that comes twice, voxels that nobody
            labelled, or nothing but blank slices.
        FileError: The output is there already, or a file cannot be read or written.
        GeometryError: A label is not on the grid of its image.
        LabelError: A label holds a code that the dataset does not declare.
    """
    _check(dataset, axes)
    rows: list[dict[str, str]] = []
    done: list[Sliced] = []
    with folder_written_atomically(output) as folder:
        for name in (IMAGES, LABELS):
            (folder / name).mkdir()
        for case in dataset.labelled:
            found, blank = _slices_of(dataset, case, folder, axes)
            rows += found
            done.append(Sliced(case.name, len(found), blank))
            if on_progress is not None:
                on_progress(len(done), len(dataset.labelled))
        if not rows:
            raise DatasetError(
                expected="slices with something on them",
                got="one value everywhere in each",
                remedy="look at the volumes by `univox check`",
                path=dataset.root,
            )
        text = io.StringIO()
        table = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
        write_text(folder / TABLE, text.getvalue())
    return tuple(done)


def _slices_of(dataset: Dataset, case: Case, folder: Path, axes: Sequence[int]) -> tuple[list[dict[str, str]], int]:
    """Write a volume's slices; give a row of the table for each, and the number of blank ones."""
    image, label = read_case_image(dataset, case), read_case_label(dataset, case)
    require_one_grid(image, label, f"the label of {case.name}", case.label)
    if dataset.classes.instances:
        codes = read_case_codes(case).array
    else:
        codes = written_codes(dataset.classes)[label.array]
    rows: list[dict[str, str]] = []
    blank = 0
    for axis in axes:
        spacing_mm = tuple(edge for other, edge in enumerate(image.spacing_mm) if other != axis)
        for index in range(image.spatial_shape[axis]):
            planes = np.take(image.array, index, axis=axis + 1)
            if any(np.ptp(plane) == 0 for plane in planes):
                blank += 1
                continue
            name = f"{case.name}_axis{axis}_{index:04d}"
            row = {"case": name, "subject": case.subject}
            for number, channel in enumerate(dataset.channel_names):
                row[channel] = f"{IMAGES}/{name}_{number:04d}.tif"
                write_image(folder / row[channel], Image.from_array(planes[number : number + 1], spacing_mm=spacing_mm))
            row["label"] = f"{LABELS}/{name}.tif"
            marked = np.take(codes, index, axis=axis)
            like = Image.from_array(np.zeros((1, *marked.shape)), spacing_mm=spacing_mm)
            write_label(folder / row["label"], marked, like=like)
            rows.append(row)
    return rows, blank


def _check(dataset: Dataset, axes: Sequence[int]) -> None:
    expected, got, remedy = "", "", ""
    if dataset.spatial_dims != 3:
        expected, got, remedy = "a dataset of volumes", f"{dataset.spatial_dims}-D images", "train on them as they are"
    elif not dataset.labelled:
        expected, got, remedy = "cases with labels", "none", "`univox check` says what the folder holds"
    elif not axes or len(set(axes)) < len(axes) or not set(axes) <= {0, 1, 2}:
        expected, got, remedy = "axes among 0, 1 and 2, each once", f"{list(axes)}", "--axes 0, or --axes 0,1,2"
    elif dataset.classes.ignored:
        expected, got = "labels in which every voxel is labelled", "some that nobody labelled"
        remedy = "train on the volumes"
    if expected:
        raise DatasetError(expected=expected, got=got, remedy=remedy, path=dataset.root)
