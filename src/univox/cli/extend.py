"""`univox extend`."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from univox.cli.console import say
from univox.cli.dataset_options import (
    Borders,
    ClassSelection,
    Ignore,
    Jobs,
    LabelFolder,
    LabelsAre,
    Layout,
    NamedTestCases,
    SubjectPattern,
    dataset_sources,
    either_named_or_a_share,
)
from univox.cli.run_options import (
    Cache,
    Device,
    Holdout,
    Seed,
    SkipBadCases,
    TrustNetwork,
    Validation,
    budget_in_seconds,
)

if TYPE_CHECKING:
    from univox.training.extend import Extended
    from univox.training.extend_request import ExtendRequest


def extend(
    model: Annotated[Path, typer.Argument(help="The model folder.", show_default=False)],
    dataset: Annotated[Path, typer.Argument(help="The dataset to add.", show_default=False)],
    name: Annotated[str, typer.Option(help="Name of the new domain; default: the dataset's.")] = "",
    like: Annotated[
        str,
        typer.Option(help="Begin with this domain's own weights; 'any': the most similar, by a short trial; 'none'."),
    ] = "any",
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="Change a value of the model's recipe. Repeatable.")
    ] = None,
    budget: Annotated[str | None, typer.Option(help="Finish in this time: 10m, 1h30m.")] = None,
    iterations: Annotated[int | None, typer.Option(min=1, help="Number of updates, in place of a budget.")] = None,
    mode: Annotated[
        Literal["own", "finetune-all"],
        typer.Option(help="finetune-all trains the shared weights too, and older domains forget: for comparison."),
    ] = "own",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Of finetune-all: the folder of the changed model.")
    ] = None,
    allow_forgetting: Annotated[
        bool, typer.Option("--allow-forgetting", help="Of finetune-all: yes, change what older domains put out.")
    ] = False,
    old: Annotated[
        list[Path] | None,
        typer.Option(help="Of finetune-all: an older domain's dataset, to measure what it forgets. Repeatable."),
    ] = None,
    holdout: Holdout = 0.0,
    test_cases: NamedTestCases = None,
    validation: Validation = 0.1,
    seed: Seed = 0,
    layout: Layout = "auto",
    classes: ClassSelection = None,
    labels: LabelFolder = None,
    labels_are: LabelsAre = "auto",
    borders: Borders = "background",
    ignore: Ignore = None,
    subjects: SubjectPattern = None,
    skip_bad_cases: SkipBadCases = False,
    jobs: Jobs = 2,
    device: Device = "auto",
    cache: Cache = None,
    trust: TrustNetwork = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an extension that did not end.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Begin an extension anew that did not end.")] = False,
) -> None:
    """Add a dataset to a model as a new domain; every older domain's output stays as it is, to the last bit."""
    from univox.training.extend_request import ExtendRequest

    either_named_or_a_share(test_cases, holdout)
    _check_mode(mode, output=output, allowed=allow_forgetting, old=old)
    [source] = dataset_sources(
        [dataset],
        layout=layout,
        classes=[classes] if classes else None,
        labels=[labels] if labels else None,
        labels_are=labels_are,
        borders=borders,
        ignore=[ignore] if ignore else None,
        subjects=[subjects] if subjects else None,
        test_cases=test_cases,
    )
    request = ExtendRequest(
        datasets=(source,),
        model=model,
        output=output or model,
        name=name,
        like=like,
        mode=mode,
        overrides=tuple(overrides or ()),
        budget_seconds=budget_in_seconds(budget, iterations),
        iterations=iterations,
        holdout=holdout,
        validation=validation,
        seed=seed,
        skip_bad_cases=skip_bad_cases,
        jobs=jobs,
        device=device,
        cache=cache,
        trusted=trust,
    )
    if overwrite:
        _remove_try(request)
    extended = _run(request, old or [], resume=resume)
    _tell(request, extended)


def _check_mode(mode: str, *, output: Path | None, allowed: bool, old: list[Path] | None) -> None:
    from univox.errors import RecipeError

    if mode == "finetune-all" and not (allowed and output is not None and old):
        raise RecipeError(
            expected="an extension that forgets nothing",
            got="--mode finetune-all, which changes what every older domain puts out",
            remedy="leave --mode out; to compare: --allow-forgetting -o NEW_MODEL --old DATASET for each older domain",
        )
    if mode == "own" and (output is not None or old):
        raise RecipeError(
            expected="--output and --old with --mode finetune-all alone",
            got="them without it",
            remedy="leave them out: the model's own folder gains the domain",
        )


def _run(request: ExtendRequest, old: list[Path], *, resume: bool) -> Extended:
    from univox.cli.progress import TrainingProgress
    from univox.training.extend import extend as run
    from univox.training.finetune import finetune_all

    with TrainingProgress() as progress:
        if request.mode == "own":
            return run(request, resume=resume, observer=progress)
        extended, _ = finetune_all(request, old=dataset_sources(old), resume=resume, observer=progress)
        return extended


def _remove_try(request: ExtendRequest) -> None:
    from univox.model.domain import domain_name

    name = request.name or domain_name(request.dataset.open().name)
    shutil.rmtree(request.model_copy(update={"name": name}).run_folder, ignore_errors=True)


def _tell(request: ExtendRequest, extended: Extended) -> None:
    from univox.cli.train import reading_flags

    figure = "" if extended.validation_dice is None else f", best validation Dice {extended.validation_dice:.3f}"
    say(
        f"domain {extended.domain} of {extended.model}: {extended.added_parameters:,} parameters added, "
        f"{extended.iterations} iterations in {extended.seconds:.0f} s{figure}"
    )
    domain, source = shlex.quote(extended.domain), request.dataset
    if extended.split.test:
        say(f"next: univox predict {extended.model} {source.path} --cases test --domain {domain} -o PREDICTIONS")
        say(f"      univox evaluate PREDICTIONS {source.path}{reading_flags(source)}")
    else:
        say(f"next: univox predict {extended.model} YOUR_IMAGES --domain {domain} -o PREDICTIONS")
