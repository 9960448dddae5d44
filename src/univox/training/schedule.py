"""How long a run is, and its learning rate at each iteration; both pure functions, so that a resumed run agrees."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from univox.errors import CheckpointError
from univox.recipes.recipe import Schedule


@dataclass(frozen=True)
class Horizon:
    """The planned end of a run, and every change of that plan.

    Args:
        segments: Pairs (iteration from which it holds, total iterations planned then), in order; the first
            starts at 0.

    >>> plan = Horizon.of(100)
    >>> plan.progress(50)
    0.5
    >>> plan.replanned(50, 75).progress(75)
    1.0
    """

    segments: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, total: int) -> Horizon:
        """Plan a run of `total` iterations."""
        return cls(((0, total),))

    @property
    def total(self) -> int:
        """Iterations of the whole run, as planned last."""
        return self.segments[-1][1]

    def progress(self, iteration: float) -> float:
        """Share of the schedule done when `iteration` iterations are done, in [0, 1].

        A change of plan never makes the schedule jump: what is left of it is spread over what is left of
        the iterations.
        """
        done = 0.0
        for index, (start, total) in enumerate(self.segments):
            last = index + 1 == len(self.segments)
            end = min(iteration, total if last else self.segments[index + 1][0])
            if end > start:
                done += (1.0 - done) * (end - start) / (total - start)
        return min(done, 1.0)

    def replanned(self, iteration: int, total: int) -> Horizon:
        """Plan anew from `iteration` on, to end at `total`."""
        kept = tuple(segment for segment in self.segments if segment[0] < iteration)
        return Horizon((*kept, (iteration, max(total, iteration + 1))))

    def ended(self, iteration: int) -> Horizon:
        """End the run at `iteration`, before what was planned."""
        kept = tuple(segment for segment in self.segments if segment[0] < iteration)
        return Horizon((*kept, (iteration, iteration)))

    def is_point(self, iteration: int, count: int) -> bool:
        """Whether one of `count` evenly spread points falls on the end of this iteration (the last always does)."""
        before = math.floor(count * self.progress(iteration) + 1e-9)
        after = math.floor(count * self.progress(iteration + 1) + 1e-9)
        return after > before or iteration + 1 == self.total

    def to_json(self) -> list[list[int]]:
        """Give the segments as JSON holds them."""
        return [list(segment) for segment in self.segments]

    @classmethod
    def from_json(cls, value: Any) -> Horizon:
        """Read what `to_json` gave.

        Raises:
            CheckpointError: It is something else.
        """
        try:
            return cls(tuple((int(start), int(total)) for start, total in value))
        except (TypeError, ValueError) as error:
            raise CheckpointError(
                expected="pairs of iteration and total", got=repr(value), remedy="start the run anew"
            ) from error


def learning_rate_factor(settings: Schedule, progress: float, *, iteration: int = 0) -> float:
    """Give the factor on the recipe's learning rate.

    That of a plateau is this one times `Plateau.factor`.

    Args:
        settings: The recipe's schedule.
        progress: Share of the run done, in [0, 1]; what `cosine`, `polynomial` and the warm-up go by.
        iteration: Updates done; what `steps` goes by.

    >>> learning_rate_factor(Schedule(name="cosine", warmup=0.1), 0.05)
    0.5
    """
    if progress < settings.warmup:
        return progress / settings.warmup
    if settings.name == "steps":
        return settings.factor ** (iteration // settings.every)
    if settings.name in ("constant", "plateau"):
        return 1.0
    share = min((progress - settings.warmup) / (1.0 - settings.warmup), 1.0)
    if settings.name == "polynomial":
        return settings.final + (1.0 - settings.final) * (1.0 - share) ** settings.power
    return settings.final + (1.0 - settings.final) * 0.5 * (1.0 + math.cos(math.pi * share))
