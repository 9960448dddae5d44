"""Protocols: every case kept out once, no subject on two sides, whatever the subjects look like."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from univox.data.case import Case
from univox.data.dataset import Dataset
from univox.data.layouts import open_dataset
from univox.data.protocol import folds_of, parse_protocol
from univox.data.split import Split
from univox.data.splits_file import read_splits, write_splits
from univox.errors import DatasetError


@pytest.fixture
def balls(tiny_dataset: Path) -> Dataset:
    return open_dataset(tiny_dataset)


def of_subjects(dataset: Dataset, subjects: list[str]) -> Dataset:
    """Give a dataset of as many cases as subjects are named; only names are looked at here."""
    first = dataset.labelled[0]
    cases = tuple(Case(f"case_{n:02d}", first.images, first.label, subject) for n, subject in enumerate(subjects))
    return dataclasses.replace(dataset, cases=cases)


def folds(dataset: Dataset, text: str, seed: int = 0) -> tuple[Split, ...]:
    return folds_of(dataset, parse_protocol(text), seed=seed)


def test_one_subject_is_left_out_at_a_time(balls: Dataset) -> None:
    dataset = of_subjects(balls, ["b", "a", "b", "c"])
    assert [fold.test for fold in folds(dataset, "loso")] == [("case_01",), ("case_00", "case_02"), ("case_03",)]
    assert [fold.train for fold in folds(dataset, "loso")][1] == ("case_01", "case_03")


@settings(deadline=None)
@given(
    subjects=st.lists(st.sampled_from("abcdefg"), min_size=8, max_size=24).filter(lambda s: len(set(s)) >= 4),
    protocol=st.sampled_from(["loso", "kfold:2", "kfold:4", "grouped:3", "holdout:0.3", "split:3:1:1"]),
    seed=st.integers(0, 9),
)
def test_no_protocol_parts_a_subject_or_keeps_a_case_out_twice(
    tiny_dataset: Path, subjects: list[str], protocol: str, seed: int
) -> None:
    dataset = of_subjects(open_dataset(tiny_dataset), subjects)
    whom = {case.name: case.subject for case in dataset.cases}
    made = folds(dataset, protocol, seed)
    for fold in made:
        parts = [{whom[name] for name in part} for part in (fold.train, fold.validation, fold.test)]
        assert sum(map(len, parts)) == len(set(subjects)) == len(set.union(*parts))
        assert fold.train
        assert fold.test
    kept_out = Counter(name for fold in made for name in fold.test)
    assert set(kept_out.values()) == {1}
    if protocol.startswith(("loso", "kfold", "grouped")):
        assert set(kept_out) == set(whom)


def test_parts_have_the_sizes_asked_for(balls: Dataset) -> None:
    [fold] = folds(of_subjects(balls, [str(n) for n in range(20)]), "split:8:1:1")
    assert (len(fold.train), len(fold.validation), len(fold.test)) == (16, 2, 2)


@pytest.mark.parametrize(
    "text", ["", "leave-one", "loso:2", "kfold:1", "kfold:2.5", "holdout", "holdout:1", "split:8:2", "split:8:0:2",
             "kfold:inf", "split:nan:1:1"]
)  # fmt: skip
def test_what_is_no_protocol_is_refused(text: str) -> None:
    with pytest.raises(DatasetError, match="loso, kfold:5, grouped:5"):
        parse_protocol(text)


def test_groups_are_needed_to_group_by(balls: Dataset) -> None:
    with pytest.raises(DatasetError, match="a subject for every case"):
        folds(balls, "grouped")
    with pytest.raises(DatasetError, match="at least 5 subjects"):
        folds(of_subjects(balls, list("aabb")), "kfold:5")
    with pytest.raises(DatasetError, match="at least two subjects"):
        folds(of_subjects(balls, list("aa")), "loso")


def test_folds_come_back_from_their_file(balls: Dataset, tmp_path: Path) -> None:
    for protocol in ("kfold:3", "split:2:1:1"):
        path = tmp_path / "splits_final.json"
        made = folds(balls, protocol)
        write_splits(path, made)
        assert folds(balls, str(path)) == made == tuple(read_splits(path))


def test_the_folds_of_nnunet_are_read(balls: Dataset, tmp_path: Path) -> None:
    names = [case.name for case in balls.cases]
    path = tmp_path / "splits_final.json"
    path.write_text(json.dumps([{"train": names[:6], "val": names[6:]}, {"train": names[2:], "val": names[:2]}]))
    assert [fold.test for fold in folds(balls, str(path))] == [tuple(names[6:]), tuple(names[:2])]


@pytest.mark.parametrize(
    ("splits", "complaint"),
    [
        ([{"train": ["case_00", "case_02"], "val": ["case_01", "case_03"]}], r"a in train \(case_00\) and in test"),
        ([{"train": ["case_02", "case_03"], "val": ["case_00", "case_01", "case_09"]}], "got case_09"),
        ([{"train": ["case_02", "case_03"], "val": ["case_00", "case_01"]}] * 2, "case_00 kept out twice"),
        ([{"train": ["case_02", "case_03", "case_00", "case_01"], "val": []}], "a fold 0 that keeps nothing out"),
        ([{"train": ["case_00", "case_01"], "val": ["case_02"], "test": ["case_03"]}], "b in validation"),
        ([{"val": ["case_00"]}], r"field required \(0.train\)"),
        ([], "an empty list"),
        ({"train": []}, "valid array"),
    ],
)
def test_a_leak_or_a_slip_in_a_file_is_an_error(balls: Dataset, tmp_path: Path, splits: object, complaint: str) -> None:
    path = tmp_path / "splits_final.json"
    path.write_text(json.dumps(splits))
    with pytest.raises(DatasetError, match=complaint):
        folds(of_subjects(balls, list("aabb")), str(path))
