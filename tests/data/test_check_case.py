from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from written_cases import blocks, noise, picture, volume

from univox.data.case_facts import CaseFacts, Expected, Files
from univox.data.check_case import examine
from univox.data.classes import Classes

CLASSES = Classes.of({0: "background", 1: "front", 2: "back"})
EXPECTED = Expected(("MRI",), CLASSES, 3)


def facts_of(
    root: Path,
    image: np.ndarray,
    label: np.ndarray,
    *,
    image_affine: np.ndarray | None = None,
    label_affine: np.ndarray | None = None,
) -> CaseFacts:
    images = (volume(root / "image.nii", image, affine=image_affine),)
    return examine(EXPECTED, Files("a", images, volume(root / "label.nii", label, affine=label_affine)))


def kinds(facts: CaseFacts) -> list[tuple[str, str]]:
    return [(finding.severity, finding.kind) for finding in facts.findings]


def test_a_sound_case_has_no_findings_and_true_facts(tmp_path: Path) -> None:
    image = noise(0)
    facts = facts_of(tmp_path, image, blocks())
    assert facts.findings == ()
    assert facts.present == frozenset({0, 1, 2})
    assert facts.grid is not None
    assert (facts.grid.shape, facts.grid.spacing_mm) == (image.shape[::-1], (1.0, 1.0, 1.0))
    assert facts.channels[0].minimum == image.min()
    assert facts.channels[0].maximum == image.max()


def test_the_same_voxels_have_the_same_digest_whatever_their_type(tmp_path: Path) -> None:
    whole = noise(0).round()
    first = facts_of(tmp_path / "a", whole.astype(np.int16), blocks())
    second = facts_of(tmp_path / "b", whole, blocks().astype(np.uint8))
    other = facts_of(tmp_path / "c", whole + 1, blocks(shift=1))
    assert first.channels[0].digest == second.channels[0].digest != other.channels[0].digest
    assert first.label_digest == second.label_digest != other.label_digest


def test_shapes_that_differ_name_both_grids(tmp_path: Path) -> None:
    facts = facts_of(tmp_path, noise(0, (9, 8, 7)), blocks(shape=(9, 8, 6)))
    assert kinds(facts) == [("error", "shapes-differ")]
    assert "7x8x9 voxels" in facts.findings[0].cause
    assert "6x8x9 voxels" in facts.findings[0].cause
    turned = facts_of(tmp_path, noise(0, (9, 8, 7)), blocks(shape=(9, 7, 8)))
    assert "another order" in turned.findings[0].cause


def test_values_that_cannot_be_learned_from(tmp_path: Path) -> None:
    image = noise(0)
    image[0, 0, 0], image[1, 1, 1] = np.nan, np.inf
    facts = facts_of(tmp_path, image, blocks())
    assert kinds(facts) == [("error", "non-finite")]
    assert facts.findings[0].cause.startswith("2 voxels")
    assert kinds(facts_of(tmp_path, np.full((9, 8, 7), 3.0, np.float32), blocks())) == [("error", "constant-image")]
    empty = facts_of(tmp_path, np.full((9, 8, 7), np.nan, np.float32), blocks())
    assert ("error", "non-finite") in kinds(empty)


def test_one_constant_channel_of_two_is_named(tmp_path: Path) -> None:
    images = (volume(tmp_path / "a.nii", noise(0)), volume(tmp_path / "b.nii", np.zeros((9, 8, 7), np.int16)))
    facts = examine(Expected(("T1", "T2"), CLASSES, 3), Files("a", images, volume(tmp_path / "l.nii", blocks())))
    assert kinds(facts) == [("warning", "constant-image")]
    assert "channel T2" in facts.findings[0].cause


def test_channels_that_disagree(tmp_path: Path) -> None:
    label = volume(tmp_path / "l.nii", blocks())
    first, other = volume(tmp_path / "a.nii", noise(0)), volume(tmp_path / "b.nii", noise(1, (9, 8, 6)))
    two = Expected(("T1", "T2"), CLASSES, 3)
    assert kinds(examine(two, Files("a", (first, other), label))) == [("error", "channel-grids-differ")]
    assert kinds(examine(two, Files("a", (first,), label))) == [("error", "channel-count")]
    twice = volume(tmp_path / "c.nii", noise(0))
    assert kinds(examine(two, Files("a", (first, twice), label))) == [("warning", "channel-repeated")]


def test_a_picture_among_volumes(tmp_path: Path) -> None:
    image = picture(tmp_path / "a.png", noise(0, (8, 9)).astype(np.uint8))
    label = picture(tmp_path / "l.png", np.eye(8, 9, dtype=np.uint8))
    assert kinds(examine(EXPECTED, Files("a", (image,), label))) == [("error", "dimensions")]


def test_files_that_are_missing_empty_or_broken(tmp_path: Path) -> None:
    image, label = volume(tmp_path / "a.nii.gz", noise(0)), volume(tmp_path / "l.nii.gz", blocks())
    empty, broken = tmp_path / "empty.nii.gz", tmp_path / "broken.nii.gz"
    empty.write_bytes(b"")
    broken.write_bytes(image.read_bytes()[:200])
    table = [
        (Files("a", (), label), [("error", "missing-image")]),
        (Files("a", (image,), None), [("error", "missing-label")]),
        (Files("a", (empty,), label), [("error", "empty-file")]),
        (Files("a", (image,), empty), [("error", "empty-file")]),
        (Files("a", (broken,), label), [("error", "unreadable-image")]),
        (Files("a", (image,), broken), [("error", "unreadable-label")]),
        (Files("a", (tmp_path / "gone.nii",), label), [("error", "missing-image")]),
        (Files("a", (image,), tmp_path / "gone.nii"), [("error", "missing-label")]),
    ]
    for files, found in table:
        facts = examine(EXPECTED, files)
        assert kinds(facts) == found, files
        assert all(finding.case == "a" and finding.path for finding in facts.findings)


def test_floats_are_no_label(tmp_path: Path) -> None:
    assert kinds(facts_of(tmp_path, noise(0), noise(1))) == [("error", "no-label-values")]


@pytest.mark.parametrize(
    ("shift", "found"), [(1e-6, []), (0.2, [("warning", "affines-differ")]), (2.0, [("error", "affines-differ")])]
)
def test_affines_that_differ_weigh_by_voxels(tmp_path: Path, shift: float, found: list[tuple[str, str]]) -> None:
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    moved = affine.copy()
    moved[0, 3] = 2.0 * shift
    assert kinds(facts_of(tmp_path, noise(0), blocks(), image_affine=affine, label_affine=moved)) == found


def test_a_flipped_label_lies_on_the_same_grid(tmp_path: Path) -> None:
    flipped = np.diag([-1.0, 1.0, 1.0, 1.0])
    flipped[0, 3] = noise(0).shape[0] - 1
    assert kinds(facts_of(tmp_path, noise(0), blocks()[::-1].copy(), label_affine=flipped)) == []


@pytest.mark.parametrize(
    ("edge", "found"),
    [(0.001, [("note", "spacing-tiny")]), (0.5, []), (25.0, [("warning", "spacing-huge")])],
)
def test_spacing_out_of_the_ordinary(tmp_path: Path, edge: float, found: list[tuple[str, str]]) -> None:
    affine = np.diag([edge, 1.0, 1.0, 1.0])
    assert kinds(facts_of(tmp_path, noise(0), blocks(), image_affine=affine, label_affine=affine)) == found
