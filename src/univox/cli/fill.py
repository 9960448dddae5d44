"""`univox fill`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from univox.cli.console import say
from univox.cli.run_options import Device, Seed, budget_in_seconds


def fill(
    volume: Annotated[Path, typer.Argument(help="The image.", show_default=False)],
    label: Annotated[Path, typer.Argument(help="Its label, on its grid, annotated in part.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="The whole label.", show_default=False)],
    ignore: Annotated[
        str, typer.Option("--ignore", help="Codes of voxels that nobody labelled: '255'.", show_default=False)
    ],
    everywhere: Annotated[
        bool, typer.Option("--everywhere", help="Write the network's answer on annotated voxels too.")
    ] = False,
    budget: Annotated[str | None, typer.Option(help="Time for the training; 5m if nothing is said.")] = None,
    iterations: Annotated[int | None, typer.Option(min=1, help="Updates, in place of a budget.")] = None,
    recipe: Annotated[str, typer.Option(help="A recipe's name, or a YAML file.")] = "univox",
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="Change the recipe: section.field=value. Repeatable.")
    ] = None,
    model: Annotated[Path | None, typer.Option(help="Keep the trained model in this folder.")] = None,
    seed: Seed = 0,
    device: Device = "auto",
) -> None:
    """Train on the annotated slices of one volume, and fill in the rest; annotated voxels keep their label."""
    from univox.cli.progress import TrainingProgress
    from univox.training.fill import fill as run

    with TrainingProgress() as progress:
        filled = run(
            volume,
            label,
            output,
            ignore=ignore,
            everywhere=everywhere,
            model=model,
            observer=progress,
            budget_seconds=budget_in_seconds(budget or ("5m" if iterations is None else None), iterations),
            iterations=iterations,
            recipe=recipe,
            overrides=tuple(overrides or ()),
            seed=seed,
            device=device,
            jobs=1,
        )
    say(f"{filled.annotated:.1%} was annotated; the network says the same of {filled.agreement:.1%} of that")
    say(f"wrote {filled.path} after {filled.iterations} iterations")
