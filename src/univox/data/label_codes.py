"""The codes of label files, and whether they stand for classes or number objects."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from univox.data.classes import MAX_CLASSES, Classes
from univox.data.instance_borders import Borders
from univox.errors import DatasetError, UnivoxError

LabelsAre: TypeAlias = Literal["auto", "classes", "instances"]

MANY = 32
"""More codes than this in one file number objects, unless the files agree on them."""
FEW = 8
"""Up to this many codes are classes without further thought."""

_MAX_COUNTED = 1 << 24


def count_codes(array: NDArray[np.integer[Any]]) -> dict[int, int]:
    """Count the voxels of each code.

    >>> count_codes(np.array([[0, 2], [2, 2]]))
    {0: 1, 2: 3}
    """
    if array.size == 0:
        return {}
    low, high = int(array.min()), int(array.max())
    if high - low < _MAX_COUNTED:
        counts = np.bincount((array.ravel() - low) if low else array.ravel())
        return {low + int(code): int(counts[code]) for code in np.flatnonzero(counts)}
    codes, counts = np.unique(array, return_counts=True)
    return {int(code): int(count) for code, count in zip(codes, counts, strict=True)}


def measured_codes(paths: Sequence[Path]) -> dict[Path, frozenset[int]]:
    """Read the codes of each label file; unreadable ones are left out (`check_dataset` names them)."""
    measured: dict[Path, frozenset[int]] = {}
    for path in paths:
        try:
            status = path.stat()
            measured[path] = _codes_of(path, status.st_mtime_ns, status.st_size)
        except (UnivoxError, OSError):
            continue
    return measured


def measured_classes(
    codes: Mapping[Path, frozenset[int]],
    *,
    spatial_dims: int,
    labels_are: LabelsAre,
    root: Path,
    borders: Borders = "none",
) -> Classes:
    """Make classes from the codes that label files hold.

    Args:
        codes: The codes in each file.
        spatial_dims: 2 or 3: many codes in a lone volume may be structures, in a lone picture they are objects.
        labels_are: "auto" decides where it is plain.
        root: The dataset, for the message.
        borders: As in `Classes`, of labels that number objects.

    Returns:
        Background 0 and "class CODE" for every other code; or background and "object".

    Raises:
        DatasetError: It is not plain; or there are too many classes.
    """
    decided = labels_are if labels_are != "auto" else recognized(list(codes.values()), spatial_dims=spatial_dims)
    if decided == "instances":
        return Classes.of_instances(borders=borders)
    union = sorted(frozenset[int]().union(*codes.values()))
    if decided == "unclear" or len(union) > MAX_CLASSES:
        sizes = [len(found - {0}) for found in codes.values()]
        raise DatasetError(
            expected="labels that are plainly classes, or plainly numbers of objects",
            got=f"{len(union)} codes in all, {min(sizes)} to {max(sizes)} in one file",
            remedy="say which: --labels-are classes or --labels-are instances",
            path=root,
        )
    return Classes.of({code: "background" if code == 0 else f"class {code}" for code in union})


Answer: TypeAlias = Literal["classes", "instances", "unclear"]


def recognized(files: Sequence[frozenset[int]], *, spatial_dims: int) -> Answer:
    """Say whether codes stand for classes or number objects.

    Up to 8 codes in all are classes, and so are up to 256 that most files share. Codes without gaps from 1,
    whose count differs from file to file, are numbers where the counts are many (above 32) or lie a factor of
    3 apart; a volume takes both. What is in between is unclear.

    Args:
        files: The codes of each file.
        spatial_dims: 2 or 3: pictures hold instance numbers far more often than volumes do.

    >>> recognized([frozenset({0, 1, 2})] * 3, spatial_dims=2)
    'classes'
    >>> recognized([frozenset(range(n)) for n in (4, 60, 130)], spatial_dims=2)
    'instances'
    """
    labelled = [found - {0} for found in files if found - {0}]
    union = frozenset[int]().union(*labelled)
    if len(union) <= FEW:
        return "classes"
    sizes = [len(found) for found in labelled]
    without_gaps = all(max(found) == len(found) and min(found) == 1 for found in labelled)
    if without_gaps:
        return _numbered(sizes, spatial_dims)
    if len(union) < MAX_CLASSES and _shared(labelled, union) and (len(labelled) > 1 or len(union) <= MANY):
        return "classes"
    if max(sizes) > MANY:
        return "instances" if len(labelled) > 1 else "unclear"
    # Gray codes (32, 64, ...) or a code table with gaps: nobody numbers objects like that.
    gaps = not any(max(found) == len(found) for found in labelled)
    return "classes" if gaps and len(union) <= MANY else "unclear"


def _numbered(sizes: Sequence[int], spatial_dims: int) -> Answer:
    """Decide about more than 8 codes that run from 1 to the given number in each file."""
    many, apart = max(sizes) > MANY, max(sizes) >= 3 * min(sizes)
    if spatial_dims == 2:
        alone_or_differ = len(sizes) == 1 or min(sizes) != max(sizes)
        if apart or (many and alone_or_differ):
            return "instances"
        return "unclear" if many or alone_or_differ else "classes"
    if many and apart:
        return "instances"
    if len(sizes) == 1:
        return "unclear" if many else "classes"
    return "unclear" if apart or (many and min(sizes) != max(sizes)) else "classes"


def _shared(labelled: Sequence[frozenset[int]], union: frozenset[int]) -> bool:
    """Say whether the usual file holds most of all codes."""
    shares = sorted(len(found) / len(union) for found in labelled)
    return shares[(len(shares) - 1) // 2] >= 0.75 and shares[0] >= 0.25


@functools.lru_cache(maxsize=8192)
def _codes_of(path: Path, modified_ns: int, size: int) -> frozenset[int]:
    # The last two arguments are part of the key: a file that changed is read again.
    from univox.image import read_label

    del modified_ns, size
    return frozenset(count_codes(read_label(path).array))
