"""Which steps are taken: gains worked by hand, and rules that would hurt."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from univox.data.classes import NOT_ANNOTATED
from univox.inference.postprocessed import postprocessed
from univox.inference.postprocessing_choice import (
    LEAST_GAIN,
    ComparedCase,
    PackedLabel,
    choose_steps,
    helps,
    least_sizes,
)
from univox.model.postprocessing import ChosenStep

NAMES = ("background", "organ", "vessel")


def case(label: np.ndarray, prediction: np.ndarray, spacing: tuple[float, ...] = (1.0, 1.0)) -> ComparedCase:
    return ComparedCase(PackedLabel.of(label), PackedLabel.of(prediction), spacing)


def organ(at: int = 2) -> np.ndarray:
    """A square of 16 pixels."""
    label = np.zeros((12, 20), np.uint8)
    label[at : at + 4, 2:6] = 1
    return label


def speckled(label: np.ndarray, pixels: int) -> np.ndarray:
    prediction = label.copy()
    prediction[10, 12 : 12 + pixels] = 1
    return prediction


def test_a_speck_goes_and_dice_rises_by_what_is_worked_by_hand() -> None:
    cases = [case(organ(), speckled(organ(), 4)), case(organ(3), speckled(organ(3), 2)), case(organ(1), organ(1))]
    choice = choose_steps(cases, NAMES)
    [taken] = choice.taken
    # 2 * 16 / (16 + 20), 2 * 16 / (16 + 18) and 1; the least sizes are 4, 8 and 16 mm2, and 4 keeps the speck of 4.
    before = (Fraction(32, 36) + Fraction(32, 34) + 1) / 3
    assert (taken.class_name, taken.kind, taken.size) == ("organ", "least_mm2", 8.0)  # gentler than the largest
    assert taken.dice_before == pytest.approx(float(before), abs=1e-12)
    assert taken.dice_after == 1.0
    assert (taken.cases, taken.better, taken.worse) == (3, 2, 0)
    by_kind = {(each.kind, each.size): each.dice_after for each in choice.tried if each.class_name == "organ"}
    assert by_kind["least_mm2", 4.0] == pytest.approx(float((Fraction(32, 36) + 2) / 3), abs=1e-12)
    assert by_kind["largest", None] == 1.0


def test_sizes_do_not_hang_on_the_grid() -> None:
    [taken] = choose_steps([case(organ(), speckled(organ(), 4), (0.5, 3.0))], NAMES).taken
    assert taken.size == 12.0  # 8 pixels of 1.5 mm2
    volume, speck = organ()[None], speckled(organ(), 4)[None]
    [taken] = choose_steps([case(volume, speck, (10.0, 0.5, 3.0))], NAMES).taken
    assert (taken.kind, taken.size) == ("least_ml", 0.12)


def test_two_organs_of_one_class_are_left_alone() -> None:
    """The largest piece alone would lose a lung, though it takes away a speck too."""
    lungs = organ()
    lungs[2:6, 12:15] = 1
    prediction = lungs.copy()
    prediction[10, 1] = 1
    choice = choose_steps([case(lungs, prediction), case(lungs, prediction)], NAMES)
    [largest] = [each for each in choice.tried if (each.class_name, each.kind) == ("organ", "largest")]
    assert (largest.better, largest.worse) == (0, 2)
    assert largest.dice_after == pytest.approx(32 / 44, abs=1e-12)
    [taken] = choice.taken
    assert (taken.kind, taken.size) == ("least_mm2", 3.0)
    assert taken.dice_before == pytest.approx(56 / 57, abs=1e-12)
    # Without the speck nothing helps at all.
    assert choose_steps([case(lungs, lungs), case(lungs, lungs)], NAMES).taken == ()


def test_a_mean_that_rises_is_not_enough_where_cases_get_worse() -> None:
    """Nine cases win a little, one loses: a tenth may. Of five none may."""
    half = organ()
    half[2:6, 4] = 0  # the label has two pieces; the largest keeps the left one, of 8 pixels
    won, lost = case(organ(), speckled(organ(), 15)), case(half, half)
    assert helps(next(each for each in choose_steps([won] * 9 + [lost], NAMES).tried if each.kind == "largest"))
    largest = next(each for each in choose_steps([won] * 4 + [lost], NAMES).tried if each.kind == "largest")
    assert largest.dice_after - largest.dice_before > LEAST_GAIN
    assert (largest.better, largest.worse) == (4, 1)
    assert not helps(largest)


def test_what_was_found_by_mistake_counts_once_it_is_gone() -> None:
    empty, found = np.zeros((12, 20), np.uint8), speckled(np.zeros((12, 20), np.uint8), 3)
    [taken] = choose_steps([case(organ(), organ()), case(empty, found)], NAMES).taken
    assert (taken.dice_before, taken.dice_after, taken.size) == (0.5, 1.0, 4.0)


def test_unlabelled_voxels_say_nothing() -> None:
    label = organ()
    label[10] = NOT_ANNOTATED
    assert choose_steps([case(label, speckled(organ(), 4))], NAMES).taken == ()


def test_holes_are_filled_after_pieces_are_gone() -> None:
    prediction = organ()
    prediction[3:5, 3:5] = 0
    prediction[3, 3] = 2  # a vessel that is none, inside the organ
    vessel = np.zeros((12, 20), np.uint8)
    vessel[8, 2:18] = 2
    both = case(organ() + vessel, prediction + vessel)
    choice = choose_steps([both], NAMES)
    assert [(each.class_name, each.kind) for each in choice.taken] == [("vessel", "least_mm2"), ("organ", "fill")]
    assert choice.taken[1].dice_before == pytest.approx(24 / 28, abs=1e-12)
    assert choice.taken[1].dice_after == 1.0
    # What was measured step by step is what prediction does with all of them.
    done = postprocessed(prediction + vessel, choice.taken, NAMES, (1.0, 1.0))
    np.testing.assert_array_equal(done, organ() + vessel)


@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=9))
def test_least_sizes_are_few_ascending_and_never_above_the_smallest_pieces(smallest: list[float]) -> None:
    sizes = least_sizes(smallest)
    assert sizes == sorted(set(sizes))
    assert 3 <= len(sizes) <= 6
    assert sizes[-1] <= float(np.median(smallest)) * (1 + 1e-8)
    assert min(smallest) * 0.25 * 0.99 <= sizes[0] <= min(smallest) * 0.25 * (1 + 1e-8)


def test_nobody_labelled_leaves_no_size_to_try() -> None:
    empty = np.zeros((3, 3), np.uint8)
    assert least_sizes([]) == []
    assert {each.kind for each in choose_steps([case(empty, empty)], NAMES).tried} == {"largest", "fill"}


def test_packed_labels_come_back() -> None:
    label = np.arange(24, dtype=np.uint16).reshape(2, 3, 4).transpose(2, 0, 1)
    back = PackedLabel.of(label).array()
    np.testing.assert_array_equal(back, label)
    assert (back.dtype, back.flags.writeable) == (label.dtype, True)


def test_a_gain_of_the_least_is_none() -> None:
    figures = {"class_name": "organ", "kind": "largest", "cases": 20, "better": 3, "worse": 2}
    assert not helps(ChosenStep(**figures, dice_before=0.0, dice_after=LEAST_GAIN))
    assert helps(ChosenStep(**figures, dice_before=0.0, dice_after=LEAST_GAIN * 1.01))
    assert not helps(ChosenStep(**{**figures, "worse": 3}, dice_before=0.0, dice_after=0.5))
