from __future__ import annotations

from dataclasses import replace

import pytest

from univox.data.case_facts import CaseFacts, ChannelFacts, Expected, GridFacts
from univox.data.check_across import across
from univox.data.classes import Classes
from univox.data.findings import Finding

EXPECTED = Expected(("MRI",), Classes.of({0: "background", 1: "front", 2: "back"}), 3)


def facts(number: int, **changes: object) -> CaseFacts:
    channel = ChannelFacts(0.0, 9.0, 1.0, 8.0, 0, f"image {number}")
    sound = CaseFacts(
        name=f"case_{number:02d}",
        path=f"{number}.nii",
        grid=GridFacts((30, 40, 50), (1.0, 1.0, 1.0)),
        channels=(channel,),
        present=frozenset({0, 1, 2}),
        label_digest=f"label {number}",
    )
    return replace(sound, **changes)  # pyright: ignore[reportArgumentType]


def found(cases: list[CaseFacts], *, declared: bool = True) -> list[Finding]:
    return across(cases, EXPECTED, declared=declared)


def kinds(cases: list[CaseFacts], *, declared: bool = True) -> list[tuple[str, str, str]]:
    return [(f.case, f.severity, f.kind) for f in found(cases, declared=declared)]


def test_cases_that_are_alike_raise_nothing() -> None:
    assert found([facts(number) for number in range(5)]) == []


@pytest.mark.parametrize(
    ("grid", "far"),
    [
        (GridFacts((150, 200, 250), (1.0, 1.0, 1.0)), False),
        (GridFacts((30, 201, 50), (1.0, 1.0, 1.0)), True),
        (GridFacts((5, 40, 50), (1.0, 1.0, 1.0)), True),
        (GridFacts((30, 40, 50), (5.1, 1.0, 1.0)), True),
        (GridFacts((30, 40, 50), (1.0, 0.19, 1.0)), True),
    ],
)
def test_a_grid_is_far_past_five_times_the_median(grid: GridFacts, *, far: bool) -> None:
    cases = [*(facts(number) for number in range(4)), facts(9, grid=grid)]
    assert kinds(cases) == ([("case_09", "warning", "grid-differs")] if far else [])
    if far:
        assert "30x40x50 voxels of 1x1x1 mm" in found(cases)[0].cause
        assert str(grid) in found(cases)[0].cause


def test_a_label_alone_on_a_far_grid_is_an_error() -> None:
    lone = facts(9, grid=GridFacts((300, 400, 500), (1.0, 1.0, 1.0)), channels=())
    assert ("case_09", "error", "grid-differs") in kinds([*(facts(n) for n in range(4)), lone])


def test_a_class_stands_out_as_absent_where_nine_of_ten_have_it() -> None:
    without = frozenset({0, 1})
    assert kinds([*(facts(n) for n in range(10)), facts(10, present=without)]) == [
        ("case_10", "warning", "class-absent")
    ]
    several = [facts(n, present=without) for n in range(3)]
    assert kinds([*several, *(facts(n) for n in range(3, 10))]) == []
    assert kinds([facts(0), facts(1, present=frozenset({0}))]) == [], "an empty label is said elsewhere"


def test_a_class_that_no_label_holds() -> None:
    cases = [facts(n, present=frozenset({0, 2})) for n in range(3)]
    assert kinds(cases) == [("", "warning", "class-in-no-label")]
    assert "front (code 1)" in found(cases)[0].cause


def test_a_stray_code_is_suspected_only_where_classes_were_measured() -> None:
    cases = [facts(n, present=frozenset({0, 1, 2} if n == 7 else {0, 1})) for n in range(20)]
    assert kinds(cases) == []
    assert kinds(cases, declared=False) == [("", "warning", "class-rare")]
    assert "case_07" in found(cases, declared=False)[0].cause


def test_twins_are_named_with_their_elder() -> None:
    twin = facts(3, channels=facts(1).channels)
    cases = [twin, *(facts(n) for n in range(3))]
    assert kinds(cases) == [("case_03", "warning", "duplicate-image")]
    assert "that of case_01, with different labels" in found(cases)[0].cause
    same = replace(twin, label_digest=facts(1).label_digest)
    assert kinds([same, facts(1), facts(2)]) == [("case_03", "warning", "duplicate-image")]
    assert "the same label" in found([same, facts(1)])[0].cause


def test_constant_images_are_no_twins() -> None:
    constant = (ChannelFacts(3.0, 3.0, 3.0, 3.0, 0, "flat"),)
    assert kinds([facts(0, channels=constant), facts(1, channels=constant), facts(2)]) == []


def test_one_label_for_several_images_is_a_note() -> None:
    cases = [facts(n, label_digest="one") for n in range(3)]
    assert kinds(cases) == [("", "note", "duplicate-label")]
    assert kinds([facts(n, label_digest="", present=frozenset({0})) for n in (0, 1)] + [facts(2)]) == []


def test_how_many_cases_there_are() -> None:
    assert kinds([facts(0)]) == [("", "note", "single-case")]
    assert kinds([facts(0, channels=())]) == [("", "error", "no-labelled-case")]
    assert kinds([]) == [("", "error", "no-labelled-case")]
