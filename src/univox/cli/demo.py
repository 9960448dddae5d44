"""`univox demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from univox.cli.console import say
from univox.cli.dataset_options import Jobs


def demo(
    output: Annotated[Path, typer.Option("--output", "-o", help="Where model, predictions and report go.")] = Path(
        "demo-output"
    ),
    budget: Annotated[str, typer.Option(help="Time for training: 3m, 90s.")] = "3m",
    seed: Annotated[int, typer.Option(min=0, help="Fixes every random number.")] = 0,
    jobs: Jobs = 2,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier demonstration.")] = False,
) -> None:
    """Train, predict, judge and show on the real data that ships inside; minutes on two cores."""
    from univox.cli.progress import TrainingProgress
    from univox.studies.demonstration import demonstrate
    from univox.training.budget import parse_budget
    from univox.training.run import remove_run

    if overwrite:
        remove_run(output / "model")
    say("48 hippocampus MRI crops of the Medical Segmentation Decathlon (CC-BY-SA 4.0): 36 to learn from, 12 kept out")
    with TrainingProgress() as progress:
        shown = demonstrate(output, budget_seconds=parse_budget(budget), seed=seed, jobs=jobs, observer=progress)
    for name, dice in shown.dice.items():
        say(f"Dice {name} {dice:.3f}")
    say(f"mean foreground Dice {shown.mean_dice:.3f}")
    say(f"report {shown.report.resolve()}")
    say("with your own data:")
    say("  univox check YOUR_DATASET")
    say("  univox train YOUR_DATASET --budget 25m --holdout 0.2 -o MODEL")
    say("  univox predict MODEL YOUR_IMAGES -o PREDICTIONS")
