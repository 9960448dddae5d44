"""Steps from overlaps, and what settings refuse."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from univox.errors import RecipeError
from univox.recipes.inference_settings import InferenceSettings


@given(
    st.lists(st.integers(1, 200), min_size=1, max_size=3).map(tuple),
    st.floats(0, 1, exclude_max=True, allow_nan=False),
)
def test_steps_leave_no_gap_and_move_on(window: tuple[int, ...], overlap: float) -> None:
    for settings in (InferenceSettings(overlap=overlap), InferenceSettings(step=8)):
        assert all(1 <= step <= edge for step, edge in zip(settings.steps(window), window, strict=True))


def test_overlap_is_a_share_of_the_window_and_a_step_wins_over_it() -> None:
    assert InferenceSettings(overlap=0.75).steps((32, 48)) == (8, 12)
    assert InferenceSettings(overlap=0.75, step=4).steps((32, 48)) == (4, 4)
    assert InferenceSettings(step=(2, 16)).steps((32, 48)) == (2, 16)


def test_steps_that_do_not_fit_the_window_are_refused() -> None:
    with pytest.raises(RecipeError, match=r"3 steps.*got inference.step = \[8, 8\]"):
        InferenceSettings(step=(8, 8)).steps((32, 32, 32))
    with pytest.raises(RecipeError, match="none wider than the window"):
        InferenceSettings(step=(8, 33)).steps((32, 32))


@pytest.mark.parametrize(
    "wrong", [{"overlap": 1.0}, {"step": 0}, {"windows_per_batch": 0}, {"blend": "hann"}, {"steps": 8}]
)
def test_a_slip_is_an_error(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        InferenceSettings.model_validate(wrong)


def test_post_processing_is_written_down_only_where_it_is_off() -> None:
    assert "postprocessing" not in InferenceSettings().model_dump()
    off = InferenceSettings(postprocessing=False)
    assert off.model_dump(mode="json")["postprocessing"] is False
    assert InferenceSettings.model_validate(off.model_dump()) == off
