from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from univox.errors import CheckpointError
from univox.recipes.recipe import Schedule
from univox.training.plateau import Plateau


def followed(losses: list[float], settings: Schedule) -> list[Plateau]:
    states = [Plateau()]
    for loss in losses:
        states.append(states[-1].after(loss, settings))
    return states[1:]


def test_the_mean_of_the_last_epochs_by_hand() -> None:
    rule = Schedule(
        name="plateau", iterations_per_epoch=1, average="mean", window=2, patience=1, threshold=0.5, factor=0.5
    )
    # Means of two: none, 3.5, 2.5, 2.25, 2.5, 1.5. Falls: 1, 0.25 (too little), -0.25 (a rise), 1.
    states = followed([4.0, 3.0, 2.0, 2.5, 2.5, 0.5], rule)
    assert [state.averages[-1:] for state in states] == [(), (3.5,), (2.5,), (2.25,), (2.5,), (1.5,)]
    assert [state.factor for state in states] == [1.0, 1.0, 1.0, 0.5, 0.25, 0.25]


def test_the_exponential_average_by_hand() -> None:
    rule = Schedule(
        name="plateau", iterations_per_epoch=1, average="exponential", window=3, patience=2, threshold=0.5, factor=0.2
    )
    # The newest weighs 2 / 4. Averages: 8, 6, 5, 4.5, 4.25, 4.125, 4.0625. Compared with two epochs before:
    # 8 - 5, 6 - 4.5, 5 - 4.25 fall enough; 4.5 - 4.125 does not. Then two epochs pass before the next comparison.
    states = followed([8.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0], rule)
    assert [state.averages[-1] for state in states] == [8.0, 6.0, 5.0, 4.5, 4.25, 4.125, 4.0625, 4.03125]
    assert [state.factor for state in states] == pytest.approx([1.0] * 5 + [0.2, 0.2, 0.04])


def test_a_fall_of_exactly_the_threshold_is_a_fall() -> None:
    rule = Schedule(
        name="plateau", iterations_per_epoch=1, average="mean", window=1, patience=1, threshold=0.5, factor=0.5
    )
    assert followed([2.0, 1.5], rule)[-1].factor == 1.0


def test_an_epoch_is_the_mean_of_its_iterations() -> None:
    rule = Schedule(name="plateau", iterations_per_epoch=3, average="mean", window=1, patience=1)
    states = followed([1.0, 2.0, 6.0, 5.0], rule)
    assert [state.averages for state in states] == [(), (), (3.0,), (3.0,)]
    assert states[-1].running == (5.0,)


def test_the_released_rule_ends_where_halving_passes_the_lowest() -> None:
    rule = Schedule(
        name="plateau",
        iterations_per_epoch=1,
        average="mean",
        window=20,
        patience=1,
        threshold=1e-4,
        factor=0.5,
        lowest=1e-8,
    )
    # A constant loss: the twentieth epoch has the first mean; from the next on each halves. 3e-4 / 2 ** 15 = 9.2e-9.
    over = [state.is_over(rule, 3e-4) for state in followed([1.0] * 36, rule)]
    assert over.index(True) + 1 == 20 + 15


@given(st.lists(st.floats(0, 10), max_size=40), st.sampled_from(["mean", "exponential"]), st.integers(0, 40))
def test_a_state_that_went_through_json_goes_on_alike(losses: list[float], average: str, cut: int) -> None:
    rule = Schedule(name="plateau", iterations_per_epoch=2, average=average, window=3, patience=2, factor=0.3)
    whole = followed(losses, rule)
    state = Plateau()
    for index, loss in enumerate(losses):
        if index == cut:
            state = Plateau.from_json(json.loads(json.dumps(state.to_json())))
        state = state.after(loss, rule)
        assert state == whole[index]
        assert len(state.averages) <= 3


def test_a_broken_state_is_an_error() -> None:
    with pytest.raises(CheckpointError, match="plateau rule"):
        Plateau.from_json({"factor": 1.0})
