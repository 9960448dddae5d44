"""What a run decided, kept beside its checkpoint so that a resumed one decides the same."""

from __future__ import annotations

import json
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


def keep_decisions(folder: Path, *, recipe: Recipe, plan: Plan, split: Split) -> None:
    """Write recipe, plan and split, or make sure that those kept there are the same.

    Args:
        folder: The run's folder.
        recipe: Of the run.
        plan: Measured now.
        split: Drawn now.

    Raises:
        CheckpointError: The dataset is no longer the one that the run began with.
        FileError: The folder cannot be written.
    """
    names = {part: list(cases) for part, cases in asdict(split).items()}
    if (folder / RECIPE).exists():
        # The recipe is the last file written: where it stands, plan and split stand too.
        same = Plan.read(folder / PLAN) == plan and json.loads((folder / SPLIT).read_text("utf-8")) == names
        if not same:
            raise CheckpointError(
                expected="the dataset that the run began with",
                got="another plan or split: cases were added, removed or changed",
                remedy="restore the dataset, or start anew with --overwrite",
                path=folder,
            )
        return
    plan.write(folder / PLAN)
    write_json(folder / SPLIT, names)
    write_text(folder / RECIPE, yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False))
