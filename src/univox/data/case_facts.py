"""What a check knows of one case, small enough to keep for every case at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from univox.data.classes import Classes
from univox.data.findings import Finding, Severity


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
        partly_annotated: The label has voxels that nobody labelled.
        label_digest: Empty without a readable label that marks something.
        findings: What is amiss with this case by itself.
    """

    name: str
    path: str
    grid: GridFacts | None = None
    channels: tuple[ChannelFacts, ...] = ()
    present: frozenset[int] | None = None
    partly_annotated: bool = False
    label_digest: str = ""
    findings: tuple[Finding, ...] = ()


@dataclass
class CaseNotes:
    """Findings of one case as they come up."""

    name: str
    findings: list[Finding] = field(default_factory=list[Finding])

    def add(self, severity: Severity, kind: str, cause: str, remedy: str, path: Path | None) -> None:
        """Add a finding of this case."""
        self.findings.append(Finding(self.name, severity, kind, cause, remedy, None if path is None else str(path)))
