"""Folds as a file, in the layout of nnU-Net's splits_final.json."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from univox.atomic import write_json
from univox.data.split import Split
from univox.errors import DatasetError


class _Listed(BaseModel):
    train: Annotated[tuple[str, ...], Field(min_length=1)]
    val: tuple[str, ...] = ()
    test: tuple[str, ...] | None = None


def read_splits(path: Path) -> list[Split]:
    """Read folds: a list with `train` and `val`, as nnU-Net writes it, of each.

    nnU-Net judges a fold on its `val` cases, so these are the ones kept out: `Split.test`. A fold that has `test` too
    keeps those out, and chooses its weights by `val`.

    Raises:
        DatasetError: The file cannot be read, or is no such list.
    """
    try:
        folds = TypeAdapter(list[_Listed]).validate_json(path.read_text(encoding="utf-8"))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the whole"
        raise _no_splits(path, f"{first['msg'].lower()} ({place})") from error
    except (OSError, UnicodeDecodeError) as error:
        raise _no_splits(path, str(error)) from error
    if not folds:
        raise _no_splits(path, "an empty list")
    splits = [
        Split(fold.train, (), fold.val) if fold.test is None else Split(fold.train, fold.val, fold.test)
        for fold in folds
    ]
    for number, split in enumerate(splits):
        if not split.test:
            raise _no_splits(path, f"a fold {number} that keeps nothing out")
    return splits


def write_splits(path: Path, splits: Sequence[Split]) -> None:
    """Write folds so that `read_splits` gives the same back, and nnU-Net can read them.

    Raises:
        FileError: The file cannot be written.
    """
    write_json(path, [_as_listed(split) for split in splits])


def _as_listed(split: Split) -> dict[str, list[str]]:
    if not split.validation:
        return {"train": list(split.train), "val": list(split.test)}
    return {"train": list(split.train), "val": list(split.validation), "test": list(split.test)}


def _no_splits(path: Path, got: str) -> DatasetError:
    return DatasetError(
        expected='folds as in splits_final.json: [{"train": [NAME, ...], "val": [NAME, ...]}, ...]',
        got=got,
        remedy="mend the file, or name a protocol such as kfold:5",
        path=path,
    )
