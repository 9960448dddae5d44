"""A dot per case, in its place on a line that ends at 1."""

from __future__ import annotations

import math
import re

import pytest

from univox.judging.case_strip import case_strip
from univox.judging.statistics import summarize


def test_cases_lie_where_their_figure_is() -> None:
    values = [0.55, 1.0, 0.75, math.nan]
    svg = case_strip(values, summarize(values))
    dots = [float(x) for x in re.findall(r'<circle cx="([^"]+)"', svg)]
    assert dots == pytest.approx([4 + 292 * (value - 0.5) / 0.5 for value in (0.55, 1.0, 0.75)], abs=0.01)
    assert "3 cases, from 0.550 to 1.000" in svg
    assert svg.count("<rect") == 1


def test_one_case_has_no_interval_and_none_has_no_strip() -> None:
    assert "<rect" not in case_strip([1.0], summarize([1.0]))
    assert case_strip([math.nan], summarize([math.nan])) == ""
    assert "nan" not in case_strip([0.0], summarize([0.0]))
