"""Whom each case of a dataset was taken of, where its layout does not say: by a pattern, or by a table."""

from __future__ import annotations

import csv
import dataclasses
import io
import re
from collections.abc import Callable
from pathlib import Path

from univox.data.case import Case
from univox.data.dataset import Dataset
from univox.errors import DatasetError

_COLUMN = re.compile(r"(?P<path>.+\.(?:csv|tsv)):(?P<column>[^:]+)", re.IGNORECASE)
_CASE = ("case", "name", "case_id")


def with_subjects(dataset: Dataset, rule: str) -> Dataset:
    """Give a dataset whose cases are of the subjects that a rule finds.

    Args:
        dataset: Its cases' own subjects are replaced.
        rule: A regular expression, searched for in each name: its first group, or all that it matches. Or
            `TABLE.csv:COLUMN`: a table with a row per case, named in its column `case` or `name`, else in its first.

    Raises:
        DatasetError: The rule cannot be read, or it says nothing of a case.
    """
    named = _COLUMN.fullmatch(rule)
    find = _by_pattern(rule) if named is None else _by_table(Path(named["path"]), named["column"].strip())
    return dataclasses.replace(
        dataset, cases=tuple(_of_subject(case, find, rule, dataset.root) for case in dataset.cases)
    )


def _of_subject(case: Case, find: Callable[[str], str], rule: str, root: Path) -> Case:
    subject = find(case.name)
    if not subject:
        raise DatasetError(
            expected=f"a subject by {rule!r} for every case",
            got=f"none for {case.name!r}",
            remedy="mend --subjects so that it finds one for each name",
            path=root,
        )
    return dataclasses.replace(case, subject=subject)


def _by_pattern(pattern: str) -> Callable[[str], str]:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise DatasetError(
            expected="a regular expression for subjects", got=f"{pattern!r} ({error})", remedy="mend --subjects"
        ) from error

    def find(name: str) -> str:
        found = compiled.search(name)
        return "" if found is None else (found.group(1) if compiled.groups else found.group()) or ""

    return find


def _by_table(path: Path, column: str) -> Callable[[str], str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(
            expected="a table of cases and subjects", got=str(error), remedy="mend --subjects", path=path
        ) from error
    delimiter = max(",;\t", key=text.split("\n", 1)[0].count)
    rows = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, restval="", skipinitialspace=True))
    headings = [heading.strip() for heading in rows[0] if heading] if rows else []
    if column not in headings:
        raise DatasetError(
            expected=f"a column {column!r}",
            got=f"the columns {', '.join(headings)}" if headings else "no row",
            remedy="name a column of the table: --subjects TABLE.csv:COLUMN",
            path=path,
        )
    key = next((heading for heading in headings if heading.casefold() in _CASE), headings[0])
    clean = [{name.strip(): (value or "").strip() for name, value in row.items() if name} for row in rows]
    subjects: dict[str, str] = {}
    for row in clean:
        if subjects.setdefault(row[key], row[column]) != row[column]:
            raise DatasetError(
                expected="one subject for each case",
                got=f"two for {row[key]!r}",
                remedy="leave one row of it",
                path=path,
            )
    return lambda name: subjects.get(name, "")
