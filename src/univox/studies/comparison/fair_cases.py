"""On which cases models may be compared: those that none of them has learned from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from univox.data.case import Case
from univox.data.dataset import Dataset
from univox.errors import DatasetError
from univox.studies.comparison.contestants import Contestant

EVERY = "all"


@dataclass(frozen=True)
class FairCases:
    """The cases of a comparison.

    Args:
        cases: By name.
        notes: What a reader must know of the choice, as sentences.
    """

    cases: tuple[Case, ...]
    notes: tuple[str, ...]


def fair_cases(contestants: Sequence[Contestant], dataset: Dataset, named: Sequence[str] = ()) -> FairCases:
    """Choose the cases.

    By default they are the test cases that the recorded splits of all contestants have in common; where none of
    them knows the dataset at all, all its labelled cases. Cases that are named are taken as they are, and a note
    says who learned from them.

    Args:
        contestants: Each with the split that it is known by, or none.
        dataset: Only labelled cases count.
        named: Names of cases; "all" alone stands for every labelled one.

    Raises:
        DatasetError: A name that is no labelled case; or no case is left that nobody learned from.
    """
    labelled = {case.name: case for case in dataset.labelled}
    notes = [
        f"Nobody wrote down what {each.name} learned from: whether it saw these cases cannot be checked."
        for each in contestants
        if each.split is None
    ]
    if named:
        names = _wanted(named, labelled, dataset)
        notes += _leaks(contestants, names)
    else:
        names = _unseen(contestants, labelled, dataset)
    cases = tuple(labelled[name] for name in names)
    return FairCases(cases, (*notes, *_shared_subjects(contestants, cases, dataset)))


def _unseen(contestants: Sequence[Contestant], labelled: dict[str, Case], dataset: Dataset) -> list[str]:
    known = [each for each in contestants if each.split is not None]
    learned = {each.name: each.seen & labelled.keys() for each in known}
    kept_out = [set((each.split or {}).get("test", ())) for each in known]
    common = set.intersection(*kept_out) if kept_out else set[str]()
    names = [name for name in labelled if name in common and not any(name in seen for seen in learned.values())]
    if names:
        return names
    if not any(learned.values()) and not any(tests & labelled.keys() for tests in kept_out):
        # None of them knows the dataset: all of it is new to all of them.
        return list(labelled)
    raise DatasetError(
        expected="test cases that no model has trained or validated on",
        got="; ".join(_story(each, learned[each.name], labelled) for each in known),
        remedy="train them with one --holdout and --seed, or name cases by --cases (the report will say who saw them)",
        path=dataset.root,
    )


def _story(each: Contestant, learned: frozenset[str], labelled: dict[str, Case]) -> str:
    kept = len(set((each.split or {}).get("test", ())) & labelled.keys())
    return f"{each.name} kept {kept} out and learned from {len(learned)}"


def _wanted(named: Sequence[str], labelled: dict[str, Case], dataset: Dataset) -> list[str]:
    if list(named) == [EVERY]:
        return list(labelled)
    unknown = [name for name in named if name not in labelled]
    if unknown:
        raise DatasetError(
            expected="labelled cases of the dataset",
            got=", ".join(unknown[:5]),
            remedy=f"choose among {', '.join(list(labelled)[:3])}, ..., or --cases {EVERY}",
            path=dataset.root,
        )
    return [name for name in labelled if name in set(named)]


def _leaks(contestants: Sequence[Contestant], names: Sequence[str]) -> list[str]:
    leaks = {each.name: sum(name in each.seen for name in names) for each in contestants}
    return [
        f"Leak: {name} trained or validated on {count} of these {len(names)} cases, which were named all the same; "
        "its figures are better than they would be on new cases."
        for name, count in leaks.items()
        if count
    ]


def _shared_subjects(contestants: Sequence[Contestant], cases: Sequence[Case], dataset: Dataset) -> list[str]:
    """Say of whom a model has seen other cases: that is no new subject to it."""
    names = {case.name for case in cases}
    notes: list[str] = []
    for each in contestants:
        seen = {case.subject for case in dataset.labelled if case.name in each.seen - names}
        count = len({case.subject for case in cases} & seen)
        if count:
            plural = "" if count == 1 else "s"
            notes.append(f"{each.name} learned from other cases of {count} subject{plural} among these.")
    return notes
