"""What one case tells of itself, from one reading of its files."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from univox.data.case_facts import CaseFacts, CaseNotes, ChannelFacts, Expected, Files, GridFacts
from univox.data.check_label import label_rules
from univox.data.findings import Severity
from univox.data.label_codes import count_codes
from univox.errors import GeometryError, LabelError, UnivoxError

if TYPE_CHECKING:
    from univox.image import Image, Label

_SAMPLE = 200_000
_HALF_A_VOXEL = 0.5


def examine(expected: Expected, files: Files) -> CaseFacts:
    """Read the files of a case once and say what is amiss with it by itself.

    Never raises for a bad file: that is a finding.
    """
    notes = CaseNotes(files.name)
    if not files.images:
        label_name = files.label.name if files.label else files.name
        notes.add(
            "error",
            "missing-image",
            f"The image is missing: there is only the label {label_name}.",
            "Add the image, or leave the label out.",
            files.label,
        )
    image = _read_image(files, notes)
    label = _read_label(files, notes)
    channels = _channels(image, expected, files, notes) if image is not None else ()
    counts = count_codes(label.array) if label is not None else {}
    if label is not None and files.label is not None:
        label_rules(label, counts, expected, files.label, notes)
        if image is not None:
            _same_grid(image, label, files.label, notes)
    grid = _grid(image if image is not None else label)
    if grid is not None and expected.spatial_dims == 3:
        _spacing_rules(grid, files, notes)
    present = expected.classes.indices_of(counts)
    return CaseFacts(
        name=files.name,
        path=str(files.images[0] if files.images else files.label),
        grid=grid,
        channels=channels,
        present=present if label is not None else None,
        partly_annotated=not set(expected.classes.ignored).isdisjoint(counts),
        label_digest=_digest(label.array.astype(np.int32)) if label is not None and present - {0} else "",
        findings=tuple(notes.findings),
    )


def _read_image(files: Files, notes: CaseNotes) -> Image | None:
    from univox.image import read_image

    readable = [path for path in files.images if _has_bytes(path, "image", notes)]
    if not readable or len(readable) < len(files.images):
        return None
    try:
        return read_image(readable[0] if len(readable) == 1 else readable)
    except GeometryError as error:
        kind = "channel-grids-differ" if len(readable) > 1 else "unreadable-image"
        path = error.path or readable[0]
        notes.add("error", kind, f"Expected {error.expected}, got {error.got}.", _remedy(error), path)
    except UnivoxError as error:
        path = error.path or readable[0]
        notes.add("error", "unreadable-image", f"Expected {error.expected}, got {error.got}.", _remedy(error), path)
    return None


def _read_label(files: Files, notes: CaseNotes) -> Label | None:
    from univox.image import read_label

    if files.label is None:
        notes.add(
            "error",
            "missing-label",
            f"The label is missing: there is only the image {files.images[0].name}.",
            "Add the label, or leave the case out.",
            files.images[0],
        )
        return None
    if not _has_bytes(files.label, "label", notes):
        return None
    try:
        return read_label(files.label)
    except UnivoxError as error:
        kind = "no-label-values" if isinstance(error, LabelError) else "unreadable-label"
        notes.add("error", kind, f"Expected {error.expected}, got {error.got}.", _remedy(error), files.label)
    return None


def _has_bytes(path: Path, what: str, notes: CaseNotes) -> bool:
    try:
        size = path.stat().st_size
    except OSError as error:
        notes.add("error", f"missing-{what}", f"{path.name}: {error.strerror}.", "Restore the file.", path)
        return False
    if size == 0:
        notes.add("error", "empty-file", f"The {what} {path.name} has no bytes.", "Copy it anew from its source.", path)
    return size > 0


def _remedy(error: UnivoxError) -> str:
    return error.remedy[:1].upper() + error.remedy[1:] + "."


def _channels(image: Image, expected: Expected, files: Files, notes: CaseNotes) -> tuple[ChannelFacts, ...]:
    path = files.images[0]
    wanted = len(expected.channel_names)
    if image.num_channels != wanted:
        notes.add(
            "error",
            "channel-count",
            f"The image has {image.num_channels} channels, the dataset {wanted} ({', '.join(expected.channel_names)}).",
            "Give every case the same channels, or leave this one out.",
            path,
        )
    if len(image.spatial_shape) != expected.spatial_dims:
        notes.add(
            "error",
            "dimensions",
            f"The image has {len(image.spatial_shape)} dimensions, the dataset {expected.spatial_dims}.",
            "Keep pictures and volumes in datasets of their own.",
            path,
        )
    facts = tuple(_channel(channel) for channel in image.array)
    _value_rules(facts, image.channel_names if image.num_channels != wanted else expected.channel_names, path, notes)
    if len(files.images) > 1 and len({channel.digest for channel in facts}) < len(facts):
        notes.add(
            "warning",
            "channel-repeated",
            "Two channel files hold the same voxels.",
            "Check that each file is the channel that its name says.",
            path,
        )
    return facts


def _channel(array: NDArray[Any]) -> ChannelFacts:
    finite = np.isfinite(array)
    non_finite = int(array.size - np.count_nonzero(finite))
    values = array[finite] if non_finite else array.ravel()
    if values.size == 0:
        return ChannelFacts(0.0, 0.0, 0.0, 0.0, non_finite, _digest(array))
    low, high = np.percentile(values[:: max(1, values.size // _SAMPLE)], (0.5, 99.5))
    return ChannelFacts(float(values.min()), float(values.max()), float(low), float(high), non_finite, _digest(array))


def _digest(array: NDArray[Any]) -> str:
    digest = hashlib.sha256(str(array.shape).encode())
    # Two files with the same voxels are the same, whatever number type they are stored with.
    digest.update(np.ascontiguousarray(array, np.float32).data)
    return digest.hexdigest()


def _value_rules(facts: tuple[ChannelFacts, ...], names: tuple[str, ...], path: Path, notes: CaseNotes) -> None:
    non_finite = sum(channel.non_finite for channel in facts)
    if non_finite:
        notes.add(
            "error",
            "non-finite",
            f"{non_finite} voxels of the image are not a number or infinite.",
            "Replace them by a number, or leave the case out.",
            path,
        )
    constant = [names[i] if i < len(names) else str(i) for i, channel in enumerate(facts) if channel.constant]
    if constant:
        which = "The image" if len(constant) == len(facts) else f"The channel {', '.join(constant)}"
        notes.add(
            "error" if len(constant) == len(facts) else "warning",
            "constant-image",
            f"{which} has one value everywhere.",
            "Export the image anew, or leave the case out.",
            path,
        )


def _same_grid(image: Image, label: Label, path: Path, notes: CaseNotes) -> None:
    from univox.image import grid_difference

    if image.spatial_shape != label.spatial_shape:
        turned = sorted(image.spatial_shape) == sorted(label.spatial_shape)
        notes.add(
            "error",
            "shapes-differ",
            f"The image is {_grid(image)}, its label {_grid(label)}"
            + (": the same sizes in another order." if turned else "."),
            "Check that they belong together; export both on one grid.",
            path,
        )
        return
    difference = grid_difference(image, label)
    if difference is None:
        return
    voxels = _displacement(image.affine, label.affine, image.spatial_shape)
    severity: Severity = "error" if voxels > _HALF_A_VOXEL else "warning"
    notes.add(
        "note" if len(image.spatial_shape) == 2 else severity,
        "affines-differ",
        f"Image and label have one shape but {difference}: up to {voxels:.3g} voxels apart.",
        "Check that they belong together; copy the image's affine to the label if only the header is wrong.",
        path,
    )


def _displacement(first: NDArray[Any], second: NDArray[Any], shape: tuple[int, ...]) -> float:
    """Give the largest distance between the two places of a corner of the grid, in voxels of the first."""
    corners = np.stack(np.meshgrid(*[(0, size - 1) for size in shape], indexing="ij"), -1).reshape(-1, len(shape))
    there = corners @ second[:-1, :-1].T + second[:-1, -1]
    back = np.linalg.solve(first[:-1, :-1], (there - first[:-1, -1]).T).T
    return float(np.abs(back - corners).max())


def _grid(image: Image | Label | None) -> GridFacts | None:
    return None if image is None else GridFacts(tuple(image.spatial_shape), tuple(image.spacing_mm))


def _spacing_rules(grid: GridFacts, files: Files, notes: CaseNotes) -> None:
    path = files.images[0] if files.images else files.label
    remedy = "Check the unit: spacing is read as mm."
    if min(grid.spacing_mm) < 0.01:
        notes.add("note", "spacing-tiny", f"A voxel edge is below 0.01 mm: {grid}.", remedy, path)
    if max(grid.spacing_mm) > 20:
        notes.add("warning", "spacing-huge", f"A voxel edge is above 20 mm: {grid}.", remedy, path)
