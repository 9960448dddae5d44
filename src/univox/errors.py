"""Every error that univox raises on purpose.

UnivoxError
├── FileError          a file is missing, unreadable, or cannot be written
├── GeometryError      grids that should agree do not
├── LabelError         a label holds what the dataset does not declare
├── DatasetError       a dataset cannot be understood or is unsound
├── ShapeError         an array or tensor has a size that does not fit
├── RecipeError        a recipe names something unknown or contradicts itself
├── MetricError        a metric is asked for that does not exist or cannot be had
├── ModelError         a model folder is incomplete, altered or does not fit
├── CheckpointError    a run cannot be resumed
└── DeviceError        the machine lacks what was asked for

Each says what was expected, what came, and the remedy, and names the file where there is one.
"""

from __future__ import annotations

from pathlib import Path


class UnivoxError(Exception):
    """A mistake that its reader can mend; printed as one sentence, without a traceback.

    Args:
        expected: What would have been right, as a noun phrase ("3 spacing values").
        got: What came instead.
        remedy: What to do about it, as an imperative.
        path: The file or folder at fault.

    >>> str(ShapeError(expected="a size divisible by 4", got="30 on axis H", remedy="pad to 32"))
    'expected a size divisible by 4, got 30 on axis H; remedy: pad to 32'
    """

    def __init__(self, *, expected: str, got: str, remedy: str, path: Path | str | None = None) -> None:
        self.expected = expected
        self.got = got
        self.remedy = remedy
        self.path = None if path is None else Path(path)
        where = "" if path is None else f"{path}: "
        super().__init__(f"{where}expected {expected}, got {got}; remedy: {remedy}")

    def __reduce__(self) -> tuple[object, ...]:
        # Keyword-only arguments do not survive the default pickling, by which processes hand errors over.
        return _rebuilt, (type(self), self.expected, self.got, self.remedy, self.path)


class FileError(UnivoxError):
    """A file is missing, unreadable, or cannot be written."""


class GeometryError(UnivoxError):
    """Grids (shape, affine, orientation) that should agree do not."""


class LabelError(UnivoxError):
    """A label holds a value that the dataset does not declare, or is no label at all."""


class DatasetError(UnivoxError):
    """A dataset cannot be understood, or is unsound."""


class ShapeError(UnivoxError):
    """An array or tensor has a size that does not fit."""


class RecipeError(UnivoxError):
    """A recipe names something unknown, or contradicts itself."""


class MetricError(UnivoxError):
    """A metric is asked for that does not exist, or in a way that has no answer."""


class ModelError(UnivoxError):
    """A model folder is incomplete, altered, or does not fit its use."""


class CheckpointError(UnivoxError):
    """A run cannot be resumed."""


class DeviceError(UnivoxError):
    """The machine lacks what was asked for."""


def _rebuilt(kind: type[UnivoxError], expected: str, got: str, remedy: str, path: Path | None) -> UnivoxError:
    return kind(expected=expected, got=got, remedy=remedy, path=path)
