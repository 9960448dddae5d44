"""The raw layout of nnU-Net: `DatasetNNN_Name`, one file per channel, dataset.json of v1 or v2."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from univox.data.case import Case
from univox.data.description import declared_channels, declared_labels, read_description
from univox.data.findings import Finding
from univox.data.image_files import all_have_channel, by_channel, image_files
from univox.data.inventory import Inventory, label_folder, listed_path, missing_image, missing_label, paired
from univox.data.msd import DESCRIPTION, IMAGES, LABELS, TEST_IMAGES

_FOLDER = re.compile(r"(Dataset|Task)\d{3}_.+")


def is_nnunet(root: Path, description: Mapping[str, Any] | None) -> bool:
    """Say whether a folder with `imagesTr` is nnU-Net's rather than the Decathlon's."""
    if description is not None and ("channel_names" in description or "file_ending" in description):
        return True
    images = image_files(root / IMAGES).by_stem
    if not all_have_channel(images):
        return False
    # Names such as "frame_0001" have a number and yet no channel: then the labels bear it as well.
    labels = image_files(root / LABELS).by_stem
    return bool(_FOLDER.fullmatch(root.name)) or not any(stem in labels for stem in images)


def read_nnunet(root: Path, *, labels: str | None = None) -> Inventory:
    """Find cases in `imagesTr/CASE_0000.*` and `labelsTr/CASE.*`.

    Args:
        root: The folder `DatasetNNN_Name`, whatever its name.
        labels: Another folder of labels, relative to `root`.

    Raises:
        DatasetError: dataset.json cannot be read or declares regions, or the labels are not there.
    """
    path = root / DESCRIPTION
    description = read_description(path)
    files, label_files = image_files(root / IMAGES), image_files(label_folder(root, labels, LABELS))
    findings = [*files.findings, *label_files.findings]
    groups = by_channel(files.by_stem)
    channel_names = declared_channels(description, path) if description else None
    wanted = len(channel_names) if channel_names else 1 + max((max(g) for g in groups.values()), default=0)
    findings += [
        _missing_channel(name, channel, group)
        for name, group in groups.items()
        for channel in range(wanted)
        if channel not in group
    ]
    images = {name: tuple(group.values()) for name, group in groups.items()}
    found_labels = dict(label_files.by_stem)
    if description:
        findings += _add_listed(root, path, description, images, found_labels)
    declared = declared_labels(description.get("labels"), path) if description and labels is None else None
    cases, orphans = paired(images, found_labels)
    return Inventory(
        name=root.name,
        root=root,
        layout="nnunet",
        cases=cases,
        orphan_labels=orphans,
        test_cases=_test_cases(root, images),
        channel_names=channel_names,
        classes=None if declared is None else declared.classes,
        findings=tuple(findings),
    )


def _add_listed(
    root: Path,
    path: Path,
    description: Mapping[str, Any],
    images: dict[str, tuple[Path, ...]],
    labels: dict[str, Path],
) -> list[Finding]:
    # v2 may list the files of each case in "dataset" instead of keeping them in the folders.
    findings: list[Finding] = []
    listing = description.get("dataset")
    for name, entry in listing.items() if isinstance(listing, dict) else ():
        listed = tuple(listed_path(root, text) for text in entry.get("images", ()))
        absent = [file for file in listed if not file.is_file()]
        label = listed_path(root, entry["label"]) if "label" in entry else None
        if absent:
            findings.append(missing_image(name, path, absent[0]))
        elif listed:
            images[name] = listed
        if label is not None and label.is_file():
            labels[name] = label
        elif label is not None:
            findings.append(missing_label(name, path, label))
    return findings


def _test_cases(root: Path, training: Mapping[str, tuple[Path, ...]]) -> tuple[Case, ...]:
    groups = by_channel(image_files(root / TEST_IMAGES).by_stem)
    return tuple(Case(n, tuple(group.values()), None) for n, group in groups.items() if n not in training)


def _missing_channel(name: str, channel: int, group: Mapping[int, Path]) -> Finding:
    first = next(iter(group.values()))
    return Finding(
        name,
        "error",
        "missing-channel",
        f"The file of channel {channel} is missing; there are {', '.join(p.name for p in group.values())}.",
        f"Add the file that ends in _{channel:04d}, or leave the case out.",
        str(first),
    )
