from __future__ import annotations

import pytest
from pydantic import ValidationError

from univox.data.patch_settings import Augmentation, PatchSampling


def test_none_is_all_probabilities_zero_and_nothing_mirrored() -> None:
    none = Augmentation.none()
    values = {name: value for name, value in none.model_dump().items() if name.endswith("_probability")}
    assert len(values) == 12
    assert set(values.values()) == {0.0}
    assert none.mirror_axes == ()


def test_settings_survive_json() -> None:
    for value in (
        Augmentation(rotation_degrees=(10.0, 0.0, 5.0), mirror_axes=(2,)),
        Augmentation.none(),
        PatchSampling(foreground_share=0.5, padding_label=-100),
    ):
        assert type(value).model_validate_json(value.model_dump_json()) == value


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"rotation_probability": 1.5}, "less than or equal to 1"),
        ({"scaling_factor": (1.4, 0.7)}, "low <= high"),
        ({"gamma_exponent": (0.0, 1.0)}, "greater than 0"),
        ({"low_resolution_zoom": (0.5, 1.5)}, "at most 1"),
        ({"noise_sd": (-0.1, 0.1)}, "greater than or equal to 0"),
        ({"mirror_axes": (3,)}, "less than or equal to 2"),
        ({"rotation_degrees": 270.0}, "180"),
        ({"flip": True}, "Extra inputs"),
    ],
)
def test_impossible_settings_are_refused(wrong: dict, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Augmentation(**wrong)


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        PatchSampling().foreground_share = 0.5  # pyright: ignore[reportAttributeAccessIssue]
