"""A dataset on disk: its cases, channels and classes; and its cases read into memory."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from univox.data.case import Case
from univox.data.classes import Classes
from univox.data.findings import Finding
from univox.errors import DatasetError, LabelError

if TYPE_CHECKING:
    from univox.image import Image, Label


@dataclass(frozen=True)
class Dataset:
    """Cases with their channels and classes, where they lie on disk; nothing of it is renamed or moved.

    Args:
        name: From the dataset's own description, else its folder or file.
        root: The folder (for a table the file) that was opened.
        layout: "msd", "nnunet", "iseg", "folders" or "csv".
        cases: All that have an image, by name; a label may be missing.
        orphan_labels: Label files without an image.
        test_cases: Images meant for testing, without labels.
        channel_names: In the order of the image's first axis.
        classes: Codes in the files, and indices 0..K-1.
        spatial_dims: 2 or 3.
        declared: The dataset itself names its classes; else they were measured from the label files.
        findings: What was amiss already when the dataset was opened; `check_dataset` reports it too.
    """

    name: str
    root: Path
    layout: str
    cases: tuple[Case, ...]
    orphan_labels: tuple[Path, ...]
    test_cases: tuple[Case, ...]
    channel_names: tuple[str, ...]
    classes: Classes
    spatial_dims: int
    declared: bool
    findings: tuple[Finding, ...] = ()

    @property
    def labelled(self) -> tuple[Case, ...]:
        """The cases that have a label."""
        return tuple(case for case in self.cases if case.label is not None)

    def case(self, name: str) -> Case:
        """Give the case of this name, training or test.

        Raises:
            DatasetError: There is none.
        """
        for case in (*self.cases, *self.test_cases):
            if case.name == name:
                return case
        raise DatasetError(
            expected=f"a case of {self.name}",
            got=f"the name {name!r}",
            remedy="choose one of its cases, such as " + ", ".join(case.name for case in self.cases[:3]),
            path=self.root,
        )


def read_case_image(dataset: Dataset, case: Case) -> Image:
    """Read the image of a case, all channels, in the canonical orientation.

    Raises:
        FileError: A file is missing or unreadable.
        GeometryError: The channel files differ in their grids.
        DatasetError: The image has another number of channels than the dataset.
    """
    from univox.image import read_image

    image = read_image(_paths(case))
    if image.num_channels != len(dataset.channel_names):
        raise DatasetError(
            expected=f"{len(dataset.channel_names)} channels ({', '.join(dataset.channel_names)}) in {case.name}",
            got=f"{image.num_channels}",
            remedy="give every case the same channels, or leave this one out",
            path=case.images[0],
        )
    return dataclasses.replace(image, channel_names=dataset.channel_names)


def read_case_label(dataset: Dataset, case: Case) -> Label:
    """Read the label of a case as class indices 0..K-1, in the canonical orientation.

    Raises:
        DatasetError: The case has no label.
        FileError: The file is missing or unreadable.
        LabelError: The file holds what the dataset does not declare.
    """
    label = read_case_codes(case)
    try:
        return dataclasses.replace(label, array=dataset.classes.to_index(label.array))
    except LabelError as error:
        raise LabelError(expected=error.expected, got=error.got, remedy=error.remedy, path=case.label) from error


def read_case_codes(case: Case) -> Label:
    """Read the label of a case as its file has it, codes of classes or numbers of objects, canonically oriented.

    Raises:
        DatasetError: The case has no label.
        FileError: The file is missing or unreadable.
    """
    from univox.image import read_label

    if case.label is None:
        raise DatasetError(
            expected=f"a label for {case.name}",
            got="none",
            remedy="add the label file, or leave the case out",
            path=case.images[0],
        )
    return read_label(case.label)


def _paths(case: Case) -> Path | tuple[Path, ...]:
    return case.images[0] if len(case.images) == 1 else case.images
