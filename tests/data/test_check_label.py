from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from written_cases import blocks

from univox.data.case_facts import CaseNotes, Expected
from univox.data.check_label import label_rules
from univox.data.classes import Classes
from univox.data.findings import Finding
from univox.data.label_codes import count_codes
from univox.image import Label

CLASSES = Classes.of({0: "background", 1: "front", 2: "back"})


def found(array: np.ndarray, *, classes: Classes = CLASSES, name: str = "a.nii") -> list[Finding]:
    notes = CaseNotes("a")
    expected = Expected(("MRI",), classes, array.ndim)
    label_rules(Label.from_array(array), count_codes(array), expected, Path(name), notes)
    return notes.findings


def kinds(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(finding.severity, finding.kind) for finding in findings]


def half_done() -> tuple[np.ndarray, np.ndarray]:
    """Give a ball, and the ball as someone who stopped halfway left it."""
    depth, height, width = np.ogrid[-7:7:40j, -6:6:12j, -6:6:12j]
    whole = (depth**2 + height**2 + width**2 < 25).astype(np.uint8)
    half = whole.copy()
    half[21:] = 0
    return whole, half


def test_undeclared_codes_are_counted() -> None:
    label = blocks()
    label[0, 0, :2] = 9
    assert kinds(found(label)) == [("error", "undeclared-label")]
    assert "9 (2 voxels); declared are 0, 1, 2" in found(label)[0].cause


def test_an_empty_label_is_one_that_is_all_background() -> None:
    assert kinds(found(np.zeros((4, 5, 6), np.uint8))) == [("warning", "empty-label")]
    merged = CLASSES.select("back")
    assert kinds(found(blocks((0, 1)), classes=merged)) == [("warning", "empty-label")]
    assert kinds(found(blocks(), classes=merged)) == []


def test_objects_may_have_any_number() -> None:
    label = np.arange(60).reshape(6, 10)
    assert found(label, classes=Classes.of_instances()) == []
    assert kinds(found(label - 1, classes=Classes.of_instances())) == [("error", "undeclared-label")]


@pytest.mark.parametrize(("axis", "name"), [(0, "D"), (1, "H"), (2, "W")])
def test_a_label_that_was_left_half_done(axis: int, name: str) -> None:
    whole, half = half_done()
    assert found(np.moveaxis(whole, 0, axis)) == []
    stopped = found(np.moveaxis(half, 0, axis))
    assert kinds(stopped) == [("note", "label-stops")]
    assert f"slice 20 of 40 on axis {name}" in stopped[0].cause
    mirrored = found(np.moveaxis(half[::-1], 0, axis))
    assert f"slice 19 of 40 on axis {name}" in mirrored[0].cause


def test_a_lossy_label_is_named() -> None:
    assert ("warning", "lossy-label") in kinds(found(np.eye(5, dtype=np.uint8), name="a.JPG"))
