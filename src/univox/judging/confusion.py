"""Which class was taken for which: the voxels of all judged cases, by class in the label and in the prediction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from univox.judging.evaluate import CaseResult


@dataclass(frozen=True, eq=False)
class Confusion:
    """Voxels of every pair of classes.

    Args:
        class_names: K names, background first.
        voxels: (K, K) counts; row = class in the label, column = class in the prediction.
    """

    class_names: tuple[str, ...]
    voxels: NDArray[np.int64]

    @property
    def shares(self) -> NDArray[np.float64]:
        """(K, K) share of each label class that was given to each class; nan in the row of a class without voxels.

        The diagonal is the recall of all cases taken together, in which large cases weigh more than small ones.
        """
        rows = self.voxels.sum(axis=1, keepdims=True)
        with np.errstate(invalid="ignore"):
            return self.voxels / rows

    def mistakes(self) -> list[Mistake]:
        """Give every pair of unlike classes that occurs, most voxels first."""
        shares = self.shares
        found = [
            Mistake(
                self.class_names[row],
                self.class_names[column],
                int(self.voxels[row, column]),
                float(shares[row, column]),
            )
            for row, column in zip(*np.nonzero(self.voxels), strict=True)
            if row != column
        ]
        return sorted(found, key=lambda mistake: -mistake.voxels)


@dataclass(frozen=True)
class Mistake:
    """Voxels of one class that were taken for another.

    Args:
        label: The class that they are of.
        prediction: The class that they were given.
        voxels: How many.
        share: Of the voxels that the label has of its class, in (0, 1].
    """

    label: str
    prediction: str
    voxels: int
    share: float


def confusion_of(results: Iterable[CaseResult], class_names: Sequence[str]) -> Confusion:
    """Add up the voxels of judged cases.

    Args:
        results: With their counts.
        class_names: K names, background first.

    Raises:
        ValueError: A case was counted with another number of classes.
    """
    classes = len(class_names)
    total = np.zeros((classes, classes), np.int64)
    for result in results:
        total += np.asarray(result.confusion, np.int64).reshape(classes, classes)
    return Confusion(tuple(class_names), total)
