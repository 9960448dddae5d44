"""Which cases are drawn: the ends and the middle of what was judged, none twice."""

from __future__ import annotations

import dataclasses

import pytest

from univox.judging.evaluate import Evaluation
from univox.judging.gallery import galleries

RANKS = {0: [], 1: ["Worst missed"], 2: ["Worst missed", "Best shifted"]}


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_each_case_is_drawn_once(mixed_evaluation: Evaluation, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("univox.judging.gallery.overlays", lambda *_, **__: ())
    few = dataclasses.replace(mixed_evaluation, results=mixed_evaluation.results[:count])
    expected = RANKS.get(count, ["Worst missed", "Median shifted", "Best perfect"])
    assert [f"{gallery.rank} {gallery.result.name}" for gallery in galleries(few)] == expected
