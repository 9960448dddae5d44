"""Several datasets: one network for all of them, or a network for each?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from univox.data.source import DatasetSource
from univox.errors import RecipeError
from univox.recipes.catalog import load_recipe
from univox.studies.arms import Arm
from univox.studies.domains.domain_curves import DomainCurve, read_domain_curve
from univox.studies.domains.domain_result import DomainResult, Judging, Mode, domain_result
from univox.studies.held_out import refuse_nothing_held_out, refuse_single_subjects
from univox.studies.planned import Planned, time_left
from univox.studies.study_folder import refuse_another_study, run_of_arm
from univox.training.domain_data import distinct_names
from univox.training.observer import Observer
from univox.training.request import TrainRequest
from univox.training.run import finish_run


@dataclass(frozen=True)
class Universal:
    """A finished study.

    Args:
        domains: Names, in the order of the datasets.
        judged_on: "test" or "validation".
        results: In the order of arms, modes and domains.
        curves: Validation Dice over a domain's own iterations, in the order of the results.
    """

    domains: tuple[str, ...]
    judged_on: str
    results: tuple[DomainResult, ...]
    curves: tuple[DomainCurve, ...]

    def rows(self) -> list[list[DomainResult]]:
        """Give the results of each arm and mode together, a list of all domains for each."""
        count = len(self.domains)
        return [list(self.results[start : start + count]) for start in range(0, len(self.results), count)]


@dataclass(frozen=True)
class _Run:
    """One training run of the study, and the domains that it is judged on."""

    arm: Arm
    mode: Mode
    sources: dict[str, DatasetSource]
    folder: Path
    iterations: int

    @property
    def model(self) -> Path:
        return self.folder / "model"

    @property
    def planned(self) -> Planned:
        [*others, last] = self.sources
        names = f"{', '.join(others)} and {last} together" if others else last
        return Planned(f"{self.arm.name}, {names}", self.model, len(self.sources), self.iterations)


def universal(
    request: TrainRequest,
    arms: Sequence[Arm],
    *,
    judged_on: str = "test",
    beside_independent: bool = False,
    observer: Observer | None = None,
) -> Universal:
    """Train every arm on the same datasets with the same effort for each, and judge each domain.

    An arm whose recipe shares its trunk (`domains.share: trunk`) is one run on all datasets; one whose recipe shares
    nothing is a run for each. What is done is not done again, what was interrupted goes on where it stood.

    Args:
        request: Datasets, split and seed of all arms, and the effort for each dataset: iterations or budget. The one
            network of k datasets has k times as much. `output` is the study's folder; recipe, overrides and start are
            the arms' affair.
        arms: What is compared.
        judged_on: "test": predicts and judges the held-out cases too; "validation": leaves them unread.
        beside_independent: Train, beside each one network, one for each dataset by the same recipe.
        observer: Hears of every run.

    Raises:
        CheckpointError: The folder holds another study.
        DatasetError: No case is held out and the held-out cases are to be judged; a dataset of which none can be; two
            of one name; or a case could not be predicted.
        RecipeError: An arm starts from other weights and shares its trunk.

    Source: Table 2 of Huang et al., MICCAI 2019 (3D U2-Net).
    """
    observer = observer or Observer()
    datasets = [source.open() for source in request.datasets]
    sources = dict(zip(distinct_names(datasets), request.datasets, strict=True))
    if judged_on == "test":
        for source in request.datasets:
            refuse_nothing_held_out(request.holdout, source.test_cases, source.path)
    if request.holdout > 0:
        refuse_single_subjects(datasets, request.datasets)
    runs = [run for arm in arms for run in _runs_of(arm, request, sources, beside_independent)]
    refuse_another_study(request, arms, {"study": "universal", "judged_on": judged_on})
    judging = Judging(judged_on, request.device, request.jobs)
    results: list[DomainResult] = []
    for index, run in enumerate(runs):
        left = time_left([each.planned for each in runs], request.budget_seconds)
        observer.stage(f"run {index + 1} of {len(runs)}: {run.planned.name}{left}")
        results += _finished(request, run, judging, observer)
    curves = tuple(
        read_domain_curve(run.model / "run" / "log.jsonl", name, arm=run.arm.name, mode=run.mode)
        for run in runs
        for name in run.sources
    )
    return Universal(tuple(sources), judged_on, tuple(results), curves)


def _runs_of(
    arm: Arm, request: TrainRequest, sources: dict[str, DatasetSource], beside_independent: bool
) -> Iterator[_Run]:
    recipe = load_recipe(arm.recipe, arm.set)
    folder = request.output / "arms" / arm.name
    own = request.iterations or recipe.training.iterations
    shares = recipe.domains.share == "trunk" and len(sources) > 1
    if shares and arm.init_from is not None:
        raise RecipeError(
            expected="arms that begin at random where one network learns several datasets",
            got=f"init_from in the arm {arm.name}",
            remedy="leave it out, or give the arm the recipe value domains.share=nothing",
        )
    if shares:
        yield _Run(arm, "joint", sources, folder / "joint", own * len(sources))
    if not shares or beside_independent:
        for name, source in sources.items():
            yield _Run(arm, "alone", {name: source}, folder / "alone" / name, own)


def _finished(request: TrainRequest, run: _Run, judging: Judging, observer: Observer) -> list[DomainResult]:
    budget = request.budget_seconds
    effort = {
        "datasets": tuple(run.sources.values()),
        "iterations": run.iterations if budget is None else None,
        "budget_seconds": None if budget is None else budget * len(run.sources),
    }
    finish_run(run_of_arm(request, run.arm, run.model, **effort), observer)
    row = (run.arm.name, run.mode, " ".join([run.arm.recipe, *run.arm.set]))
    homes = {name: run.folder if run.mode == "alone" else run.folder / "domains" / name for name in run.sources}
    return [
        domain_result(row, run.model, source, homes[name], domain=name, judging=judging, observer=observer)
        for name, source in run.sources.items()
    ]
