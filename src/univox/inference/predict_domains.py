"""From files to label files by every domain of a model that fits them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from univox.data.preprocess import CaseGeometry, prepare_image
from univox.errors import ModelError
from univox.image import Image, read_image
from univox.inference.case_output import (
    CaseOutput,
    Codes,
    Failure,
    Outcome,
    attempted,
    check_targets,
    make_output_folder,
    output_path,
    probabilities_path,
    uncertainty_path,
)
from univox.inference.domain_inputs import DomainInputs
from univox.inference.fitting import channels, misfit
from univox.inference.inputs import Input
from univox.inference.loaded_model import LoadedModel, described
from univox.types import PathLike

Key = TypeVar("Key")


@dataclass(frozen=True)
class DomainOutcome:
    """What became of one case for some domains.

    Attributes:
        domains: One; of a case that cannot be read all that were to look at it; none where the case fits no domain.
        outcome: With the path that a label has, or would have.
    """

    domains: tuple[str, ...]
    outcome: Outcome


def predict_domains(
    model: LoadedModel,
    inputs: DomainInputs,
    output_folder: PathLike,
    *,
    overwrite: bool = False,
    save_probabilities: bool = False,
    uncertainty: bool = False,
    codes: Codes = "dataset",
    on_case: Callable[[DomainOutcome], None] | None = None,
) -> list[DomainOutcome]:
    """Predict each case by every domain whose axes and number of channels fit it; a bad case costs the others nothing.

    A case is read once, and prepared once for all domains whose preprocessing is equal. The network's own work cannot
    be shared: the first layer and the normalizations are each domain's own, so the shared weights are given something
    else to see by every domain. What the domains do share is the memory of those weights.

    Args:
        model: Its domains' networks are built when a case first fits them.
        inputs: As `univox.inference.domain_inputs.find_domain_inputs` gives them.
        output_folder: Gets DOMAIN/NAME with the input's suffix (PNG for formats that are only read).
        overwrite: Compute again what is there already.
        save_probabilities: Write DOMAIN/probabilities/NAME too, as `univox.inference.predict_files.predict_files` does.
        uncertainty: Write DOMAIN/uncertainty/NAME too, as it does.
        codes: The codes of each domain's dataset, or class indices 0..K-1.
        on_case: Called after each label, and after each case that gave none.

    Raises:
        FileError: The output folder cannot be made, or an output would replace an input.
        ModelError: A domain's weights do not fit the network.
        ShapeError: A window that the network cannot take.
    """
    folder = Path(output_folder)
    tasks = [
        _Task(
            name,
            entry,
            _output(folder / name, entry, model.stored.domains[name].spatial_dims, save_probabilities, uncertainty),
        )
        for name, entries in inputs.items()
        for entry in entries
    ]
    check_targets([task.entry for task in tasks], [task.output.label for task in tasks])
    make_output_folder(folder)
    done: list[DomainOutcome] = []
    for case in _grouped(tasks, lambda task: task.entry.name):
        for outcome in _of_case(model, case, overwrite=overwrite, codes=codes):
            done.append(outcome)
            if on_case is not None:
                on_case(outcome)
    return done


def by_domain(outcomes: Iterable[DomainOutcome]) -> dict[str, list[Outcome]]:
    """Give the outcomes of each domain that had a case."""
    found: dict[str, list[Outcome]] = {}
    for one in outcomes:
        for name in one.domains:
            found.setdefault(name, []).append(one.outcome)
    return found


@dataclass(frozen=True)
class _Task:
    domain: str
    entry: Input
    output: CaseOutput


class _Laps:
    """A clock whose laps add up to all the time."""

    def __init__(self) -> None:
        self._last = time.perf_counter()

    def lap(self) -> float:
        last, self._last = self._last, time.perf_counter()
        return self._last - last


def _of_case(model: LoadedModel, tasks: Sequence[_Task], *, overwrite: bool, codes: Codes) -> Iterator[DomainOutcome]:
    name, waiting, misfits = tasks[0].entry.name, list[_Task](), 0
    for task in tasks:
        if not overwrite and task.output.is_present:
            yield DomainOutcome((task.domain,), Outcome(name, "present", task.output.label, 0.0))
        else:
            waiting.append(task)
    for group in _grouped(waiting, lambda task: task.entry.files):
        laps, files = _Laps(), group[0].entry.files
        image = attempted(partial(read_image, files), files)
        if isinstance(image, Failure):
            failed = Outcome(name, "failed", group[0].output.label, laps.lap(), image.message)
            yield DomainOutcome(tuple(task.domain for task in group), failed)
            continue
        fitting = [task for task in group if misfit(model.stored.domains[task.domain], image) is None]
        misfits += len(group) - len(fitting)
        yield from _of_image(model, image, fitting, laps, codes)
        if misfits == len(tasks):
            message = f"{', '.join(map(str, files))}: {_fits_none(model, image)}"
            yield DomainOutcome((), Outcome(name, "failed", group[0].output.label, laps.lap(), message))


def _of_image(
    model: LoadedModel, image: Image, tasks: Sequence[_Task], laps: _Laps, codes: Codes
) -> Iterator[DomainOutcome]:
    for group in _grouped(tasks, lambda task: model.domain(task.domain).preprocessing):
        files, preprocessing = group[0].entry.files, model.domain(group[0].domain).preprocessing
        prepared = attempted(partial(prepare_image, image, preprocessing), files)
        for task in group:
            failure = prepared
            if not isinstance(prepared, Failure):
                failure = attempted(partial(_write, model, task, image, prepared, codes), files)
            name, path, seconds = task.entry.name, task.output.label, laps.lap()
            if isinstance(failure, Failure):
                outcome = Outcome(name, "failed", path, seconds, failure.message)
            else:
                outcome = Outcome(name, "written", path, seconds)
            yield DomainOutcome((task.domain,), outcome)


def _write(
    model: LoadedModel, task: _Task, image: Image, prepared: tuple[NDArray[np.float32], CaseGeometry], codes: Codes
) -> None:
    predictor = model.domain(task.domain)
    output = task.output
    prediction = predictor.predict_prepared(
        *prepared, probabilities=output.probabilities is not None, uncertainty=output.uncertainty is not None
    )
    output.write(prediction, image, predictor.classes, codes)


def _output(folder: Path, entry: Input, dims: int, save_probabilities: bool, uncertainty: bool) -> CaseOutput:
    label = output_path(folder, entry)
    return CaseOutput(
        label,
        probabilities_path(folder, entry, dims) if save_probabilities else None,
        uncertainty_path(folder, label) if uncertainty else None,
    )


def _fits_none(model: LoadedModel, image: Image) -> ModelError:
    domains = model.stored.domains.values()
    return ModelError(
        expected=f"an image that fits a domain: {', '.join(map(described, domains))}",
        got=f"a {image.spatial_dims}-D one with {channels(image.num_channels)}",
        remedy="use a model of such images",
    )


def _grouped(tasks: Sequence[_Task], key: Callable[[_Task], Key]) -> list[list[_Task]]:
    """Put tasks of equal keys together, in the order in which the keys first come."""
    groups: dict[Key, list[_Task]] = {}
    for task in tasks:
        groups.setdefault(key(task), []).append(task)
    return list(groups.values())
