"""A dataset whose labels keep a few slices: what sparse annotation would have left of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from univox.atomic import folder_written_atomically, write_json
from univox.data.case import Case
from univox.data.classes import NOT_ANNOTATED
from univox.data.dataset import Dataset, read_case_codes, read_case_image, read_case_label
from univox.data.derived import description, require_one_grid, written_codes
from univox.data.image_files import image_files
from univox.data.msd import DESCRIPTION, IMAGES, LABELS
from univox.errors import DatasetError, GeometryError
from univox.image import Label, grid_difference, read_label, write_image, write_label

AXES = (0, 1, 2)
NOTE = "Labels keep a part of those of the dataset that this was made of; all other voxels are labelled by nobody."


@dataclass(frozen=True)
class Kept:
    """How many slices across each axis keep their labels.

    Args:
        number: Of slices; none: by the share.
        share: Of the slices that hold foreground, in (0, 1].

    >>> Kept.parse("8"), Kept.parse("10%")
    (Kept(number=8, share=None), Kept(number=None, share=0.1))
    """

    number: int | None = None
    share: float | None = None

    @staticmethod
    def parse(text: str) -> Kept:
        """Read a number of slices, or a share in percent.

        Raises:
            DatasetError: Neither, or nothing would be kept.
        """
        plain = text.strip()
        try:
            kept = Kept(share=float(plain[:-1]) / 100) if plain.endswith("%") else Kept(number=int(plain))
        except ValueError:
            kept = Kept(number=0)
        if not (0 < (kept.share or 0) <= 1 or (kept.number or 0) > 0):
            raise DatasetError(
                expected="how many slices of each axis keep their labels, as in '8' or '10%'",
                got=repr(text),
                remedy="give a number of at least 1, or a share above 0% up to 100%",
            )
        return kept

    def of(self, slices: int) -> int:
        """Give the number of slices kept of so many: never none, never more than there are."""
        wanted = self.number if self.share is None else round(self.share * slices)
        return min(max(wanted or 0, 1), slices)


@dataclass(frozen=True)
class Sparse:
    """A case that was made sparse.

    Args:
        name: The case.
        slices: Positions that keep their labels, of each axis that has any.
        share: Of all voxels, that keep their labels.
    """

    name: str
    slices: dict[int, tuple[int, ...]]
    share: float


def sparsify(
    dataset: Dataset,
    output: Path,
    *,
    kept: Kept | Path,
    axes: Sequence[int] = AXES,
    cases: Sequence[str] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[Sparse, ...]:
    """Write a copy of a dataset whose labels keep a few slices, or what masks say, in the layout of the Decathlon.

    A slice keeps all its labels, background too; every other voxel gets the code above all classes, which dataset.json
    declares as "ignore". Labels keep the codes of the dataset's classes, the first code of each.

    Args:
        dataset: Of volumes. It is only read.
        output: The new dataset's folder, which appears whole or not at all.
        kept: How many slices across each axis; or a folder of masks, one named like each case on the grid of its label,
            which are not 0 where the case is annotated. What the label holds elsewhere is of no account then.
        axes: Of the canonical array (0: from the feet to the head, 1: from back to front, 2: from left to right).
        cases: Names of the labelled cases wanted; all if left out.
        on_progress: Called with the cases done and all.

    Returns:
        What became of each case.

    Raises:
        DatasetError: Pictures, no labelled case, an axis that there is not, a case without foreground or mask.
        FileError: The output is there already, or a file cannot be read or written.
        GeometryError: Image, label and mask of a case are not on one grid.
        LabelError: A label holds a code that the dataset does not declare.
    """
    chosen = [dataset.case(name) for name in cases] if cases is not None else list(dataset.labelled)
    _check(dataset, chosen, axes)
    codes = written_codes(dataset.classes)
    done: list[Sparse] = []
    with folder_written_atomically(output) as folder:
        for name in (IMAGES, LABELS):
            (folder / name).mkdir()
        for case in chosen:
            done.append(_sparsify_case(dataset, case, folder, codes, kept=kept, axes=axes))
            if on_progress is not None:
                on_progress(len(done), len(chosen))
        names = [each.name for each in done]
        facts: dict[str, Any] = {
            each.name: {"slices": {str(axis): list(found) for axis, found in each.slices.items()}, "share": each.share}
            for each in done
        }
        write_json(folder / DESCRIPTION, description(dataset, codes, names, note=NOTE, sparse=True, sparsified=facts))
    return tuple(done)


def sparse_label(label: NDArray[np.integer[Any]], slices: dict[int, tuple[int, ...]]) -> NDArray[np.integer[Any]]:
    """Give a label that holds `NOT_ANNOTATED` outside of slices.

    Args:
        label: Class indices, (*spatial).
        slices: Positions along each axis, those of slices that stay.

    >>> sparse_label(np.array([[1, 2], [3, 4]]), {0: (1,)}).tolist()
    [[255, 255], [3, 4]]
    """
    stays = np.zeros(label.shape, dtype=bool)
    for axis, positions in slices.items():
        np.moveaxis(stays, axis, 0)[list(positions)] = True
    return np.where(stays, label, np.asarray(NOT_ANNOTATED, label.dtype))


def spread_slices(label: NDArray[np.integer[Any]], kept: Kept, axes: Sequence[int]) -> dict[int, tuple[int, ...]]:
    """Choose slices evenly among those that hold foreground: of m such, the middles of n equal parts of their row.

    Args:
        label: Class indices, (*spatial), with foreground.
        kept: How many across each axis.
        axes: Across which.

    >>> spread_slices(np.array([0, 1, 1, 1, 1, 1, 1, 0]), Kept(number=2), (0,))
    {0: (2, 5)}
    """
    marked = (label > 0) & (label != NOT_ANNOTATED)
    slices: dict[int, tuple[int, ...]] = {}
    for axis in axes:
        others = tuple(other for other in range(label.ndim) if other != axis)
        rows = np.flatnonzero(marked.any(axis=others))
        number = kept.of(len(rows))
        middles = (2 * np.arange(number) + 1) * len(rows) // (2 * number)
        slices[axis] = tuple(int(row) for row in rows[middles])
    return slices


def _check(dataset: Dataset, cases: Sequence[Case], axes: Sequence[int]) -> None:
    expected, got, remedy = "", "", ""
    if dataset.spatial_dims != 3:
        expected, got, remedy = "a dataset of volumes", f"{dataset.spatial_dims}-D images", "leave out whole pictures"
    elif not cases:
        expected, got, remedy = "cases with labels", "none", "`univox check` says what the folder holds"
    elif not axes or not set(axes) <= set(AXES):
        expected, got, remedy = "axes of 0, 1 and 2", ", ".join(map(str, axes)) or "none", "name one or more of them"
    if expected:
        raise DatasetError(expected=expected, got=got, remedy=remedy, path=dataset.root)


def _sparsify_case(
    dataset: Dataset, case: Case, folder: Path, codes: NDArray[np.int64], *, kept: Kept | Path, axes: Sequence[int]
) -> Sparse:
    image = read_case_image(dataset, case)
    slices: dict[int, tuple[int, ...]] = {}
    if isinstance(kept, Kept):
        label = read_case_label(dataset, case)
        slices = spread_slices(_with_foreground(label.array, case), kept, axes)
        sparse = sparse_label(label.array, slices)
    else:
        label = read_case_codes(case)
        sparse = _masked(dataset, case, label, read_label(_mask_file(kept, case)))
    require_one_grid(image, label, f"the label of {case.name}", case.label)
    write_image(folder / IMAGES / f"{case.name}.nii.gz", image)
    write_label(folder / LABELS / f"{case.name}.nii.gz", codes[sparse], like=image)
    return Sparse(case.name, slices, round(float((sparse != NOT_ANNOTATED).mean()), 6))


def _with_foreground(label: NDArray[np.integer[Any]], case: Case) -> NDArray[np.integer[Any]]:
    if not ((label > 0) & (label != NOT_ANNOTATED)).any():
        raise DatasetError(
            expected=f"foreground in {case.name}, by which slices are chosen",
            got="none",
            remedy="leave the case out of the dataset",
            path=case.label,
        )
    return label


def _mask_file(folder: Path, case: Case) -> Path:
    path = image_files(folder).by_stem.get(case.name)
    if path is None:
        raise DatasetError(
            expected=f"a mask named {case.name}",
            got="none",
            remedy="add it, not 0 where the case is annotated",
            path=folder,
        )
    return path


def _masked(dataset: Dataset, case: Case, label: Label, mask: Label) -> NDArray[np.uint8]:
    difference = grid_difference(label, mask)
    if difference is not None:
        raise GeometryError(
            expected=f"the mask of {case.name} on the grid of its label",
            got=difference,
            remedy="export both on one grid",
            path=case.label,
        )
    annotated = mask.array != 0
    # Under the mask anything may stand, codes of no class too.
    known = np.where(annotated, label.array, dataset.classes.codes[0])
    return np.where(annotated, dataset.classes.to_index(known), np.uint8(NOT_ANNOTATED))
