"""How undecided probabilities are: their entropy, from 0 (one class is certain) to 1 (all are equally likely)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

SMALLEST = float(np.finfo(np.float32).tiny)
"""What the logarithm takes for 0; its product with a probability of 0 is 0 all the same."""


class RunningEntropy:
    """Entropy of each voxel from the maps of its classes, which come one after the other.

    Memory holds two maps beside the one that comes, however many classes there are.

    Args:
        shape: Of the maps.
        temperature: The entropy is that of p ** (1 / temperature), divided by its sum over the classes.

    >>> running = RunningEntropy((2,))
    >>> for probability in np.array([[0.5, 1.0], [0.5, 0.0]]):
    ...     running.add(probability)
    >>> running.normalized().tolist()
    [1.0, 0.0]
    """

    def __init__(self, shape: tuple[int, ...], temperature: float = 1.0) -> None:
        self._exponent = 1.0 / temperature
        self._sum = np.zeros(shape, np.float32)
        self._sum_of_logs = np.zeros(shape, np.float32)
        self._classes = 0

    def add(self, probability: NDArray[np.floating[Any]]) -> None:
        """Take the map of another class."""
        share = tempered_share(probability, self._exponent)
        self._sum += share
        share *= np.log(np.maximum(probability, SMALLEST))
        self._sum_of_logs += share
        self._classes += 1

    def normalized(self) -> NDArray[np.float32]:
        """Give the entropy of the classes that came, divided by its largest value, the logarithm of their number.

        With q = p ** b and S the sum of all q, it is log S - b * (sum of q log p) / S.
        """
        if self._classes < 2:
            return np.zeros(self._sum.shape, np.float32)
        entropy = np.log(self._sum)
        entropy -= np.float32(self._exponent) * self._sum_of_logs / self._sum
        entropy /= np.float32(math.log(self._classes))
        return np.clip(entropy, 0.0, 1.0, out=entropy)


def normalized_entropy(probabilities: NDArray[np.floating[Any]], *, temperature: float = 1.0) -> NDArray[np.float32]:
    """Predictive entropy of each voxel over the logarithm of the number of classes.

    Args:
        probabilities: (K, *spatial), in [0, 1] and with sum 1 over the classes.
        temperature: See `univox.metrics.tempered`.

    Returns:
        (*spatial): 0 where one class has all, 1 where all have the same; 0 for a single class.
    """
    running = RunningEntropy(probabilities.shape[1:], temperature)
    for probability in probabilities:
        running.add(probability)
    return running.normalized()


def tempered_share(probability: NDArray[np.floating[Any]], exponent: float) -> NDArray[np.float32]:
    """Give p ** exponent as a new array of float32: a class's tempered probability before it is divided by the sum."""
    share = np.array(probability, dtype=np.float32)
    return share if exponent == 1.0 else np.power(share, np.float32(exponent), out=share)
