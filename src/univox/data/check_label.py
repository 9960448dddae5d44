"""What is amiss with one label."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from univox.data.case_facts import CaseNotes, Expected

if TYPE_CHECKING:
    from univox.image import Label

_EDGE_SHARE = 0.6  # a label whose last slice is this large, beside its largest, was cut and did not taper


def label_rules(label: Label, counts: dict[int, int], expected: Expected, path: Path, notes: CaseNotes) -> None:
    """Report what is amiss with the codes of a label by themselves.

    Args:
        label: With the codes of its file.
        counts: Voxels of each code.
        expected: What the dataset declares.
        path: The label file.
        notes: Where findings go.
    """
    classes = expected.classes
    undeclared = classes.undeclared(counts)
    if undeclared:
        found = ", ".join(f"{code} ({counts[code]} voxels)" for code in undeclared[:8])
        more = f" and {len(undeclared) - 8} more" if len(undeclared) > 8 else ""
        notes.add(
            "error",
            "undeclared-label",
            f"The label holds codes that the dataset does not declare: {found}{more};"
            f" declared are {', '.join(map(str, classes.codes[:16]))}.",
            "Mend the label, or declare the codes.",
            path,
        )
    if path.suffix.lower() in (".jpg", ".jpeg"):
        notes.add(
            "warning",
            "lossy-label",
            "The label is a JPEG, whose compression invents codes along edges.",
            "Save labels as PNG or TIFF.",
            path,
        )
    known = set(counts) - set(classes.ignored)
    if not known:
        notes.add(
            "error",
            "nothing-annotated",
            "Every voxel of the label counts as labelled by nobody.",
            "Label some of it, or leave the case out.",
            path,
        )
    elif not undeclared and all(classes.index_of(code) == 0 for code in known):
        notes.add(
            "warning",
            "empty-label",
            f"The label is all {classes.names[0]}: nothing is marked.",
            "Check that the label belongs to this image; keep it if there is nothing to mark.",
            path,
        )
    elif label.array.ndim == 3 and known == set(counts):
        foreground = ~np.isin(label.array, classes.classes[0].codes)
        stop = _abrupt_stop(foreground)
        if stop is not None:
            notes.add("note", "label-stops", stop, "Check that the whole volume was labelled.", path)


def _abrupt_stop(foreground: NDArray[np.bool_]) -> str | None:
    """Say where a label ends at a plane inside the volume at nearly its full size, leaving a quarter bare."""
    for axis, name in enumerate("DHW"):
        areas = np.count_nonzero(foreground, axis=tuple(other for other in range(3) if other != axis))
        marked = np.flatnonzero(areas)
        if marked.size < 8 or marked.size > 0.75 * areas.size:
            continue
        first, last = int(marked[0]), int(marked[-1])
        for edge, bare in ((first, first), (last, areas.size - 1 - last)):
            if bare >= areas.size / 4 and areas[edge] >= _EDGE_SHARE * areas.max():
                return (
                    f"The label stops abruptly at slice {edge} of {areas.size} on axis {name}"
                    f" ({areas[edge]} voxels there, {areas.max()} in its largest slice)."
                )
    return None
