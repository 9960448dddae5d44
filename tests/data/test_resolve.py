from __future__ import annotations

import pytest

from univox.data.fingerprint import ChannelIntensity
from univox.data.preprocess_settings import Normalization, Percentiles, Preprocessing, Values
from univox.data.resolve import is_ct, resolved_preprocessing

INTENSITY = ChannelIntensity(mean=40, sd=20, minimum=-300, maximum=900, percentile_00_5=-100, percentile_99_5=240)


def resolved(
    asked: Preprocessing,
    *names: str,
    spacing_mm: tuple[float, ...] = (2.0, 1.0, 1.0),
    intensity: ChannelIntensity = INTENSITY,
) -> Preprocessing:
    names = names or ("T1",)
    settings, reasons = resolved_preprocessing(
        asked, channel_names=names, spacing_mm=spacing_mm, intensity=[intensity] * len(names)
    )
    assert settings.resolved
    assert set(reasons) == {f"preprocessing.{field}" for field in Preprocessing.model_fields}
    assert all(reasons.values())
    return settings


def test_mri() -> None:
    assert resolved(Preprocessing(), "T1", "T2") == Preprocessing(
        crop="nonzero",
        spacing_mm=(2.0, 1.0, 1.0),
        clip=Percentiles(low=0.5, high=99.5, over="nonzero"),
        normalization=Normalization(scope="case", over="nonzero"),
    )


def test_ct() -> None:
    assert resolved(Preprocessing(), "CT") == Preprocessing(
        crop="nonzero",
        spacing_mm=(2.0, 1.0, 1.0),
        clip=Values(low=(-100,), high=(240,)),
        normalization=Normalization(scope="set", over="foreground", mean=(40,), sd=(20,)),
    )


def test_pictures() -> None:
    assert resolved(Preprocessing(), "red", "green", "blue", spacing_mm=(1.0, 1.0)) == Preprocessing(
        crop="none",
        spacing_mm="none",
        clip="none",
        normalization=Normalization(scope="case", over="image"),
    )


def test_what_the_recipe_states_wins() -> None:
    stated = Preprocessing(
        crop="nonzero-first-channel",
        spacing_mm="none",
        clip="none",
        normalization=Normalization(scope="patch"),
    )
    assert resolved(stated, "CT") == stated
    assert resolved(Preprocessing(spacing_mm=(3, 3, 3))).spacing_mm == (3, 3, 3)
    assert resolved(Preprocessing(spacing_mm="median"), spacing_mm=(0.5, 0.25)).spacing_mm == (0.5, 0.25)


@pytest.mark.parametrize(
    ("asked", "name", "scope", "over"),
    [
        ({"scope": "case"}, "CT", "case", "nonzero"),
        ({"over": "image"}, "CT", "case", "image"),
        ({"over": "foreground"}, "T1", "set", "foreground"),
        ({"scope": "set"}, "T1", "set", "foreground"),
        ({"scope": "case", "over": "image"}, "T1", "case", "image"),
    ],
)
def test_half_stated_normalization(asked: dict[str, str], name: str, scope: str, over: str) -> None:
    normalization = resolved(Preprocessing(normalization=Normalization.model_validate(asked)), name).normalization
    assert (normalization.scope, normalization.over) == (scope, over)


def test_a_whole_image_is_measured_over_the_whole_image() -> None:
    settings = resolved(Preprocessing(crop="none"))
    assert settings.clip == Percentiles(over="image")
    assert settings.normalization.over == "image"


def test_a_foreground_of_one_intensity_still_resolves() -> None:
    flat = INTENSITY.model_copy(update={"sd": 0.0, "percentile_00_5": 7.0, "percentile_99_5": 7.0})
    settings = resolved(Preprocessing(), "CT", intensity=flat)
    assert (settings.clip, settings.normalization.sd) == ("none", (1.0,))


@pytest.mark.parametrize("name", ["CT", "ct", "CT_venous", "abdominal CT", "CBCT", "CTA", "low-dose ct"])
def test_ct_by_name(name: str) -> None:
    assert is_ct([name])


@pytest.mark.parametrize("name", ["T1", "contrast", "section", "OCT", "ADC", "T1CT", "reflectance", "object"])
def test_not_ct_by_name(name: str) -> None:
    assert not is_ct([name])
