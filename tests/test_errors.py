from __future__ import annotations

import copy
from pathlib import Path

from univox.errors import GeometryError, ShapeError


def test_a_message_says_where_what_and_the_remedy() -> None:
    error = GeometryError(expected="one grid", got="two", remedy="resample one", path="a/b.nii.gz")
    assert str(error) == "a/b.nii.gz: expected one grid, got two; remedy: resample one"


def test_an_error_survives_the_way_between_processes() -> None:
    error = ShapeError(expected="3 axes", got="2", remedy="add one", path=Path("x"))
    # copy.copy rebuilds an object by the same protocol that carries it to another process.
    back = copy.copy(error)
    assert (type(back), str(back), back.path) == (ShapeError, str(error), Path("x"))
