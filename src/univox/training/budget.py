"""A time budget turned into a number of iterations."""

from __future__ import annotations

import copy
import re
import statistics
import time
from dataclasses import dataclass

from univox.data.batches import Batches
from univox.errors import RecipeError
from univox.training.step import Step
from univox.training.validation import Validator

UNMEASURED = 3
MEASURED = 8
RESERVE = 0.04
"""Share of the budget kept for writing the model and for the machine's unsteadiness."""
VALIDATION_SHARE = 0.1
"""Largest share of the budget that goes into validation."""


def parse_budget(text: str) -> float:
    """Read a duration in seconds.

    Args:
        text: A number with h, m or s, or several of them; a bare number is minutes.

    Raises:
        RecipeError: Anything else, or nothing left to spend.

    >>> parse_budget("25m"), parse_budget("1h30m"), parse_budget("90s")
    (1500.0, 5400.0, 90.0)
    """
    text = text.strip().lower()
    if re.fullmatch(r"\d+(\.\d+)?", text):
        text += "m"
    seconds = {"h": 3600.0, "m": 60.0, "s": 1.0}
    if re.fullmatch(r"(\d+(\.\d+)?[hms])+", text):
        total = sum(float(number) * seconds[unit] for number, unit in re.findall(r"([\d.]+)([hms])", text))
        if total > 0:
            return total
    raise RecipeError(expected="a budget such as 20m, 90s or 1h30m", got=repr(text), remedy="write --budget 20m")


@dataclass(frozen=True)
class Pace:
    """What the machine was measured to need, in seconds."""

    iteration: float
    validation: float

    def validations(self, seconds: float, wanted: int) -> int:
        """Give how many validations fit into their share of `seconds`; at least one."""
        if self.validation <= 0:
            return wanted
        return max(1, min(wanted, int(VALIDATION_SHARE * seconds / self.validation)))

    def iterations(self, seconds: float, validations: int) -> int:
        """Give how many iterations fit into `seconds` beside `validations`; at least one."""
        return max(1, int((seconds - validations * self.validation) / self.iteration))


def measure_pace(step: Step, batches: Batches, validator: Validator | None, *, measured: int = MEASURED) -> Pace:
    """Run a few iterations and a few windows of a validation on the clock, and undo them.

    Args:
        step: Of one domain.
        batches: Of that domain.
        validator: Of that domain, where it has one.
        measured: Iterations that count.

    The first iterations pay for the libraries' set-up and are not counted. The quicker ones of the others
    count: a disturbance in these seconds must not shorten the whole run, and a machine that stays slower is
    noticed at the first validation.
    """
    weights = copy.deepcopy(step.network.state_dict())
    optimizer = copy.deepcopy(step.optimizer.state_dict())
    seconds: list[float] = []
    for iteration in range(UNMEASURED + measured):
        began = time.perf_counter()
        step(batches.batch(iteration), iteration, learning_rate=1e-8)
        seconds.append(time.perf_counter() - began)
    validation = 0.0 if validator is None else validator.estimated_seconds(step.network)
    step.network.load_state_dict(weights)
    step.optimizer.load_state_dict(optimizer)
    return Pace(statistics.quantiles(seconds[UNMEASURED:], n=4)[0], validation)
