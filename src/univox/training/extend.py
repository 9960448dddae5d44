"""A domain added to a model: the shared weights stay as they are, to the last bit."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from univox.atomic import write_json
from univox.data.split import Split
from univox.errors import CheckpointError, RecipeError
from univox.inference.device import pick_device
from univox.model.domain import Domain, check_domain_name, domain_name
from univox.model.folder import read_model
from univox.model.membership import add_domain, check_new_name
from univox.model.stored import StoredModel
from univox.networks.sharing import SharedNetworks
from univox.recipes.catalog import load_recipe, recipe_from
from univox.recipes.recipe import Recipe
from univox.training.assemble import assemble
from univox.training.decisions import batches_of, choose_split, fitted_plan, loss_of
from univox.training.domain_data import DomainData, measured, prepare, sound_dataset
from univox.training.donor import Trial, begin_like, most_similar
from univox.training.extend_request import ANY, NONE, ExtendRequest
from univox.training.fit import Fit, best_weights
from univox.training.kept import RECIPE, keep_decisions
from univox.training.leave_model import domain_of, run_facts
from univox.training.observer import Observer
from univox.training.optimizer import build_optimizer
from univox.training.run import run_to_end
from univox.training.step import Step

TRIAL = "trial.json"
HEAVY = ("checkpoint.safetensors", "best.safetensors")
"""Files of a finished extension that nobody needs again; its log and decisions stay."""


@dataclass(frozen=True)
class Extended:
    """What an extension leaves.

    Args:
        model: The folder.
        domain: The new domain's name.
        split: Who trained, validated, and was kept out.
        like: The domain that it began like; none for random weights.
        added_parameters: The new domain's own.
        validation_dice: Mean foreground Dice of the best validation.
        iterations: Done.
        seconds: Of the whole command.
    """

    model: Path
    domain: str
    split: Split
    like: str | None
    added_parameters: int
    validation_dice: float | None
    iterations: int
    seconds: float


def extend(request: ExtendRequest, *, resume: bool = False, observer: Observer | None = None) -> Extended:
    """Add a dataset to a model as a new domain; only that domain's own weights are trained.

    The shared weights and every other domain's are neither changed nor written. Until the last moment the model is
    as it was: a failed or killed extension leaves only a folder `extensions/NAME`, from which `resume` goes on.

    Args:
        request: What is asked; `mode` must be `own`.
        resume: Go on from the checkpoint of an earlier try.
        observer: Hears of stages, iterations and validations.

    Raises:
        ModelError: The model cannot be read, has a domain of this name, or takes other images.
        DatasetError: The dataset cannot be read, or holds bad cases and they are not to be skipped.
        RecipeError: A value of the recipe does not fit the dataset, or the run diverges.
        CheckpointError: An earlier try is there and `resume` is false.
    """
    began, observer = time.monotonic(), observer or Observer()
    stored = read_model(request.checked().model)
    start = begin_extension(stored, request, resume=resume, observer=observer, frozen=True)
    fit = start.assembled(observer, began)
    progress = run_to_end(fit)
    fit.networks.load_tensors(best_weights(fit))
    domain = start.domain(fit, by="extend")
    extended = add_domain(stored, domain, fit.networks.domain(domain.name).cpu())
    drop_heavy(start.request.run_folder)
    return Extended(
        model=request.output,
        domain=domain.name,
        split=start.data.split,
        like=start.like,
        added_parameters=extended.manifest.domains[domain.name].parameters,
        validation_dice=progress.best,
        iterations=progress.iteration,
        seconds=progress.seconds,
    )


def drop_heavy(run_folder: Path) -> None:
    """Remove what only an extension that has not ended needs."""
    for name in HEAVY:
        (run_folder / name).unlink(missing_ok=True)


@dataclass(frozen=True)
class ExtensionStart:
    """All that is decided before the first iteration of an extension."""

    stored: StoredModel
    request: ExtendRequest
    recipe: Recipe
    data: DomainData
    network: nn.Module
    like: str | None
    trial: Trial | None

    def assembled(self, observer: Observer, began: float) -> Fit:
        """Put the loop together."""
        networks = SharedNetworks({self.data.name: self.network})
        return assemble(
            self.request,
            self.recipe,
            [self.data],
            networks,
            observer=observer,
            seconds_before=time.monotonic() - began,
        )

    def domain(self, fit: Fit, *, by: str) -> Domain:
        """Say of the new domain what it is and how it came."""
        facts = run_facts(self.request, fit)
        trial = {} if self.trial is None else {"trial": self.trial.losses}
        base = {"base": self.stored.identity, "like": self.like, "after": list(self.stored.domains)}
        return domain_of(self.data, fit, self.recipe, by=by, **base, **trial, **facts)


def begin_extension(
    stored: StoredModel, request: ExtendRequest, *, resume: bool, observer: Observer, frozen: bool
) -> ExtensionStart:
    """Decide all that an extension needs, and give its network the weights to begin with.

    Args:
        stored: The model.
        request: What is asked; its name may be left empty for the dataset's.
        resume: Whether an earlier try may be there.
        observer: Hears of the stages.
        frozen: Take the shared weights out of the training.
    """
    dataset = sound_dataset(request.dataset, request, observer)
    request = request.model_copy(update={"name": check_domain_name(request.name or domain_name(dataset.name))})
    stored.check_axes(request.name, dataset.spatial_dims)
    check_new_name(stored, request.name)
    _check_like(stored, request)
    _refuse_earlier_try(request, resume=resume)
    request = request.as_begun()
    recipe = _recipe(stored, request)
    split = choose_split(dataset, request, request.dataset)
    plan = measured(dataset, split, request, recipe, observer)
    spec = stored.spec.model_copy(
        update={"in_channels": len(dataset.channel_names), "num_classes": dataset.classes.num_classes}
    )
    data = DomainData(request.name, dataset, split, fitted_plan(plan, recipe, spec), spec)
    request.write()
    keep_decisions(request.run_folder, recipe=recipe, plans={data.name: data.plan}, splits={data.name: data.split})
    start = ExtensionStart(stored, request, recipe, data, _fresh(stored, data, request, frozen=frozen), None, None)
    return _with_donor(start, observer, frozen=frozen)


def _fresh(stored: StoredModel, data: DomainData, request: ExtendRequest, *, frozen: bool) -> nn.Module:
    torch.manual_seed(request.seed)
    network = stored.blank(
        Domain(
            name=data.name,
            channel_names=data.dataset.channel_names,
            classes=data.dataset.classes.to_json(),
            spatial_dims=data.dataset.spatial_dims,
        ),
        trusted=request.trusted,
    )
    shared = stored.shared_tensors()
    network.load_state_dict(shared, strict=False)
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(not (frozen and name in shared))
    return network


def _with_donor(start: ExtensionStart, observer: Observer, *, frozen: bool) -> ExtensionStart:
    """Choose the domain to begin like, and take its own weights."""
    stored, request = start.stored, start.request
    like, trial = request.like, _kept_trial(request)
    if like == NONE:
        return start
    if like == ANY and len(stored.domains) > 1:
        trial = trial or _tried(start, observer, frozen=frozen)
        write_json(request.run_folder / TRIAL, trial.losses)
        like = trial.best
    elif like == ANY:
        like = next(iter(stored.domains))
    taken = begin_like(start.network, stored.own_tensors(like))
    observer.stage(f"beginning like {like}: {len(taken)} tensors of its own taken")
    return replace(start, like=like, trial=trial)


def _kept_trial(request: ExtendRequest) -> Trial | None:
    """Give the trial of an earlier try; it need not be made again."""
    path = request.run_folder / TRIAL
    return Trial(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None


def _tried(start: ExtensionStart, observer: Observer, *, frozen: bool) -> Trial:
    recipe, data, request = start.recipe, start.data, start.request
    prepared = prepare(data, request, observer)
    device = pick_device(request.device)

    def make_step(network: nn.Module) -> Step:
        return Step(
            network=network,
            loss=loss_of(recipe, data.dataset).to(device),
            optimizer=build_optimizer(network, recipe.optimizer),
            device=device,
            precision=recipe.training.precision,
            gradient_clip=recipe.optimizer.gradient_clip,
            seed=request.seed,
        )

    return most_similar(
        start.stored,
        lambda: _fresh(start.stored, data, request, frozen=frozen).to(device),
        make_step,
        batches_of(recipe, data.plan, data.spec, [prepared[name] for name in data.split.train], seed=request.seed),
        learning_rate=recipe.optimizer.lr,
        observer=observer,
    )


def _recipe(stored: StoredModel, request: ExtendRequest) -> Recipe:
    kept = request.run_folder / RECIPE
    recipe = load_recipe(kept) if kept.exists() else recipe_from(stored.recipe, request.overrides)
    if recipe.domains.share == "nothing":
        raise RecipeError(
            expected="a model whose datasets share a network",
            got=f"one of the recipe {recipe.name}, which trains a network for each (domains.share: nothing)",
            remedy="train the new dataset alone, or --set domains.share=trunk",
            path=request.model,
        )
    return recipe


def _check_like(stored: StoredModel, request: ExtendRequest) -> None:
    if request.like not in (ANY, NONE):
        stored.domain(request.like)


def _refuse_earlier_try(request: ExtendRequest, *, resume: bool) -> None:
    there = (request.run_folder / "request.json").exists()
    if there and not resume:
        raise CheckpointError(
            expected="no earlier try of this extension",
            got="one that did not end",
            remedy="--resume goes on with it, --overwrite begins anew",
            path=request.run_folder,
        )
