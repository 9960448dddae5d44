"""`univox predict`."""

from __future__ import annotations

import itertools
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from univox.cli.console import EXIT_SOME_FAILED, complain, say
from univox.cli.run_options import Device, TrustNetwork
from univox.errors import RecipeError

if TYPE_CHECKING:
    from univox.data.classes import Classes
    from univox.inference.case_output import Outcome
    from univox.inference.case_predictor import CasePredictor
    from univox.inference.composed_model import ComposedModel
    from univox.inference.loaded_model import LoadedModel
    from univox.inference.objects import ObjectSettings


def predict(
    model: Annotated[Path, typer.Argument(help="A model folder.", show_default=False)],
    inputs: Annotated[
        list[Path], typer.Argument(help="Image files, folders of them, or datasets.", show_default=False)
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the label files.")],
    domain: Annotated[
        str | None, typer.Option(help="What to segment, of a model that knows several datasets (univox info MODEL).")
    ] = None,
    all_domains: Annotated[
        bool, typer.Option("--all-domains", help="Each case by every domain that its channels fit, into OUTPUT/DOMAIN.")
    ] = False,
    cases: Annotated[
        str | None,
        typer.Option(help="Only these: 'test' or 'validation' (as kept out in training), or names, comma-separated."),
    ] = None,
    step: Annotated[int | None, typer.Option(min=1, help="Voxels between windows.")] = None,
    overlap: Annotated[
        float | None, typer.Option(min=0.0, max=0.95, help="Overlap of windows, in place of a step.")
    ] = None,
    precision: Annotated[
        Literal["auto", "fp32", "bf16"] | None, typer.Option(help="Arithmetic; default: the model's.")
    ] = None,
    slices: Annotated[
        str | None,
        typer.Option(help="Of a 2-D model and a volume: axes across which its slices lie, averaged: '0', or '0,1,2'."),
    ] = None,
    save_probabilities: Annotated[
        bool, typer.Option("--save-probabilities", help="Write the probability of every class too.")
    ] = False,
    uncertainty: Annotated[
        bool,
        typer.Option("--uncertainty", help="Write how undecided each voxel is too: entropy, 0 sure to 1 all alike."),
    ] = False,
    no_postprocessing: Annotated[
        bool, typer.Option("--no-postprocessing", help="Leave out what univox postprocess stored in the model.")
    ] = False,
    codes: Annotated[
        Literal["dataset", "index"], typer.Option(help="Write the dataset's own codes, or 0..K-1.")
    ] = "dataset",
    instances: Annotated[
        bool, typer.Option("--instances", help="Number the objects too, 1..n, as label images in OUTPUT/instances.")
    ] = False,
    split_touching: Annotated[
        bool, typer.Option("--split-touching", help="With --instances: divide objects where they narrow (watershed).")
    ] = False,
    min_size: Annotated[int | None, typer.Option(min=1, help="With --instances: drop objects of fewer voxels.")] = None,
    device: Device = "auto",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Compute finished outputs again.")] = False,
    trust: TrustNetwork = False,
) -> None:
    """Segment files, folders or datasets; each label has its input's format and geometry.

    A model of several domains needs --domain NAME or --all-domains. Exit status: 0 all done, 3 some failed.
    """
    from univox.inference.loaded_model import load

    if domain is not None and all_domains:
        raise RecipeError(expected="either --domain or --all-domains", got="both", remedy="leave one of them out")
    objects = _objects(instances, split_touching, min_size)
    model_settings = _settings(step, overlap, precision, slices, no_postprocessing)
    loaded = load(model, device=device, settings=model_settings, trusted=trust)
    how = _How(output, cases, overwrite, save_probabilities, uncertainty, codes, objects)
    outcomes = _by_all(_of_domains(loaded), inputs, how) if all_domains else _by_one(loaded.domain(domain), inputs, how)
    failed = sum(outcome.status == "failed" for outcome in outcomes)
    present = sum(outcome.status == "present" for outcome in outcomes)
    seconds = sum(outcome.seconds for outcome in outcomes)
    written = len(outcomes) - failed - present
    say(f"{written} written to {output}, {present} there already, {failed} failed, {seconds:.1f} s")
    if failed:
        sys.exit(EXIT_SOME_FAILED)


@dataclass(frozen=True)
class _How:
    output: Path
    cases: str | None
    overwrite: bool
    save_probabilities: bool
    uncertainty: bool
    codes: Literal["dataset", "index"]
    objects: ObjectSettings | None

    def numbered(self, outcomes: list[Outcome], classes: Classes) -> list[Outcome]:
        """Number the objects of one domain's labels, where that is asked."""
        if self.objects is None:
            return outcomes
        from univox.inference.object_files import number_files

        done = number_files(outcomes, classes, self.objects, codes=self.codes)
        for before, after in zip(outcomes, done, strict=True):
            if after.status == "failed" != before.status:
                _report(after, after.name)
        return done


def _objects(instances: bool, split_touching: bool, min_size: int | None) -> ObjectSettings | None:
    if instances:
        from univox.inference.objects import ObjectSettings

        return ObjectSettings(split_touching, min_size or 1)
    if split_touching or min_size is not None:
        raise RecipeError(
            expected="--instances beside --split-touching or --min-size",
            got="a class map, which has no objects",
            remedy="add --instances",
        )
    return None


def _settings(
    step: int | None, overlap: float | None, precision: str | None, slices: str | None, no_postprocessing: bool
) -> dict[str, Any]:
    if step is not None and overlap is not None:
        raise RecipeError(expected="either --step or --overlap", got="both", remedy="leave one of them out")
    axes = None if slices is None else tuple(axis.strip() for axis in slices.split(","))
    asked = {"step": step, "overlap": overlap, "precision": precision, "slice_axes": axes}
    if no_postprocessing:
        asked["postprocessing"] = False
    return {name: value for name, value in asked.items() if value is not None}


def _of_domains(loaded: LoadedModel | ComposedModel) -> LoadedModel:
    from univox.inference.composed_model import ComposedModel

    if isinstance(loaded, ComposedModel):
        raise RecipeError(
            expected="--all-domains of a model that knows several datasets",
            got=f"models that predict {loaded.domains[0]} as one",
            remedy="leave it out",
        )
    return loaded


def _by_one(predictor: CasePredictor, inputs: list[Path], how: _How) -> list[Outcome]:
    from univox.inference.inputs import find_inputs
    from univox.inference.predict_files import predict_files
    from univox.inference.record import select_inputs, write_record

    found = find_inputs(inputs, predictor.domain.channel_names)
    chosen = select_inputs(found, how.cases, predictor.domain.split)
    count = itertools.count(1)
    outcomes = predict_files(
        predictor,
        chosen,
        how.output,
        overwrite=how.overwrite,
        save_probabilities=how.save_probabilities,
        uncertainty=how.uncertainty,
        codes=how.codes,
        on_case=lambda outcome: _report(outcome, f"[{next(count)}/{len(chosen)}] {outcome.name}"),
    )
    write_record(how.output, predictor, outcomes)
    return how.numbered(outcomes, predictor.classes)


def _by_all(loaded: LoadedModel, inputs: list[Path], how: _How) -> list[Outcome]:
    from univox.inference.domain_inputs import find_domain_inputs, select_domain_inputs
    from univox.inference.predict_domains import by_domain, predict_domains
    from univox.inference.record import write_record

    domains = loaded.stored.domains
    found = find_domain_inputs(inputs, domains)
    outcomes = predict_domains(
        loaded,
        select_domain_inputs(found, how.cases, domains),
        how.output,
        overwrite=how.overwrite,
        save_probabilities=how.save_probabilities,
        uncertainty=how.uncertainty,
        codes=how.codes,
        on_case=lambda done: _report(done.outcome, " ".join(("/".join(done.domains), done.outcome.name)).strip()),
    )
    numbered: dict[Path, Outcome] = {}
    for name, done in by_domain(outcomes).items():
        write_record(how.output / name, loaded.domain(name), done)
        numbered |= {outcome.path: outcome for outcome in how.numbered(done, domains[name].label_classes)}
    return [numbered[done.outcome.path] if done.domains else done.outcome for done in outcomes]


def _report(outcome: Outcome, title: str) -> None:
    if outcome.status == "failed":
        complain(f"{outcome.name}: {outcome.message}")
    else:
        say(f"{title} {outcome.status} {outcome.seconds:.2f} s")
