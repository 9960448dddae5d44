"""The layout of the Medical Segmentation Decathlon, with or without its dataset.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from univox.data.case import Case
from univox.data.classes import Classes
from univox.data.description import as_list, declared_channels, declared_labels, read_description
from univox.data.findings import Finding
from univox.data.image_files import FolderFiles, image_files, stem_of
from univox.data.inventory import (
    Inventory,
    label_folder,
    listed_path,
    missing_image,
    missing_label,
    paired,
    some,
)

DESCRIPTION = "dataset.json"
IMAGES, LABELS, TEST_IMAGES = "imagesTr", "labelsTr", "imagesTs"


@dataclass(frozen=True)
class _Listed:
    image: Path
    label: Path | None


def read_msd(root: Path, *, labels: str | None = None) -> Inventory:
    """Find cases in `imagesTr` and `labelsTr`, and in what dataset.json lists.

    Args:
        root: The folder that holds them.
        labels: Another folder of labels, relative to `root`. For "labelsTr_X" the classes are what
            dataset.json has under "labels_X".

    Raises:
        DatasetError: dataset.json cannot be read, or the folder of labels is not there.
    """
    path = root / DESCRIPTION
    description = read_description(path)
    folder = label_folder(root, labels, LABELS)
    files, label_files = image_files(root / IMAGES), image_files(folder)
    listed = _listed(root, description or {})
    findings = [*files.findings, *label_files.findings]
    images, found_labels = _merged(listed, files, label_files, other_labels=labels is not None)
    for name, entry in listed.items():
        if name not in images and name not in found_labels:
            findings.append(missing_image(name, path, entry.image))
        if name in images and name not in found_labels and entry.label is not None:
            findings.append(missing_label(name, path, entry.label))
    unlisted = [name for name in images if name not in listed]
    if listed and unlisted:
        findings.append(_unlisted(unlisted, path))
    cases, orphans = paired(images, found_labels)
    return Inventory(
        name=str((description or {}).get("name") or root.name),
        root=root,
        layout="msd",
        cases=cases,
        orphan_labels=orphans,
        test_cases=_test_cases(root, description or {}, images),
        channel_names=declared_channels(description, path) if description else None,
        classes=_classes(description or {}, path, folder.name),
        findings=tuple(findings),
    )


def _listed(root: Path, description: Mapping[str, Any]) -> dict[str, _Listed]:
    listed: dict[str, _Listed] = {}
    for entry in as_list(description.get("training")):
        image = entry.get("image") if isinstance(entry, dict) else entry
        label = entry.get("label") if isinstance(entry, dict) else None
        if isinstance(image, str):
            path = listed_path(root, image)
            listed[stem_of(path)] = _Listed(path, listed_path(root, label) if isinstance(label, str) else None)
    return listed


def _merged(
    listed: Mapping[str, _Listed], files: FolderFiles, label_files: FolderFiles, *, other_labels: bool
) -> tuple[dict[str, tuple[Path, ...]], dict[str, Path]]:
    images = {name: (path,) for name, path in files.by_stem.items()}
    labels = dict(label_files.by_stem)
    for name, entry in listed.items():
        if entry.image.is_file():
            images[name] = (entry.image,)
        if not other_labels and entry.label is not None and entry.label.is_file():
            # A label may bear another name than its image: the listing knows, the folder does not.
            stem = stem_of(entry.label)
            if stem not in listed:
                labels.pop(stem, None)
            labels[name] = entry.label
    return images, labels


def _test_cases(
    root: Path, description: Mapping[str, Any], training: Mapping[str, tuple[Path, ...]]
) -> tuple[Case, ...]:
    images = dict(image_files(root / TEST_IMAGES).by_stem)
    for entry in as_list(description.get("test")):
        text = entry.get("image") if isinstance(entry, dict) else entry
        if isinstance(text, str) and listed_path(root, text).is_file():
            images.setdefault(stem_of(listed_path(root, text)), listed_path(root, text))
    return tuple(Case(name, (path,), None) for name, path in sorted(images.items()) if name not in training)


def _classes(description: Mapping[str, Any], path: Path, folder: str) -> Classes | None:
    key = "labels" + folder.removeprefix(LABELS) if folder.startswith(LABELS) else ""
    declared = declared_labels(description.get(key), path)
    return None if declared is None else declared.classes


def _unlisted(names: list[str], path: Path) -> Finding:
    return Finding(
        "",
        "note",
        "unlisted",
        f"{len(names)} images in {IMAGES} are not listed in {path.name}: {some(sorted(names))}.",
        "None needed: they are used like the others. Move them away to leave them out.",
        str(path),
    )
