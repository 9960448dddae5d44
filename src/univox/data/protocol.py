"""Protocols of evaluation: which cases each fold of a study keeps out."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from univox.data.case import Case
from univox.data.dataset import Dataset
from univox.data.split import Split, holdout, kfold
from univox.data.splits_file import read_splits
from univox.errors import DatasetError

Kind = Literal["loso", "kfold", "grouped", "holdout", "split", "file"]
WORDS = "loso, kfold:5, grouped:5, holdout:0.2, split:8:1:1, or a splits_final.json"
USUAL_FOLDS = 5


@dataclass(frozen=True)
class Protocol:
    """How cases are parted into folds. No protocol divides a subject.

    Args:
        kind: `loso`: leave one subject out, a fold for each; `kfold`: each subject is held out in one of so many folds;
            `grouped`: the same, of a dataset that has several cases of a subject, and refused of another; `holdout`: a
            share is held out once; `split`: training, validation and test by parts; `file`: as a file says.
        numbers: Folds, share, or parts.
        path: Of the file.
    """

    kind: Kind
    numbers: tuple[float, ...] = ()
    path: Path | None = None

    def __str__(self) -> str:
        """Give it as a user writes it."""
        return str(self.path) if self.path else ":".join([self.kind, *(f"{number:g}" for number in self.numbers)])


def parse_protocol(text: str) -> Protocol:
    """Read a protocol as a user writes it.

    Raises:
        DatasetError: It is none.

    >>> parse_protocol("kfold:4"), str(parse_protocol("split:8:1:1"))
    (Protocol(kind='kfold', numbers=(4.0,), path=None), 'split:8:1:1')
    """
    if text.lower().endswith(".json"):
        return Protocol("file", path=Path(text))
    name, *rest = text.strip().lower().split(":")
    try:
        numbers = tuple(map(float, rest))
    except ValueError:
        raise _no_protocol(text) from None
    if not all(math.isfinite(number) for number in numbers):
        raise _no_protocol(text)
    if name == "loso" and not numbers:
        return Protocol("loso")
    if name in ("kfold", "grouped") and len(numbers) < 2:
        folds = numbers[0] if numbers else float(USUAL_FOLDS)
        if folds == int(folds) and folds >= 2:
            return Protocol("kfold" if name == "kfold" else "grouped", (folds,))
    if name == "holdout" and len(numbers) == 1 and 0 < numbers[0] < 1:
        return Protocol("holdout", numbers)
    if name == "split" and len(numbers) == 3 and min(numbers) > 0:
        return Protocol("split", numbers)
    raise _no_protocol(text)


def folds_of(dataset: Dataset, protocol: Protocol, *, seed: int) -> tuple[Split, ...]:
    """Part a dataset's labelled cases.

    Args:
        dataset: Its cases know their subjects.
        protocol: How.
        seed: Of what is left to chance.

    Returns:
        A split for each fold: `test` is what it keeps out; `validation` is empty where the protocol leaves it to the
        training who chooses the weights.

    Raises:
        DatasetError: Too few subjects, a file that cannot be read, a name that is no labelled case, or a leak: a
            subject on both sides of a fold, or a case that two folds keep out.
    """
    cases = dataset.labelled
    folds = _parted(dataset, cases, protocol, seed)
    for number, fold in enumerate(folds):
        refuse_leak(fold, cases, where=f"fold {number}", path=protocol.path or dataset.root)
    twice = [name for name, count in Counter(name for fold in folds for name in fold.test).items() if count > 1]
    if twice:
        raise DatasetError(
            expected="each case kept out by one fold at most",
            got=f"{twice[0]} kept out twice",
            remedy="take it out of one of them",
            path=protocol.path,
        )
    return tuple(folds)


def refuse_leak(split: Split, cases: Sequence[Case], *, where: str, path: Path | None = None) -> None:
    """Refuse a split that has a subject in two of its parts.

    Args:
        split: To be looked at.
        cases: Whose subjects are known.
        where: In words, for the sentence.
        path: Of the file at fault.

    Raises:
        DatasetError: A name that is no case, a case in two parts, or a subject in two.
    """
    subjects = {case.name: case.subject for case in cases}
    parts = {part: getattr(split, part) for part in ("train", "validation", "test")}
    unknown = [name for names in parts.values() for name in names if name not in subjects]
    if unknown:
        raise DatasetError(
            expected=f"names of labelled cases in {where}",
            got=", ".join(unknown[:5]),
            remedy="write the names as `univox check` lists them",
            path=path,
        )
    place: dict[str, tuple[str, str]] = {}
    for part, names in parts.items():
        for name in names:
            other, first = place.setdefault(subjects[name], (part, name))
            if other != part:
                raise DatasetError(
                    expected=f"every subject in one part of {where}",
                    got=f"{subjects[name]} in {other} ({first}) and in {part} ({name})",
                    remedy="move its cases to one part",
                    path=path,
                )


def _parted(dataset: Dataset, cases: Sequence[Case], protocol: Protocol, seed: int) -> list[Split]:
    if protocol.path is not None:
        return read_splits(protocol.path)
    if protocol.kind == "loso":
        return _one_subject_each(cases)
    if protocol.kind in ("kfold", "grouped"):
        if protocol.kind == "grouped" and len({case.subject for case in cases}) == len(cases):
            raise DatasetError(
                expected="several cases of a subject, to group by",
                got="a subject for every case",
                remedy="say by --subjects which cases are of one subject, or take kfold",
                path=dataset.root,
            )
        return [_tested(fold) for fold in kfold(cases, int(protocol.numbers[0]), seed)]
    if protocol.kind == "holdout":
        return [_tested(holdout(cases, fraction=protocol.numbers[0], seed=seed))]
    training, validation, test = protocol.numbers
    whole = training + validation + test
    outer = _tested(holdout(cases, fraction=test / whole, seed=seed))
    rest = [case for case in cases if case.name not in outer.test]
    inner = holdout(rest, fraction=validation / (training + validation), seed=seed + 1)
    return [dataclasses.replace(inner, test=outer.test)]


def _one_subject_each(cases: Sequence[Case]) -> list[Split]:
    subjects = sorted({case.subject for case in cases})
    if len(subjects) < 2:
        raise DatasetError(
            expected="at least two subjects, to leave one out", got=f"{len(subjects)}", remedy="add labelled cases"
        )
    names = {each: tuple(sorted(case.name for case in cases if case.subject == each)) for each in subjects}
    everybody = sorted(case.name for case in cases)
    return [
        Split(train=tuple(name for name in everybody if name not in names[each]), validation=(), test=names[each])
        for each in subjects
    ]


def _tested(split: Split) -> Split:
    """What a split holds out once is a fold's test cases."""
    return Split(train=split.train, validation=(), test=split.validation)


def _no_protocol(text: str) -> DatasetError:
    return DatasetError(expected=f"a protocol: {WORDS}", got=repr(text), remedy="write one of these")
