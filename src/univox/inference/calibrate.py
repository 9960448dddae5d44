"""How far a model's probabilities can be believed: measured, and mended by one temperature stored with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from univox.data.case import Case
from univox.data.dataset import Dataset, read_case_image, read_case_label
from univox.data.preprocess import CaseGeometry, prepare_image
from univox.errors import DatasetError, GeometryError, ModelError, UnivoxError
from univox.image import Image, grid_difference
from univox.inference.calibration_voxels import VALUES, VALUES_PER_CASE, CaseVoxels, LabelledVoxels, case_voxels
from univox.inference.fitting import misfit
from univox.inference.predictor import Predictor
from univox.metrics import (
    ErrorDetection,
    error_detection,
    fit_temperature,
    measure_calibration,
    negative_log_likelihood,
    normalized_entropy,
    tempered,
)
from univox.model.domain import Domain
from univox.model.store_calibration import store_calibration
from univox.model.stored import StoredModel
from univox.model.temperature_scaling import CalibrationFigures, TemperatureScaling
from univox.types import PathLike

SEED = 0
"""Of the choice of voxels: the same cases always give the same temperature."""

OnCase = Callable[[str, int, int], None]
"""Called as on_case(name, done, total) after each case."""


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
    chosen = calibration_cases(predictor.domain, dataset, cases)
    voxels = _voxels(predictor, dataset, chosen, on_case)
    temperature = fit_temperature(voxels.surroundings.probabilities, voxels.surroundings.label)
    measured = _measured(voxels, temperature, chosen)
    store_calibration(predictor.model, predictor.domain.name, measured.scaling)
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
    chosen = calibration_cases(predictor.domain, dataset, cases)
    return _measured(_voxels(predictor, dataset, chosen, on_case), predictor.temperature, chosen)


def calibration_cases(domain: Domain, dataset: Dataset, cases: str | Iterable[str]) -> list[Case]:
    """Find labelled cases that a domain was not trained on.

    Args:
        domain: Knows its split.
        dataset: Holds them.
        cases: "validation", "test", or names.

    Raises:
        DatasetError: There are none, one is missing or without a label, or one was in training.
    """
    split = domain.split
    if isinstance(cases, str):
        if not split.get(cases):
            raise DatasetError(
                expected=f"{cases} cases that the domain {domain.name} recorded",
                got="none",
                remedy="name labelled cases that it was not trained on: --cases NAME,NAME",
            )
        cases = split[cases]
    names = list(dict.fromkeys(cases))
    seen = [name for name in names if name in split.get("train", [])]
    if seen or not names:
        raise DatasetError(
            expected=f"cases that the domain {domain.name} was not trained on",
            got=f"{', '.join(seen[:5])}, of its training cases" if seen else "none",
            remedy="name others: on what it has learned by heart every network looks sure and right",
        )
    labelled = {case.name: case for case in dataset.labelled}
    missing = [name for name in names if name not in labelled]
    if missing:
        raise DatasetError(
            expected=f"cases with a label in {dataset.name}",
            got=", ".join(missing[:5]),
            remedy="give the dataset that the domain was trained on",
            path=dataset.root,
        )
    return [labelled[name] for name in names]


def _voxels(predictor: Predictor, dataset: Dataset, cases: Sequence[Case], on_case: OnCase | None) -> CaseVoxels:
    # The domain's classes, not the dataset's: a selection that was made for training holds here too.
    known = replace(dataset, classes=predictor.classes)
    random, values = np.random.default_rng(SEED), min(VALUES_PER_CASE, VALUES // len(cases))
    found: list[CaseVoxels] = []
    for number, case in enumerate(cases, start=1):
        found.append(_of_case(predictor, known, case, random, values))
        if on_case is not None:
            on_case(case.name, number, len(cases))
    return CaseVoxels.joined(found)


def _of_case(
    predictor: Predictor, dataset: Dataset, case: Case, random: np.random.Generator, values: int
) -> CaseVoxels:
    image, label = read_case_image(dataset, case), read_case_label(dataset, case)
    difference = grid_difference(image, label)
    if difference is not None:
        raise GeometryError(
            expected="a label on the grid of its image",
            got=difference,
            remedy="mend the label, or name other cases",
            path=case.label,
        )
    prepared, geometry = _prepared(predictor, image, case)
    votes = predictor.votes(prepared)
    if not np.isfinite(votes).all():
        raise ModelError(
            expected=f"probabilities for every voxel of {case.name}",
            got="some that are no numbers",
            remedy="train the model again; with --set training.precision=fp32 where it overflowed",
            path=predictor.model.path,
        )
    return case_voxels(votes, geometry, label.array, random, values=values)


def _prepared(predictor: Predictor, image: Image, case: Case) -> tuple[NDArray[np.float32], CaseGeometry]:
    error: UnivoxError | None = misfit(predictor.domain, image)
    if error is None:
        try:
            return prepare_image(image, predictor.preprocessing)
        except DatasetError as found:
            error = found
    # Of several cases only the file says which.
    raise type(error)(expected=error.expected, got=error.got, remedy=error.remedy, path=case.images[0]) from error


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
