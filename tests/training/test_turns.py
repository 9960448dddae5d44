"""Who trains when: exact shares, evenly spread, and a count of their own for each."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from univox.training.turns import Turns, turns_of

WEIGHTS = st.lists(st.integers(1, 40), min_size=1, max_size=6)


@given(WEIGHTS, st.integers(1, 3))
def test_a_cycle_holds_each_as_often_as_it_weighs(weights: list[int], cycles: int) -> None:
    turns = Turns(weights)
    counted = Counter(turns.at(iteration).domain for iteration in range(cycles * sum(weights)))
    assert counted == {domain: cycles * weight for domain, weight in enumerate(weights)}
    assert sum(turns.share(domain) for domain in range(len(weights))) == pytest.approx(1)


@given(WEIGHTS)
def test_own_iterations_count_up_without_a_gap(weights: list[int]) -> None:
    turns = Turns(weights)
    seen: dict[int, list[int]] = {}
    for iteration in range(3 * sum(weights)):
        turn = turns.at(iteration)
        seen.setdefault(turn.domain, []).append(turn.own_iteration)
    assert all(own == list(range(len(own))) for own in seen.values())


@given(WEIGHTS)
def test_nobody_waits_long(weights: list[int]) -> None:
    # After n iterations each has had its share of n, give or take less than two turns.
    turns, had = Turns(weights), Counter[int]()
    for iteration in range(2 * sum(weights)):
        had[turns.at(iteration).domain] += 1
        for domain in range(len(weights)):
            assert abs(had[domain] - (iteration + 1) * turns.share(domain)) < len(weights)


def test_round_robin_asks_nobody_twice_in_a_row() -> None:
    turns = turns_of((208, 9, 4), "round-robin")
    assert [turns.at(iteration).domain for iteration in range(7)] == [0, 1, 2, 0, 1, 2, 0]


def test_large_sets_keep_their_proportion_in_a_short_cycle() -> None:
    turns = turns_of((100_000, 50_000), "proportional")
    assert turns.share(0) == pytest.approx(2 / 3, rel=0.01)
    assert len([turns.at(i) for i in range(sum(turns.weights))]) <= 2000
    rooted = turns_of((208, 5), "sqrt")
    assert rooted.share(0) / rooted.share(1) == pytest.approx((208 / 5) ** 0.5, rel=0.05)
