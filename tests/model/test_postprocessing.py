"""What a model folder says of post-processing, and what cannot stand there."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from small_models import domain

from univox.model.domain import Domain
from univox.model.postprocessing import ChosenStep, Postprocessing, PostprocessingStep

FIGURES: dict[str, Any] = {"dice_before": 0.5, "dice_after": 0.625, "cases": 4, "better": 2, "worse": 0}


def test_the_field_comes_back_and_is_absent_where_nothing_was_chosen() -> None:
    plain = domain("brain")
    assert "postprocessing" not in plain.model_dump(mode="json")
    steps = (ChosenStep(class_name="class 1", kind="least_mm2", size=2.5, **FIGURES),)
    chosen = plain.model_copy(update={"postprocessing": Postprocessing(steps=steps, cases=("c",))})
    assert Domain.model_validate_json(chosen.model_dump_json()) == chosen


@pytest.mark.parametrize(
    "values",
    [
        {"kind": "largest", "size": 1.0},
        {"kind": "least_ml"},
        {"kind": "least_mm2", "size": 0},
        {"kind": "least_ml", "size": float("inf")},
        {"kind": "smooth"},
        {"kind": "fill", "radius": 1},
    ],
)
def test_what_makes_no_sense_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PostprocessingStep.model_validate({"class_name": "a", **values})


def test_steps_are_said_with_what_they_gained() -> None:
    assert str(ChosenStep(class_name="cell", kind="least_mm2", size=2.5, **FIGURES)) == (
        "cell: pieces below 2.5 mm2 become background (Dice 0.5000 before, 0.6250 after, on 4 cases)"
    )
    with pytest.raises(ValidationError):
        Postprocessing(steps=())
