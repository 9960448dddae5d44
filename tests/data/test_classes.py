from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from univox.data.classes import Classes, LabelClass
from univox.errors import DatasetError, LabelError

TISSUE = Classes.of({0: "background", 10: "CSF", 150: "GM", 250: "WM"})

code_tables = st.dictionaries(
    st.one_of(st.integers(-5, 300), st.integers(2**20, 2**40)), st.text("abcdef", min_size=1), min_size=1, max_size=12
)


@settings(deadline=None, max_examples=40)
@given(code_tables, st.data())
def test_codes_survive_the_way_to_indices_and_back(table: dict[int, str], data: st.DataObject) -> None:
    classes = Classes.of(table)
    codes = data.draw(st.lists(st.sampled_from(sorted(classes.codes)), min_size=1, max_size=30))
    array = np.array(codes).reshape(1, -1)
    assert np.array_equal(classes.to_codes(classes.to_index(array)), array)
    expected = [classes.codes.index(code) for code in codes]
    assert classes.to_index(np.array(codes)).tolist() == expected


@settings(deadline=None, max_examples=40)
@given(code_tables, st.one_of(st.integers(-9, 400), st.integers(2**20, 2**40)))
def test_exactly_the_undeclared_codes_are_refused_by_name(table: dict[int, str], code: int) -> None:
    classes = Classes.of(table)
    array = np.array([0, code, 0])
    if code in table or code == 0:
        assert classes.undeclared([0, code]) == ()
        assert classes.to_index(array)[1] == classes.index_of(code)
        return
    assert classes.undeclared([code, 0]) == (code,)
    assert classes.index_of(code) is None
    with pytest.raises(LabelError, match=rf"undeclared {code} in 1 voxels"):
        classes.to_index(array)


def test_unsigned_labels_keep_their_high_codes() -> None:
    array = np.array([0, 10, 150, 250], np.uint8)
    assert TISSUE.to_index(array).tolist() == [0, 1, 2, 3]
    assert TISSUE.to_index(array).dtype == np.uint8


def test_selection_merges_and_sends_the_rest_to_the_background() -> None:
    brain = TISSUE.select("brain=150,250")
    assert brain.names == ("background", "brain")
    assert brain.to_index(np.array([0, 10, 150, 250])).tolist() == [0, 0, 1, 1]
    assert brain.to_codes(np.array([0, 1])).tolist() == [0, 150]


def test_selection_order_is_the_order_of_the_classes() -> None:
    assert TISSUE.select("white=WM; gray=GM").names == ("background", "white", "gray")
    assert TISSUE.select("white=WM; gray=GM").to_index(np.array([150, 250])).tolist() == [2, 1]


def test_background_may_be_chosen() -> None:
    cells = Classes.of({0: "membrane", 255: "cell"})
    chosen = cells.select("background=255;membrane=0")
    assert chosen.to_index(np.array([0, 255])).tolist() == [1, 0]
    assert chosen == cells.select("membrane=0"), "what is not selected is the background"
    assert cells.select("cell=255;membrane=0").names == ("membrane", "cell"), "nothing left: the old one first"


def test_a_selection_of_everything_by_name_changes_nothing() -> None:
    assert TISSUE.select("CSF;GM;WM") == TISSUE


def test_instances_are_one_class() -> None:
    classes = Classes.of_instances()
    assert classes.to_index(np.array([0, 7, 300])).tolist() == [0, 1, 1]
    assert classes.select("nucleus=1").names == ("background", "nucleus")
    assert classes.undeclared([0, 5, -1]) == (-1,)
    with pytest.raises(LabelError, match="-1"):
        classes.to_index(np.array([-1]))
    with pytest.raises(DatasetError, match="one class"):
        classes.select("a=1;b=0")


def test_json_round_trip() -> None:
    for classes in (TISSUE, TISSUE.select("brain=GM,WM"), Classes.of_instances("cell")):
        assert Classes.from_json(json.loads(json.dumps(classes.to_json()))) == classes
    with pytest.raises(DatasetError, match="codes"):
        Classes.from_json({"classes": [{"name": "a"}], "instances": False})


def test_zero_is_added_as_background_and_names_are_told_apart() -> None:
    assert Classes.of({1: "organ", 2: "organ"}).names == ("background", "organ (1)", "organ (2)")


def test_doubles_and_overflow_are_refused() -> None:
    with pytest.raises(DatasetError, match="label code"):
        Classes((LabelClass("a", (0,)), LabelClass("b", (0,))))
    with pytest.raises(DatasetError, match="class name"):
        Classes((LabelClass("a", (0,)), LabelClass("a", (1,))))
    with pytest.raises(DatasetError, match="255"):
        Classes.of({code: f"class {code}" for code in range(257)})
    with pytest.raises(DatasetError, match="more than once"):
        TISSUE.select("a=10;b=10,150")
    with pytest.raises(LabelError, match="indices 0 to 3"):
        TISSUE.to_codes(np.array([4]))
