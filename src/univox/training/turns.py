"""Whose batch an iteration takes, when several datasets train one network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Order = Literal["round-robin", "proportional", "sqrt"]
FINEST = 1000
"""The largest weight of a dataset in a cycle: finer differences are rounded away, so that cycles stay short."""


@dataclass(frozen=True)
class Turn:
    """An iteration's dataset, and which of that dataset's own iterations it is (from 0)."""

    domain: int
    own_iteration: int


class Turns:
    """A fixed cycle of datasets, each as often as its weight says and as evenly spread as can be.

    A dataset's own iterations are counted apart, so that it sees the very batches of a run of its own.

    Args:
        weights: Turns of each dataset in one cycle, at least 1.

    >>> turns = Turns((3, 1))
    >>> [turns.at(iteration).domain for iteration in range(8)]
    [0, 0, 1, 0, 0, 0, 1, 0]
    >>> turns.at(6)
    Turn(domain=1, own_iteration=1)
    """

    def __init__(self, weights: Sequence[int]) -> None:
        self.weights = tuple(weights)
        self._cycle = _evenly_spread(self.weights)
        counted = [0] * len(self.weights)
        self._before: list[int] = []
        for domain in self._cycle:
            self._before.append(counted[domain])
            counted[domain] += 1

    def at(self, iteration: int) -> Turn:
        """Give the turn of an iteration, counted from 0."""
        cycles, place = divmod(iteration, len(self._cycle))
        domain = self._cycle[place]
        return Turn(domain, cycles * self.weights[domain] + self._before[place])

    def share(self, domain: int) -> float:
        """Give a dataset's share of the iterations."""
        return self.weights[domain] / len(self._cycle)


def turns_of(cases: Sequence[int], order: Order) -> Turns:
    """Give the turns of datasets with so many training cases.

    >>> turns_of((208, 4), "round-robin").weights, turns_of((208, 4), "proportional").weights
    ((1, 1), (52, 1))
    >>> turns_of((400, 4), "sqrt").weights
    (10, 1)
    """
    if order == "round-robin":
        return Turns((1,) * len(cases))
    sizes = [float(count) if order == "proportional" else math.sqrt(count) for count in cases]
    whole = all(size.is_integer() for size in sizes) and max(sizes) <= FINEST
    unit = 1.0 if whole else max(min(sizes) / 10, max(sizes) / FINEST)
    weights = [max(1, round(size / unit)) for size in sizes]
    divisor = math.gcd(*weights)
    return Turns(tuple(weight // divisor for weight in weights))


def _evenly_spread(weights: Sequence[int]) -> list[int]:
    """Each turn goes to whoever has waited for the most of what it is owed; the earlier one in a tie."""
    owed, total = [0] * len(weights), sum(weights)
    cycle: list[int] = []
    for _ in range(total):
        owed = [credit + weight for credit, weight in zip(owed, weights, strict=True)]
        chosen = max(range(len(weights)), key=lambda domain: (owed[domain], -domain))
        owed[chosen] -= total
        cycle.append(chosen)
    return cycle
