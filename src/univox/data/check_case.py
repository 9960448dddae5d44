"""What one case tells of itself, from one reading of its files."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from univox.data.classes import Classes
from univox.data.findings import Finding, Severity
from univox.data.label_codes import count_codes
from univox.errors import GeometryError, LabelError, UnivoxError

if TYPE_CHECKING:
    from univox.image import Image, Label

_SAMPLE = 200_000
_EDGE_SHARE = 0.6  # a label whose last slice is this large, beside its largest, was cut and did not taper
_HALF_A_VOXEL = 0.5


@dataclass(frozen=True)
class Files:
    """The files of one case, or a label without an image."""

    name: str
    images: tuple[Path, ...]
    label: Path | None


@dataclass(frozen=True)
class Expected:
    """What the dataset says that each case has."""

    channel_names: tuple[str, ...]
    classes: Classes
    spatial_dims: int


@dataclass(frozen=True)
class GridFacts:
    """Shape in voxels, spacing in mm, both in array order."""

    shape: tuple[int, ...]
    spacing_mm: tuple[float, ...]

    def __str__(self) -> str:
        size = "x".join(map(str, self.shape))
        return f"{size} voxels of {'x'.join(f'{edge:.4g}' for edge in self.spacing_mm)} mm"


@dataclass(frozen=True)
class ChannelFacts:
    """Intensities of one channel; `low` and `high` are the 0.5th and 99.5th percentile."""

    minimum: float
    maximum: float
    low: float
    high: float
    non_finite: int
    digest: str

    @property
    def constant(self) -> bool:
        """Whether every finite voxel has one value."""
        return self.minimum == self.maximum


@dataclass(frozen=True)
class CaseFacts:
    """What the rules across cases need of one case.

    Args:
        name: The case.
        path: The file to name: the first image, else the label.
        grid: Of the image; of the label where there is no image; None where neither can be read.
        channels: Empty where the image is missing or unreadable.
        present: Indices of the classes in the label; None where there is no readable label.
        label_digest: Empty without a readable label that marks something.
        findings: What is amiss with this case by itself.
    """

    name: str
    path: str
    grid: GridFacts | None = None
    channels: tuple[ChannelFacts, ...] = ()
    present: frozenset[int] | None = None
    label_digest: str = ""
    findings: tuple[Finding, ...] = ()


@dataclass
class _Notes:
    """Findings of one case as they come up."""

    name: str
    findings: list[Finding] = field(default_factory=list[Finding])

    def add(self, severity: Severity, kind: str, cause: str, remedy: str, path: Path | None) -> None:
        self.findings.append(Finding(self.name, severity, kind, cause, remedy, None if path is None else str(path)))


def examine(expected: Expected, files: Files) -> CaseFacts:
    """Read the files of a case once and say what is amiss with it by itself.

    Never raises for a bad file: that is a finding.
    """
    notes = _Notes(files.name)
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
        _label_rules(label, counts, expected, files.label, notes)
        if image is not None:
            _same_grid(image, label, files.label, notes)
    grid = _grid(image if image is not None else label)
    if grid is not None and expected.spatial_dims == 3:
        _spacing_rules(grid, files, notes)
    present = frozenset(i for code in counts if (i := expected.classes.index_of(code)) is not None)
    return CaseFacts(
        name=files.name,
        path=str(files.images[0] if files.images else files.label),
        grid=grid,
        channels=channels,
        present=present if label is not None else None,
        label_digest=_digest(label.array.astype(np.int32)) if label is not None and present - {0} else "",
        findings=tuple(notes.findings),
    )


def _read_image(files: Files, notes: _Notes) -> Image | None:
    from univox.image import read_image

    readable = [path for path in files.images if _has_bytes(path, "image", notes)]
    if not readable or len(readable) < len(files.images):
        return None
    try:
        return read_image(readable[0] if len(readable) == 1 else readable)
    except GeometryError as error:
        kind = "channel-grids-differ" if len(files.images) > 1 else "unreadable-image"
        notes.add("error", kind, f"Expected {error.expected}, got {error.got}.", _remedy(error), files.images[0])
    except UnivoxError as error:
        path = error.path or files.images[0]
        notes.add("error", "unreadable-image", f"Expected {error.expected}, got {error.got}.", _remedy(error), path)
    return None


def _read_label(files: Files, notes: _Notes) -> Label | None:
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


def _has_bytes(path: Path, what: str, notes: _Notes) -> bool:
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


def _channels(image: Image, expected: Expected, files: Files, notes: _Notes) -> tuple[ChannelFacts, ...]:
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


def _value_rules(facts: tuple[ChannelFacts, ...], names: tuple[str, ...], path: Path, notes: _Notes) -> None:
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


def _label_rules(label: Label, counts: dict[int, int], expected: Expected, path: Path, notes: _Notes) -> None:
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
    if not undeclared and all(classes.index_of(code) == 0 for code in counts):
        notes.add(
            "warning",
            "empty-label",
            f"The label is all {classes.names[0]}: nothing is marked.",
            "Check that the label belongs to this image; keep it if there is nothing to mark.",
            path,
        )
    elif label.array.ndim == 3:
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


def _same_grid(image: Image, label: Label, path: Path, notes: _Notes) -> None:
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


def _spacing_rules(grid: GridFacts, files: Files, notes: _Notes) -> None:
    path = files.images[0] if files.images else files.label
    remedy = "Check the unit: spacing is read as mm."
    if min(grid.spacing_mm) < 0.01:
        notes.add("note", "spacing-tiny", f"A voxel edge is below 0.01 mm: {grid}.", remedy, path)
    if max(grid.spacing_mm) > 20:
        notes.add("warning", "spacing-huge", f"A voxel edge is above 20 mm: {grid}.", remedy, path)
