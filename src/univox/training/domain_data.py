"""What is decided about each dataset before a run's loop starts: soundness, split, plan, network, prepared cases."""

from __future__ import annotations

from dataclasses import dataclass, replace

from univox.data.cache import PreparedCase, default_cache_dir, prepare_cases
from univox.data.check import bad_cases, check_dataset, without
from univox.data.dataset import Dataset
from univox.data.plan import Plan, make_plan
from univox.data.source import DatasetSource
from univox.data.split import Split
from univox.errors import DatasetError
from univox.model.domain import NetworkSpec, domain_name
from univox.recipes.recipe import Recipe
from univox.training.decisions import choose_split, fitted_plan, network_specs
from univox.training.observer import Observer
from univox.training.request import TrainRequest

NAMED_CASES = 5
"""Bad cases that a sentence names; of more it gives the number, and `univox check` lists all."""


@dataclass(frozen=True)
class DomainData:
    """A dataset as a run takes it.

    Args:
        name: Of the domain.
        dataset: Without bad cases.
        split: Who trains, validates, and is kept out.
        plan: Its patch is one that the network takes.
        spec: Its network.
    """

    name: str
    dataset: Dataset
    split: Split
    plan: Plan
    spec: NetworkSpec


def decide_data(request: TrainRequest, recipe: Recipe, observer: Observer) -> list[DomainData]:
    """Check, split and measure every dataset, and name its network.

    Raises:
        DatasetError: A dataset cannot be read, holds bad cases that are not to be skipped, has the name of another,
            or another number of axes.
        RecipeError: A value of the recipe that does not fit a dataset.
    """
    datasets = [sound_dataset(source, request, observer) for source in request.datasets]
    names = distinct_names(datasets)
    _same_axes(datasets)
    splits = [
        _split(dataset, source, request, observer) for dataset, source in zip(datasets, request.datasets, strict=True)
    ]
    plans = [measured(*pair, request, recipe, observer) for pair in zip(datasets, splits, strict=True)]
    specs = network_specs(recipe, plans, datasets)
    data = [DomainData(*values) for values in zip(names, datasets, splits, plans, specs, strict=True)]
    return [replace(each, plan=fitted_plan(each.plan, recipe, each.spec)) for each in data]


def sound_dataset(source: DatasetSource, request: TrainRequest, observer: Observer) -> Dataset:
    """Open a dataset and check it.

    Raises:
        DatasetError: It cannot be read, or holds bad cases and they are not to be skipped.
    """
    observer.stage(f"checking {source.path}")
    dataset = source.open()
    findings = check_dataset(dataset, jobs=request.jobs, on_progress=observer.advance)
    bad = bad_cases(findings)
    if bad and not request.skip_bad_cases:
        lines = [f"{name}: {'; '.join(f.cause for f in found)}" for name, found in sorted(bad.items())]
        if len(lines) > NAMED_CASES:
            lines[NAMED_CASES:] = [f"and {len(lines) - NAMED_CASES} more"]
        raise DatasetError(
            expected="a sound dataset",
            got=f"{len(bad)} bad case{'s' if len(bad) > 1 else ''} ({' | '.join(lines)})",
            remedy="mend them as `univox check` says, or go on without them by --skip-bad-cases",
            path=source.path,
        )
    for name, found in sorted(bad.items()):
        observer.stage(f"left out {name}: {'; '.join(f.cause for f in found)}")
    return without(dataset, bad)


def distinct_names(datasets: list[Dataset]) -> list[str]:
    """Give each dataset's domain name.

    Raises:
        DatasetError: Two have the same.
    """
    names = [domain_name(dataset.name) for dataset in datasets]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise DatasetError(
                expected="datasets of different names",
                got=f"{name!r} twice",
                remedy="give one of them another name in its dataset.json, or rename its folder",
                path=datasets[index].root,
            )
    return names


def _same_axes(datasets: list[Dataset]) -> None:
    axes = {dataset.spatial_dims for dataset in datasets}
    if len(axes) > 1:
        raise DatasetError(
            expected="datasets of the same number of axes",
            got=", ".join(f"{dataset.name} ({dataset.spatial_dims}-D)" for dataset in datasets),
            remedy="train 2-D and 3-D datasets apart",
        )


def measured(dataset: Dataset, split: Split, request: TrainRequest, recipe: Recipe, observer: Observer) -> Plan:
    """Make the plan of the training cases."""
    observer.stage(f"measuring {dataset.name}")
    cases = {case.name: case for case in dataset.labelled}
    return make_plan(
        dataset,
        [cases[name] for name in split.train],
        preprocessing=recipe.preprocessing,
        sizes=recipe.patches,
        jobs=request.jobs,
        on_progress=observer.advance,
    )


def prepare(data: DomainData, request: TrainRequest, observer: Observer) -> dict[str, PreparedCase]:
    """Prepare the cases that train and validate, or find them prepared."""
    observer.stage(f"preparing the cases of {data.name}")
    wanted = {*data.split.train, *data.split.validation}
    prepared = prepare_cases(
        data.dataset,
        [case for case in data.dataset.labelled if case.name in wanted],
        data.plan,
        cache_dir=request.cache or default_cache_dir(),
        jobs=request.jobs,
        on_progress=observer.advance,
    )
    return {case.name: case for case in prepared}


def _split(dataset: Dataset, source: DatasetSource, request: TrainRequest, observer: Observer) -> Split:
    split = choose_split(dataset, request, source)
    counts = f"{len(split.train)} training, {len(split.validation)} validation and {len(split.test)} test cases"
    observer.stage(f"{dataset.name}: {counts}")
    return split
