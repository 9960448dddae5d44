"""One image set with its label, as paths: nothing is read here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from univox.errors import DatasetError

_BIDS_SUBJECT = re.compile(r"sub-[A-Za-z0-9]+")


@dataclass(frozen=True)
class Case:
    """One image set, with a label where there is one.

    Args:
        name: Unique in its dataset; files made for this case are named after it, so it holds no slash.
        images: One file with all channels, or one file per channel in the dataset's order.
        label: The label file, or None.
        subject: Whom the case was taken of: a split never parts the cases of one subject. Left empty it
            is the `sub-...` that a BIDS-like name begins with, or else the name.

    Raises:
        DatasetError: The name cannot be a file's.

    >>> Case("sub-rat3_sample-9", (Path("a.png"),), None).subject
    'sub-rat3'
    >>> Case("hippocampus_001", (Path("a.nii.gz"),), None).subject
    'hippocampus_001'
    """

    name: str
    images: tuple[Path, ...]
    label: Path | None
    subject: str = ""

    def __post_init__(self) -> None:
        if self.name in ("", ".", "..") or any(character in self.name for character in "/\\\0"):
            raise DatasetError(
                expected="a case name that can name a file",
                got=repr(self.name),
                remedy="rename the case without slashes",
            )
        if not self.subject:
            match = _BIDS_SUBJECT.match(self.name)
            object.__setattr__(self, "subject", match.group() if match else self.name)
