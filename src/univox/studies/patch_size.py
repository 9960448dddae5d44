"""One recipe, one split, one budget, several sizes of patch: how much of an image should a network see at once?"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from univox.data.fingerprint import measure_cases
from univox.data.patch_size import SMALLEST_EDGE
from univox.data.plan import Plan, decide_plan
from univox.data.resolve import decided_crop
from univox.errors import RecipeError
from univox.networks.blocks.sizes import SizeRule
from univox.recipes.catalog import load_recipe
from univox.recipes.recipe import Recipe
from univox.studies.ablation import Ablation, ablation
from univox.studies.arms import Arm, distinct_arms
from univox.training.decisions import choose_split, network_specs, sizes_of
from univox.training.observer import Observer
from univox.training.request import TrainRequest


@dataclass(frozen=True)
class Patch:
    """A size that is tried.

    Args:
        name: Of its arm: "32", or "16x32x32".
        edges: Voxels per axis.
        batch_size: Patches per batch.
    """

    name: str
    edges: tuple[int, ...]
    batch_size: int

    @property
    def edge(self) -> float:
        """Edge of the cube (or square) of as many voxels."""
        return math.prod(self.edges) ** (1 / len(self.edges))


@dataclass(frozen=True)
class PatchSizeStudy:
    """A finished study.

    Args:
        patches: In the order in which they were asked for.
        trained: What each came to, under the patch's name.
    """

    patches: tuple[Patch, ...]
    trained: Ablation


def patch_arms(patches: Sequence[str], *, recipe: str = "univox", changes: Sequence[str] = ()) -> tuple[Arm, ...]:
    """Make an arm of each patch size.

    Args:
        patches: An edge for all axes, or an edge for each: "32", "16x32x32".
        recipe: Of all arms.
        changes: "section.field=value" assignments on it.

    Raises:
        RecipeError: No such size, or one that is given twice.

    >>> [(arm.name, arm.set) for arm in patch_arms(["32", "16X32"])]
    [('32', ('patches.patch_size=32',)), ('16x32', ('patches.patch_size=[16, 32]',))]
    """
    arms: list[Arm] = []
    for text in patches:
        if not re.fullmatch(r"[1-9]\d{0,4}(x[1-9]\d{0,4})*", text.lower()):
            raise RecipeError(
                expected="patches such as 32 or 16x32x32, in voxels", got=repr(text), remedy="give whole numbers"
            )
        edges = [int(edge) for edge in text.lower().split("x")]
        size = f"patches.patch_size={edges[0] if len(edges) == 1 else edges}"
        arms.append(Arm(name="x".join(map(str, edges)), recipe=recipe, set=(*changes, size)))
    return distinct_arms(arms)


def patch_size(request: TrainRequest, arms: Sequence[Arm], *, observer: Observer | None = None) -> PatchSizeStudy:
    """Train with every patch size on the same cases with the same budget, and judge each on the held-out cases.

    It is an ablation whose arms are the sizes: what is done is not done again, and what was stopped goes on. Where the
    recipe leaves the batch and the down-samplings to the plan, as `univox` does, a batch holds about as many voxels
    whatever the patch, and a small patch is halved less often.

    Args:
        request: As of an ablation.
        arms: Of `patch_arms`.
        observer: Hears of every run.

    Raises:
        RecipeError: Patches that the network does not take, before any training, with the sizes that fit.
        CheckpointError: The folder holds another study.
        DatasetError: No case is held out, or one could not be measured or predicted.

    Source: Wang et al., AAAI 2020, "Impact of the Patch Size", Figure 8: 16, 24, 32, 40, 48.
    """
    patches = planned_patches(request, arms)
    return PatchSizeStudy(patches, ablation(request, arms, observer=observer))


def planned_patches(request: TrainRequest, arms: Sequence[Arm]) -> tuple[Patch, ...]:
    """Plan each arm by its training cases, which are measured once.

    Raises:
        RecipeError: Patches that the network does not take.
        DatasetError: A case cannot be measured.
    """
    source = request.dataset
    dataset = source.open()
    split = choose_split(dataset, request, source)
    training = [case for case in dataset.labelled if case.name in split.train]
    recipes = [load_recipe(arm.recipe, arm.set) for arm in arms]
    crop, _ = decided_crop(recipes[0].preprocessing.crop, dataset.spatial_dims)
    fingerprints = measure_cases(dataset, training, crop=crop, jobs=request.jobs)

    def planned(recipe: Recipe) -> Plan:
        plan = functools.partial(decide_plan, dataset.name, dataset.channel_names, fingerprints)
        return plan(preprocessing=recipe.preprocessing, sizes=recipe.patches)

    def rule(recipe: Recipe, edges: tuple[int, ...]) -> SizeRule | None:
        sized = recipe.model_copy(update={"patches": recipe.patches.model_copy(update={"patch_size": edges})})
        [spec] = network_specs(sized, [planned(sized)], [dataset])
        # The plan halves nothing so small, and networks that follow it have nothing to go down to.
        return None if spec.arguments.get("strides") == () else sizes_of(spec)

    plans = [planned(recipe) for recipe in recipes]
    refused: dict[str, str] = {}
    for recipe, plan in zip(recipes, plans, strict=True):
        rule_of = functools.partial(rule, recipe)
        around = (_nearest(plan.patch_size, rule_of, larger=larger) for larger in (False, True))
        fitting = dict.fromkeys(edges for edges in around if edges is not None)
        if plan.patch_size not in fitting:
            refused[_by(plan.patch_size)] = " or ".join(f"--patch {_by(edges)}" for edges in fitting)
    if refused:
        raise RecipeError(
            expected=f"patches that {recipes[0].network.name} takes",
            got=", ".join(refused),
            remedy="; ".join(f"in place of {size} {instead}" for size, instead in refused.items()),
        )
    return tuple(Patch(arm.name, plan.patch_size, plan.batch_size) for arm, plan in zip(arms, plans, strict=True))


def _nearest(
    edges: tuple[int, ...], rule_of: Callable[[tuple[int, ...]], SizeRule | None], *, larger: bool
) -> tuple[int, ...] | None:
    """Give the next patch that fits, the patch itself if it does; none where there is none.

    A network that is planned for its patch has other rules for another patch, so that each step asks anew.
    """
    while True:
        rule = rule_of(edges)
        if rule is None:
            enough = tuple(max(edge, 2 * SMALLEST_EDGE) for edge in edges)
            if not larger or enough == edges:
                return None
            edges = enough
            continue
        above = rule.fitting(edges)
        if above == edges:
            return edges
        pairs = zip(edges, above, rule.divisor, strict=True)
        below = tuple(edge if edge == size else size - divisor for edge, size, divisor in pairs)
        if not larger and (min(below) < 1 or below == edges):
            return None
        edges = above if larger else below


def _by(edges: Sequence[int]) -> str:
    same = len(set(edges)) == 1
    return str(edges[0]) if same else "x".join(map(str, edges))
