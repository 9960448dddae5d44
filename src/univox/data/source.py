"""A dataset as a user names it: where it lies, and how it is to be read."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from univox.data.dataset import Dataset
from univox.data.instance_borders import Borders
from univox.data.label_codes import LabelsAre
from univox.data.layouts import Layout, open_dataset
from univox.data.subjects import with_subjects


class DatasetSource(BaseModel):
    """Where a dataset lies, and how it is read.

    Args:
        path: Folder or CSV file.
        layout, classes, labels, labels_are, borders, ignore: As in `open_dataset`.
        subjects: The rule of `with_subjects`, a pattern or a table; None: as the layout says.
        test_cases: Names of cases that a run keeps out as test cases, in place of a random share.
        training_cases: Names of the cases that a run learns from, those that validate included; what is neither
            here nor kept out is left unread. None: all that are not kept out.
        validation_cases: Names of cases that choose the best weights, in place of a random share.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path
    layout: Layout = "auto"
    classes: str | None = None
    labels: str | None = None
    labels_are: LabelsAre = "auto"
    borders: Borders = "background"
    ignore: str | None = None
    subjects: str | None = None
    test_cases: tuple[str, ...] = ()
    training_cases: tuple[str, ...] = ()
    validation_cases: tuple[str, ...] = ()

    def open(self) -> Dataset:
        """Open it.

        Raises:
            DatasetError: It is no dataset, or a case has no subject as described.
        """
        dataset = open_dataset(
            self.path,
            layout=self.layout,
            classes=self.classes,
            labels=self.labels,
            labels_are=self.labels_are,
            borders=self.borders,
            ignore=self.ignore,
        )
        return dataset if self.subjects is None else with_subjects(dataset, self.subjects)

    def resolved(self) -> DatasetSource:
        """Give the same with an absolute path."""
        return self.model_copy(update={"path": self.path.resolve()})
