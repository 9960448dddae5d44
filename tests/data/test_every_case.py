from __future__ import annotations

from pathlib import Path

import pytest
from toy_dataset import write_dataset

from univox.data.case import Case
from univox.data.dataset import Dataset
from univox.data.every_case import every_case
from univox.errors import DatasetError, LabelError


def test_results_come_in_order_and_progress_is_told(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path)
    progress: list[tuple[int, int]] = []

    def named(case: Case, *, dataset: Dataset) -> str:
        return f"{dataset.name}/{case.name}/{len(dataset.cases)}"

    names = every_case(
        named,
        dataset,
        dataset.cases[::-1],
        done="named",
        on_progress=lambda done, total: progress.append((done, total)),
    )
    assert names == ["toy/case_3/0", "toy/case_2/0", "toy/case_1/0", "toy/case_0/0"]
    assert progress == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_every_bad_case_is_named_after_the_good_ones_are_done(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path)
    finished: list[str] = []

    def fragile(case: Case, *, dataset: Dataset) -> None:
        if case.name == "case_0":
            raise LabelError(expected="codes 0, 1", got="7", remedy="mend it")
        if case.name == "case_2":
            raise ZeroDivisionError("by zero")
        finished.append(case.name)

    with pytest.raises(DatasetError) as caught:
        every_case(fragile, dataset, dataset.cases, done="tried")
    assert finished == ["case_1", "case_3"]
    assert str(caught.value) == (
        f"{tmp_path}: expected every case to be tried, got 2 of 4 that cannot be: "
        "case_0 (expected codes 0, 1, got 7); case_2 (ZeroDivisionError: by zero); "
        "remedy: mend these cases or leave them out"
    )
    assert isinstance(caught.value.__cause__, LabelError)
