from __future__ import annotations

import copy
import os
from pathlib import Path

import pytest

from univox.errors import LabelError
from univox.parallel.cases import Failure, available_jobs, in_own_process, map_cases

SCORE = Path("/proc/self/oom_score_adj")


def square(number: int) -> int:
    return number * number


def refuse_odd(number: int) -> int:
    if number % 2:
        raise LabelError(expected="even", got=str(number), remedy="double it", path=f"{number}.png")
    return number


def die_at_two(number: int) -> int:
    if number == 2:
        os._exit(1)
    return -number


@pytest.mark.parametrize("jobs", [1, 2])
def test_results_come_in_the_order_of_the_items_and_progress_counts_each(jobs: int) -> None:
    progress: list[tuple[int, int]] = []
    results = map_cases(
        square, iter(range(7)), jobs=jobs, on_progress=lambda done, total: progress.append((done, total))
    )
    assert results == [0, 1, 4, 9, 16, 25, 36]
    assert progress == [(done, 7) for done in range(1, 8)]


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_failing_case_is_a_value_that_keeps_every_part_of_its_error(jobs: int) -> None:
    results = map_cases(refuse_odd, [2, 3, 4], jobs=jobs)
    assert results[0] == 2
    assert results[2] == 4
    failure = results[1]
    assert isinstance(failure, Failure)
    assert isinstance(failure.error, LabelError)
    assert (failure.error.expected, failure.error.got, failure.error.remedy) == ("even", "3", "double it")
    assert failure.error.path == Path("3.png")
    assert "refuse_odd" in failure.details


def test_a_process_that_dies_costs_only_its_own_case() -> None:
    results = map_cases(die_at_two, [0, 1, 2, 3, 4], jobs=2)
    assert [results[i] for i in (0, 1, 3, 4)] == [0, -1, -3, -4]
    assert isinstance(results[2], Failure)
    assert "sudden end" in str(results[2].error)


@pytest.mark.skipif(not SCORE.exists(), reason="Linux alone can be told which process to end first")
def test_a_process_of_its_own_is_the_first_that_a_lack_of_memory_ends() -> None:
    before = SCORE.read_text()
    assert in_own_process(Path.read_text, SCORE) == "1000\n"
    assert SCORE.read_text() == before


def test_an_error_that_is_no_univox_error_crosses_as_its_words() -> None:
    failure = copy.copy(Failure(KeyError("lost"), "details"))
    assert str(failure.error) == "KeyError: 'lost'"
    assert failure.details == "details"


def test_no_case_is_no_result() -> None:
    assert map_cases(square, [], jobs=4) == []
    assert available_jobs() >= 1


def test_an_interrupt_is_not_a_failure_of_a_case() -> None:
    def interrupted(_: int) -> int:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        map_cases(interrupted, [1, 2])
