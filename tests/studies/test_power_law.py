from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import nnls

from univox.studies.power_law import PowerLaw, doubling_gain, doubling_interval, fit_power_law

SIZES = [4, 8, 16, 32, 64]


@settings(deadline=None, max_examples=30)
@given(st.floats(0.0, 0.3), st.floats(0.2, 2.0), st.floats(0.2, 1.5))
def test_a_curve_of_the_law_is_found_again(floor: float, scale: float, exponent: float) -> None:
    law = PowerLaw(floor, scale, exponent, 0.0)
    found = fit_power_law(SIZES, [law.error(n) for n in SIZES])
    assert found.residual < 1e-5
    assert [found.error(n) for n in (5, 64, 128)] == pytest.approx([law.error(n) for n in (5, 64, 128)], abs=2e-4)


def test_no_law_on_a_fine_grid_misses_by_less() -> None:
    errors = np.array([0.42, 0.25, 0.21, 0.15, 0.16])
    found = fit_power_law(SIZES, errors.tolist())
    misses = [
        nnls(np.stack([np.ones(5), np.array(SIZES, float) ** -c], axis=1), errors)[1]
        for c in np.linspace(0.05, 4, 2000)
    ]
    assert found.residual * np.sqrt(5) <= min(misses) + 1e-9


def test_the_unit_of_the_sizes_changes_nothing_that_is_said() -> None:
    errors = [0.4, 0.27, 0.2, 0.17, 0.15]
    there, back = fit_power_law(SIZES, errors), fit_power_law([100 * n for n in SIZES], errors)
    assert back.exponent == pytest.approx(there.exponent, rel=1e-4)
    assert doubling_gain(back, 6400) == pytest.approx(doubling_gain(there, 64), rel=1e-3)


def test_doubling_worked_by_hand() -> None:
    # 0.8 / 16 is 0.05, 0.8 / 32 is 0.025.
    assert doubling_gain(PowerLaw(0.1, 0.8, 1.0, 0.0), 16) == pytest.approx(0.025)


def test_an_error_that_does_not_fall_promises_nothing() -> None:
    for errors in ([0.2] * 4, [0.1, 0.2, 0.3, 0.4]):
        law = fit_power_law([4, 8, 16, 32], errors)
        assert doubling_gain(law, 32) == pytest.approx(0.0, abs=1e-9)
        assert law.floor == pytest.approx(np.mean(errors))


def test_errors_that_fall_at_once_and_then_stay_are_said_not_to_follow_the_law() -> None:
    assert fit_power_law(SIZES, [0.244, 0.2046, 0.21, 0.2127, 0.1924]).is_at_an_end
    assert not fit_power_law(SIZES, [0.1 + n**-0.5 for n in SIZES]).is_at_an_end


def test_three_sizes_are_too_few() -> None:
    assert fit_power_law([4, 8, 16], [0.3, 0.2, 0.1]) is None
    assert fit_power_law([4, 4, 8, 16], [0.3, 0.3, 0.2, 0.1]) is None
    assert doubling_interval([4, 8, 16], np.ones((3, 4)), list("abcd")) is None
    assert doubling_interval(SIZES, np.ones((5, 4)), list("aaaa")) is None


def test_cases_that_all_say_the_same_leave_no_doubt() -> None:
    law = PowerLaw(0.1, 0.9, 0.7, 0.0)
    errors = np.array([[law.error(n)] * 5 for n in SIZES])
    low, high = doubling_interval(SIZES, errors, list("abcde"))
    assert low == pytest.approx(high)
    assert low == pytest.approx(doubling_gain(law, 64), abs=1e-4)
