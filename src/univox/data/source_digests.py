"""The sha256 of the files that an image or a label is stored in."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from pathlib import Path

from univox.errors import FileError

HEADER_BYTES = 65_536
"""In which a header names the file that holds its voxels."""
_DATA_FILE = re.compile(rb"(?mi)^(?:ElementDataFile|data ?file)\s*[=:]\s*(\S.*?)\s*$")


def source_digests(path: Path) -> list[str]:
    """Give "SUFFIX:SHA256" of a file, and of the file beside it that holds its header or its voxels.

    Args:
        path: Of the image or the label.

    Returns:
        One entry in most formats, two of an Analyze pair or a detached header.

    Raises:
        FileError: A file cannot be read.
    """
    return [f"{source.suffix.lower()}:{_digest(source)}" for source in (path, *_detached(path))]


def _detached(path: Path) -> list[Path]:
    # A header in a file of its own says nothing of a change in the voxels beside it.
    suffix = path.suffix.lower()
    partners: list[Path] = []
    if suffix in (".hdr", ".img"):
        others = {".hdr", ".img", ".HDR", ".IMG"} - {path.suffix}
        partners = [path.with_suffix(other) for other in sorted(others)]
    elif suffix in (".mhd", ".mha", ".nrrd"):
        with contextlib.suppress(OSError), path.open("rb") as stream:
            named = _DATA_FILE.search(stream.read(HEADER_BYTES))
            partners = [path.parent / os.fsdecode(named.group(1))] if named else []
    return [partner for partner in partners if partner.is_file()]


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise FileError(
            expected="a readable file",
            got=error.strerror or str(error),
            remedy="check the path and its permissions",
            path=path,
        ) from error
