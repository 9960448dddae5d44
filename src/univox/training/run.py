"""One training run: dataset, check, split, plan, preparation, loop, model folder."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from univox.data.cache import PreparedCase, default_cache_dir, prepare_cases
from univox.data.check import bad_cases, check_dataset, without
from univox.data.dataset import Dataset
from univox.data.layouts import open_dataset
from univox.data.plan import Plan, make_plan
from univox.data.split import Split
from univox.errors import CheckpointError, DatasetError
from univox.inference.device import pick_device
from univox.losses.registry import build_loss
from univox.model.domain import NetworkSpec
from univox.networks.registry import build_network
from univox.recipes.catalog import load_recipe
from univox.recipes.recipe import Recipe
from univox.training.checkpoint import read_tensors
from univox.training.decisions import (
    batches_of,
    choose_split,
    fitted_plan,
    network_spec,
    number_of_workers,
    validation_settings,
    window_size,
)
from univox.training.fit import Fit
from univox.training.kept import RECIPE, keep_decisions
from univox.training.leave_model import leave_model
from univox.training.log import JSONLines, Sink, TensorBoard
from univox.training.observer import Observer
from univox.training.optimizer import build_optimizer
from univox.training.request import TrainRequest
from univox.training.start import begin_with, check_start
from univox.training.step import Step
from univox.training.validation import Validator


@dataclass(frozen=True)
class Trained:
    """What a run leaves: the model folder, who was kept out, and what was measured."""

    model: Path
    split: Split
    validation_dice: float | None
    iterations: int
    seconds: float


@dataclass(frozen=True)
class _Run:
    """What has been decided before the loop starts."""

    request: TrainRequest
    recipe: Recipe
    dataset: Dataset
    split: Split
    plan: Plan
    spec: NetworkSpec
    observer: Observer
    began: float


def train(request: TrainRequest, *, resume: bool = False, observer: Observer | None = None) -> Trained:
    """Train one network on one dataset and leave a model folder.

    Args:
        request: What is asked.
        resume: Go on from the run's checkpoint; the weights end bit for bit as those of an undisturbed run.
        observer: Hears of stages, iterations and validations.

    Raises:
        DatasetError: The dataset cannot be read, or holds bad cases and they are not to be skipped.
        RecipeError: The recipe names something unknown, or diverges.
        ModelError: The weights to begin with cannot be read, or none of them fits.
        CheckpointError: A run is there and `resume` is false, or there is none to resume.
    """
    check_start(request)
    run = _decide(request, resume=resume, observer=observer or Observer(), began=time.monotonic())
    fit = _build_fit(run, _prepare(run))
    try:
        progress = fit.run()
    finally:
        for sink in fit.sinks:
            sink.close()
    leave_model(
        request,
        fit,
        spec=run.spec,
        dataset=run.dataset,
        plan=run.plan,
        recipe=run.recipe,
        split=run.split,
    )
    return Trained(request.output, run.split, progress.best, progress.iteration, progress.seconds)


def _decide(request: TrainRequest, *, resume: bool, observer: Observer, began: float) -> _Run:
    _refuse_occupied(request, resume=resume)
    recipe = _recipe(request)
    dataset = _sound_dataset(request, observer)
    split = choose_split(dataset, request)
    observer.stage(f"{len(split.train)} training, {len(split.validation)} validation and {len(split.test)} test cases")
    observer.stage("measuring the dataset")
    cases = {case.name: case for case in dataset.labelled}
    training = [cases[name] for name in split.train]
    plan = make_plan(
        dataset,
        training,
        preprocessing=recipe.preprocessing,
        sizes=recipe.patches,
        jobs=request.jobs,
        on_progress=observer.advance,
    )
    spec = network_spec(recipe, plan, dataset)
    plan = fitted_plan(plan, recipe, spec)
    request.write()
    keep_decisions(request.run_folder, recipe=recipe, plan=plan, split=split)
    return _Run(request, recipe, dataset, split, plan, spec, observer, began)


def _recipe(request: TrainRequest) -> Recipe:
    kept = request.run_folder / RECIPE
    # A run that goes on keeps its recipe, whatever has become of the file or the library since.
    return load_recipe(kept) if kept.exists() else load_recipe(request.recipe, request.overrides)


def _refuse_occupied(request: TrainRequest, *, resume: bool) -> None:
    there = (request.run_folder / "request.json").exists() or (request.output / "model.json").exists()
    if there and not resume:
        raise CheckpointError(
            expected="a new folder for the model",
            got="one that holds a run",
            remedy="--resume continues it, --overwrite replaces it, or choose another -o",
            path=request.output,
        )


def remove_run(output: Path) -> None:
    """Remove the model and run files of a folder that univox made; anything else in it stays."""
    for name in ("run", "domains"):
        shutil.rmtree(output / name, ignore_errors=True)
    for name in ("model.json", "shared.safetensors", "README.md"):
        (output / name).unlink(missing_ok=True)


def _sound_dataset(request: TrainRequest, observer: Observer) -> Dataset:
    observer.stage(f"checking {request.dataset}")
    dataset = open_dataset(
        request.dataset,
        layout=request.layout,
        classes=request.classes,
        labels=request.labels,
        labels_are=request.labels_are,
    )
    findings = check_dataset(dataset, jobs=request.jobs, on_progress=observer.advance)
    bad = bad_cases(findings)
    if bad and not request.skip_bad_cases:
        lines = [f"{name}: {'; '.join(f.cause for f in found)}" for name, found in sorted(bad.items())]
        raise DatasetError(
            expected="a sound dataset",
            got=f"{len(bad)} bad case{'s' if len(bad) > 1 else ''} ({' | '.join(lines)})",
            remedy="mend them as `univox check` says, or go on without them by --skip-bad-cases",
            path=request.dataset,
        )
    for name, found in sorted(bad.items()):
        observer.stage(f"left out {name}: {'; '.join(f.cause for f in found)}")
    return without(dataset, bad)


def _prepare(run: _Run) -> dict[str, PreparedCase]:
    run.observer.stage("preparing the cases")
    wanted = {*run.split.train, *run.split.validation}
    prepared = prepare_cases(
        run.dataset,
        [case for case in run.dataset.labelled if case.name in wanted],
        run.plan,
        cache_dir=run.request.cache or default_cache_dir(),
        jobs=run.request.jobs,
        on_progress=run.observer.advance,
    )
    return {case.name: case for case in prepared}


def _build_fit(run: _Run, prepared: dict[str, PreparedCase]) -> Fit:
    request, recipe, plan = run.request, run.recipe, run.plan
    device = pick_device(request.device)
    torch.manual_seed(request.seed)
    network = build_network(
        run.spec.name,
        in_channels=run.spec.in_channels,
        num_classes=run.spec.num_classes,
        spatial_dims=run.spec.spatial_dims,
        arguments=run.spec.arguments,
    ).to(device)
    frozen = begin_with(network, request, run.observer)
    training = [prepared[name] for name in run.split.train]
    return Fit(
        step=Step(
            network=network,
            loss=_loss(recipe).to(device),
            optimizer=build_optimizer(network, recipe.optimizer),
            device=device,
            precision=recipe.training.precision,
            gradient_clip=recipe.optimizer.gradient_clip,
            seed=request.seed,
        ),
        batches=batches_of(recipe, plan, run.spec, training, seed=request.seed),
        validator=_validator(run, [prepared[name] for name in run.split.validation], device),
        recipe=recipe,
        folder=request.run_folder,
        sinks=_sinks(request),
        observer=run.observer,
        budget_seconds=request.budget_seconds,
        iterations=request.iterations or recipe.training.iterations,
        workers=number_of_workers(request, device),
        seconds_before=time.monotonic() - run.began,
        frozen=frozen,
    )


def _loss(recipe: Recipe) -> nn.Module:
    return build_loss(recipe.loss.name, **recipe.loss.arguments)


def _validator(run: _Run, cases: list[PreparedCase], device: torch.device) -> Validator | None:
    if not cases:
        run.observer.stage("no validation cases: the last weights are kept, not the best")
        return None
    return Validator(
        cases=cases,
        class_names=tuple(run.dataset.classes.names),
        window_size=window_size(run.recipe, run.plan),
        settings=validation_settings(run.recipe),
        standardize_windows=run.recipe.standardize_patches,
        device=device,
    )


def _sinks(request: TrainRequest) -> list[Sink]:
    checkpoint = request.run_folder / "checkpoint.safetensors"
    done = read_tensors(checkpoint)[1]["iteration"] if checkpoint.exists() else 0
    sinks: list[Sink] = [JSONLines(request.run_folder / "log.jsonl", resume_at=done)]
    if request.tensorboard:
        sinks.append(TensorBoard(request.run_folder / "tensorboard"))
    return sinks
