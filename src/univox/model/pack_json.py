"""JSON of a stranger: plain values of sane size and depth, or one sentence."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from univox.errors import ModelError
from univox.model.pack_archive import DISTRUST

DEEPEST = 32
_LARGEST = 2**63
# Controls that move a terminal's cursor or turn the order of letters, and halves of letters that no file can hold.
_UNPRINTABLE = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

Record = TypeVar("Record", bound=BaseModel)


def strict_json(content: bytes, member: str, path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Args:
        content: Of the member.
        member: Its name, for messages.
        path: The pack, for messages.

    Raises:
        ModelError: It is no JSON object, or one with a key twice, numbers that are not finite or beyond 64 bits,
            control characters, or values nested deeper than DEEPEST.
    """
    try:
        value = json.loads(
            content.decode("utf-8"), parse_constant=_no_number, parse_float=_number, object_pairs_hook=_each_once
        )
        _check_plain(value)
    except RecursionError as error:
        raise _no_json("values nested too deeply", member, path) from error
    except ValueError as error:
        raise _no_json(" ".join(str(error).split())[:160], member, path) from error
    if not isinstance(value, dict):
        raise _no_json(f"a {type(value).__name__}", member, path)
    return value


def strictly(kind: type[Record], content: bytes, member: str, path: Path) -> Record:
    """Read a record of that kind from JSON that `strict_json` took; nothing is converted on the way.

    Raises:
        ModelError: Names the first field at fault.
    """
    try:
        return kind.model_validate_json(content, strict=True)
    except ValidationError as error:
        raise unlawful(error, member, path) from error


def unlawful(error: ValidationError, place: str, path: Path) -> ModelError:
    """Give the sentence for the first field at fault."""
    first = error.errors()[0]
    field = ".".join(str(part)[:40] for part in first["loc"][:4])
    return ModelError(
        expected=f"a valid '{field}' in {place}" if field else f"a valid {place}",
        got=first["msg"].lower()[:160],
        remedy=DISTRUST,
        path=path,
    )


def _no_json(got: str, member: str, path: Path) -> ModelError:
    return ModelError(expected=f"a JSON object of plain values in {member}", got=got, remedy=DISTRUST, path=path)


def _no_number(text: str) -> Any:
    raise ValueError(f"{text}, which is no number")


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number beyond all bounds")
    return value


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("a key that comes twice")
    return values


def _check_plain(value: Any) -> None:
    # A stack of our own, for Python's is what a hostile depth exhausts.
    left: list[tuple[Any, int]] = [(value, 0)]
    while left:
        entry, depth = left.pop()
        if depth > DEEPEST:
            raise ValueError("values nested too deeply")
        if isinstance(entry, str) and _UNPRINTABLE.search(entry):
            raise ValueError("control characters in a text")
        if isinstance(entry, int) and abs(entry) >= _LARGEST:
            raise ValueError("a number beyond all bounds")
        if isinstance(entry, dict):
            left += [(key, depth + 1) for key in entry]
            left += [(inner, depth + 1) for inner in entry.values()]
        elif isinstance(entry, list):
            left += [(inner, depth + 1) for inner in entry]
