"""One number that makes probabilities more cautious or bolder, and the value of it that fits labels best.

A temperature T turns probabilities p into p ** (1 / T), divided by their sum over the classes. Of the softmax of
logits z that is the softmax of z / T. The order of the classes stays: no label changes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from univox.errors import LabelError, ShapeError
from univox.metrics.entropy import SMALLEST, tempered_share

LOWEST, HIGHEST = 0.1, 10.0
"""No temperature is below or above: with these, 256 classes stay clear of what float32 takes for 0."""

HALVINGS = 24
"""Of the interval in log T, from 4.6 down to 3e-7."""

VOXELS_PER_BLOCK = 1 << 16


def tempered(probabilities: NDArray[np.floating[Any]], temperature: float) -> NDArray[np.float32]:
    """Probabilities at a temperature.

    Args:
        probabilities: (K, *spatial), in [0, 1] and with sum 1 over the classes.
        temperature: Above 1 more cautious, below 1 bolder, 1 as they are.

    Returns:
        (K, *spatial), float32.

    Source: Guo et al., ICML 2017, section 4.2, who divide logits; after softmax that is this power.

    >>> tempered(np.array([[0.9], [0.1]]), 2.0).round(2).tolist()  # 3 : 1 in place of 9 : 1
    [[0.75], [0.25]]
    """
    share = tempered_share(probabilities, 1.0 / temperature)
    if temperature != 1.0:
        share /= share.sum(axis=0)
    return share


def negative_log_likelihood(
    probabilities: NDArray[np.floating[Any]], label: NDArray[np.integer[Any]], *, temperature: float = 1.0
) -> float:
    """Mean over the voxels of -log of the probability of the label's class, in nats.

    Args:
        probabilities: (K, voxels), in [0, 1] and with sum 1 over the classes.
        label: Class indices 0..K-1, (voxels,).
        temperature: See `tempered`.

    Returns:
        0 is best; a class that had probability 0 costs 87 / T. No voxel: nan.

    Raises:
        ShapeError: Shapes differ.
        LabelError: A probability is outside [0, 1] or nan, or the label is no class index.
    """
    _check(probabilities, label)
    return _likelihood_and_slope(probabilities, label, temperature)[0]


def fit_temperature(probabilities: NDArray[np.floating[Any]], label: NDArray[np.integer[Any]]) -> float:
    """Temperature at which the negative log-likelihood of labels is least.

    The likelihood is convex in 1 / T, so halving the interval by the sign of its slope finds the one minimum. T = 1
    stays where nothing is better, so that a fit never makes the likelihood worse.

    Args:
        probabilities: (K, voxels), in [0, 1] and with sum 1 over the classes.
        label: Class indices 0..K-1, (voxels,).

    Returns:
        In [LOWEST, HIGHEST]; at an end where the minimum lies beyond, as for labels that are right everywhere.

    Raises:
        ShapeError: Shapes differ, or there is no voxel.
        LabelError: A probability is outside [0, 1] or nan, or the label is no class index.

    Source: Guo et al., ICML 2017, section 4.2.
    """
    _check(probabilities, label)
    if not label.size:
        raise ShapeError(expected="voxels to fit a temperature on", got="none", remedy="give labelled cases")
    low, high = np.log(LOWEST), np.log(HIGHEST)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        # The slope is that along 1 / T: where it still falls, T is to be lower.
        falls = _likelihood_and_slope(probabilities, label, float(np.exp(middle)))[1] < 0
        low, high = (low, middle) if falls else (middle, high)
    best = float(np.clip(np.exp((low + high) / 2), LOWEST, HIGHEST))
    before, after = (_likelihood_and_slope(probabilities, label, one)[0] for one in (1.0, best))
    return best if after < before else 1.0


def _likelihood_and_slope(
    probabilities: NDArray[np.floating[Any]], label: NDArray[np.integer[Any]], temperature: float
) -> tuple[float, float]:
    """Mean negative log-likelihood, and its derivative by 1 / T."""
    exponent, cost, slope = 1.0 / temperature, 0.0, 0.0
    for start in range(0, label.size, VOXELS_PER_BLOCK):
        part = slice(start, start + VOXELS_PER_BLOCK)
        given = probabilities[:, part].astype(np.float64)
        logs, share = np.log(np.maximum(given, SMALLEST)), np.power(given, exponent)
        total = share.sum(axis=0)
        of_label = np.take_along_axis(logs, label[None, part].astype(np.intp), axis=0)[0]
        cost += float((np.log(total) - exponent * of_label).sum())
        share *= logs
        slope += float((share.sum(axis=0) / total - of_label).sum())
    count = label.size or np.nan
    return cost / count, slope / count


def _check(probabilities: NDArray[np.floating[Any]], label: NDArray[np.integer[Any]]) -> None:
    if probabilities.ndim != 2 or label.shape != probabilities.shape[1:]:
        raise ShapeError(
            expected="probabilities (classes, voxels) and a label (voxels,)",
            got=f"shapes {probabilities.shape} and {label.shape}",
            remedy="give one column of probabilities per voxel",
        )
    if label.dtype.kind not in "biu" or (label.size and not 0 <= label.min() <= label.max() < len(probabilities)):
        raise LabelError(
            expected=f"a label of class indices 0..{len(probabilities) - 1}",
            got=f"dtype {label.dtype}" + (f", values from {label.min()} to {label.max()}" if label.size else ""),
            remedy="map the codes of the file to class indices first",
        )
    # Written so that nan is refused as well; sums of windows may pass 1 by a rounding.
    if label.size and not (probabilities.min() >= 0.0 and probabilities.max() <= 1.01):
        raise LabelError(
            expected="probabilities in [0, 1]",
            got=f"values from {probabilities.min()} to {probabilities.max()}",
            remedy="apply softmax to logits first",
        )
