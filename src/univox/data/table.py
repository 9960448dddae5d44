"""A CSV table with one row per case and the paths of its files in columns."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from univox.data.case import Case
from univox.data.findings import Finding
from univox.data.image_files import stem_of
from univox.data.inventory import Inventory, listed_path, missing_image, missing_label
from univox.errors import DatasetError

_NUMBERED = re.compile(r"image_(\d+)")
_NOT_IMAGES = {"label", "case", "name", "subject"}
_SUBJECT = re.compile(r"(subject|patient)(_?id)?")


@dataclass(frozen=True)
class _Columns:
    """Headings as they stand in the file."""

    images: tuple[str, ...]
    channels: tuple[str, ...] | None
    label: str | None
    case: str | None
    subject: str | None


def is_table(path: Path) -> bool:
    """Say whether `path` is a CSV file with a column of images."""
    if path.suffix.lower() not in (".csv", ".tsv") or not path.is_file():
        return False
    try:
        rows = _rows(path)
        return _columns(path, rows, None).label is not None
    except DatasetError:
        return False


def read_table(path: Path, *, labels: str | None = None) -> Inventory:
    """Read cases from a table.

    The columns are "image", or "image_0", "image_1", ..., or one column per channel under the channel's name;
    "label"; and, if wanted, "case" and "subject". Others are left alone. Paths are relative to the table.
    Comma, semicolon and tab are told apart by the heading.

    Args:
        path: The CSV file.
        labels: The heading of another column of labels.

    Raises:
        DatasetError: The table cannot be read, has no column of images, or names a case twice.
    """
    rows = _rows(path)
    columns = _columns(path, rows, labels)
    names = _case_names(path, rows, columns)
    cases: list[Case] = []
    findings: list[Finding] = []
    for name, row in zip(names, rows, strict=True):
        images = tuple(listed_path(path.parent, row[column]) for column in columns.images if row[column])
        label = listed_path(path.parent, row[columns.label]) if columns.label and row[columns.label] else None
        absent = [image for image in images if not image.is_file()]
        if label is not None and not label.is_file():
            findings.append(missing_label(name, path, label))
            label = None
        if absent or not images:
            findings.append(missing_image(name, path, absent[0]) if absent else _no_image(name, path))
            continue
        subject = row[columns.subject] if columns.subject else ""
        cases.append(Case(name, images, label, subject))
    return Inventory(
        name=path.stem,
        root=path,
        layout="csv",
        cases=tuple(sorted(cases, key=lambda case: case.name)),
        channel_names=columns.channels,
        findings=tuple(findings),
    )


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(
            expected="a table as UTF-8 text", got=str(error), remedy="save it as CSV (UTF-8)", path=path
        ) from error
    heading = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=heading.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, restval="")
    rows = [
        {key.strip(): (value or "").strip() for key, value in row.items() if key} for row in reader if any(row.values())
    ]
    if not rows:
        raise DatasetError(expected="a heading and a row per case", got="no row", remedy="add the cases", path=path)
    return rows


def _columns(path: Path, rows: Sequence[Mapping[str, str]], labels: str | None) -> _Columns:
    headings = {heading.casefold(): heading for heading in rows[0]}
    label = headings.get((labels or "label").casefold())
    if labels is not None and label is None:
        raise _no_column(path, f"a column {labels} of labels", rows)
    case = headings.get("case", headings.get("name"))
    subject = next((headings[key] for key in headings if _SUBJECT.fullmatch(key)), None)
    channels: tuple[str, ...] | None = None
    numbered = sorted((int(m[1]), headings[key]) for key in headings if (m := _NUMBERED.fullmatch(key)))
    if "image" in headings:
        images = (headings["image"],)
    elif numbered:
        images = tuple(heading for _, heading in numbered)
    else:
        images = channels = tuple(
            heading
            for key, heading in headings.items()
            if heading not in (label, case, subject) and key not in _NOT_IMAGES and _holds_images(heading, rows)
        )
    if not images:
        raise _no_column(path, "a column image, or image_0, image_1, or one per channel", rows)
    return _Columns(images, channels, label, case, subject)


def _holds_images(heading: str, rows: Sequence[Mapping[str, str]]) -> bool:
    from univox.image import IMAGE_SUFFIXES

    values = [row[heading] for row in rows if row[heading]]
    return bool(values) and all(value.lower().endswith(tuple(IMAGE_SUFFIXES)) for value in values)


def _case_names(path: Path, rows: Sequence[Mapping[str, str]], columns: _Columns) -> list[str]:
    first = columns.images[0]
    if columns.case:
        names = [row[columns.case] for row in rows]
    else:
        names = [stem_of(Path(row[first])) if row[first] else "" for row in rows]
        if len(set(names)) < len(names):
            # Files of one name in a folder per case: the folder's name tells them apart.
            names = [Path(row[first]).parent.name for row in rows]
    names = [name or f"row_{number}" for number, name in enumerate(names, start=2)]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DatasetError(
            expected="a row per case",
            got=f"{twice[0]} in {names.count(twice[0])} rows",
            remedy="give each row its own name in a column case",
            path=path,
        )
    return names


def _no_image(name: str, path: Path) -> Finding:
    return Finding(name, "error", "missing-image", f"{path.name} names no image.", "Fill in its path.", str(path))


def _no_column(path: Path, expected: str, rows: Sequence[Mapping[str, str]]) -> DatasetError:
    return DatasetError(
        expected=expected,
        got="the columns " + ", ".join(rows[0]),
        remedy="rename a heading, or name the column of labels with --labels",
        path=path,
    )
