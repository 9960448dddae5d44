"""What a run decided, kept beside its checkpoint so that a resumed one decides the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import yaml

from univox.atomic import write_json, write_text
from univox.data.plan import Plan
from univox.data.split import Split
from univox.errors import CheckpointError
from univox.recipes.recipe import Recipe

RECIPE = "recipe.yaml"
PLAN = "plan.json"
SPLIT = "split.json"
DOMAINS = "domains"


def keep_decisions(folder: Path, *, recipe: Recipe, plans: Mapping[str, Plan], splits: Mapping[str, Split]) -> None:
    """Write recipe, plans and splits, or make sure that those kept there are the same.

    Args:
        folder: The run's folder; a domain's files go to `domains/NAME` in it.
        recipe: Of the run.
        plans: Measured now, by domain.
        splits: Drawn now, by domain.

    Raises:
        CheckpointError: A dataset is no longer the one that the run began with.
        FileError: The folder cannot be written.
    """
    # The recipe is the last file written: where it stands, plans and splits stand too.
    there = (folder / RECIPE).exists()
    for domain, plan in plans.items():
        home = folder / DOMAINS / domain
        names = {part: list(cases) for part, cases in asdict(splits[domain]).items()}
        if there:
            _refuse_another(home, plan, names)
        else:
            plan.write(home / PLAN)
            write_json(home / SPLIT, names)
    if not there:
        write_text(folder / RECIPE, yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False))


def _refuse_another(home: Path, plan: Plan, names: dict[str, list[str]]) -> None:
    known = (home / PLAN).exists() and (home / SPLIT).exists()
    if known and Plan.read(home / PLAN) == plan and json.loads((home / SPLIT).read_text("utf-8")) == names:
        return
    raise CheckpointError(
        expected=f"the dataset {home.name} as the run began with it",
        got="another plan or split: cases were added, removed or changed",
        remedy="restore the dataset, or start anew with --overwrite",
        path=home,
    )
