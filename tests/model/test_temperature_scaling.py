"""A temperature in a model's files: lawful values only, and none where none was fitted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError
from small_models import CALIBRATION, base, domain

from univox.errors import ModelError
from univox.model.domain import Domain
from univox.model.folder import read_model
from univox.model.staging import as_read
from univox.model.temperature_scaling import TemperatureScaling


def test_a_domain_comes_back_with_it_and_without() -> None:
    plain = domain("brain")
    assert plain.temperature == 1.0
    assert "calibration" not in plain.model_dump(mode="json")
    fitted = Domain.model_validate({**plain.model_dump(), "calibration": CALIBRATION})
    assert fitted.temperature == 1.5
    assert as_read(fitted) == fitted
    assert Domain.model_validate_json(fitted.model_dump_json(), strict=True) == fitted


@pytest.mark.parametrize("temperature", [0.0, -1.0, 0.05, 11.0, float("nan"), float("inf"), "warm", None])
def test_no_other_temperature_is_taken(temperature: object) -> None:
    with pytest.raises(ValidationError, match="temperature"):
        TemperatureScaling.model_validate({**CALIBRATION, "temperature": temperature})


def test_an_altered_file_is_one_sentence(tmp_path: Path) -> None:
    base(tmp_path / "model", "brain")
    path = tmp_path / "model/domains/brain/domain.json"
    values = json.loads(path.read_text())
    path.write_text(json.dumps({**values, "calibration": {**CALIBRATION, "temperature": -2}}))
    with pytest.raises(ModelError, match=r"expected a valid 'calibration.temperature'"):
        read_model(tmp_path / "model")
