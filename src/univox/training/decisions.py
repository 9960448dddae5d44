"""What a run decides before it starts: who is kept out, the plan, the network's arguments."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from univox.data.batches import Batches
from univox.data.cache import PreparedCase
from univox.data.case import Case
from univox.data.classes import NOT_ANNOTATED
from univox.data.dataset import Dataset
from univox.data.patch_size import plan_batch_size
from univox.data.patches import PatchCase
from univox.data.plan import Plan
from univox.data.source import DatasetSource
from univox.data.split import Split, holdout
from univox.errors import DatasetError, RecipeError
from univox.losses.registry import build_loss
from univox.model.domain import NetworkSpec
from univox.networks.blocks.sizes import SizeRule, size_rule
from univox.networks.registry import build_network
from univox.recipes.inference_settings import InferenceSettings
from univox.recipes.recipe import Recipe
from univox.training.request import TrainRequest

MOST_VALIDATION = 12
"""Validation cases beyond this many choose the weights no better, and cost training cases and time."""
FEWEST_TRAINING = 3
"""Subjects that are left to train on: of fewer, one that only chooses weights is missed more than it helps."""
MOST_CORES_WITHOUT_WORKER = 4


def choose_split(dataset: Dataset, request: TrainRequest, source: DatasetSource) -> Split:
    """Keep out test cases by name or by share, then validation cases from the rest, by name or by share.

    Subjects are never divided, save by whoever names the cases. Where validation cases are left to chance, nobody
    validates where fewer than `FEWEST_TRAINING` subjects would be left to train on.

    Args:
        dataset: Its labelled cases are split.
        request: How much is kept out, and the seed.
        source: Names cases: those kept out as test cases, else the share that the request says; those that choose the
            weights, else a share of the rest; those to learn from, those that choose the weights included: what is
            neither among these nor kept out is on no side.

    Raises:
        DatasetError: No labelled case, a named case that is not there or is named for two sides, or nothing left to
            train on.
    """
    cases = dataset.labelled
    if not cases:
        raise DatasetError(
            expected="cases with labels",
            got="none",
            remedy="`univox check` says what the folder holds",
            path=dataset.root,
        )
    test = _test_names(cases, request, dataset, source.test_cases)
    rest = _rest(cases, test, source.training_cases, dataset)
    _refuse_unknown(source.validation_cases, rest, dataset, "validation", "among those that are not kept out")
    validation = set(source.validation_cases) or _chosen_validation(rest, request)
    train = tuple(case.name for case in rest if case.name not in validation)
    if not train:
        raise DatasetError(
            expected="cases to train on",
            got="all of them kept out",
            remedy="keep fewer out",
            path=dataset.root,
        )
    return Split(train=train, validation=tuple(sorted(validation)), test=tuple(sorted(test)))


def _test_names(cases: Sequence[Case], request: TrainRequest, dataset: Dataset, named: Sequence[str]) -> set[str]:
    if named:
        _refuse_unknown(named, cases, dataset, "test")
        return set(named)
    if request.holdout > 0:
        return set(holdout(cases, fraction=request.holdout, seed=request.seed).validation)
    return set()


def _chosen_validation(rest: Sequence[Case], request: TrainRequest) -> set[str]:
    subjects = len({case.subject for case in rest})
    share = min(request.validation, MOST_VALIDATION / max(len(rest), 1))
    if subjects <= FEWEST_TRAINING or share <= 0:
        return set()
    return set(holdout(rest, fraction=share, seed=request.seed + 1).validation)


def _rest(cases: Sequence[Case], test: set[str], named: Sequence[str], dataset: Dataset) -> list[Case]:
    """Give the cases that train or validate."""
    _refuse_unknown(named, cases, dataset, "training")
    both = sorted(test & set(named))
    if both:
        raise DatasetError(
            expected="training cases that are not kept out",
            got=", ".join(both[:5]),
            remedy="name each case for one side",
            path=dataset.root,
        )
    return [case for case in cases if case.name not in test and (not named or case.name in named)]


def _refuse_unknown(
    named: Sequence[str], cases: Sequence[Case], dataset: Dataset, side: str, where: str = "that the dataset holds"
) -> None:
    unknown = sorted(set(named) - {case.name for case in cases})
    if unknown:
        raise DatasetError(
            expected=f"{side} cases {where}",
            got=", ".join(unknown[:5]),
            remedy="name labelled cases of this dataset; of several datasets as 'FOLDER: NAME,NAME'",
            path=dataset.root,
        )


def network_specs(recipe: Recipe, plans: Sequence[Plan], datasets: Sequence[Dataset]) -> list[NetworkSpec]:
    """Name the network of each dataset; its arguments are the same for all, as what they share must be.

    An argument that is `auto` takes the plan's value of that name; of several plans that of most, the first of
    these in a tie.

    Raises:
        RecipeError: An argument is `auto` and a plan has no value of that name.
    """
    arguments: dict[str, Any] = {}
    for name, value in recipe.network.arguments.items():
        if value == "auto" and not hasattr(plans[0], name):
            raise RecipeError(
                expected=f"a value for network.arguments.{name}",
                got="auto",
                remedy="only what the plan decides may be auto (strides, pools)",
            )
        planned = [getattr(plan, name) for plan in plans] if value == "auto" else [value]
        arguments[name] = max(planned, key=planned.count)
    return [
        NetworkSpec(
            name=recipe.network.name,
            in_channels=len(dataset.channel_names),
            num_classes=dataset.classes.num_classes,
            spatial_dims=dataset.spatial_dims,
            arguments=arguments,
        )
        for dataset in datasets
    ]


def fitted_plan(plan: Plan, recipe: Recipe, spec: NetworkSpec) -> Plan:
    """Give the plan with a patch that the network takes: an `auto` patch grows to the next size that fits.

    Raises:
        RecipeError: A stated patch that does not fit.
    """
    fits = sizes_of(spec).fitting(plan.patch_size)
    if fits == plan.patch_size:
        return plan
    if recipe.patches.patch_size != "auto":
        raise RecipeError(
            expected=f"a patch that {spec.name} takes",
            got=f"patches.patch_size = {list(plan.patch_size)}",
            remedy=f"--set patches.patch_size={list(fits)}",
        )
    reason = f"{plan.reasons['patch_size']}; grown to sizes that {spec.name} takes"
    batch_size = plan_batch_size(fits) if recipe.patches.batch_size == "auto" else plan.batch_size
    changes = {"patch_size": fits, "batch_size": batch_size, "reasons": {**plan.reasons, "patch_size": reason}}
    return plan.model_copy(update=changes)


def loss_of(recipe: Recipe, dataset: Dataset) -> nn.Module:
    """Build a recipe's loss; it leaves out what nobody labelled, where a dataset has such voxels.

    Raises:
        RecipeError: An unknown loss or argument, or one that leaves out another index than that of such voxels.
    """
    arguments = recipe.loss.arguments
    if dataset.classes.ignored:
        stated = arguments.get("ignore_index")
        if stated not in (None, NOT_ANNOTATED):
            raise RecipeError(
                expected=f"loss.arguments.ignore_index {NOT_ANNOTATED}, which stands for voxels that nobody labelled",
                got=str(stated),
                remedy=f"state {NOT_ANNOTATED}, as patches.sampling.padding_label too if padding is to be left out",
            )
        arguments = {**arguments, "ignore_index": NOT_ANNOTATED}
    return build_loss(recipe.loss.name, **arguments)


def sizes_of(spec: NetworkSpec) -> SizeRule:
    """Give the sizes that a network takes; it is built without memory."""
    with torch.device("meta"):
        return size_rule(build_network(**spec.model_dump()), spec.spatial_dims)


def window_size(recipe: Recipe, plan: Plan) -> tuple[int, ...]:
    """Give the window that validation and prediction use: the recipe's, or the plan's patch."""
    size = recipe.inference.window_size
    return plan.patch_size if size == "auto" else size


def validation_settings(recipe: Recipe) -> InferenceSettings:
    """Give the recipe's inference, with the overlap that it wants for validations."""
    overlap = recipe.training.validation_overlap
    if overlap is None:
        return recipe.inference
    return recipe.inference.model_copy(update={"step": None, "overlap": overlap})


def number_of_workers(request: TrainRequest, device: torch.device) -> int:
    """Give the threads that prepare batches: as asked, or by what the machine has to spare.

    On a CPU with few cores a thread beside the network's own takes more than it gives.
    """
    if request.workers is not None:
        return request.workers
    cores = os.cpu_count() or 1
    return min(8, cores - 1) if device.type != "cpu" else int(cores > MOST_CORES_WITHOUT_WORKER)


def batches_of(
    recipe: Recipe,
    plan: Plan,
    spec: NetworkSpec,
    cases: Sequence[PreparedCase],
    *,
    seed: int,
    weights: Callable[[PatchCase], NDArray[np.float32]] | None = None,
) -> Batches:
    """Give the supply of patches that a recipe and a plan ask for, placed by what the network gives logits of."""
    return Batches(
        cases=cases,
        patch_size=plan.patch_size,
        batch_size=plan.batch_size,
        num_classes=spec.num_classes,
        margin=sizes_of(spec).margin,
        spacing_mm=plan.spacing_mm,
        sampling=recipe.patches.sampling,
        augmentation=recipe.augmentation,
        standardize_patches=recipe.standardize_patches,
        seed=seed,
        weights=weights,
    )
