from __future__ import annotations

from pathlib import Path

import pytest

from univox.data.description import declared_channels, declared_labels, read_description
from univox.errors import DatasetError

HERE = Path("dataset.json")


def test_labels_of_every_generation() -> None:
    first = declared_labels({"0": "background", "2.0": "liver"}, HERE)
    second = declared_labels({"background": 0, "liver": 2, "ignore": 3}, HERE)
    assert first is not None
    assert second is not None
    assert first.names == second.names == {0: "background", 2: "liver"}
    assert (first.ignore, second.ignore) == (None, 3)
    assert declared_labels(None, HERE) is None


def test_regions_are_refused_in_a_clear_sentence() -> None:
    with pytest.raises(DatasetError, match=r"overlapping region 'whole tumor' of the codes 1, 2, 3"):
        declared_labels({"background": 0, "whole tumor": [1, 2, 3], "core": [2, 3]}, HERE)


@pytest.mark.parametrize("labels", [["background"], {"liver": "one"}, {"liver": 0.5}])
def test_labels_that_cannot_be_read(labels: object) -> None:
    with pytest.raises(DatasetError, match=r"dataset\.json"):
        declared_labels(labels, HERE)


def test_channels_in_numeric_order() -> None:
    names = {str(number): f"c{number}" for number in range(11)}
    assert declared_channels({"channel_names": names}, HERE) == tuple(names.values())
    assert declared_channels({"modality": {"1": "T2", "0": "T1"}}, HERE) == ("T1", "T2")
    assert declared_channels({"modality": ["T1"]}, HERE) == ("T1",)
    assert declared_channels({}, HERE) is None
    for wrong in ({"0": "T1", "2": "T2"}, {"first": "T1"}, "T1"):
        with pytest.raises(DatasetError, match="channels"):
            declared_channels({"modality": wrong}, HERE)


def test_a_file_that_is_no_json_object_is_named(tmp_path: Path) -> None:
    assert read_description(tmp_path / "dataset.json") is None
    for text in ("{", "[1]"):
        (tmp_path / "dataset.json").write_text(text)
        with pytest.raises(DatasetError, match=r"dataset\.json"):
            read_description(tmp_path / "dataset.json")
