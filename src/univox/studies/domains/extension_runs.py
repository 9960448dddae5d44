"""The runs that a study of an extension is made of: a base, what is added to it, and what it is compared with."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from univox.data.source import DatasetSource
from univox.model.stored import EXTENSIONS
from univox.recipes.catalog import load_recipe
from univox.studies.arms import Arm
from univox.studies.domains.domain_result import Mode
from univox.studies.planned import Planned
from univox.studies.study_folder import run_of_arm
from univox.training.extend import extend
from univox.training.extend_request import ExtendRequest
from univox.training.finetune import finetune_all
from univox.training.observer import Observer
from univox.training.request import TrainRequest
from univox.training.run import finish_run


@dataclass(frozen=True)
class Datasets:
    """What a base is trained on, by domain, and what is added to it."""

    base: dict[str, DatasetSource]
    new_name: str
    new: DatasetSource


@dataclass(frozen=True)
class ExtensionRun:
    """One run of the study.

    Args:
        arm: Its recipe.
        mode: `base`, `extend`, `finetune-all` or `scratch`.
        folder: Of the run.
        iterations: For each dataset.
        datasets: Of the study.
    """

    arm: Arm
    mode: Mode
    folder: Path
    iterations: int
    datasets: Datasets

    @property
    def model(self) -> Path:
        """The model folder that the run leaves."""
        return self.folder / "model"

    @property
    def base(self) -> Path:
        """The model folder of the same arm's base."""
        return self.folder.parent / "base" / "model"

    @property
    def sources(self) -> dict[str, DatasetSource]:
        """The datasets that it trains on, by domain."""
        return self.datasets.base if self.mode == "base" else {self.datasets.new_name: self.datasets.new}

    @property
    def planned(self) -> Planned:
        """The run as the time left is counted by."""
        words = {"base": "the base of", "extend": "extended to", "finetune-all": "all of it trained on"}
        names = f"{self.arm.name}, {words.get(self.mode, 'by itself')} {', '.join(self.sources)}"
        added = self.datasets.new_name if self.mode in ("extend", "finetune-all") else None
        return Planned(names, self.model, len(self.sources), self.iterations * len(self.sources), added)

    def finish(self, request: TrainRequest, observer: Observer) -> None:
        """Do it; one that is done is left as it is, one that was interrupted goes on where it stood."""
        if self.planned.is_done:
            return
        budget = request.budget_seconds
        effort = {
            "datasets": tuple(self.sources.values()),
            "iterations": self.planned.iterations if budget is None else None,
            "budget_seconds": None if budget is None else budget * len(self.sources),
        }
        if self.mode in ("base", "scratch"):
            finish_run(run_of_arm(request, self.arm, self.model, **effort), observer)
            return
        # The recipe with the arm's changes is in the base.
        own: dict[str, Any] = {"output": self.model, "name": self.datasets.new_name, "mode": "own", "overrides": ()}
        if self.mode == "extend":
            copy_model(self.base, self.model)
            own["model"] = self.model
        else:
            own |= {"model": self.base, "mode": "finetune-all"}
        asked = ExtendRequest.model_validate({**dict(request), **effort, **own})
        resume = (asked.run_folder / "request.json").exists()
        if self.mode == "extend":
            extend(asked, resume=resume, observer=observer)
        else:
            finetune_all(asked, old=tuple(self.datasets.base.values()), resume=resume, observer=observer)


def runs_of(arm: Arm, request: TrainRequest, datasets: Datasets) -> Iterator[ExtensionRun]:
    """Give the runs of an arm; one whose recipe shares nothing trains the new dataset by itself and nothing else."""
    recipe = load_recipe(arm.recipe, arm.set)
    iterations = request.iterations or recipe.training.iterations
    modes: tuple[Mode, ...] = ("base", "extend", "finetune-all", "scratch")
    for mode in modes if recipe.domains.share == "trunk" else modes[-1:]:
        yield ExtensionRun(arm, mode, request.output / "arms" / arm.name / mode, iterations, datasets)


def copy_model(model: Path, target: Path) -> None:
    """Copy a model without its run; a copy that is there is left as it is."""
    if (target / "model.json").exists():
        return
    # Another name until it is whole: a killed copy never passes for a model.
    partial = target.with_name(f".{target.name}-partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(model, partial, ignore=shutil.ignore_patterns("run", EXTENSIONS))
    partial.replace(target)
