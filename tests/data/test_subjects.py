"""Whom a case is of: found in its name, or looked up in a table."""

from __future__ import annotations

from pathlib import Path

import pytest

from univox.data.layouts import open_dataset
from univox.data.subjects import with_subjects
from univox.errors import DatasetError


def subjects(folder: Path, rule: str) -> list[str]:
    return [case.subject for case in with_subjects(open_dataset(folder), rule).cases]


def test_a_column_says_whom_each_case_is_of(tiny_dataset: Path, tmp_path: Path) -> None:
    rows = [f"{index % 3};ball_0{index}" for index in range(8)]
    path = tmp_path / "people.csv"
    path.write_text("\n".join(["person; case", *rows]), encoding="utf-8-sig")
    assert subjects(tiny_dataset, f"{path}:person") == [str(index % 3) for index in range(8)]
    # Without a column of that name the first one names the cases.
    path.write_text("\n".join(["scan\twho", *(f"ball_0{index}\tA" for index in range(8))]))
    assert set(subjects(tiny_dataset, f"{path}:who")) == {"A"}


@pytest.mark.parametrize(
    ("text", "column", "complaint"),
    [
        ("case,who\nball_00,A\n", "who", "none for 'ball_01'"),
        ("case,who\nball_00,A\nball_00,B\n", "who", "two for 'ball_00'"),
        ("case,who\nball_00,A\n", "whom", "the columns case, who"),
        ("", "who", "no row"),
    ],
)
def test_a_table_that_does_not_say_is_an_error(
    tiny_dataset: Path, tmp_path: Path, text: str, column: str, complaint: str
) -> None:
    path = tmp_path / "people.csv"
    path.write_text(text)
    with pytest.raises(DatasetError, match=complaint):
        subjects(tiny_dataset, f"{path}:{column}")


def test_a_table_that_is_not_there_is_an_error(tiny_dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="a table of cases and subjects"):
        subjects(tiny_dataset, f"{tmp_path / 'nobody.tsv'}:who")
