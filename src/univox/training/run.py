"""One training run: datasets, check, split, plan, preparation, loop, model folder."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from univox.data.split import Split
from univox.errors import CheckpointError, RecipeError
from univox.model.stored import DOMAINS, EXTENSIONS
from univox.networks.registry import build_network
from univox.networks.sharing import SharedNetworks
from univox.recipes.catalog import load_recipe
from univox.recipes.recipe import Recipe
from univox.training.assemble import assemble
from univox.training.checkpoint import Progress
from univox.training.domain_data import DomainData, decide_data
from univox.training.fit import Fit
from univox.training.kept import RECIPE, keep_decisions
from univox.training.leave_model import leave_model
from univox.training.observer import Observer
from univox.training.request import TrainRequest
from univox.training.start import begin_with, check_start


@dataclass(frozen=True)
class Trained:
    """What a run leaves: the model folder, who was kept out of each domain, and what was measured."""

    model: Path
    splits: Mapping[str, Split]
    validation_dice: float | None
    iterations: int
    seconds: float


def train(request: TrainRequest, *, resume: bool = False, observer: Observer | None = None) -> Trained:
    """Train a network on one dataset, or one network on several, and leave a model folder.

    Args:
        request: What is asked.
        resume: Go on from the run's checkpoint; the weights end bit for bit as those of an undisturbed run.
        observer: Hears of stages, iterations and validations.

    Raises:
        DatasetError: A dataset cannot be read, or holds bad cases and they are not to be skipped; or datasets cannot
            share a network.
        RecipeError: The recipe names something unknown, or diverges.
        ModelError: The weights to begin with cannot be read, or none of them fits.
        CheckpointError: A run is there and `resume` is false, or there is none to resume.
    """
    began, observer = time.monotonic(), observer or Observer()
    check_start(request)
    _refuse_occupied(request, resume=resume)
    recipe = recipe_of(request)
    _check_sharing(request, recipe)
    data = decide_data(request, recipe, observer)
    request.write()
    keep_decisions(
        request.run_folder,
        recipe=recipe,
        plans={each.name: each.plan for each in data},
        splits={each.name: each.split for each in data},
    )
    networks, frozen = _networks(request, data, observer)
    fit = assemble(
        request, recipe, data, networks, observer=observer, seconds_before=time.monotonic() - began, frozen=frozen
    )
    progress = run_to_end(fit)
    leave_model(request, fit, data=data, recipe=recipe)
    splits = {each.name: each.split for each in data}
    return Trained(request.output, splits, progress.best, progress.iteration, progress.seconds)


def finish_run(request: TrainRequest, observer: Observer) -> None:
    """Train; a run that is done is left as it is, one that was interrupted goes on where it stood.

    Raises:
        UnivoxError: As `train` does.
    """
    if not (request.output / "model.json").exists():
        train(request, resume=(request.run_folder / "request.json").exists(), observer=observer)


def run_to_end(fit: Fit) -> Progress:
    """Run a loop, and let its log go whatever happens."""
    try:
        return fit.run()
    finally:
        for sink in fit.sinks:
            sink.close()


def recipe_of(request: TrainRequest) -> Recipe:
    """Give the recipe of a run; one that goes on keeps its own, whatever has become of the file since."""
    kept = request.run_folder / RECIPE
    return load_recipe(kept) if kept.exists() else load_recipe(request.recipe, request.overrides)


def remove_run(output: Path) -> None:
    """Remove the model and run files of a folder that univox made; anything else in it stays."""
    for name in ("run", DOMAINS, EXTENSIONS):
        shutil.rmtree(output / name, ignore_errors=True)
    for name in ("model.json", "shared.safetensors", "README.md"):
        (output / name).unlink(missing_ok=True)


def _refuse_occupied(request: TrainRequest, *, resume: bool) -> None:
    there = (request.run_folder / "request.json").exists() or (request.output / "model.json").exists()
    if there and not resume:
        raise CheckpointError(
            expected="a new folder for the model",
            got="one that holds a run",
            remedy="--resume continues it, --overwrite replaces it, or choose another -o",
            path=request.output,
        )


def _check_sharing(request: TrainRequest, recipe: Recipe) -> None:
    if len(request.datasets) > 1 and recipe.domains.share == "nothing":
        raise RecipeError(
            expected="a recipe whose datasets share a network",
            got=f"{recipe.name}, which trains a network for each (domains.share: nothing)",
            remedy="train each dataset alone, or compare by `univox study universal`, which does so",
        )


def _networks(
    request: TrainRequest, data: Sequence[DomainData], observer: Observer
) -> tuple[SharedNetworks, tuple[str, ...]]:
    """Build every domain's network with the weights that the run begins with, and name their frozen parts."""
    torch.manual_seed(request.seed)
    frozen: tuple[str, ...] = ()
    built = {each.name: build_network(**each.spec.model_dump()) for each in data}
    for network in built.values():
        frozen = begin_with(network, request, observer)
    return SharedNetworks(built), frozen
