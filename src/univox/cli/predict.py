"""`univox predict`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from univox.cli.console import EXIT_SOME_FAILED, complain, say
from univox.errors import RecipeError

if TYPE_CHECKING:
    from univox.inference.predict_files import Outcome


def predict(
    model: Annotated[Path, typer.Argument(help="A model folder.", show_default=False)],
    inputs: Annotated[
        list[Path], typer.Argument(help="Image files, folders of them, or datasets.", show_default=False)
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the label files.")],
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
    save_probabilities: Annotated[
        bool, typer.Option("--save-probabilities", help="Write the probability of every class too.")
    ] = False,
    codes: Annotated[
        Literal["dataset", "index"], typer.Option(help="Write the dataset's own codes, or 0..K-1.")
    ] = "dataset",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Compute finished outputs again.")] = False,
    trust: Annotated[
        bool,
        typer.Option("--trust-network", help="Allow a network that is not univox's own; it runs foreign code."),
    ] = False,
) -> None:
    """Segment files, folders or datasets; each label has its input's format and geometry.

    Exit status: 0 all done, 3 some failed.
    """
    from univox.inference.inputs import find_inputs
    from univox.inference.predict_files import predict_files
    from univox.inference.predictor import Predictor
    from univox.inference.record import select_inputs, write_record

    if step is not None and overlap is not None:
        raise RecipeError(expected="either --step or --overlap", got="both", remedy="leave one of them out")
    changes: dict[str, Any] = {"step": step, "overlap": overlap, "precision": precision}
    if overlap is not None:
        changes["step"] = None
    settings = {name: value for name, value in changes.items() if value is not None or (name == "step" and overlap)}
    predictor = Predictor(model, device=device, settings=settings, trusted=trust)
    found = find_inputs(inputs, predictor.domain.channel_names)
    chosen = select_inputs(found, cases, predictor.domain.split)
    outcomes = predict_files(
        predictor,
        chosen,
        output,
        overwrite=overwrite,
        save_probabilities=save_probabilities,
        codes=codes,
        on_case=_report(len(chosen)),
    )
    write_record(output, predictor, outcomes)
    failed = sum(outcome.status == "failed" for outcome in outcomes)
    present = sum(outcome.status == "present" for outcome in outcomes)
    seconds = sum(outcome.seconds for outcome in outcomes)
    written = len(outcomes) - failed - present
    say(f"{written} written to {output}, {present} there already, {failed} failed, {seconds:.1f} s")
    if failed:
        sys.exit(EXIT_SOME_FAILED)


def _report(total: int) -> Any:
    done = 0

    def show(outcome: Outcome) -> None:
        nonlocal done
        done += 1
        if outcome.status == "failed":
            complain(f"{outcome.name}: {outcome.message}")
        else:
            say(f"[{done}/{total}] {outcome.name} {outcome.status} {outcome.seconds:.2f} s")

    return show
