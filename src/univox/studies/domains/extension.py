"""A model gains a domain: how well, at what size, and what becomes of the older ones?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from univox.data.source import DatasetSource
from univox.errors import RecipeError
from univox.studies.arms import Arm
from univox.studies.domains.domain_curves import DomainCurve, read_domain_curve
from univox.studies.domains.domain_result import DomainResult, Judging, domain_result, log_of
from univox.studies.domains.extension_runs import Datasets, ExtensionRun, runs_of
from univox.studies.domains.forgetting import Kept, kept
from univox.studies.held_out import refuse_nothing_held_out, refuse_single_subjects
from univox.studies.planned import time_left
from univox.studies.study_folder import refuse_another_study
from univox.training.domain_data import distinct_names
from univox.training.observer import Observer
from univox.training.request import TrainRequest

DEFAULT_RECIPES = tuple(f"u2net-2019-{kind}-small" for kind in ("independent", "shared", "universal"))


@dataclass(frozen=True)
class Extension:
    """A finished study.

    Args:
        base: Names of the older domains.
        new: Name of the new one.
        results: Of the new domain, in the order of arms and modes.
        older: Of the older domains after `extend` and after `finetune-all`, in the order of arms, modes and domains.
        curves: Validation Dice of the new domain, in the order of the results.
    """

    base: tuple[str, ...]
    new: str
    results: tuple[DomainResult, ...]
    older: tuple[Kept, ...]
    curves: tuple[DomainCurve, ...]


def extension(
    request: TrainRequest, new: DatasetSource, arms: Sequence[Arm], *, observer: Observer | None = None
) -> Extension:
    """Train a base with every arm, add a dataset to it, and judge the new domain and all older ones.

    Beside the extension proper stand two comparisons with the same effort: all weights trained on for the new dataset
    (`finetune-all`), and a network of its own (`scratch`), which is all that there is of an arm whose recipe shares
    nothing. What is done is not done again, what was interrupted goes on where it stood.

    Args:
        request: The base's datasets, the split and seed, and the effort for each dataset: iterations or budget.
            `output` is the study's folder; recipe, overrides and start are the arms' affair.
        new: The dataset that is added.
        arms: What is compared.
        observer: Hears of every run.

    Raises:
        CheckpointError: The folder holds another study.
        DatasetError: No case is held out; a dataset of which none can be; two of one name.
        RecipeError: An arm starts from other weights.

    Source: Table 3 (b) of Huang et al., MICCAI 2019 (3D U2-Net).
    """
    observer = observer or Observer()
    datasets = _checked(request, new)
    _refuse_starts(arms)
    runs = [run for arm in arms for run in runs_of(arm, request, datasets)]
    refuse_another_study(request, arms, {"study": "extension", "new": new.model_dump(mode="json")})
    judged: dict[tuple[str, str, str], tuple[DomainResult, ExtensionRun]] = {}
    for index, run in enumerate(runs):
        left = time_left([each.planned for each in runs], request.budget_seconds)
        observer.stage(f"run {index + 1} of {len(runs)}: {run.planned.name}{left}")
        run.finish(request, observer)
        for result in _judged(run, request, observer):
            judged[run.arm.name, run.mode, result.domain] = result, run
    trained = [run for run in runs if run.mode != "base"]
    name = datasets.new_name
    return Extension(
        base=tuple(datasets.base),
        new=name,
        results=tuple(judged[run.arm.name, run.mode, name][0] for run in trained),
        older=tuple(
            kept((judged[arm, "base", domain][0], run.folder.parent / "base"), (result, run.folder))
            for (arm, mode, domain), (result, run) in judged.items()
            if mode != "base" and domain != name
        ),
        curves=tuple(
            read_domain_curve(log_of(run.model, name), name, arm=run.arm.name, mode=run.mode) for run in trained
        ),
    )


def _checked(request: TrainRequest, new: DatasetSource) -> Datasets:
    sources = (*request.datasets, new)
    opened = [source.open() for source in sources]
    *base, last = distinct_names(opened)
    for source in sources:
        refuse_nothing_held_out(request.holdout, source.test_cases, source.path)
    refuse_single_subjects(opened, sources)
    return Datasets(dict(zip(base, request.datasets, strict=True)), last, new)


def _refuse_starts(arms: Sequence[Arm]) -> None:
    for arm in arms:
        if arm.init_from is not None or arm.freeze is not None:
            raise RecipeError(
                expected="arms that begin at random",
                got=f"init_from or freeze in the arm {arm.name}",
                remedy="leave both out: what an extension begins with and keeps is what the study is about",
            )


def _judged(run: ExtensionRun, request: TrainRequest, observer: Observer) -> list[DomainResult]:
    """Judge every domain of the run's model."""
    older = {} if run.mode == "scratch" else run.datasets.base
    row = (run.arm.name, run.mode, " ".join([run.arm.recipe, *run.arm.set]))
    return [
        domain_result(
            row,
            run.model,
            source,
            run.folder / "domains" / name,
            domain=name,
            judging=Judging("test", request.device, request.jobs),
            observer=observer,
        )
        for name, source in {**older, **run.sources}.items()
    ]
