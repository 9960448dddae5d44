"""`univox postprocess`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from univox.cli.console import say, table
from univox.cli.dataset_options import LabelFolder, LabelsAre, Layout
from univox.cli.run_options import Device, TrustNetwork
from univox.errors import DatasetError

FEW = 3
"""Of fewer cases a choice says little about others."""

if TYPE_CHECKING:
    from univox.inference.postprocess import ChosenPostprocessing


def postprocess(
    model: Annotated[Path, typer.Argument(help="A model folder.", show_default=False)],
    dataset: Annotated[
        Path | None,
        typer.Argument(help="The dataset with the cases that choose; not needed to --remove.", show_default=False),
    ] = None,
    domain: Annotated[
        str | None, typer.Option(help="Which, of a model that knows several datasets (univox info MODEL).")
    ] = None,
    cases: Annotated[
        str, typer.Option(help="'validation', or names of cases that it was not trained on, comma-separated.")
    ] = "validation",
    remove: Annotated[bool, typer.Option("--remove", help="Take what was stored away, and choose nothing.")] = False,
    layout: Layout = "auto",
    labels: LabelFolder = None,
    labels_are: LabelsAre = "auto",
    device: Device = "auto",
    trust: TrustNetwork = False,
) -> None:
    """Choose on validation cases what is done to labels: drop small pieces, keep the largest, fill holes; store it.

    Only what raises a class's Dice is taken. No weight and no probability changes; `univox predict` applies it.
    """
    from univox.inference import postprocess as work

    if remove:
        gone = work.remove_postprocessing(model, domain=domain)
        say(
            "there was no post-processing"
            if gone is None
            else f"removed from {model}: {'; '.join(map(str, gone.steps))}"
        )
        return
    if dataset is None:
        raise DatasetError(
            expected="the dataset that holds the cases",
            got="none",
            remedy="univox postprocess MODEL DATASET, or --remove",
        )
    from univox.data.layouts import open_dataset

    done = work.postprocess(
        model,
        open_dataset(dataset, layout=layout, labels=labels, labels_are=labels_are),
        domain=domain,
        cases=cases if cases in ("validation", "test") else [name.strip() for name in cases.split(",")],
        device=device,
        trusted=trust,
        on_case=lambda name, number, total: say(f"[{number}/{total}] {name}"),
    )
    _show(done)
    count = f"{len(done.cases)} case{'' if len(done.cases) == 1 else 's'}"
    if done.postprocessing is None:
        say(f"nothing helps on {count}: no post-processing is stored in {model}")
        return
    for step in done.postprocessing.steps:
        say(str(step))
    say(f"stored in {model}, chosen on {count}; univox predict --no-postprocessing leaves it out")
    if len(done.cases) < FEW:
        say("chosen on few cases: judge test cases with it and without it")


def _show(done: ChosenPostprocessing) -> None:
    from univox.inference.postprocessing_choice import LEAST_GAIN, WORSE_SHARE

    moving = [step for step in done.choice.tried if step.better or step.worse]
    rows = [
        [
            step.class_name,
            step.action,
            f"{step.dice_before:.4f}",
            f"{step.dice_after:.4f}",
            str(step.better),
            str(step.worse),
            "yes" if step in done.choice.taken else "",
        ]
        for step in moving
    ]
    if rows:
        columns = ["class", "what is done", "Dice before", "Dice after", "better", "worse", "taken"]
        table("", columns, rows, right={2, 3, 4, 5})
    if len(moving) < len(done.choice.tried):
        say(f"{len(done.choice.tried) - len(moving)} of {len(done.choice.tried)} steps change no case's Dice")
    say(
        f"taken where the class's mean Dice rises by more than {LEAST_GAIN:g}"
        f" and falls in at most {WORSE_SHARE:.0%} of the cases"
    )
