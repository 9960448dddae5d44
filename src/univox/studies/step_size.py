"""One trained model, several steps of its sliding window: what does each cost, and what does it give?"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from univox.atomic import write_json
from univox.data.case import Case
from univox.data.classes import Classes
from univox.data.dataset import Dataset, read_case_label
from univox.data.preprocess import CaseGeometry, prepare_image
from univox.data.source import DatasetSource
from univox.errors import DatasetError, GeometryError, RecipeError
from univox.image import Label, read_image
from univox.inference.device import computes_bfloat16
from univox.inference.fitting import misfit
from univox.inference.inputs import Input
from univox.inference.predictor import Predictor
from univox.inference.record import select_inputs
from univox.judging.evaluate import difference_of_maps
from univox.judging.measures import Measures
from univox.judging.scores import evaluate_arrays
from univox.studies.planned import duration
from univox.studies.step_rows import Measured, StepSizeStudy
from univox.studies.study_folder import keep_facts
from univox.training.observer import Observer

FIGURES = ("dice", "mhd_3d")
DEFAULT_SHARES = (8, 4, 2, 1)
"""Of the window's shortest edge: of 32 voxels the published steps 4, 8, 16 and 32."""


@dataclass(frozen=True)
class StepSizeRequest:
    """What is to be measured.

    Args:
        model: A model folder.
        source: The dataset with the cases and their labels.
        output: The study's folder.
        steps: Voxels of the prepared grid between windows; none: the window's shortest edge, and a half, a quarter and
            an eighth of it. A step is cut on axes where the window is thinner, as in every prediction.
        cases: "test", "validation" or "train" as the model's training divided them, "all", or names, comma-separated.
        domain: Of the model; may be left out where it has one.
        device: As in `Predictor`.
        trusted: Allow a network from outside univox; its import runs foreign code.
    """

    model: Path
    source: DatasetSource
    output: Path
    steps: tuple[int, ...] = ()
    cases: str = "test"
    domain: str | None = None
    device: str = "auto"
    trusted: bool = False


def step_size(request: StepSizeRequest, *, observer: Observer | None = None) -> StepSizeStudy:
    """Predict and judge cases by several steps of the sliding window.

    A case is read and prepared once and predicted by every step, the largest first. What is measured already is not
    measured again; a study that was stopped goes on.

    Args:
        request: What is to be measured.
        observer: Hears of it, and of the time that is left.

    Raises:
        RecipeError: A step that is larger than the window.
        ModelError: The model cannot be read, or does not fit a case.
        DatasetError: No such case, a case without a label, or other classes than the model's.
        GeometryError: A label is not on the grid of its image.
        CheckpointError: The folder holds another study, or this one on another device or number of threads.

    Source: Wang et al., AAAI 2020, "Impact of the Overlapping Step Size", Figures 6 and 7.
    """
    first = Predictor(request.model, domain=request.domain, device=request.device, trusted=request.trusted)
    dataset = request.source.open()
    _refuse_other_classes(first.classes, dataset)
    cases = _wanted(dataset, request.cases, first.domain.split)
    steps = _steps(request.steps, first.votes_size)
    keep_facts(request.output, _facts(request, first))
    predictors = {
        step: Predictor(
            first.model, domain=first.domain.name, device=first.device, settings={"step": step}, network=first.network
        )
        for step in steps
    }
    measuring = _Measuring(request.output, dataset, predictors, observer or Observer())
    for number, case in enumerate(cases, start=1):
        measuring.measure(case, len(cases) - number)
    return StepSizeStudy(
        dataset=dataset.name,
        window=first.window_size,
        conditions=_conditions(first),
        measured=tuple(measuring.done),
    )


class _Measuring:
    """Goes from case to case, and knows by what is measured how long the rest will take."""

    def __init__(self, folder: Path, dataset: Dataset, predictors: Mapping[int, Predictor], observer: Observer) -> None:
        self.folder, self.dataset, self.predictors, self.observer = folder, dataset, predictors, observer
        self.done: list[Measured] = []
        self.is_warm = False

    def measure(self, case: Case, cases_after: int) -> None:
        """Measure a case by the steps that are missing; the others are read."""
        files = {step: self.folder / "cases" / case.name / f"step-{step}.json" for step in self.predictors}
        missing = [step for step, path in files.items() if not path.exists()]
        self.done += [Measured.read(path) for step, path in files.items() if step not in missing]
        if not missing:
            return
        array, geometry, label = self._prepared(case)
        counts = {step: each.number_of_windows(array.shape[1:]) for step, each in self.predictors.items()}
        for index, step in enumerate(missing):
            left = sum(counts[each] for each in missing[index:]) + cases_after * sum(counts.values())
            shape = " x ".join(map(str, array.shape[1:]))
            needed = self._time(counts[step], left, cases_after)
            self.observer.stage(f"{case.name} ({shape}) by step {step}: {counts[step]:,} windows{needed}")
            began = time.process_time()
            prediction = self.predictors[step].predict_prepared(array, geometry)
            spent = time.process_time() - began if self.predictors[step].device.type == "cpu" else None
            scores = evaluate_arrays(
                label.array,
                self.dataset.classes.of_prediction(prediction.codes).to_index(prediction.codes),
                class_names=self.dataset.classes.names,
                spacing_mm=label.spacing_mm,
                measures=Measures(metrics=FIGURES),
            )
            dice, mhd_3d = ({score.class_name: _known(score[figure]) for score in scores} for figure in FIGURES)
            done = Measured(
                case=case.name,
                step=step,
                shape=array.shape[1:],
                windows=counts[step],
                seconds=prediction.seconds,
                processor_seconds=spent,
                dice=dice,
                mhd_3d=mhd_3d,
            )
            write_json(files[step], asdict(done))
            self.done.append(done)

    def _prepared(self, case: Case) -> tuple[NDArray[np.float32], CaseGeometry, Label]:
        predictor = next(iter(self.predictors.values()))
        image, label = read_image(case.images), read_case_label(self.dataset, case)
        error = misfit(predictor.domain, image)
        if error is not None:
            raise error
        difference = difference_of_maps(image, label)
        if difference is not None:
            raise GeometryError(
                expected=f"the label of {case.name} on the grid of its image",
                got=difference,
                remedy="mend it as `univox check` says",
                path=case.label,
            )
        array, geometry = prepare_image(image, predictor.preprocessing)
        if not self.is_warm:
            _warm_up(predictor, len(array))
            self.is_warm = True
        return array, geometry, label

    def _time(self, windows: int, left: int, cases_after: int) -> str:
        if not self.done:
            return ", whose pace tells the time of the rest"
        pace = sum(each.seconds for each in self.done) / sum(each.windows for each in self.done)
        others = "the other case is" if cases_after == 1 else f"the other {cases_after} cases are"
        alike = f" if {others} like this one" if cases_after else ""
        return f", about {duration(windows * pace)}; {duration(left * pace)} to the end{alike}"


def _warm_up(predictor: Predictor, channels: int) -> None:
    """Look at a window of nothing: what torch sets up at its first call is no cost of the first step."""
    size = predictor.window_size
    geometry = CaseGeometry(size, tuple((0, edge) for edge in size), size, (1.0,) * len(size))
    predictor.predict_prepared(np.zeros((channels, *size), np.float32), geometry)


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _steps(asked: Sequence[int], window: tuple[int, ...]) -> tuple[int, ...]:
    """Give the steps, the largest first, which is measured in no time and tells the pace of the others."""
    steps = sorted({*asked} or {max(1, min(window) // share) for share in DEFAULT_SHARES}, reverse=True)
    wrong = [step for step in steps if not 1 <= step <= max(window)]
    if wrong:
        raise RecipeError(
            expected=f"steps of 1 to {max(window)} voxels for windows of {' x '.join(map(str, window))}",
            got=", ".join(map(str, wrong)),
            remedy="leave it out: between windows further apart than they are long lie voxels that none of them sees",
        )
    return tuple(steps)


def _wanted(dataset: Dataset, wanted: str, split: dict[str, list[str]]) -> list[Case]:
    labelled = {case.name: case for case in dataset.labelled}
    inputs = [Input(case.name, case.images) for case in labelled.values()]
    chosen = [labelled[each.name] for each in select_inputs(inputs, None if wanted == "all" else wanted, split)]
    if not chosen:
        raise DatasetError(
            expected="cases with labels to judge by",
            got="none",
            remedy="give a dataset that has labels",
            path=dataset.root,
        )
    return chosen


def _refuse_other_classes(classes: Classes, dataset: Dataset) -> None:
    """A code that means one class to the model and another to the dataset would be judged as the wrong one."""
    codes = [each.codes[0] for each in classes.classes]
    read = dataset.classes.of_prediction(np.array(codes))
    theirs = [read.index_of(code) for code in codes]
    if theirs != list(range(dataset.classes.num_classes)):
        raise DatasetError(
            expected=f"the model's classes {', '.join(classes.names)}",
            got=", ".join(dataset.classes.names),
            remedy="read the dataset as in training: --classes, --labels, --labels-are",
            path=dataset.root,
        )


def _facts(request: StepSizeRequest, predictor: Predictor) -> dict[str, Any]:
    """Give what all measurements of a study share; seconds of other machines or threads are no part of one curve."""
    manifest = predictor.model.manifest
    return {
        "study": "step-size",
        "model": [manifest.shared.sha256, manifest.domains[predictor.domain.name].sha256],
        "domain": predictor.domain.name,
        "dataset": request.source.resolved().model_dump(mode="json", exclude_defaults=True),
        "inference settings": predictor.settings.model_dump(mode="json", exclude={"step", "overlap"}),
        "device": str(predictor.device),
        "number of threads": torch.get_num_threads(),
    }


def _conditions(predictor: Predictor) -> dict[str, str]:
    precision = predictor.settings.precision
    if precision == "auto":
        precision = "bf16" if computes_bfloat16(predictor.device) else "fp32"
    return {
        "device": str(predictor.device),
        "threads": str(torch.get_num_threads()),
        "precision": precision,
        "blend": predictor.settings.blend,
    }
