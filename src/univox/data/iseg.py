"""The layout of the iSeg-2017 challenge: `subject-N-T1`, `subject-N-T2`, `subject-N-label` side by side."""

from __future__ import annotations

import re
from pathlib import Path

from univox.data.case import Case
from univox.data.classes import Classes
from univox.data.findings import Finding
from univox.data.image_files import image_files
from univox.data.inventory import Inventory
from univox.errors import DatasetError

CODES = {0: "background", 10: "CSF", 150: "GM", 250: "WM"}
"""Codes of the challenge's labels: cerebrospinal fluid, gray and white matter."""

_FILE = re.compile(r"(?P<subject>subject-\d+)-(?P<part>[A-Za-z0-9_]+)", re.IGNORECASE)


def is_iseg(root: Path) -> bool:
    """Say whether a folder, or a folder in it, holds files named as in iSeg-2017."""
    return any(_FILE.fullmatch(stem) for folder in _folders(root) for stem in image_files(folder).by_stem)


def read_iseg(root: Path, *, labels: str | None = None) -> Inventory:
    """Find subjects in `root` and in the folders directly in it.

    Folders with "test" in their name hold the subjects whose labels were never published.

    Args:
        root: The folder of the challenge, or of its training part.
        labels: The last part of the label files' names, "label" if None.

    Raises:
        DatasetError: No file is named as in iSeg-2017.
    """
    word = (labels or "label").casefold()
    found: dict[str, dict[str, Path]] = {}
    tests: dict[str, dict[str, Path]] = {}
    findings: list[Finding] = []
    for folder in _folders(root):
        files = image_files(folder)
        findings += files.findings
        parts_of = tests if folder != root and "test" in folder.name.casefold() else found
        for stem, path in files.by_stem.items():
            match = _FILE.fullmatch(stem)
            if match:
                parts_of.setdefault(match["subject"], {})[match["part"]] = path
    if not found and not tests:
        raise DatasetError(
            expected="files such as subject-1-T1.hdr",
            got="none",
            remedy="open the folder that holds them, or name another --format",
            path=root,
        )
    channels = sorted({p for parts in (*found.values(), *tests.values()) for p in parts if p.casefold() != word})
    findings += [
        _missing_channel(name, channel, parts)
        for name, parts in found.items()
        for channel in channels
        if channel not in parts and any(c in parts for c in channels)
    ]
    cases = [_case(name, parts, channels, word) for name, parts in sorted(found.items(), key=_number)]
    return Inventory(
        name=root.name,
        root=root,
        layout="iseg",
        cases=tuple(case for case in cases if case.images),
        orphan_labels=tuple(case.label for case in cases if not case.images and case.label),
        test_cases=tuple(_case(name, parts, channels, word) for name, parts in sorted(tests.items(), key=_number)),
        channel_names=tuple(channels),
        classes=Classes.of(CODES),
        findings=tuple(findings),
    )


def _folders(root: Path) -> list[Path]:
    inner = [path for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")]
    return [root, *sorted(inner)]


def _case(name: str, parts: dict[str, Path], channels: list[str], word: str) -> Case:
    label = next((path for part, path in parts.items() if part.casefold() == word), None)
    return Case(name, tuple(parts[channel] for channel in channels if channel in parts), label)


def _number(entry: tuple[str, dict[str, Path]]) -> tuple[int, str]:
    return int(entry[0].split("-")[1]), entry[0]


def _missing_channel(name: str, channel: str, parts: dict[str, Path]) -> Finding:
    return Finding(
        name,
        "error",
        "missing-channel",
        f"The {channel} file is missing; there are {', '.join(sorted(p.name for p in parts.values()))}.",
        f"Add {name}-{channel}, or leave the subject out.",
        str(next(iter(parts.values()))),
    )
