from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata, wilcoxon

from univox.judging.paired import fewest_units, holm, paired, signed_rank
from univox.judging.statistics import bootstrap_interval

eighths = st.integers(0, 8).map(lambda eighth: eighth / 8)
NAMES = "aabcdefgghijk"


def test_differences_worked_by_hand() -> None:
    first, second = [0.75, 0.5, 0.875, 0.25, math.nan], [0.5, 0.5, 0.375, 0.5, 0.5]
    result = paired(first, second)
    # Differences 1/4, 0, 1/2, -1/4; the fifth case has no figure of the first.
    assert (result.first, result.second, result.difference) == (0.59375, 0.46875, 0.125)
    assert (result.median, result.above, result.below, result.same) == (0.125, 2, 1, 1)
    assert (result.counted, result.left_out, result.subjects) == (4, 1, 4)
    # Ranks of 1/4, 1/2, 1/4 are 1.5, 3, 1.5: in favor of the first 4.5 of 6.
    assert (result.test.units, result.test.effect, result.test.p) == (3, 0.5, None)
    assert -0.25 <= result.low < 0.125 < result.high <= 0.5


def test_a_constant_difference_is_known_without_doubt() -> None:
    second = [0.125, 0.5, 0.25, 0.625, 0.375, 0.5, 0.0]
    result = paired([value + 0.25 for value in second], second, subjects=list("aabbcde"))
    assert (result.low, result.difference, result.high) == (0.25, 0.25, 0.25)
    # Five subjects: no pattern of signs is rare enough, however many cases each has.
    assert (result.test.effect, result.test.units, result.test.p) == (1.0, 5, None)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(eighths, eighths), min_size=1, max_size=13), st.booleans())
def test_a_swap_mirrors_every_figure(values: list[tuple[float, float]], with_subjects: bool) -> None:
    first, second = [a for a, _ in values], [b for _, b in values]
    subjects = list(NAMES[: len(values)]) if with_subjects else None
    there, back = paired(first, second, subjects=subjects), paired(second, first, subjects=subjects)
    assert (there.first, there.second) == (back.second, back.first)
    assert (there.above, there.below, there.same) == (back.below, back.above, back.same)
    assert (there.difference, there.median) == (-back.difference, -back.median)
    np.testing.assert_array_equal([there.low, there.high], [-back.high, -back.low])
    np.testing.assert_array_equal(there.test.effect, -back.test.effect)
    assert (there.test.p, there.test.units) == (back.test.p, back.test.units)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(-4, 4), min_size=6, max_size=9))
def test_p_is_the_share_of_sign_patterns_that_are_as_one_sided(differences: list[int]) -> None:
    result = signed_rank(differences)
    sizes = [abs(difference) for difference in differences if difference]
    if len(sizes) < 6:
        assert result.p is None
        return
    ranks = rankdata(sizes)
    observed = abs(sum(rank * np.sign(d) for rank, d in zip(ranks, filter(None, differences), strict=True)))
    patterns = itertools.product((-1, 1), repeat=len(sizes))
    extreme = sum(abs(float(np.dot(pattern, ranks))) >= observed - 1e-9 for pattern in patterns)
    assert result.p == pytest.approx(extreme / 2 ** len(sizes))


@pytest.mark.parametrize("units", [6, 7, 20, 45])
def test_p_agrees_with_scipy_without_ties(units: int) -> None:
    random = np.random.default_rng(units)
    differences = random.normal(0.3, 1, units)
    assert signed_rank(differences.tolist()).p == pytest.approx(wilcoxon(differences, method="exact").pvalue)


def test_the_approximation_beyond_the_exact_range_joins_it(monkeypatch: pytest.MonkeyPatch) -> None:
    differences = np.random.default_rng(0).normal(0.2, 1, 100).tolist()
    exact = signed_rank(differences).p
    monkeypatch.setattr("univox.judging.paired.EXACT_UP_TO", 99)
    approximate = signed_rank(differences).p
    assert exact != approximate
    assert approximate == pytest.approx(exact, rel=0.1)


def test_too_few_cases_for_a_test() -> None:
    assert signed_rank([1.0, 2.0, 3.0, 4.0, 5.0]).p is None
    assert signed_rank([1.0, 2.0, 3.0, 4.0, 5.0, 0.0]).p is None
    assert signed_rank([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).p == 0.03125
    assert signed_rank([0.0] * 20).p is None
    for tests in (1, 2, 9, 100):
        units = fewest_units(tests)
        assert tests * 2 / 2**units < 0.05 <= tests * 2 / 2 ** (units - 1)


def test_holm_worked_by_hand() -> None:
    # Sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1 is 0.02, 0.03, 0.06, 0.04; the last may not fall below 0.06.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.01, None, 0.5, 0.6]) == [0.03, None, 1.0, 1.0]
    assert holm([]) == []


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_keeps_the_order_and_is_between_nothing_and_bonferroni(p_values: list[float]) -> None:
    corrected = holm(p_values)
    for p, q in zip(p_values, corrected, strict=True):
        assert p <= q <= min(1.0, p * len(p_values)) or q == pytest.approx(min(1.0, p * len(p_values)))
    for (p, q), (r, s) in itertools.combinations(zip(p_values, corrected, strict=True), 2):
        assert (p <= r and q <= s) or (p >= r and q >= s)


@settings(deadline=None, max_examples=40)
@given(st.lists(eighths, min_size=2, max_size=13))
def test_values_of_one_subject_are_drawn_together(values: list[float]) -> None:
    apart = [str(index) for index in range(len(values))]
    assert bootstrap_interval(values, groups=apart) == bootstrap_interval(values)
    # Each value twice, as two cases of its subject: nothing more is known than with each once.
    assert bootstrap_interval(values * 2, groups=apart * 2) == pytest.approx(bootstrap_interval(values))
    assert all(map(math.isnan, bootstrap_interval(values, groups=["one"] * len(values))))
