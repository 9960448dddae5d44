"""A dataset as a user names it: where it lies, and how it is to be read."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from univox.data.case import Case
from univox.data.dataset import Dataset
from univox.data.instance_borders import Borders
from univox.data.label_codes import LabelsAre
from univox.data.layouts import Layout, open_dataset
from univox.errors import DatasetError


class DatasetSource(BaseModel):
    """Where a dataset lies, and how it is read.

    Args:
        path: Folder or CSV file.
        layout, classes, labels, labels_are, borders: As in `open_dataset`.
        subjects: A regular expression that finds the subject in a case's name: its first group, or all that it
            matches. None: as the layout says.
        test_cases: Names of cases that a run keeps out as test cases, in place of a random share.
        training_cases: Names of the cases that a run learns from, those that validate included; what is neither
            here nor kept out is left unread. None: all that are not kept out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path
    layout: Layout = "auto"
    classes: str | None = None
    labels: str | None = None
    labels_are: LabelsAre = "auto"
    borders: Borders = "background"
    subjects: str | None = None
    test_cases: tuple[str, ...] = ()
    training_cases: tuple[str, ...] = ()

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
        )
        return dataset if self.subjects is None else with_subjects(dataset, self.subjects)

    def resolved(self) -> DatasetSource:
        """Give the same with an absolute path."""
        return self.model_copy(update={"path": self.path.resolve()})


def with_subjects(dataset: Dataset, pattern: str) -> Dataset:
    """Give a dataset whose cases are of the subjects that a pattern finds in their names.

    Args:
        dataset: Its cases' own subjects are replaced.
        pattern: Regular expression, searched for in each name; its first group, or all that it matches.

    Raises:
        DatasetError: The pattern cannot be read, or a case's name holds nothing like it.
    """
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise DatasetError(
            expected="a regular expression for subjects", got=f"{pattern!r} ({error})", remedy="mend --subjects"
        ) from error
    cases = tuple(_of_subject(case, compiled, dataset.root) for case in dataset.cases)
    return dataclasses.replace(dataset, cases=cases)


def _of_subject(case: Case, pattern: re.Pattern[str], root: Path) -> Case:
    found = pattern.search(case.name)
    subject = "" if found is None else (found.group(1) if pattern.groups else found.group()) or ""
    if not subject:
        raise DatasetError(
            expected=f"a subject like {pattern.pattern!r} in every case's name",
            got=f"none in {case.name!r}",
            remedy="widen --subjects so that it finds one in each name",
            path=root,
        )
    return dataclasses.replace(case, subject=subject)
