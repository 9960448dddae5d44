"""The comparison that forgets: all weights trained on for a new domain, and what that costs the older ones."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from univox.data.cache import default_cache_dir, prepare_cases
from univox.data.dataset import Dataset
from univox.data.plan import Plan
from univox.data.source import DatasetSource
from univox.errors import DatasetError
from univox.inference.device import pick_device
from univox.model.domain import Domain, domain_name
from univox.model.folder import read_model, write_model
from univox.model.stored import StoredModel
from univox.recipes.inference_settings import InferenceSettings
from univox.recipes.recipe import Recipe
from univox.training.decisions import window_size
from univox.training.extend import Extended, begin_extension, drop_heavy
from univox.training.extend_request import ExtendRequest
from univox.training.fit import best_weights
from univox.training.leave_model import run_facts
from univox.training.observer import Observer
from univox.training.run import run_to_end
from univox.training.validation import Score, Validator


@dataclass(frozen=True)
class Forgetting:
    """What an older domain lost.

    Args:
        domain: Its name.
        cases: The cases it was measured on: its test cases, or where it has none its validation cases.
        before: Dice per class with the model as it was.
        after: The same with the shared weights that were trained on.
    """

    domain: str
    cases: tuple[str, ...]
    before: Score
    after: Score


def finetune_all(
    request: ExtendRequest,
    *,
    old: Sequence[DatasetSource],
    resume: bool = False,
    observer: Observer | None = None,
) -> tuple[Extended, tuple[Forgetting, ...]]:
    """Train every weight of a model on a new domain, into another folder, and measure what older domains lost.

    Args:
        request: What is asked; `mode` must be `finetune-all`.
        old: The datasets of all older domains.
        resume: Go on from the checkpoint of an earlier try.
        observer: Hears of stages, iterations and validations.

    Raises:
        DatasetError: An older domain's dataset is not given, has other classes, or lacks its held-out cases.
        ModelError, RecipeError, CheckpointError: As `extend`.
    """
    began, observer = time.monotonic(), observer or Observer()
    stored = read_model(request.checked().model)
    # Before any training: what cannot be measured at the end must not be found out there.
    kept_out = _kept_out(stored, old)
    start = begin_extension(stored, request, resume=resume, observer=observer, frozen=False)
    fit = start.assembled(observer, began)
    progress = run_to_end(fit)
    fit.networks.load_tensors(best_weights(fit))
    new = start.domain(fit, by="finetune-all")
    network = fit.networks.domain(new.name).cpu()
    networks = {name: _with_shared(stored, name, network) for name in stored.domains}
    measured = tuple(
        _measured(stored, name, networks[name], kept_out[name], start.recipe, request) for name in stored.domains
    )
    for lost in measured:
        observer.stage(f"{lost.domain}: Dice {_shown(lost.before)} before, {_shown(lost.after)} after")
    members = [(_changed(stored.domains[lost.domain], lost), networks[lost.domain]) for lost in measured]
    write_model(
        request.output,
        spec=stored.spec,
        members=[*members, (new, network)],
        recipe=start.recipe.model_dump(mode="json"),
        provenance={**run_facts(request, fit), "finetuned_from": stored.identity},
    )
    drop_heavy(start.request.run_folder)
    added = read_model(request.output).manifest.domains[new.name].parameters
    extended = Extended(
        model=request.output,
        domain=new.name,
        split=start.data.split,
        like=start.like,
        added_parameters=added,
        validation_dice=progress.best,
        iterations=progress.iteration,
        seconds=progress.seconds,
    )
    return extended, measured


def _kept_out(stored: StoredModel, old: Sequence[DatasetSource]) -> dict[str, Dataset]:
    """Give each older domain's dataset with nothing but the cases that it is measured on."""
    opened = {domain_name(dataset.name): dataset for dataset in (source.open() for source in old)}
    missing = [name for name in stored.domains if name not in opened]
    if missing:
        raise DatasetError(
            expected="the dataset of every older domain, so that what it forgets is measured",
            got=f"none of {', '.join(missing)}",
            remedy="add --old DATASET for each",
        )
    return {name: _cases_of(domain, opened[name]) for name, domain in stored.domains.items()}


def _cases_of(domain: Domain, dataset: Dataset) -> Dataset:
    wanted = domain.split.get("test") or domain.split.get("validation") or []
    cases = tuple(case for case in dataset.labelled if case.name in wanted)
    expected, got = "", ""
    if dataset.classes.to_json() != domain.label_classes.to_json():
        expected = f"the classes of the domain {domain.name}: {', '.join(domain.label_classes.names)}"
        got = ", ".join(dataset.classes.names)
    elif not cases:
        expected, got = f"held-out cases of {domain.name} to measure on", "none"
    if expected:
        raise DatasetError(
            expected=expected,
            got=got,
            remedy="give the dataset that the model was trained on, with those labels",
            path=dataset.root,
        )
    return dataclasses.replace(dataset, cases=cases)


@torch.no_grad()
def _with_shared(stored: StoredModel, name: str, network: nn.Module) -> nn.Module:
    """An older domain's network with the shared weights of another."""
    own, theirs = stored.own_tensors(name), network.state_dict()
    older = stored.build(name)
    for key, value in older.state_dict().items():
        if key not in own:
            value.copy_(theirs[key])
    return older


def _measured(
    stored: StoredModel, name: str, after: nn.Module, dataset: Dataset, recipe: Recipe, request: ExtendRequest
) -> Forgetting:
    domain, cases = stored.domains[name], dataset.cases
    plan = Plan.model_validate(domain.plan)
    device = pick_device(request.device)
    validator = Validator(
        cases=prepare_cases(dataset, cases, plan, cache_dir=request.cache or default_cache_dir(), jobs=request.jobs),
        class_names=domain.label_classes.names,
        window_size=window_size(recipe, plan),
        settings=InferenceSettings.model_validate(domain.inference),
        standardize_windows=recipe.standardize_patches,
        device=device,
    )
    before = validator.score(stored.build(name).to(device))
    score = validator.score(after.to(device).eval())
    after.cpu()
    return Forgetting(name, tuple(case.name for case in cases), before, score)


def _changed(domain: Domain, lost: Forgetting) -> Domain:
    """An older domain whose shared weights were trained on: its earlier figures hold no longer."""
    facts: Mapping[str, object] = {"before": lost.before.mean, "after": lost.after.mean, "cases": list(lost.cases)}
    provenance = {**domain.provenance, "forgotten": dict(facts)}
    nothing = {"validation": {}, "calibration": None, "postprocessing": None}
    return domain.model_copy(update={**nothing, "provenance": provenance})


def _shown(score: Score) -> str:
    return "undefined" if score.mean is None else f"{score.mean:.3f}"
