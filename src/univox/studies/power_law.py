"""How an error falls with the number of training cases: a power law, fitted and carried on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FEWEST_SIZES = 4
"""The law has three numbers: through fewer points it passes whatever they are."""
EXPONENTS = (0.05, 4.0)
"""What learning curves are known to show lies well inside."""
GRID = 30
RESAMPLES = 200
SEED = 0


@dataclass(frozen=True)
class PowerLaw:
    """error = floor + scale * cases ** -exponent.

    Args:
        floor: What no number of cases takes away; at least 0.
        scale: Of the part that falls; at least 0.
        exponent: How fast it falls.
        residual: Root mean square of what the law misses the errors by.
    """

    floor: float
    scale: float
    exponent: float
    residual: float

    @property
    def is_at_an_end(self) -> bool:
        """Whether the exponent lies at an end of `EXPONENTS`: then the errors do not follow such a law."""
        return not 1.01 * EXPONENTS[0] < self.exponent < 0.99 * EXPONENTS[1]

    def error(self, cases: float) -> float:
        """Give the error that the law expects of a number of cases."""
        return self.floor + self.scale * cases**-self.exponent


def fit_power_law(sizes: Sequence[float], errors: Sequence[float]) -> PowerLaw | None:
    """Fit the law by least squares; none below `FEWEST_SIZES` different sizes.

    For a given exponent the other two numbers are a linear problem with no negative solutions (scipy's `nnls`); the
    exponent is searched on a grid within `EXPONENTS`, then refined between its best point's neighbors.

    Args:
        sizes: Numbers of training cases, at least 1.
        errors: Of each.

    Source: The form is that of Cortes et al., Learning curves: asymptotic values and rate of convergence, NeurIPS 1993.

    >>> law = fit_power_law([4, 16, 64, 256], [0.1 + n**-0.5 for n in (4, 16, 64, 256)])
    >>> law and (round(law.floor, 4), round(law.scale, 3), round(law.exponent, 3))
    (0.1, 1.0, 0.5)
    """
    from scipy.optimize import minimize_scalar

    if len(set(sizes)) < FEWEST_SIZES:
        return None
    # Relative to the smallest, both columns are of one magnitude.
    unit = min(sizes)
    relative, wanted = np.asarray(sizes, dtype=np.float64) / unit, np.asarray(errors, dtype=np.float64)
    grid = np.linspace(math.log(EXPONENTS[0]), math.log(EXPONENTS[1]), GRID)
    misses = [_solved(value, relative, wanted)[1] for value in grid]
    best = int(np.argmin(misses))
    low, high = grid[max(0, best - 1)], grid[min(GRID - 1, best + 1)]
    refined: Any = minimize_scalar(
        lambda value: _solved(value, relative, wanted)[1], bounds=(low, high), method="bounded", options={"xatol": 1e-9}
    )
    chosen = float(refined.x) if refined.fun < misses[best] else float(grid[best])
    (floor, scale), miss = _solved(chosen, relative, wanted)
    exponent = float(np.exp(chosen))
    return PowerLaw(float(floor), float(scale) * unit**exponent, exponent, float(miss / np.sqrt(len(wanted))))


def doubling_gain(law: PowerLaw, cases: float) -> float:
    """Give how far the error falls, by the law, from a number of cases to twice as many."""
    return law.error(cases) - law.error(2 * cases)


def doubling_interval(
    sizes: Sequence[float], errors: NDArray[np.float64], subjects: Sequence[str]
) -> tuple[float, float] | None:
    """Give the 95 % bootstrap interval of what doubling the largest size brings, over the subjects judged.

    It knows of the choice of the judged cases alone: not of the choice of the training cases, nor of the law's being
    wrong.

    Args:
        sizes: Numbers of training cases.
        errors: (sizes, cases judged); nan where a case has no figure.
        subjects: Of the cases judged.

    Returns:
        (low, high); none below two subjects or `FEWEST_SIZES`.
    """
    names = list(dict.fromkeys(subjects))
    if len(names) < 2 or len(set(sizes)) < FEWEST_SIZES:
        return None
    columns = [np.flatnonzero([subject == name for subject in subjects]) for name in names]
    random = np.random.default_rng(SEED)
    gains: list[float] = []
    for _ in range(RESAMPLES):
        drawn = np.concatenate([columns[index] for index in random.integers(0, len(names), len(names))])
        law = fit_power_law(sizes, np.nanmean(errors[:, drawn], axis=1).tolist())
        if law is not None:
            gains.append(doubling_gain(law, max(sizes)))
    low, high = np.percentile(gains, [2.5, 97.5])
    return float(low), float(high)


def _solved(
    log_exponent: float, relative: NDArray[np.float64], wanted: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    """Give (floor, scale) for an exponent, and the root of the sum of squares that they miss by."""
    from scipy.optimize import nnls

    design = np.stack([np.ones_like(relative), relative ** -np.exp(log_exponent)], axis=1)
    solution, miss = nnls(design, wanted)
    return solution, float(miss)
