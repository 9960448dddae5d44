from __future__ import annotations

from pathlib import Path

import pytest

from univox.data.case import Case
from univox.data.classes import Classes
from univox.data.dataset import Dataset
from univox.errors import DatasetError
from univox.model.domain import Domain
from univox.studies.comparison.contestants import Contestant
from univox.studies.comparison.fair_cases import fair_cases

NAMES = ("a", "b", "c", "d", "e", "f")


def dataset_of(names: tuple[str, ...] = NAMES, subjects: dict[str, str] | None = None) -> Dataset:
    cases = tuple(Case(n, (Path(n),), Path(n), (subjects or {}).get(n, "")) for n in names)
    classes = Classes.of({0: "background", 1: "ball"})
    return Dataset("Toy", Path("toy"), "csv", cases, (), (), ("MRI",), classes, 3, True)


def contestant(name: str, train: str = "", validation: str = "", test: str = "") -> Contestant:
    split = {"train": list(train), "validation": list(validation), "test": list(test)}
    domain = Domain(
        name="Toy",
        channel_names=("MRI",),
        classes=Classes.of({0: "background", 1: "ball"}).to_json(),
        spatial_dims=3,
        provenance={"split": split},
    )
    return Contestant(name, Path(name), True, None, domain)


def names_of(*contestants: Contestant, named: tuple[str, ...] = ()) -> list[str]:
    return [case.name for case in fair_cases(contestants, dataset_of(), named).cases]


def test_the_test_cases_in_common_are_compared_on() -> None:
    one, other = contestant("one", "ab", "c", "def"), contestant("other", "ad", "b", "cef")
    assert names_of(one, other) == ["e", "f"]
    assert fair_cases((one, other), dataset_of()).notes == ()


@pytest.mark.parametrize("other", [contestant("other", "def", "", "abc"), contestant("other", "abc", "def", "")])
def test_a_case_that_a_model_has_learned_from_is_refused(other: Contestant) -> None:
    with pytest.raises(DatasetError, match="no model has trained or validated on, got one kept 3 out and learned"):
        names_of(contestant("one", "ab", "c", "def"), other)


def test_named_cases_are_taken_and_the_leak_is_said() -> None:
    contestants = contestant("one", "ab", "c", "def"), contestant("other", "ad", "b", "cef")
    chosen = fair_cases(contestants, dataset_of(), ("e", "b", "d"))
    assert [case.name for case in chosen.cases] == ["b", "d", "e"]
    assert [note.split(" on ")[1][:17] for note in chosen.notes] == ["1 of these 3 case", "2 of these 3 case"]
    assert all(note.startswith("Leak: ") for note in chosen.notes)
    assert names_of(*contestants, named=("all",)) == list(NAMES)
    with pytest.raises(DatasetError, match="got z"):
        names_of(*contestants, named=("a", "z"))


def test_a_dataset_that_no_model_knows_is_compared_on_as_a_whole() -> None:
    assert names_of(contestant("one", "uv", "", "w"), contestant("other", "x")) == list(NAMES)


def test_predictions_of_unknown_origin_are_compared_and_said_to_be() -> None:
    unknown = Contestant("theirs", Path("theirs"), False, None, None)
    chosen = fair_cases((contestant("one", "ab", "c", "def"), unknown), dataset_of())
    assert [case.name for case in chosen.cases] == ["d", "e", "f"]
    [note] = chosen.notes
    assert "what theirs learned from" in note


def test_another_case_of_a_subject_that_was_learned_from_is_said() -> None:
    one = contestant("one", "ab", "", "ef")
    [note] = fair_cases((one, one), dataset_of(subjects={"a": "x", "e": "x"})).notes[:1]
    assert note == "one learned from other cases of 1 subject among these."
