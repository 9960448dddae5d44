"""What a step of the sliding window costs and gives: of one case, and over all of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import fmean

from pydantic import TypeAdapter, ValidationError

from univox.errors import CheckpointError
from univox.judging.statistics import Summary, summarize


@dataclass(frozen=True)
class Measured:
    """One case by one step.

    Args:
        case: Its name.
        step: Voxels between windows.
        shape: Of the prepared case, voxels per axis.
        windows: How many the network looked at.
        seconds: Of the windows, their mean and its way back to the image's grid; preparing the case is not counted.
        processor_seconds: Of the same, what the processors spent on it, however many others they served meanwhile; none
            where another device computed.
        dice: Per class; none where neither label nor prediction has it.
        mhd_3d: Likewise, in sqrt(voxels) of the image's grid.
    """

    case: str
    step: int
    shape: tuple[int, ...]
    windows: int
    seconds: float
    processor_seconds: float | None
    dice: dict[str, float | None]
    mhd_3d: dict[str, float | None]

    @classmethod
    def read(cls, path: Path) -> Measured:
        """Read what `asdict` gave.

        Raises:
            CheckpointError: The file is broken.
        """
        try:
            return TypeAdapter(cls).validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            raise CheckpointError(
                expected="a measurement of this study",
                got=" ".join(str(error).split())[:200],
                remedy="delete the file, and it is measured again",
                path=path,
            ) from error


@dataclass(frozen=True)
class StepRow:
    """One step over all cases.

    Args:
        step: Voxels between windows.
        windows: Over all cases.
        seconds, processor_seconds: Per case.
        dice: Each case's mean over the classes that it or its prediction has.
        mhd_3d: Likewise, in sqrt(voxels).
        dice_by_class, mhd_3d_by_class: Over the cases.
    """

    step: int
    windows: int
    seconds: Summary
    processor_seconds: Summary
    dice: Summary
    mhd_3d: Summary
    dice_by_class: dict[str, Summary]
    mhd_3d_by_class: dict[str, Summary]

    @property
    def seconds_per_window(self) -> float:
        """Of all cases together."""
        return self.seconds.mean * self.seconds.counted / self.windows


@dataclass(frozen=True)
class StepSizeStudy:
    """A finished study.

    Args:
        dataset: Its name.
        window: Voxels per axis of the model's window.
        conditions: Where and how was computed, in words: device, threads, precision, blend.
        measured: Every case by every step; at least one.
    """

    dataset: str
    window: tuple[int, ...]
    conditions: dict[str, str]
    measured: tuple[Measured, ...]

    @cached_property
    def rows(self) -> tuple[StepRow, ...]:
        """One per step, the smallest first."""
        steps = sorted({each.step for each in self.measured})
        return tuple(_row(step, [each for each in self.measured if each.step == step]) for step in steps)

    @property
    def cases(self) -> tuple[str, ...]:
        """Names of the cases."""
        return tuple(dict.fromkeys(each.case for each in self.measured))

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the foreground classes."""
        return tuple(self.measured[0].dice)


def _row(step: int, measured: Sequence[Measured]) -> StepRow:
    names = tuple(measured[0].dice)
    return StepRow(
        step=step,
        windows=sum(each.windows for each in measured),
        seconds=summarize(each.seconds for each in measured),
        processor_seconds=summarize(_number(each.processor_seconds) for each in measured),
        dice=summarize(_mean(each.dice.values()) for each in measured),
        mhd_3d=summarize(_mean(each.mhd_3d.values()) for each in measured),
        dice_by_class={name: summarize(_number(each.dice[name]) for each in measured) for name in names},
        mhd_3d_by_class={name: summarize(_number(each.mhd_3d[name]) for each in measured) for name in names},
    )


def _mean(values: Iterable[float | None]) -> float:
    known = [value for value in values if value is not None]
    return fmean(known) if known else math.nan


def _number(value: float | None) -> float:
    return math.nan if value is None else value
