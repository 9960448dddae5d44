"""What a model knows of how far its probabilities can be believed."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from univox.metrics.temperature import HIGHEST, LOWEST

Finite = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class CalibrationFigures(BaseModel):
    """Of some voxels, before (temperature 1) and after.

    Attributes:
        voxels: How many were measured.
        nll_before, nll_after: Mean negative log-likelihood of the label's class, in nats.
        ece_before, ece_after: Expected calibration error, in [0, 1].
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    voxels: Annotated[int, Field(ge=1)]
    nll_before: Finite
    nll_after: Finite
    ece_before: Finite
    ece_after: Finite


class TemperatureScaling(BaseModel):
    """A domain's temperature and where it comes from: the field `calibration` of `domain.json`.

    Attributes:
        temperature: Of the probabilities that prediction puts out; see `univox.metrics.tempered`.
        cases: Names of those that it was fitted on; empty where they are not told.
        surroundings: Figures of the voxels that it was fitted on, those around the foreground.
        whole: Figures of all voxels that the network sees.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: Annotated[float, Field(ge=LOWEST, le=HIGHEST, allow_inf_nan=False)]
    cases: tuple[str, ...] = ()
    surroundings: CalibrationFigures
    whole: CalibrationFigures
