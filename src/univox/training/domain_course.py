"""One domain's way through a run: its updates, its batches, its validation; and the batches of all in turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from univox.data.batches import Batch, Batches
from univox.training.budget import MEASURED, Pace, measure_pace
from univox.training.step import Step
from univox.training.turns import Turns
from univox.training.validation import Validator

MEASURED_OF_MANY = 4
"""Timed iterations of each domain where there are several."""


@dataclass(frozen=True)
class DomainCourse:
    """What a run needs of one domain.

    Args:
        name: Of the domain.
        step: Updates its network; the optimizer is that of all domains.
        batches: Batch `i` of the domain's own as a pure function of `i`.
        validator: Held-out cases; none where there are too few to hold any out.
    """

    name: str
    step: Step
    batches: Batches
    validator: Validator | None


@dataclass(frozen=True)
class CourseBatch:
    """A batch and the place of its domain among the courses."""

    domain: int
    batch: Batch


@dataclass(frozen=True)
class BatchesInTurn:
    """The batches of a run: of whose turn it is, that domain's own next one."""

    courses: Sequence[DomainCourse]
    turns: Turns

    def batch(self, iteration: int) -> CourseBatch:
        """The batch of an iteration, counted from 0."""
        turn = self.turns.at(iteration)
        return CourseBatch(turn.domain, self.courses[turn.domain].batches.batch(turn.own_iteration))


def measure_courses(courses: Sequence[DomainCourse], turns: Turns) -> Pace:
    """Measure every domain, and give the seconds of a mean iteration and of all domains' validations."""
    measured = MEASURED if len(courses) == 1 else MEASURED_OF_MANY
    paces = [measure_pace(c.step, c.batches, c.validator, measured=measured) for c in courses]
    return Pace(
        iteration=sum(turns.share(index) * pace.iteration for index, pace in enumerate(paces)),
        validation=sum(pace.validation for pace in paces),
    )
