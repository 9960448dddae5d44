"""`dataset.json`, as the Medical Segmentation Decathlon and nnU-Net (v1 and v2) write it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from univox.data.classes import Classes
from univox.errors import DatasetError

IGNORE = "ignore"
"""The name by which a description says that a code is no class: nnU-Net's convention."""


@dataclass(frozen=True)
class DeclaredLabels:
    """What a description says of its labels.

    Args:
        names: Name of each code.
        ignore: The code of voxels that nobody labelled, where there is one.
    """

    names: dict[int, str]
    ignore: int | None = None

    @property
    def classes(self) -> Classes:
        """The classes, with what is ignored."""
        return replace(Classes.of(self.names), ignored=() if self.ignore is None else (self.ignore,))


def read_description(path: Path) -> dict[str, Any] | None:
    """Read `dataset.json`; None where there is none.

    Raises:
        DatasetError: The file is no JSON object.
    """
    if not path.is_file():
        return None
    try:
        value = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise _malformed(path, "JSON", str(error)) from error
    if not isinstance(value, dict):
        raise _malformed(path, "a JSON object", type(value).__name__)
    return cast("dict[str, Any]", value)


def declared_channels(description: dict[str, Any], path: Path) -> tuple[str, ...] | None:
    """Read the names of the channels ("channel_names", or "modality"), None where there are none.

    Raises:
        DatasetError: The names are neither a list nor an object with the keys 0, 1, ...
    """
    value = description.get("channel_names", description.get("modality"))
    if not value:
        return None
    if isinstance(value, list):
        return tuple(str(name) for name in cast("list[object]", value))
    try:
        by_number = {int(key): str(name) for key, name in value.items()}
    except (AttributeError, ValueError) as error:
        raise _malformed(path, "channels as {'0': 'T1', '1': 'T2'}", repr(value)[:80]) from error
    if sorted(by_number) != list(range(len(by_number))):
        raise _malformed(path, "channels numbered from 0 without a gap", ", ".join(map(str, sorted(by_number))))
    return tuple(by_number[number] for number in range(len(by_number)))


def declared_labels(value: Any, path: Path) -> DeclaredLabels | None:
    """Read labels as {"1": "liver"} (Decathlon, nnU-Net v1) or {"liver": 1} (nnU-Net v2).

    A label named "ignore" is no class: its voxels were labelled by nobody, in either form.

    Returns:
        None where nothing is declared.

    Raises:
        DatasetError: A label is a region of several codes, or cannot be read.
    """
    if not value:
        return None
    if not isinstance(value, dict):
        raise _malformed(path, "labels as {'0': 'background', '1': 'liver'}", repr(value)[:80])
    entries = cast("dict[str, Any]", value)
    if all(_is_code(key) for key in entries):
        pairs = [(str(name), int(float(key))) for key, name in entries.items()]
        ignored = [code for name, code in pairs if name == IGNORE]
        return DeclaredLabels({code: name for name, code in pairs if name != IGNORE}, *ignored[:1])
    names: dict[int, str] = {}
    ignore: int | None = None
    for name, code in entries.items():
        if isinstance(code, list):
            raise _region(name, cast("list[Any]", code), path)
        if not _is_code(code):
            raise _malformed(path, f"a whole number as the code of {name!r}", repr(code)[:40])
        if name == IGNORE:
            ignore = int(code)
        else:
            names[int(code)] = name
    return DeclaredLabels(names, ignore)


def as_list(value: Any) -> list[Any]:
    """Give `value` if it is a list, else an empty one: a listing that is absent or no listing."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def _is_code(value: Any) -> bool:
    try:
        return float(value) == int(float(value))
    except (TypeError, ValueError, OverflowError):
        return False


def _region(name: str, codes: list[Any], path: Path) -> DatasetError:
    return DatasetError(
        expected="labels that each have one code",
        got=f"the overlapping region {name!r} of the codes {', '.join(map(str, codes))}",
        remedy="declare one code per class in a copy of dataset.json, and merge what belongs together"
        f" with --classes '{name}={','.join(map(str, codes))}'",
        path=path,
    )


def _malformed(path: Path, expected: str, got: str) -> DatasetError:
    return DatasetError(expected=expected, got=got, remedy="mend the file", path=path)
