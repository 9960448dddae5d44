"""Which post-processing helps: every class's candidates tried on predictions and their labels."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from univox.data.classes import NOT_ANNOTATED
from univox.image.morphology import components
from univox.inference.postprocessed import box_of, class_index, postprocessed
from univox.metrics import count, dice, extent, extent_unit
from univox.model.postprocessing import ChosenStep, PostprocessingStep
from univox.types import SpacingMM

LEAST_GAIN = 0.001
"""A step is taken where the mean Dice of its class rises by more than this."""
WORSE_SHARE = 0.1
"""And where it lowers the Dice of no more than this share of the cases, rounded down: of fewer than ten, of none."""
SHARES = (0.25, 0.5, 1.0)
"""The least sizes that are tried, as shares of the smallest labelled piece."""
ROUNDING = 1e-9
"""Dice that differ by less are equal."""


@dataclass(frozen=True)
class PackedLabel:
    """A label map in a few bytes, so that those of many cases lie in memory."""

    data: bytes
    shape: tuple[int, ...]
    dtype: str

    @classmethod
    def of(cls, label: NDArray[Any]) -> PackedLabel:
        """Pack a label map."""
        return cls(zlib.compress(np.ascontiguousarray(label).tobytes(), 1), label.shape, label.dtype.str)

    def array(self) -> NDArray[Any]:
        """Unpack it: an array of its own."""
        return np.frombuffer(zlib.decompress(self.data), dtype=self.dtype).reshape(self.shape).copy()


@dataclass(frozen=True)
class ComparedCase:
    """A case's label beside its prediction.

    Attributes:
        label: Class indices, `NOT_ANNOTATED` where nobody labelled; those voxels do not count.
        prediction: The same of the prediction, on the same grid.
        spacing_mm: Voxel edge per axis.
    """

    label: PackedLabel
    prediction: PackedLabel
    spacing_mm: SpacingMM

    def changed(self, step: PostprocessingStep, class_names: Sequence[str]) -> ComparedCase:
        """Give the case with a step done to its prediction."""
        done = postprocessed(self.prediction.array(), [step], class_names, self.spacing_mm)
        return replace(self, prediction=PackedLabel.of(done))

    def around(self, index: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """Give label and prediction in the box that holds all of a class: its pieces and holes are whole there."""
        label, prediction = self.label.array(), self.prediction.array()
        box = box_of((label == index) | (prediction == index)) or tuple(slice(0, 0) for _ in label.shape)
        return label[box], prediction[box]


@dataclass(frozen=True)
class Choice:
    """What was tried and what was taken.

    Attributes:
        tried: Every candidate with its figures, class by class; those that fill holes last.
        taken: Those of them that help.
    """

    tried: tuple[ChosenStep, ...]
    taken: tuple[ChosenStep, ...]


def choose_steps(cases: Iterable[ComparedCase], class_names: Sequence[str]) -> Choice:
    """Try every class's candidates, and take what raises its Dice.

    Per class at most one of: drop pieces below a least size, keep the largest piece alone; of those that help the one
    of the highest mean, of equals the gentlest. Then, with these done, fill holes, likewise. A step helps where the
    mean Dice of its class rises by more than `LEAST_GAIN` and falls in no more than `WORSE_SHARE` of the cases. What is
    done to one class leaves the others' Dice as it is, so the classes are looked at one by one.

    Args:
        cases: At least one.
        class_names: By index, the background first.

    Source: The idea is nnU-Net's (Isensee et al., Nature Methods 2021), which keeps the largest component where that
        does not lower the mean Dice in cross-validation. Ours asks for a gain, and looks at every case.
    """
    current, tried, taken = list(cases), list[ChosenStep](), list[ChosenStep]()
    removals = [_removals(current, index, name) for index, name in enumerate(class_names) if index]
    fills = [[PostprocessingStep(class_name=name, kind="fill")] for name in class_names[1:]]
    for candidates in (*removals, *fills):
        figures = _figures(current, candidates, class_names)
        tried += figures
        helping = [step for step in figures if helps(step)]
        if helping:
            best = max(helping, key=lambda step: round(step.dice_after / ROUNDING))  # of equals the first
            taken.append(best)
            current = [case.changed(best, class_names) for case in current]
    return Choice(tuple(tried), tuple(taken))


def helps(step: ChosenStep) -> bool:
    """Say whether a step is worth taking.

    >>> figures = {"dice_before": 0.8, "cases": 9, "better": 8}
    >>> step = PostprocessingStep(class_name="a", kind="largest")
    >>> [helps(ChosenStep(**step.model_dump(), **figures, dice_after=d, worse=w)) for d, w in ((0.9, 0), (0.9, 1))]
    [True, False]
    """
    return step.dice_after - step.dice_before > LEAST_GAIN and step.worse <= math.floor(WORSE_SHARE * step.cases)


def least_sizes(smallest: Sequence[float]) -> list[float]:
    """Give the least sizes to try, ascending.

    Args:
        smallest: Size of each case's smallest labelled piece of a class.

    Returns:
        Shares of the smallest of them and of their median, rounded down to three digits.

    >>> least_sizes([4.0, 8.0, 10.0])
    [1.0, 2.0, 4.0, 8.0]
    """
    if not smallest:
        return []
    anchors = (min(smallest), float(np.median(smallest)))
    return sorted({_rounded_down(share * anchor) for share in SHARES for anchor in anchors})


def _rounded_down(size: float) -> float:
    unit = 10.0 ** (math.floor(math.log10(size)) - 2)
    # What is a whole number of units but for its rounding stays it.
    return float(f"{math.floor(size / unit + ROUNDING) * unit:.3g}")


def _removals(cases: Sequence[ComparedCase], index: int, name: str) -> list[PostprocessingStep]:
    """Give the candidates that drop pieces of a class, the gentlest first."""
    smallest: list[float] = []
    for case in cases:
        _, sizes = components(case.around(index)[0] == index)
        if sizes.size:
            smallest.append(float(extent(sizes.min(keepdims=True), tuple(case.spacing_mm))[0]))
    kind = "least_ml" if extent_unit(len(cases[0].spacing_mm)) == "ml" else "least_mm2"
    least = [PostprocessingStep(class_name=name, kind=kind, size=size) for size in least_sizes(smallest)]
    return [*least, PostprocessingStep(class_name=name, kind="largest")]


def _figures(
    cases: Sequence[ComparedCase], steps: Sequence[PostprocessingStep], class_names: Sequence[str]
) -> list[ChosenStep]:
    """Measure candidates of one class, each case unpacked once."""
    index = class_index(steps[0], class_names)
    before: list[float] = []
    after: list[list[float]] = [[] for _ in steps]
    for case in cases:
        label, prediction = case.around(index)
        before.append(_dice(label, prediction, index))
        for values, step in zip(after, steps, strict=True):
            done = postprocessed(prediction, [step], class_names, case.spacing_mm)
            values.append(_dice(label, done, index))
    return [_measured(step, before, values) for step, values in zip(steps, after, strict=True)]


def _dice(label: NDArray[Any], prediction: NDArray[Any], index: int) -> float:
    known = label != NOT_ANNOTATED
    value = float(dice(count(label[known] == index, prediction[known] == index, 2))[1])
    # Neither has it: that is right, and what the removal of all that was found by mistake leads to.
    return 1.0 if math.isnan(value) else value


def _measured(step: PostprocessingStep, before: Sequence[float], after: Sequence[float]) -> ChosenStep:
    pairs = list(zip(before, after, strict=True))
    return ChosenStep(
        **step.model_dump(),
        dice_before=math.fsum(before) / len(before),
        dice_after=math.fsum(after) / len(after),
        cases=len(pairs),
        better=sum(new > old + ROUNDING for old, new in pairs),
        worse=sum(new < old - ROUNDING for old, new in pairs),
    )
