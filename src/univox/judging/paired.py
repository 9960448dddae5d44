"""Two sets of figures of the same cases: how far apart, how surely, and whether chance alone does as much."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from univox.judging.statistics import bootstrap_interval

LEVEL = 0.05
"""What a p value must lie below before anybody calls a difference more than chance."""
EXACT_UP_TO = 100
"""Units up to which every sign pattern is counted; beyond, the normal approximation is as good."""


@dataclass(frozen=True)
class SignedRank:
    """Wilcoxon's signed-rank test of paired differences.

    Args:
        units: Differences that are not zero; the others say nothing about a direction.
        effect: Rank-biserial correlation in [-1, 1]: the share of the rank sum in favor of the first minus that in
            favor of the second; nan where nothing differs.
        p: Two-sided; none where so few units differ that no outcome could lie below `LEVEL`.
    """

    units: int
    effect: float
    p: float | None


@dataclass(frozen=True)
class Paired:
    """What the paired figures of two contestants come to.

    Args:
        first, second: Mean of each over the cases counted.
        difference: Mean of first minus second; nan where no case is counted.
        low, high: Its 95 % bootstrap interval over subjects; nan below two.
        median: Median difference.
        above, below, same: Cases in which the first figure is larger, smaller, equal.
        counted: Cases of which both figures are finite.
        left_out: The others.
        subjects: Of the cases counted.
        test: Of the differences, each subject's mean of them being one unit.
    """

    first: float
    second: float
    difference: float
    low: float
    high: float
    median: float
    above: int
    below: int
    same: int
    counted: int
    left_out: int
    subjects: int
    test: SignedRank


def paired(first: Sequence[float], second: Sequence[float], *, subjects: Sequence[str] | None = None) -> Paired:
    """Compare two figures of each case.

    Args:
        first: One value per case; a case with a nan or infinite value on either side is left out.
        second: The other's, in the same order.
        subjects: Whom each case is of; none: each case is a subject of its own. Cases of one subject are resampled
            together and tested as one.

    Returns:
        The comparison; that of (second, first) is its mirror image to the last digit.

    >>> result = paired([0.75, 0.5, 1.0], [0.5, 0.25, 0.75])
    >>> result.difference, result.low, result.high, result.above, result.test.effect
    (0.25, 0.25, 0.25, 3, 1.0)
    """
    both = np.array([first, second], dtype=np.float64).reshape(2, -1)
    finite: NDArray[np.bool_] = np.isfinite(both[0]) & np.isfinite(both[1])
    names = [str(index) for index in range(finite.size)] if subjects is None else list(subjects)
    of_whom = [name for name, counted in zip(names, finite.tolist(), strict=True) if counted]
    kept = both[:, finite]
    differences = kept[0] - kept[1]
    low, high = _interval(differences, of_whom)
    empty = not differences.size
    return Paired(
        first=math.nan if empty else float(kept[0].mean()),
        second=math.nan if empty else float(kept[1].mean()),
        difference=math.nan if empty else float(differences.mean()),
        low=low,
        high=high,
        median=math.nan if empty else float(np.median(differences)),
        above=int((differences > 0).sum()),
        below=int((differences < 0).sum()),
        same=int((differences == 0).sum()),
        counted=int(finite.sum()),
        left_out=int((~finite).sum()),
        subjects=len(set(of_whom)),
        test=signed_rank(_mean_by_subject(differences, of_whom)),
    )


def signed_rank(differences: Sequence[float]) -> SignedRank:
    """Test whether differences favor one sign; zeros are set aside, and equal sizes share their mean rank.

    Up to `EXACT_UP_TO` units the p value counts all sign patterns, ties included; beyond it is the normal
    approximation of scipy.

    Args:
        differences: Finite, one per subject.

    Source: Wilcoxon, Individual comparisons by ranking methods, Biometrics Bulletin 1, 1945; Kerby, The simple
        difference formula, Comprehensive Psychology 3, 2014, for the effect.

    >>> signed_rank([1, 2, 3, 4, 5, 6]).p == 2 / 2**6
    True
    >>> signed_rank([1, 2, 3, 4, 5]).p is None
    True
    """
    from scipy.stats import rankdata, wilcoxon

    array = np.asarray(differences, dtype=np.float64)
    array = array[array != 0]
    if not array.size:
        return SignedRank(0, math.nan, None)
    ranks = np.asarray(rankdata(np.abs(array)))
    up, down = float(ranks[array > 0].sum()), float(ranks[array < 0].sum())
    effect = (up - down) / (up + down)
    if array.size < fewest_units():
        return SignedRank(array.size, effect, None)
    if array.size > EXACT_UP_TO:
        approximate: Any = wilcoxon(array)
        return SignedRank(array.size, effect, float(approximate.pvalue))
    return SignedRank(array.size, effect, _exact_p(ranks, min(up, down)))


def fewest_units(tests: int = 1) -> int:
    """Give the units without which not even differences of one sign reach `LEVEL` after Holm's correction.

    Args:
        tests: Corrected together.

    >>> fewest_units(), fewest_units(9)
    (6, 9)
    """
    units = 1
    while tests * 2.0 ** (1 - units) >= LEVEL:
        units += 1
    return units


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Correct p values for being several: Holm's step-down, which needs no independence.

    Args:
        p_values: Of one family of tests; none where there was no test, which costs the others nothing.

    Returns:
        In their order; below `LEVEL` means that the chance of any false finding in the family is below it.

    Source: Holm, A simple sequentially rejective multiple test procedure, Scand. J. Statist. 6, 1979.

    >>> holm([0.25, None, 0.125])
    [0.25, None, 0.25]
    """
    tested = sorted((p, index) for index, p in enumerate(p_values) if p is not None)
    corrected: list[float | None] = [None] * len(p_values)
    highest = 0.0
    for place, (p, index) in enumerate(tested):
        highest = max(highest, min(1.0, (len(tested) - place) * p))
        corrected[index] = highest
    return corrected


def _interval(differences: NDArray[np.float64], subjects: Sequence[str]) -> tuple[float, float]:
    # Drawn indices mean other values once all signs are turned. Of the two directions one is always taken, so that
    # a swap of the contestants mirrors the interval to the last digit.
    if np.sort(differences).tolist() > np.sort(-differences).tolist():
        low, high = _interval(-differences, subjects)
        return -high, -low
    return bootstrap_interval(differences.tolist(), groups=subjects)


def _mean_by_subject(differences: NDArray[np.float64], subjects: Sequence[str]) -> list[float]:
    members: dict[str, list[float]] = {}
    for difference, subject in zip(differences.tolist(), subjects, strict=True):
        members.setdefault(subject, []).append(difference)
    return [math.fsum(each) / len(each) for each in members.values()]


def _exact_p(ranks: NDArray[np.float64], smaller: float) -> float:
    """Share of the sign patterns whose smaller rank sum is no larger; ranks may be halves."""
    doubled = np.rint(2 * ranks).astype(int)
    share = np.zeros(int(doubled.sum()) + 1)
    share[0] = 1.0
    for rank in doubled:
        moved = np.zeros_like(share)
        moved[rank:] = share[:-rank]
        share = (share + moved) / 2
    return min(1.0, 2 * float(share[: round(2 * smaller) + 1].sum()))
