"""How far a model's probabilities can be believed: measured, and mended by one temperature stored with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from univox.data.case import Case
from univox.data.dataset import Dataset
from univox.errors import DatasetError
from univox.inference.calibration_voxels import VALUES, VALUES_PER_CASE, CaseVoxels, LabelledVoxels, case_voxels
from univox.inference.predictor import Predictor
from univox.inference.unseen_cases import OnCase, predicted_unseen, unseen_cases
from univox.metrics import (
    ErrorDetection,
    error_detection,
    fit_temperature,
    measure_calibration,
    negative_log_likelihood,
    normalized_entropy,
    tempered,
)
from univox.model.store_domain import store_domain
from univox.model.stored import StoredModel
from univox.model.temperature_scaling import CalibrationFigures, TemperatureScaling
from univox.types import PathLike

SEED = 0
"""Of the choice of voxels: the same cases always give the same temperature."""


@dataclass(frozen=True)
class MeasuredCalibration:
    """What cases say of a temperature.

    Attributes:
        scaling: The temperature, and the figures without it and with it.
        errors: How well the entropy finds the errors around the foreground, at that temperature.
    """

    scaling: TemperatureScaling
    errors: ErrorDetection


def calibrate(
    model: PathLike | StoredModel,
    dataset: Dataset,
    *,
    domain: str | None = None,
    cases: str | Sequence[str] = "validation",
    device: str | torch.device = "auto",
    trusted: bool = False,
    on_case: OnCase | None = None,
) -> MeasuredCalibration:
    """Fit a temperature on cases that a domain was not trained on, and store it in the model.

    It minimizes the mean negative log-likelihood of the voxels around the foreground, of a large case of a random part.
    Weights and labels stay as they are; the probabilities and the entropy that prediction puts out change.

    Args:
        model: A model folder, or one that was read.
        dataset: The domain's, opened; the domain's own classes read its labels.
        domain: Its name; may be left out where the model has one.
        cases: "validation" for those that chose the weights, or names of others. The test cases as such are refused:
            they judge the model.
        device: As in `Predictor`.
        trusted: Allow a network from outside univox; its import runs foreign code.
        on_case: Hears of each case.

    Returns:
        The temperature, and what it does on these cases.

    Raises:
        DatasetError: There are no such cases, one has no label or holds nan, or one was in training.
        ModelError: A case does not fit the domain, or the network gives no numbers for it.
        FileError: A case cannot be read, or the model not be written.

    Source: Guo et al., ICML 2017, section 4.2. After the blending of windows, as after that of networks: Rahaman and
        Thiery, NeurIPS 2021. See docs/decisions/0011-one-temperature-after-blending.md.
    """
    if cases == "test":
        raise DatasetError(
            expected="validation cases, or cases by name, to fit a temperature on",
            got="the test cases",
            remedy="leave them to judge the model; --measure-only measures them",
        )
    predictor = Predictor(model, domain=domain, device=device, trusted=trusted)
    chosen = unseen_cases(predictor.domain, dataset, cases)
    voxels = _voxels(predictor, dataset, chosen, on_case)
    temperature = fit_temperature(voxels.surroundings.probabilities, voxels.surroundings.label)
    measured = _measured(voxels, temperature, chosen)
    store_domain(predictor.model, predictor.domain.model_copy(update={"calibration": measured.scaling}))
    return measured


def measure(
    model: PathLike | StoredModel,
    dataset: Dataset,
    *,
    domain: str | None = None,
    cases: str | Sequence[str] = "test",
    device: str | torch.device = "auto",
    trusted: bool = False,
    on_case: OnCase | None = None,
) -> MeasuredCalibration:
    """Measure the temperature that a domain has on other cases; nothing is stored.

    Args:
        model: See `calibrate`, as for what is not told here.
        dataset: See `calibrate`.
        domain: See `calibrate`.
        cases: "test" for those that were kept out of training, "validation", or names.
        device: See `calibrate`.
        trusted: See `calibrate`.
        on_case: See `calibrate`.

    Raises:
        DatasetError, ModelError, FileError: As `calibrate`.
    """
    predictor = Predictor(model, domain=domain, device=device, trusted=trusted)
    chosen = unseen_cases(predictor.domain, dataset, cases)
    return _measured(_voxels(predictor, dataset, chosen, on_case), predictor.temperature, chosen)


def _voxels(predictor: Predictor, dataset: Dataset, cases: Sequence[Case], on_case: OnCase | None) -> CaseVoxels:
    random, values = np.random.default_rng(SEED), min(VALUES_PER_CASE, VALUES // len(cases))
    return CaseVoxels.joined(
        [
            case_voxels(each.votes, each.geometry, each.label, random, values=values)
            for each in predicted_unseen(predictor, dataset, cases, on_case)
        ]
    )


def _measured(voxels: CaseVoxels, temperature: float, cases: Sequence[Case]) -> MeasuredCalibration:
    around = voxels.surroundings
    scaling = TemperatureScaling(
        temperature=temperature,
        cases=tuple(case.name for case in cases),
        surroundings=_figures(around, temperature),
        whole=_figures(voxels.whole, temperature),
    )
    entropy = normalized_entropy(around.probabilities, temperature=temperature)
    return MeasuredCalibration(scaling, error_detection(entropy, around.probabilities.argmax(axis=0) != around.label))


def _figures(voxels: LabelledVoxels, temperature: float) -> CalibrationFigures:
    given, label = voxels.probabilities, voxels.label
    after = tempered(given, temperature)
    return CalibrationFigures(
        voxels=label.size,
        nll_before=negative_log_likelihood(given, label),
        nll_after=negative_log_likelihood(given, label, temperature=temperature),
        ece_before=measure_calibration(given, label).expected_error,
        ece_after=measure_calibration(after, label).expected_error,
    )
