"""A dataset opened where it lies, its layout recognized."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, TypeAlias

from univox.data.case import Case
from univox.data.classes import Classes
from univox.data.dataset import Dataset
from univox.data.description import read_description
from univox.data.findings import Finding
from univox.data.folder_pair import find_pair, read_folder_pair
from univox.data.instance_borders import Borders
from univox.data.inventory import Inventory
from univox.data.iseg import is_iseg, read_iseg
from univox.data.label_codes import LabelsAre, measured_classes, measured_codes
from univox.data.msd import DESCRIPTION, IMAGES, read_msd
from univox.data.nnunet import is_nnunet, read_nnunet
from univox.data.selection import ignored_codes
from univox.data.table import is_table, read_table
from univox.errors import DatasetError, UnivoxError
from univox.types import PathLike

Layout: TypeAlias = Literal["auto", "msd", "nnunet", "iseg", "folders", "csv"]

LAYOUTS: dict[str, str] = {
    "msd": "imagesTr and labelsTr (Medical Segmentation Decathlon)",
    "nnunet": "imagesTr/NAME_0000.* and labelsTr (nnU-Net)",
    "iseg": "subject-N-T1, -T2, -label (iSeg-2017)",
    "folders": "images and labels",
    "csv": "a CSV file with the columns image and label",
}
"""Every layout by its name, in a few words."""

_SAMPLE = 25


def open_dataset(
    path: PathLike,
    *,
    layout: Layout = "auto",
    classes: str | None = None,
    labels: str | None = None,
    labels_are: LabelsAre = "auto",
    borders: Borders = "background",
    ignore: str | None = None,
) -> Dataset:
    """Open a dataset where it lies; nothing of it is renamed or moved.

    Classes that the dataset does not declare are measured from its label files, all of which are read then.

    Args:
        path: Its folder, its dataset.json, or a CSV file.
        layout: One of `LAYOUTS`, or "auto" to recognize it.
        classes: A selection such as "organ=1,2;tumor=3"; see `Classes.select`.
        labels: Where other labels are: a folder relative to `path`; for a CSV file the heading of a column.
        labels_are: Whether undeclared codes are classes or number objects; "auto" recognizes what is plain.
        borders: What becomes of the voxels where two numbered objects touch: `background`, which parts them; a
            `class` of its own; or `none`thing, so that they become one. Of no account where labels hold classes.
        ignore: Codes or names, separated by commas, of voxels that nobody labelled, beside what the dataset declares
            as "ignore"; see `Classes.ignoring`.

    Raises:
        DatasetError: There is no dataset, its layout or its labels are not plain, or a file that describes it
            cannot be read.
    """
    root = Path(path)
    if not root.exists():
        raise _not_recognized(root, "nothing there")
    if root.name == DESCRIPTION:
        root = root.parent
    known = recognize(root) if layout == "auto" else layout
    if known not in LAYOUTS:
        raise DatasetError(
            expected="a layout out of " + ", ".join(LAYOUTS), got=repr(known), remedy="choose one of these"
        )
    inventory = _read(root, known, labels)
    if not inventory.cases and not inventory.orphan_labels and not inventory.test_cases:
        raise _not_recognized(root, f"no image file in the layout {known}")
    return _measured(inventory, classes, labels_are, borders, ignore)


def recognize(root: Path) -> str:
    """Name the layout of a folder or file.

    Raises:
        DatasetError: It has none that is known.
    """
    if root.is_file():
        if root.suffix.lower() in (".csv", ".tsv"):
            return "csv"
        raise _not_recognized(root, "a single file")
    found = _recognized(root)
    if found is None:
        inner = sorted(p.name for p in root.iterdir() if p.is_dir() and p.name[0] != "." and _recognized(p))
        raise _not_recognized(root, "none of these", inner)
    return found


def _recognized(root: Path) -> str | None:
    description = read_description(root / DESCRIPTION)
    if (root / IMAGES).is_dir() or (description is not None and "training" in description):
        return "nnunet" if is_nnunet(root, description) else "msd"
    if description is not None and "dataset" in description and "channel_names" in description:
        return "nnunet"
    if find_pair(root) is not None:
        return "folders"
    if is_iseg(root):
        return "iseg"
    return "csv" if len(_tables(root)) == 1 else None


def _tables(root: Path) -> list[Path]:
    return [path for path in sorted(root.iterdir()) if is_table(path)]


def _read(root: Path, layout: str, labels: str | None) -> Inventory:
    if layout == "csv":
        tables = [root] if root.is_file() else _tables(root)
        if len(tables) != 1:
            raise _not_recognized(root, f"{len(tables)} tables with images")
        return read_table(tables[0], labels=labels)
    if not root.is_dir():
        raise _not_recognized(root, "a single file")
    readers: dict[str, Callable[..., Inventory]] = {
        "msd": read_msd,
        "nnunet": read_nnunet,
        "iseg": read_iseg,
        "folders": read_folder_pair,
    }
    return readers[layout](root, labels=labels)


def _measured(
    inventory: Inventory, selection: str | None, labels_are: LabelsAre, borders: Borders, ignore: str | None
) -> Dataset:
    """Add what the dataset does not declare: channels, dimensions, classes."""
    spatial_dims, num_channels = _measured_grid(inventory)
    classes = inventory.classes
    if classes is None or labels_are == "instances":
        classes = _measured_classes(inventory, spatial_dims, labels_are, borders, ignore)
    classes = classes if ignore is None else classes.ignoring(ignore)
    return Dataset(
        name=_safe(inventory.name),
        root=inventory.root,
        layout=inventory.layout,
        cases=inventory.cases,
        orphan_labels=inventory.orphan_labels,
        test_cases=inventory.test_cases,
        channel_names=inventory.channel_names or _channel_names(num_channels, inventory, spatial_dims),
        classes=classes.select(selection) if selection else classes,
        spatial_dims=spatial_dims,
        declared=inventory.classes is not None,
        findings=(*inventory.findings, *([_ignored(classes, inventory.root)] if classes.ignored else [])),
    )


def _measured_classes(
    inventory: Inventory, spatial_dims: int, labels_are: LabelsAre, borders: Borders, ignore: str | None
) -> Classes:
    """Make classes of the codes in the label files, save those that are no class's."""
    declared = () if inventory.classes is None else inventory.classes.ignored
    ignored = frozenset((*declared, *(() if ignore is None else ignored_codes(ignore, {}))))
    paths = [case.label for case in inventory.cases if case.label] + list(inventory.orphan_labels)
    codes = {path: found - ignored for path, found in measured_codes(paths).items()}
    classes = measured_classes(
        codes, spatial_dims=spatial_dims, labels_are=labels_are, root=inventory.root, borders=borders
    )
    return classes.ignoring(",".join(map(str, sorted(ignored)))) if ignored else classes


def _ignored(classes: Classes, root: Path) -> Finding:
    codes = ", ".join(map(str, classes.ignored))
    return Finding(
        "",
        "note",
        "ignore-label",
        f"Voxels with code {codes} count as labelled by nobody.",
        "None needed: nothing is learned from them, and nothing is judged by them.",
        str(root),
    )


def _measured_grid(inventory: Inventory) -> tuple[int, int]:
    """Give spatial dimensions and channels, as most of a sample of the cases have them."""
    from univox.image import read_geometry

    dims: Counter[int] = Counter()
    channels: Counter[int] = Counter()
    for case in _sample(inventory.cases or inventory.test_cases):
        try:
            geometry = read_geometry(case.images[0])
        except UnivoxError:
            continue
        dims[len(geometry.spatial_shape)] += 1
        channels[geometry.num_channels if len(case.images) == 1 else len(case.images)] += 1
    for path in inventory.orphan_labels[: 0 if dims else _SAMPLE]:
        try:
            dims[len(read_geometry(path).spatial_shape)] += 1
        except UnivoxError:
            continue
    # Nothing readable: check_dataset says so of each file, and needs some numbers to go on.
    return (dims.most_common(1) or [(3, 0)])[0][0], (channels.most_common(1) or [(1, 0)])[0][0]


def _sample(cases: Sequence[Case]) -> list[Case]:
    every = max(1, len(cases) // _SAMPLE)
    return list(cases[::every])


def _channel_names(num_channels: int, inventory: Inventory, spatial_dims: int) -> tuple[str, ...]:
    if num_channels == 1:
        return ("image",)
    pictures = all(len(case.images) == 1 for case in inventory.cases or inventory.test_cases)
    if num_channels == 3 and pictures and spatial_dims == 2:
        return "red", "green", "blue"
    return tuple(f"channel_{number}" for number in range(num_channels))


def _safe(name: str) -> str:
    """Give a name that can name a file."""
    return re.sub(r"[/\\\0]+", "_", name).strip(". ") or "dataset"


def _not_recognized(root: Path, got: str, inner: Sequence[str] = ()) -> DatasetError:
    remedy = "name the layout with --format, or list the files in a CSV file"
    if inner:
        remedy = "open one of the datasets in it: " + ", ".join(inner)
    return DatasetError(expected="a dataset as " + "; ".join(LAYOUTS.values()), got=got, remedy=remedy, path=root)
