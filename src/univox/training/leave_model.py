"""The model folder at the end of a run."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import torch

from univox.model.domain import Domain
from univox.model.folder import write_model
from univox.recipes.recipe import Recipe
from univox.training.checkpoint import write_tensors
from univox.training.domain_data import DomainData
from univox.training.fit import Fit, best_weights
from univox.training.request import TrainRequest
from univox.training.start import start_of
from univox.training.validation import Score
from univox.version import __version__

LINEAGE = ("finished", "iterations", "seconds", "seed")
"""What of a run's facts each of its domains keeps, for those it may be handed to alone."""


def leave_model(request: TrainRequest, fit: Fit, *, data: Sequence[DomainData], recipe: Recipe) -> None:
    """Write the model with its best validated weights, and the last weights beside the run's log.

    Raises:
        FileError: The folder cannot be written.
    """
    progress = fit.progress
    write_tensors(request.run_folder / "last.safetensors", fit.average.weights, {"iteration": progress.iteration})
    fit.networks.load_tensors(best_weights(fit))
    facts = run_facts(request, fit)
    write_model(
        request.output,
        spec=data[0].spec,
        members=[
            (
                domain_of(each, fit, recipe, by="train", **{key: facts[key] for key in LINEAGE}),
                fit.networks.domain(each.name),
            )
            for each in data
        ],
        recipe=recipe.model_dump(mode="json"),
        provenance={**start_of(request), **facts},
    )


def domain_of(data: DomainData, fit: Fit, recipe: Recipe, *, by: str, **facts: Any) -> Domain:
    """Say of a domain all that prediction needs, what was measured, and how it came to the model."""
    dataset, split = data.dataset, data.split
    return Domain(
        name=data.name,
        channel_names=tuple(dataset.channel_names),
        classes=dataset.classes.to_json(),
        spatial_dims=dataset.spatial_dims,
        plan=data.plan.model_dump(mode="json"),
        preprocessing=data.plan.preprocessing.model_dump(mode="json"),
        inference=recipe.inference.model_dump(mode="json"),
        validation=_validation(fit, data.name),
        provenance={
            "by": by,
            "dataset": dataset.name,
            "layout": dataset.layout,
            "split": {"train": list(split.train), "validation": list(split.validation), "test": list(split.test)},
            **facts,
        },
    )


def run_facts(request: TrainRequest, fit: Fit) -> dict[str, Any]:
    """Say what a run was: seed, length, time, machine, versions."""
    return {
        "seed": request.seed,
        "iterations": fit.progress.iteration,
        "seconds": round(fit.progress.seconds, 1),
        "budget_seconds": request.budget_seconds,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "system": platform.system(),
            "processor": platform.machine(),
            "device": str(fit.courses[0].step.device),
        },
        "versions": {
            "univox": __version__,
            "python": platform.python_version(),
            "torch": str(torch.__version__),
            "numpy": np.__version__,
        },
    }


def _validation(fit: Fit, domain: str) -> dict[str, Any]:
    dice = fit.progress.best_dice.get(domain)
    if fit.progress.best is None or dice is None:
        return {}
    return {"mean_dice": Score(dice).mean, "dice": dice, "iteration": fit.progress.best_iteration}
