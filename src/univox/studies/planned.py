"""The training runs of a study: which are done, and how long the others will take."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from univox.model.folder import read_model


@dataclass(frozen=True)
class Planned:
    """One training run.

    Args:
        name: In words.
        model: The folder that it makes, or adds a domain to.
        datasets: How many it trains on.
        iterations: Its length where no budget is given.
        added: The domain that it adds; none for a run from the start.
    """

    name: str
    model: Path
    datasets: int
    iterations: int
    added: str | None = None

    @property
    def is_done(self) -> bool:
        """Whether the folder holds what the run leaves."""
        there = (self.model / "model.json").exists()
        return there and (self.added is None or self.added in read_model(self.model).domains)

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the finished run says of itself: iterations, seconds."""
        return run_facts_of(self.model, self.added)


def duration(seconds: float) -> str:
    """Say how long, rounded up: in seconds below a minute and a half, else in minutes.

    >>> duration(0.2), duration(61.5), duration(91)
    ('1 s', '62 s', '2 min')
    """
    return f"{math.ceil(seconds)} s" if seconds < 90 else f"{math.ceil(seconds / 60):,} min"


def run_facts_of(model: Path, domain: str | None) -> Mapping[str, Any]:
    """Give the facts (iterations, seconds) of the run that a domain came by: an extension's, or else the model's."""
    stored = read_model(model)
    own = {} if domain is None else stored.domain(domain).provenance
    return own if "iterations" in own else stored.provenance


def time_left(runs: Sequence[Planned], budget_seconds: float | None) -> str:
    """Say how much training is left: as the budget for each dataset says, or at the pace of the runs that are done."""
    left, done = [run for run in runs if not run.is_done], [run for run in runs if run.is_done]
    if left and budget_seconds is not None:
        minutes = math.ceil(sum(run.datasets for run in left) * budget_seconds / 60)
        return f" (at most {minutes} min of training from here)"
    if not left or not done:
        return ""
    facts = [run.facts for run in done]
    pace = sum(fact["seconds"] for fact in facts) / sum(fact["iterations"] for fact in facts)
    minutes = math.ceil(pace * sum(run.iterations for run in left) / 60)
    return f" (about {minutes} min of training from here, at the pace so far)"
