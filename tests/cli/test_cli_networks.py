from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from univox.cli.main import app
from univox.networks import cost

MEASURED = cost.Cost("small", "", 1234, (8, 8), 5_000_000_000, 6_000_000, 7.0, 0.125)
LOST = cost.Cost("large", "3-D", 4, (8, 8, 8), 10_000_000, reason="does not fit into memory")


def costs(*options: str, monkeypatch: pytest.MonkeyPatch) -> str:
    def give(_: int, **__: Any) -> list[cost.Cost]:
        return [MEASURED, LOST]

    monkeypatch.setattr(cost, "costs", give)
    done = CliRunner().invoke(app, ["networks", "--patch", "8", *options])
    assert done.exit_code == 0
    return done.output


def test_a_cost_that_could_not_be_measured_says_why_in_its_row(monkeypatch: pytest.MonkeyPatch) -> None:
    assert costs("--time", "--markdown", monkeypatch=monkeypatch).splitlines()[2:] == [
        "| small | - | 1,234 | 8x8 | 5.00 | 6 | 7 | 0.125 |",
        "| large | 3-D | 4 | 8x8x8 | 0.01 | does not fit into memory | - | - |",
    ]


def test_a_cost_that_could_not_be_measured_is_null_to_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    small, large = json.loads(costs("--json", monkeypatch=monkeypatch))
    assert (small["activation_bytes"], small["reason"]) == (6_000_000, "")
    assert (large["activation_bytes"], large["reason"]) == (None, "does not fit into memory")
