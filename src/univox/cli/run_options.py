"""The flags of a training, the same in every verb that trains."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Holdout = Annotated[float, typer.Option(min=0.0, max=0.9, help="Share of the subjects kept out as test cases.")]
Validation = Annotated[
    float,
    typer.Option(min=0.0, max=0.9, help="Share of the rest that chooses the best weights (at most 12 cases)."),
]
Seed = Annotated[int, typer.Option(min=0, help="Fixes the split and every random number.")]
SkipBadCases = Annotated[
    bool, typer.Option("--skip-bad-cases", help="Go on without the cases that `univox check` calls errors.")
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]
Cache = Annotated[Path | None, typer.Option(help="Folder of prepared cases; default: the user's cache.")]
TrustNetwork = Annotated[
    bool, typer.Option("--trust-network", help="Allow a network that is not univox's own; it runs foreign code.")
]
"""Named `trust` in every verb."""


def budget_in_seconds(budget: str | None, iterations: int | None) -> float | None:
    """Read how long a training may take; none where its length is given in iterations, or left to the recipe.

    Raises:
        RecipeError: Both are given, or the time cannot be read.

    >>> budget_in_seconds("1m30s", None), budget_in_seconds(None, 5)
    (90.0, None)
    """
    from univox.errors import RecipeError
    from univox.training.budget import parse_budget

    if budget is not None and iterations is not None:
        raise RecipeError(expected="either --budget or --iterations", got="both", remedy="leave one of them out")
    return None if budget is None else parse_budget(budget)
