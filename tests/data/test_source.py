"""How a dataset is read is a value, subjects included."""

from __future__ import annotations

from pathlib import Path

import pytest

from univox.data.source import DatasetSource
from univox.errors import DatasetError


def test_cases_of_one_subject_are_found_by_a_pattern(tiny_dataset: Path) -> None:
    plain = DatasetSource(path=tiny_dataset).open()
    assert {case.subject for case in plain.cases} == {f"ball_0{index}" for index in range(8)}
    by_group = DatasetSource(path=tiny_dataset, subjects=r"ball_0(\d)").open()
    assert {case.subject for case in by_group.cases} == set("01234567")
    merged = DatasetSource(path=tiny_dataset, subjects=r"ball_0[0-2]|ball_\d+").open()
    assert len({case.subject for case in merged.cases}) == 8
    whole = DatasetSource(path=tiny_dataset, subjects="ball").open()
    assert {case.subject for case in whole.cases} == {"ball"}
    assert [case.name for case in whole.cases] == [case.name for case in plain.cases]


def test_a_pattern_that_finds_nothing_or_is_none_is_named(tiny_dataset: Path) -> None:
    with pytest.raises(DatasetError, match=r"'ball_00'.*mend --subjects"):
        DatasetSource(path=tiny_dataset, subjects="sub-").open()
    with pytest.raises(DatasetError, match="'ball_00'"):
        DatasetSource(path=tiny_dataset, subjects=r"ball(x?)").open()
    with pytest.raises(DatasetError, match="mend --subjects"):
        DatasetSource(path=tiny_dataset, subjects="(").open()


def test_a_source_survives_its_json(tmp_path: Path) -> None:
    source = DatasetSource(path=Path("here"), classes="organ=1,2", subjects="a|b").resolved()
    assert source.path.is_absolute()
    assert DatasetSource.model_validate_json(source.model_dump_json()) == source
