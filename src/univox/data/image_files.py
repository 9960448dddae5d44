"""Image files of a folder by the name of their case; nothing is opened."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from univox.data.findings import Finding
from univox.errors import FileError

_CHANNEL = re.compile(r"(?P<name>.+)_(?P<channel>\d{4})")


@dataclass(frozen=True)
class FolderFiles:
    """The image files of one folder.

    Args:
        by_stem: One file per name without suffix, in the order of the names.
        findings: Names that two files share.
    """

    by_stem: dict[str, Path]
    findings: tuple[Finding, ...]


def image_files(folder: Path) -> FolderFiles:
    """List the image files that lie directly in `folder`; a missing folder is an empty one.

    Hidden files are left out, among them the "._NAME" twins that a Mac adds to an archive; of a header and
    data pair the header counts.
    """
    from univox.image import image_stem, image_suffix

    if not folder.is_dir():
        return FolderFiles({}, ())
    files = sorted(path for path in folder.iterdir() if is_image_file(path))
    by_stem: dict[str, Path] = {}
    findings: list[Finding] = []
    for path in files:
        stem = image_stem(path)
        other = by_stem.setdefault(stem, path)
        if other == path:
            continue
        if {image_suffix(other).lower(), image_suffix(path).lower()} == {".hdr", ".img"}:
            continue
        findings.append(
            Finding(
                stem,
                "warning",
                "ambiguous-files",
                f"{other.name} and {path.name} have one name; the first is used.",
                "Remove or rename one of them.",
                str(path),
            )
        )
    return FolderFiles(dict(sorted(by_stem.items())), tuple(findings))


def is_image_file(path: Path) -> bool:
    """Say whether `path` has the suffix of an image and is no hidden file."""
    from univox.image import IMAGE_SUFFIXES

    return path.name.lower().endswith(tuple(IMAGE_SUFFIXES)) and not path.name.startswith(".") and path.is_file()


def stem_of(path: Path) -> str:
    """Give the name without the suffix of an image, or without the last one where it is of no known format."""
    from univox.image import image_stem

    try:
        return image_stem(path)
    except FileError:
        return path.stem


def split_channel(stem: str) -> tuple[str, int] | None:
    """Split the channel number off a stem.

    >>> split_channel("liver_012_0001"), split_channel("liver_012")
    (('liver_012', 1), None)
    """
    match = _CHANNEL.fullmatch(stem)
    return (match["name"], int(match["channel"])) if match else None


def by_channel(by_stem: Mapping[str, Path]) -> dict[str, dict[int, Path]]:
    """Group files "NAME_0000", "NAME_0001" by name, then channel; a stem without number is channel 0."""
    groups: dict[str, dict[int, Path]] = {}
    for stem, path in by_stem.items():
        name, channel = split_channel(stem) or (stem, 0)
        groups.setdefault(name, {})[channel] = path
    return {name: dict(sorted(groups[name].items())) for name in sorted(groups)}


def all_have_channel(stems: Iterable[str]) -> bool:
    """Say whether there are stems and every one ends in a channel number."""
    known = list(stems)
    return bool(known) and all(split_channel(stem) for stem in known)
