"""What a set of per-case figures says together: mean, spread, and how sure the mean is."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
RESAMPLES = 2000
SEED = 0
INDICES_PER_BLOCK = 1 << 22
"""Random indices drawn at once, so that many cases do not need resamples x cases at a time."""


@dataclass(frozen=True)
class Summary:
    """One figure over all cases that have it.

    Args:
        mean: Arithmetic mean; nan when nothing was counted.
        sd: Sample standard deviation (n - 1); nan below two values.
        median: Median; nan when nothing was counted.
        low: Lower end of the bootstrap interval of the mean; nan below two values.
        high: Its upper end.
        counted: Finite values.
        left_out: Values that are nan or infinite, which no mean can hold.
        infinite: Of those, the infinite ones: a distance to an empty side, where the others have no value at all.
    """

    mean: float
    sd: float
    median: float
    low: float
    high: float
    counted: int
    left_out: int
    infinite: int = 0


def summarize(values: Iterable[float], *, resamples: int = RESAMPLES, seed: int = SEED) -> Summary:
    """Summarize the finite values, and count the others.

    Args:
        values: One per case.
        resamples: Bootstrap resamples.
        seed: Of the bootstrap.

    Returns:
        The summary, the same for any order of the values.

    >>> summary = summarize([1.0, 3.0, float("nan"), float("inf")])
    >>> summary.mean, summary.counted, summary.left_out, summary.infinite
    (2.0, 2, 2, 1)
    """
    array = np.asarray(list(values), dtype=np.float64)
    finite = np.sort(array[np.isfinite(array)])
    low, high = bootstrap_interval(finite.tolist(), resamples=resamples, seed=seed)
    return Summary(
        mean=float(finite.mean()) if finite.size else math.nan,
        sd=float(finite.std(ddof=1)) if finite.size > 1 else math.nan,
        median=float(np.median(finite)) if finite.size else math.nan,
        low=low,
        high=high,
        counted=finite.size,
        left_out=array.size - finite.size,
        infinite=int(np.isinf(array).sum()),
    )


def bootstrap_interval(
    values: Sequence[float],
    *,
    groups: Sequence[str] | None = None,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean.

    Args:
        values: Finite, one per case; their order does not matter.
        groups: Whom each value is of. Values of one subject are drawn together, for they are not independent;
            none: each value is a subject of its own.
        confidence: Share of the resampled means inside the interval, in (0, 1).
        resamples: Times that as many cases are drawn with replacement.
        seed: Of the draws.

    Returns:
        (low, high); nan below two subjects, which say nothing about their spread.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.

    >>> bootstrap_interval([0.5, 0.5, 0.5])
    (0.5, 0.5)
    """
    sums, counts = _by_group(values, groups)
    if sums.size < 2:
        return math.nan, math.nan
    means = _resampled_means(sums, counts, resamples, seed)
    tail = 50.0 * (1.0 - confidence)
    low, high = np.percentile(means, [tail, 100.0 - tail])
    return float(low), float(high)


def _by_group(values: Sequence[float], groups: Sequence[str] | None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum and count the values of each group, in an order that does not depend on theirs."""
    array = np.sort(np.asarray(values, dtype=np.float64))
    if groups is None:
        return array, np.ones(array.size)
    members: dict[str, list[float]] = {}
    for value, group in zip(values, groups, strict=True):
        members.setdefault(group, []).append(value)
    pairs = sorted((math.fsum(each), float(len(each))) for each in members.values())
    return np.array([total for total, _ in pairs]), np.array([count for _, count in pairs])


def _resampled_means(
    sums: NDArray[np.float64], counts: NDArray[np.float64], resamples: int, seed: int
) -> NDArray[np.float64]:
    random = np.random.default_rng(seed)
    rows = max(1, INDICES_PER_BLOCK // sums.size)
    means: list[NDArray[np.float64]] = []
    for start in range(0, resamples, rows):
        drawn = random.integers(0, sums.size, (min(rows, resamples - start), sums.size))
        means.append(sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1))
    return np.concatenate(means)
