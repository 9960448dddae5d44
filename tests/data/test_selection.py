from __future__ import annotations

import pytest

from univox.data.selection import selected_codes
from univox.errors import DatasetError

DECLARED = {"background": (0,), "thalamus, side A": (1,), "Anterior": (2,), "rest": (3, 4)}


@pytest.mark.parametrize(
    ("selection", "codes"),
    [
        ("organ=1,2;tumor=3", {"organ": (1, 2), "tumor": (3,)}),
        (" organ = 1 , 2 ; ", {"organ": (1, 2)}),
        ("organ=Anterior,rest", {"organ": (2, 3, 4)}),
        ("organ=anterior, 4", {"organ": (2, 4)}),
        ("t=thalamus, side A,Anterior", {"t": (1, 2)}),
        ("thalamus,side a", {"thalamus,side a": (1,)}),
        ("Anterior;rest", {"Anterior": (2,), "rest": (3, 4)}),
        ("organ=2,2,Anterior", {"organ": (2,)}),
    ],
)
def test_what_can_be_written(selection: str, codes: dict[str, tuple[int, ...]]) -> None:
    assert selected_codes(selection, DECLARED) == codes


@pytest.mark.parametrize(
    ("selection", "complaint"),
    [
        ("", "classes as in"),
        ("=1", "'=1'"),
        ("organ=", "'organ='"),
        ("organ=9", "'9', which is not declared, in 'organ=9'"),
        ("organ=2,Front", "'Front', which is not declared"),
        ("Front", "'Front', which is not declared"),
        ("organ=1;organ=2", "twice"),
    ],
)
def test_what_cannot_is_named_with_what_can(selection: str, complaint: str) -> None:
    with pytest.raises(DatasetError, match=complaint) as caught:
        selected_codes(selection, DECLARED)
    assert "Anterior=2" in str(caught.value) or "organ=1,2" in str(caught.value)
