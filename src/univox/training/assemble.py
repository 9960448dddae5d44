"""A run's loop put together from what was decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from univox.data.cache import PreparedCase
from univox.inference.device import pick_device
from univox.networks.sharing import SharedNetworks
from univox.recipes.recipe import Recipe
from univox.training.checkpoint import read_tensors
from univox.training.decisions import batches_of, loss_of, number_of_workers, validation_settings, window_size
from univox.training.domain_course import DomainCourse
from univox.training.domain_data import DomainData, prepare
from univox.training.fit import Fit
from univox.training.log import JSONLines, Sink, TensorBoard
from univox.training.observer import Observer
from univox.training.optimizer import build_optimizer
from univox.training.request import TrainRequest
from univox.training.step import Step
from univox.training.turns import turns_of
from univox.training.validation import Validator
from univox.training.voxel_weights import voxel_weights


def assemble(
    request: TrainRequest,
    recipe: Recipe,
    data: Sequence[DomainData],
    networks: SharedNetworks,
    *,
    observer: Observer,
    seconds_before: float,
    frozen: tuple[str, ...] = (),
) -> Fit:
    """Put a run's loop together; parameters that need no gradient stay as they are.

    Args:
        request: What is asked.
        recipe: Of the run.
        data: In the order of the networks.
        networks: With the weights to begin with; moved to the device.
        observer: Hears of the run.
        seconds_before: Time of the command already spent.
        frozen: Modules of each network whose normalization and dropout stay as in use.
    """
    prepared = {each.name: prepare(each, request, observer) for each in data}
    device = pick_device(request.device)
    networks.to(device)
    optimizer = build_optimizer(networks, recipe.optimizer)
    several = len(data) > 1
    losses = {each.name: loss_of(recipe, each.dataset).to(device) for each in data}
    trained = {each.name: _cases(prepared[each.name], each) for each in data}
    courses = [
        DomainCourse(
            name=each.name,
            step=Step(
                network=networks.domain(each.name),
                loss=losses[each.name],
                optimizer=optimizer,
                device=device,
                precision=recipe.training.precision,
                gradient_clip=recipe.optimizer.gradient_clip,
                seed=request.seed,
                equalized=networks.shared_parameters() if several and recipe.domains.signal == "equal" else (),
            ),
            batches=batches_of(
                recipe,
                each.plan,
                each.spec,
                trained[each.name],
                seed=request.seed,
                weights=voxel_weights(losses[each.name], trained[each.name]),
            ),
            validator=_validator(each, recipe, prepared[each.name], device, observer),
        )
        for each in data
    ]
    return Fit(
        networks=networks,
        courses=courses,
        turns=turns_of([len(each.split.train) for each in data], recipe.domains.turns),
        optimizer=optimizer,
        recipe=recipe,
        folder=request.run_folder,
        sinks=_sinks(request),
        observer=observer,
        budget_seconds=request.budget_seconds,
        iterations=request.iterations or recipe.training.iterations,
        workers=number_of_workers(request, device),
        seconds_before=seconds_before,
        frozen=frozen,
    )


def _cases(prepared: Mapping[str, PreparedCase], data: DomainData) -> list[PreparedCase]:
    return [prepared[name] for name in data.split.train]


def _validator(
    data: DomainData, recipe: Recipe, prepared: Mapping[str, PreparedCase], device: torch.device, observer: Observer
) -> Validator | None:
    cases = [prepared[name] for name in data.split.validation]
    if not cases:
        observer.stage(f"no validation cases of {data.name}: it has no say in which weights are kept")
        return None
    return Validator(
        cases=cases,
        class_names=tuple(data.dataset.classes.names),
        window_size=window_size(recipe, data.plan),
        settings=validation_settings(recipe),
        standardize_windows=recipe.standardize_patches,
        device=device,
    )


def _sinks(request: TrainRequest) -> list[Sink]:
    checkpoint = request.run_folder / "checkpoint.safetensors"
    done = read_tensors(checkpoint)[1]["iteration"] if checkpoint.exists() else 0
    sinks: list[Sink] = [JSONLines(request.run_folder / "log.jsonl", resume_at=done)]
    if request.tensorboard:
        sinks.append(TensorBoard(request.run_folder / "tensorboard"))
    return sinks
