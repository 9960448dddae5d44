"""Splits into training, validation and test: of subjects, not of cases."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from univox.data.case import Case
from univox.errors import DatasetError


@dataclass(frozen=True)
class Split:
    """Names of cases; no subject is on two sides.

    Args:
        train: What the network learns from.
        validation: What the best weights are chosen by.
        test: What is looked at once, at the end.
    """

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...] = ()


def holdout(cases: Sequence[Case], *, fraction: float, seed: int) -> Split:
    """Hold out a share of the cases for validation.

    Whole subjects go to one side, in an order drawn from the seed and their names alone: the order of `cases`
    does not matter. A subject is held out if that brings the number of cases held out nearer to the fraction;
    at least one subject is held out and one is left.

    Args:
        cases: At least two subjects.
        fraction: In (0, 1), of the cases.
        seed: Another seed, another split.

    Raises:
        DatasetError: The fraction is out of range, or there are fewer than two subjects.
    """
    if not 0.0 < fraction < 1.0:
        raise DatasetError(
            expected="a fraction between 0 and 1 to hold out",
            got=f"{fraction:g}",
            remedy="choose one such as 0.2",
        )
    groups = _subjects(cases, seed)
    _enough(groups, 2, "hold out one and keep one")
    wanted = fraction * len(cases)
    held_out: list[str] = []
    taken = 0
    for group in groups:
        nearer = abs(len(held_out) + len(group) - wanted) < abs(len(held_out) - wanted)
        if nearer and taken < len(groups) - 1:
            held_out += group
            taken += 1
    # Every subject alone has more cases than twice the wanted number: the smallest is the nearest.
    held_out = held_out or min(groups, key=len)
    return _split(cases, set(held_out))


def kfold(cases: Sequence[Case], folds: int, seed: int) -> list[Split]:
    """Split into folds: each case is validated on in exactly one.

    Whole subjects go to one fold, each to the fold with the fewest cases so far, the largest subjects first;
    those of one size come in an order drawn from the seed and their names alone.

    Args:
        cases: At least as many subjects as folds.
        folds: At least 2.
        seed: Another seed, another split.

    Raises:
        DatasetError: There are fewer than two folds, or fewer subjects than folds.
    """
    if folds < 2:
        raise DatasetError(expected="at least 2 folds", got=str(folds), remedy="choose 5, or hold out a share")
    groups = _subjects(cases, seed)
    _enough(groups, folds, f"make {folds} folds")
    members: list[set[str]] = [set() for _ in range(folds)]
    for group in sorted(groups, key=len, reverse=True):
        min(members, key=len).update(group)
    return [_split(cases, fold) for fold in members]


def nested(cases: Sequence[Case], sizes: Sequence[int], seed: int) -> list[tuple[str, ...]]:
    """Choose subsets of which each holds every smaller one.

    Whole subjects come in one order, drawn from the seed and their names alone; a subset is as many of the first as
    bring the number of cases nearest to its size, the fewer of two as near, and at least one.

    Args:
        cases: To choose from; their order does not matter.
        sizes: Wanted numbers of cases, each at least 1.
        seed: Another seed, other subsets.

    Returns:
        Names of the cases of each, in the order of the sizes; sorted.

    Raises:
        DatasetError: A size is below 1 or above the number of cases, or two sizes come to the same cases.
    """
    out_of_range = [size for size in sizes if not 1 <= size <= len(cases)]
    if out_of_range:
        raise DatasetError(
            expected=f"sizes from 1 to {len(cases)}, the cases that are not kept out",
            got=str(out_of_range[0]),
            remedy="ask for fewer cases, or keep fewer out",
        )
    groups = _subjects(cases, seed)
    ends = list(accumulate(len(group) for group in groups))
    taken = [min(range(len(ends)), key=lambda last: abs(ends[last] - size)) + 1 for size in sizes]
    if len(set(taken)) < len(taken):
        raise DatasetError(
            expected="sizes that come to different cases",
            got=f"{', '.join(map(str, sizes))}, which come to {', '.join(str(ends[n - 1]) for n in taken)} cases",
            remedy="choose sizes further apart: a subject is never divided",
        )
    return [tuple(sorted(name for group in groups[:count] for name in group)) for count in taken]


def _subjects(cases: Sequence[Case], seed: int) -> list[list[str]]:
    groups: dict[str, list[str]] = {}
    for case in cases:
        groups.setdefault(case.subject, []).append(case.name)
    # A hash orders subjects by seed and name: no generator whose stream could change with a version, and a
    # subject more or less leaves the order of the others as it was.
    return [groups[subject] for subject in sorted(groups, key=lambda subject: _rank(subject, seed))]


def _rank(subject: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}/{subject}".encode()).digest()


def _enough(groups: Sequence[object], wanted: int, purpose: str) -> None:
    if len(groups) < wanted:
        raise DatasetError(
            expected=f"at least {wanted} subjects with a label to {purpose}",
            got=f"{len(groups)}",
            remedy="add cases, or say which cases are of one subject only where they are",
        )


def _split(cases: Sequence[Case], validation: set[str]) -> Split:
    names = sorted(case.name for case in cases)
    return Split(
        train=tuple(name for name in names if name not in validation),
        validation=tuple(name for name in names if name in validation),
    )
