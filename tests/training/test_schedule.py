from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from univox.errors import CheckpointError
from univox.recipes.recipe import Schedule
from univox.training.schedule import Horizon, learning_rate_factor


@given(st.integers(1, 500), st.integers(1, 20))
def test_points_are_as_many_as_asked_and_the_last_is_the_end(total: int, count: int) -> None:
    horizon = Horizon.of(total)
    points = [iteration for iteration in range(total) if horizon.is_point(iteration, count)]
    assert len(points) == min(count, total)
    assert points[-1] == total - 1


@given(st.integers(20, 200), st.data())
def test_a_new_plan_changes_nothing_before_it_and_still_ends_at_one(total: int, data: st.DataObject) -> None:
    horizon = Horizon.of(total)
    at = data.draw(st.integers(1, total - 2))
    new_total = data.draw(st.integers(at + 1, total))
    replanned = horizon.replanned(at, new_total)
    assert all(replanned.progress(i) == horizon.progress(i) for i in range(at + 1))
    assert replanned.progress(new_total) == pytest.approx(1.0)
    steps = [replanned.progress(i) for i in range(new_total + 1)]
    assert steps == sorted(steps)
    assert Horizon.from_json(replanned.to_json()) == replanned


def test_replanning_by_hand() -> None:
    # Half of 100 done; the other half of the schedule now takes 25 iterations.
    horizon = Horizon.of(100).replanned(50, 75)
    assert horizon.progress(60) == pytest.approx(0.5 + 0.5 * 10 / 25)


def test_learning_rate_by_hand() -> None:
    cosine = Schedule(name="cosine", warmup=0.2, final=0.1)
    assert learning_rate_factor(cosine, 0.1) == pytest.approx(0.5)
    assert learning_rate_factor(cosine, 0.2) == pytest.approx(1.0)
    assert learning_rate_factor(cosine, 0.6) == pytest.approx(0.55)
    assert learning_rate_factor(cosine, 1.0) == pytest.approx(0.1)
    constant = Schedule(name="constant", warmup=0.0)
    assert {learning_rate_factor(constant, share) for share in (0.0, 0.3, 1.0)} == {1.0}


def test_a_broken_plan_is_an_error() -> None:
    with pytest.raises(CheckpointError, match="iteration and total"):
        Horizon.from_json([["a", 2]])


def test_polynomial_by_hand() -> None:
    nnunet = Schedule(name="polynomial", warmup=0.0, power=0.9)
    assert learning_rate_factor(nnunet, 0.5) == pytest.approx(0.535886731)
    assert learning_rate_factor(nnunet, 1.0) == 0.0
    square = Schedule(name="polynomial", warmup=0.5, power=2.0, final=0.2)
    assert learning_rate_factor(square, 0.25) == pytest.approx(0.5)
    assert learning_rate_factor(square, 0.75) == pytest.approx(0.2 + 0.8 * 0.25)


def test_steps_by_hand() -> None:
    steps = Schedule(name="steps", warmup=0.0, factor=0.1, every=20_000)
    factors = [learning_rate_factor(steps, 0.5, iteration=i) for i in (0, 19_999, 20_000, 39_999, 40_000)]
    assert factors == pytest.approx([1.0, 1.0, 0.1, 0.1, 0.01])


@pytest.mark.parametrize("name", ["constant", "cosine", "polynomial", "steps", "plateau"])
def test_a_warm_up_rises_in_a_line(name: str) -> None:
    settings = Schedule.model_validate({"name": name, "warmup": 0.4})
    assert [learning_rate_factor(settings, share) for share in (0.0, 0.1, 0.2)] == pytest.approx([0.0, 0.25, 0.5])


@given(st.integers(2, 100), st.integers(1, 10), st.data())
def test_a_run_that_ends_early_has_its_last_point_there(total: int, count: int, data: st.DataObject) -> None:
    at = data.draw(st.integers(1, total - 1))
    ended = Horizon.of(total).ended(at)
    assert ended.total == at
    assert ended.is_point(at - 1, count)
    assert ended.progress(at) == Horizon.of(total).progress(at)
    assert Horizon.from_json(ended.to_json()) == ended
