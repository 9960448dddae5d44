"""The model folder at the end of a run."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from typing import Any

import numpy as np
import torch

from univox.data.dataset import Dataset
from univox.data.plan import Plan
from univox.data.split import Split
from univox.model.domain import Domain, NetworkSpec, domain_name
from univox.model.folder import write_model
from univox.recipes.recipe import Recipe
from univox.training.checkpoint import write_tensors
from univox.training.fit import Fit, best_weights
from univox.training.request import TrainRequest
from univox.training.start import start_of
from univox.version import __version__


def leave_model(
    request: TrainRequest,
    fit: Fit,
    *,
    spec: NetworkSpec,
    dataset: Dataset,
    plan: Plan,
    recipe: Recipe,
    split: Split,
) -> None:
    """Write the model with its best validated weights, and the last weights beside the run's log.

    Raises:
        FileError: The folder cannot be written.
    """
    progress = fit.progress
    write_tensors(request.run_folder / "last.safetensors", fit.average.weights, {"iteration": progress.iteration})
    fit.step.network.load_state_dict(best_weights(fit))
    write_model(
        request.output,
        network=fit.step.network,
        spec=spec,
        domain=Domain(
            name=domain_name(dataset.name),
            channel_names=tuple(dataset.channel_names),
            classes=dataset.classes.to_json(),
            spatial_dims=dataset.spatial_dims,
            plan=plan.model_dump(mode="json"),
            preprocessing=plan.preprocessing.model_dump(mode="json"),
            inference=recipe.inference.model_dump(mode="json"),
            validation=_validation(fit),
        ),
        recipe=recipe.model_dump(mode="json"),
        provenance=_provenance(request, fit, dataset, split),
    )


def _validation(fit: Fit) -> dict[str, Any]:
    progress = fit.progress
    if progress.best is None:
        return {}
    return {"mean_dice": progress.best, "dice": progress.best_dice, "iteration": progress.best_iteration}


def _provenance(request: TrainRequest, fit: Fit, dataset: Dataset, split: Split) -> dict[str, Any]:
    return {
        "dataset": dataset.name,
        "layout": dataset.layout,
        "split": {"train": list(split.train), "validation": list(split.validation), "test": list(split.test)},
        **start_of(request),
        "seed": request.seed,
        "iterations": fit.progress.iteration,
        "seconds": round(fit.progress.seconds, 1),
        "budget_seconds": request.budget_seconds,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "system": platform.system(),
            "processor": platform.machine(),
            "device": str(fit.step.device),
        },
        "versions": {
            "univox": __version__,
            "python": platform.python_version(),
            "torch": str(torch.__version__),
            "numpy": np.__version__,
        },
    }
