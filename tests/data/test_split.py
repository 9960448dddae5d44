from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from univox.data.case import Case
from univox.data.split import holdout, kfold, nested
from univox.errors import DatasetError

subjects = st.lists(st.integers(1, 4), min_size=2, max_size=20)


def cases_of(sizes: list[int]) -> list[Case]:
    return [
        Case(f"case_{s}_{i}", (Path("x.nii"),), Path("y.nii"), f"subject_{s}")
        for s, size in enumerate(sizes)
        for i in range(size)
    ]


@settings(deadline=None, max_examples=60)
@given(subjects, st.floats(0.01, 0.99), st.integers(0, 9), st.randoms())
def test_holdout_parts_no_subject_leaves_no_side_empty_and_ignores_the_order(
    sizes: list[int], fraction: float, seed: int, shuffle: random.Random
) -> None:
    cases = cases_of(sizes)
    split = holdout(cases, fraction=fraction, seed=seed)
    assert split.train
    assert split.validation
    assert sorted(split.train + split.validation) == sorted(case.name for case in cases)
    side = dict.fromkeys(split.train, "train") | dict.fromkeys(split.validation, "validation")
    assert len({(case.subject, side[case.name]) for case in cases}) == len(sizes)
    shuffle.shuffle(cases)
    assert holdout(cases, fraction=fraction, seed=seed) == split


@settings(deadline=None, max_examples=40)
@given(subjects, st.integers(2, 5), st.integers(0, 9), st.randoms())
def test_kfold_validates_on_each_case_once(sizes: list[int], folds: int, seed: int, shuffle: random.Random) -> None:
    cases = cases_of(sizes)
    if len(sizes) < folds:
        with pytest.raises(DatasetError, match=f"at least {folds} subjects"):
            kfold(cases, folds, seed)
        return
    splits = kfold(cases, folds, seed)
    names = sorted(case.name for case in cases)
    assert sorted(name for split in splits for name in split.validation) == names
    assert all(sorted(split.train + split.validation) == names and split.validation for split in splits)
    lengths = [len(split.validation) for split in splits]
    assert max(lengths) - min(lengths) <= max(sizes)
    for split in splits:
        held = {case.subject for case in cases if case.name in split.validation}
        assert not held & {case.subject for case in cases if case.name in split.train}
    shuffle.shuffle(cases)
    assert kfold(cases, folds, seed) == splits


def test_a_fifth_of_fifty_single_subjects_is_ten() -> None:
    split = holdout(cases_of([1] * 50), fraction=0.2, seed=0)
    assert len(split.validation) == 10
    assert split != holdout(cases_of([1] * 50), fraction=0.2, seed=1)


def test_one_more_subject_moves_no_other_across_folds_much() -> None:
    fifty = set(holdout(cases_of([1] * 50), fraction=0.2, seed=0).validation)
    more = set(holdout(cases_of([1] * 51), fraction=0.2, seed=0).validation)
    assert len(fifty & more) >= 9


def test_a_large_subject_is_not_held_out_for_a_small_share() -> None:
    for seed in range(8):
        assert len(holdout(cases_of([8, 2]), fraction=0.2, seed=seed).validation) == 2


def test_impossible_splits_say_so() -> None:
    with pytest.raises(DatasetError, match="between 0 and 1"):
        holdout(cases_of([1, 1]), fraction=1.0, seed=0)
    with pytest.raises(DatasetError, match="at least 2 subjects"):
        holdout(cases_of([5]), fraction=0.5, seed=0)
    with pytest.raises(DatasetError, match="at least 2 folds"):
        kfold(cases_of([1, 1]), 1, 0)


@settings(deadline=None, max_examples=60)
@given(subjects, st.integers(0, 9), st.data(), st.randoms())
def test_a_smaller_subset_lies_in_each_larger_one(
    sizes: list[int], seed: int, data: st.DataObject, shuffle: random.Random
) -> None:
    cases = cases_of(sizes)
    wanted = data.draw(st.lists(st.integers(1, len(cases)), min_size=1, max_size=4, unique=True))
    try:
        chosen = nested(cases, wanted, seed)
    except DatasetError:
        # Only subjects of several cases can bring two sizes to the same cases.
        assert max(sizes) > 1
        return
    ordered = [set(names) for _, names in sorted(zip(wanted, chosen, strict=True))]
    assert all(smaller < larger for smaller, larger in pairwise(ordered))
    for names in chosen:
        inside = {case.subject for case in cases if case.name in names}
        assert set(names) == {case.name for case in cases if case.subject in inside}
    if max(sizes) == 1:
        assert [len(names) for names in chosen] == wanted
    shuffle.shuffle(cases)
    assert nested(cases, wanted, seed) == chosen


def test_subsets_come_nearest_to_their_sizes_in_whole_subjects() -> None:
    cases = cases_of([2] * 6)
    assert [len(names) for names in nested(cases, [1, 4, 12], seed=0)] == [2, 4, 12]
    assert [len(names) for names in nested(cases, [2, 7], seed=0)] == [2, 6]
    with pytest.raises(DatasetError, match="4, 5, which come to 4, 4 cases"):
        nested(cases, [4, 5], seed=0)
    with pytest.raises(DatasetError, match="sizes from 1 to 12"):
        nested(cases, [13], seed=0)
