from __future__ import annotations

import pytest
from pydantic import ValidationError

from univox.data.preprocess_settings import Normalization, Percentiles, Preprocessing, Values

NONLOCAL = {
    "crop": "nonzero-first-channel",
    "spacing_mm": "none",
    "clip": "none",
    "normalization": {"scope": "patch"},
}


@pytest.mark.parametrize(
    "settings",
    [
        Preprocessing(),
        Preprocessing.model_validate(NONLOCAL),
        Preprocessing(spacing_mm=(2.5, 0.8, 0.8), clip=Percentiles(low=1, high=99, over="image")),
        Preprocessing(
            clip=Values(low=(-100,), high=(240,)), normalization=Normalization(scope="set", mean=(1.5,), sd=(2,))
        ),
    ],
)
def test_json_is_the_same_settings(settings: Preprocessing) -> None:
    assert Preprocessing.model_validate_json(settings.model_dump_json()) == settings


def test_percentiles_and_values_are_told_apart_by_what_is_written() -> None:
    case = Preprocessing.model_validate({"clip": {"low": 0.5, "high": 99.5}})
    stated = Preprocessing.model_validate({"clip": {"low": [-100], "high": [240]}})
    assert isinstance(case.clip, Percentiles)
    assert isinstance(stated.clip, Values)


@pytest.mark.parametrize(
    ("changes", "resolved"),
    [
        ({}, True),
        ({"crop": "auto"}, False),
        ({"spacing_mm": "auto"}, False),
        ({"spacing_mm": "median"}, False),
        ({"spacing_mm": [1.0, 1.0, 2.0]}, True),
        ({"clip": "auto"}, False),
        ({"normalization": {"scope": "auto"}}, False),
        ({"normalization": {"scope": "case"}}, False),
        ({"normalization": {"scope": "case", "over": "image"}}, True),
        ({"normalization": {"scope": "set"}}, False),
        ({"normalization": {"scope": "set", "mean": [0], "sd": [1]}}, True),
        ({"normalization": {"scope": "none"}}, True),
    ],
)
def test_resolved_says_whether_anything_is_open(changes: dict[str, object], resolved: bool) -> None:
    assert Preprocessing.model_validate(NONLOCAL | changes).resolved is resolved


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"crops": "none"}, "Extra inputs"),
        ({"spacing_mm": [1.0, 0.0, 1.0]}, "greater than 0"),
        ({"clip": {"low": 99, "high": 1}}, "low must lie below high"),
        ({"clip": {"low": -1, "high": 50}}, "greater than or equal to 0"),
        ({"clip": {"low": [3], "high": [2]}}, "low must lie below high"),
        ({"clip": {"low": [3], "high": [4, 5]}}, "one value per channel"),
        ({"normalization": {"scope": "set", "mean": [1]}}, "together"),
        ({"normalization": {"scope": "set", "mean": [1], "sd": [1, 2]}}, "one value per channel"),
        ({"normalization": {"scope": "set", "mean": [1], "sd": [0]}}, "greater than 0"),
        ({"normalization": {"scope": "case", "mean": [1], "sd": [1]}}, "belong to scope 'set'"),
        ({"normalization": {"scope": "case", "over": "foreground"}}, "no foreground yet"),
        ({"normalization": {"scope": "set", "over": "nonzero"}}, "measured over 'foreground'"),
    ],
)
def test_contradictions_are_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Preprocessing.model_validate(values)
