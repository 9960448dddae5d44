"""A plain pair of folders: `images/` and `labels/`, files paired by name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from univox.data.image_files import by_channel, image_files, split_channel
from univox.data.inventory import Inventory, label_folder, paired
from univox.errors import DatasetError

IMAGE_FOLDERS = ("images", "image", "imgs", "img")
LABEL_FOLDERS = ("labels", "label", "masks", "mask", "annotations", "segmentations")

_LABEL_SUFFIX = re.compile(r"[_.-]?(labels?|masks?|seg|segmentation|gt|annotation)$", re.IGNORECASE)
_IMAGE_SUFFIX = re.compile(r"[_.-]?(images?|imgs?)$", re.IGNORECASE)


def find_pair(root: Path) -> tuple[str, str] | None:
    """Give the names of the two folders, None where there is no such pair."""
    folders = {path.name.lower(): path.name for path in root.iterdir() if path.is_dir()}
    images = next((folders[name] for name in IMAGE_FOLDERS if name in folders), None)
    labels = next((folders[name] for name in LABEL_FOLDERS if name in folders), None)
    return None if images is None or labels is None else (images, labels)


def read_folder_pair(root: Path, *, labels: str | None = None) -> Inventory:
    """Pair the files of the two folders by name.

    A label may bear its image's name with a suffix ("a.png" and "a_mask.png"), or the name without a channel
    number ("a_0000.png", "a_0001.png" and "a.png"). Names that match as they are come first.

    Args:
        root: The folder that holds both.
        labels: Another folder of labels, relative to `root`.

    Raises:
        DatasetError: A folder is not there.
    """
    pair = find_pair(root)
    image_folder = pair[0] if pair else _image_folder(root)
    files = image_files(root / image_folder)
    label_files = image_files(label_folder(root, labels, pair[1] if pair else LABEL_FOLDERS[0]))
    images, found_labels = _matched(files.by_stem, label_files.by_stem)
    cases, orphans = paired(images, found_labels)
    return Inventory(
        name=root.name,
        root=root,
        layout="folders",
        cases=cases,
        orphan_labels=orphans,
        findings=(*files.findings, *label_files.findings),
    )


def _image_folder(root: Path) -> str:
    for name in IMAGE_FOLDERS:
        if (root / name).is_dir():
            return name
    raise DatasetError(
        expected="a folder images and a folder labels",
        got=f"no folder {', '.join(IMAGE_FOLDERS)}",
        remedy="open the folder that holds both, or name another --format",
        path=root,
    )


def _matched(
    images: Mapping[str, Path], labels: Mapping[str, Path]
) -> tuple[dict[str, tuple[Path, ...]], dict[str, Path]]:
    """Give images and labels under common names."""
    if labels and not images.keys() & labels.keys():
        without = {_bare(stem, _LABEL_SUFFIX) for stem in labels} | set(labels)
        if any(split is not None and split[0] in without for split in map(split_channel, images)):
            groups = {name: tuple(group.values()) for name, group in by_channel(images).items()}
            return groups, _renamed(labels, groups, {})
    single = {stem: (path,) for stem, path in images.items()}
    bare_images = {_bare(stem, _IMAGE_SUFFIX): stem for stem in single}
    return single, _renamed(labels, single, bare_images)


def _renamed(
    labels: Mapping[str, Path], images: Mapping[str, object], bare_images: Mapping[str, str]
) -> dict[str, Path]:
    """Give each label the name of its image; exact names are never taken from their owners."""
    renamed = {stem: path for stem, path in labels.items() if stem in images}
    for stem, path in labels.items():
        if stem in images:
            continue
        bare = _bare(stem, _LABEL_SUFFIX)
        name = next((n for n in (bare, bare_images.get(bare), bare_images.get(stem)) if n in images), stem)
        renamed[stem if name is None or name in renamed else name] = path
    return renamed


def _bare(stem: str, suffix: re.Pattern[str]) -> str:
    return suffix.sub("", stem) or stem
