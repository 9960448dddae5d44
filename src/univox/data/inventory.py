"""What a layout finds in a folder, before classes and channels that it does not declare are measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from univox.data.case import Case
from univox.data.classes import Classes
from univox.data.findings import Finding
from univox.errors import DatasetError


@dataclass(frozen=True)
class Inventory:
    """Files by case, and what the dataset says of itself.

    Args:
        name, root, layout, cases, orphan_labels, test_cases, findings: As in `Dataset`.
        channel_names: None where the dataset does not name them.
        classes: None where the dataset does not name them.
    """

    name: str
    root: Path
    layout: str
    cases: tuple[Case, ...]
    orphan_labels: tuple[Path, ...] = ()
    test_cases: tuple[Case, ...] = ()
    channel_names: tuple[str, ...] | None = None
    classes: Classes | None = None
    findings: tuple[Finding, ...] = ()


def paired(
    images: Mapping[str, tuple[Path, ...]], labels: Mapping[str, Path]
) -> tuple[tuple[Case, ...], tuple[Path, ...]]:
    """Pair images and labels by name.

    Returns:
        A case per image, by name, and the labels without an image.
    """
    cases = tuple(Case(name, images[name], labels.get(name)) for name in sorted(images))
    return cases, tuple(labels[name] for name in sorted(labels) if name not in images)


def label_folder(root: Path, wanted: str | None, usual: str) -> Path:
    """Give the folder of the labels.

    Args:
        root: The dataset.
        wanted: The folder that the user asked for, relative to `root`.
        usual: The one that the layout has by itself.

    Raises:
        DatasetError: The folder that was asked for is not there.
    """
    folder = root / (wanted or usual)
    if wanted is not None and not folder.is_dir():
        there = ", ".join(sorted(path.name for path in root.iterdir() if path.is_dir() and path.name[0] != "."))
        raise DatasetError(
            expected=f"a folder {wanted} with labels",
            got=f"the folders {there or '(none)'}",
            remedy="choose one of these with --labels",
            path=root,
        )
    return folder


def listed_path(root: Path, text: str) -> Path:
    """Give the file that a listing names, relative to `root`, whichever slashes it uses."""
    return root / text.replace("\\", "/").removeprefix("./")


def missing_image(name: str, listed_in: Path, missing: Path) -> Finding:
    """Report an image that a listing names and that is not there."""
    return Finding(
        name,
        "error",
        "missing-image",
        f"{listed_in.name} lists the image {missing.name}, which does not exist.",
        f"Add the image, or take its line out of {listed_in.name}.",
        str(missing),
    )


def missing_label(name: str, listed_in: Path, missing: Path) -> Finding:
    """Report a label that a listing names and that is not there."""
    return Finding(
        name,
        "error",
        "missing-label",
        f"{listed_in.name} lists the label {missing.name}, which does not exist.",
        f"Add the label, or take its line out of {listed_in.name}.",
        str(missing),
    )


def some(names: Sequence[str], most: int = 5) -> str:
    """Name a few of many.

    >>> some(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most} more"
