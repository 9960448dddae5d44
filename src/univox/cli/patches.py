"""The batches that a recipe would train on, without a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from univox.data.batches import Batches
from univox.data.cache import prepare_cases
from univox.data.layouts import open_dataset
from univox.data.plan import make_plan
from univox.recipes.catalog import load_recipe
from univox.training.decisions import batches_of, fitted_plan, network_specs

MOST_CASES = 12


def training_batches(
    dataset: Path,
    *,
    recipe: str,
    overrides: tuple[str, ...],
    count: int,
    seed: int,
    reading: dict[str, Any],
    cache: Path,
) -> Batches:
    """Plan and prepare the first few cases of a dataset and give their batches.

    Args:
        dataset: Folder or CSV.
        recipe: Whose patches and augmentation.
        overrides: On the recipe.
        count: Patches that will be looked at; no more cases than that are prepared.
        seed: Of the patches.
        reading: How the dataset is read; see `open_dataset`.
        cache: Folder for the prepared cases.
    """
    chosen = load_recipe(recipe, overrides)
    opened = open_dataset(dataset, **reading)
    cases = opened.labelled[: min(count, MOST_CASES)]
    plan = make_plan(opened, cases, preprocessing=chosen.preprocessing, sizes=chosen.patches)
    [spec] = network_specs(chosen, [plan], [opened])
    plan = fitted_plan(plan, chosen, spec)
    prepared = prepare_cases(opened, cases, plan, cache_dir=cache)
    return batches_of(chosen, plan, spec, prepared, seed=seed)
