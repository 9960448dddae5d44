"""`univox recipes`."""

from __future__ import annotations

from typing import Annotated

import typer

from univox.cli.console import say, table
from univox.errors import RecipeError


def recipes(
    action: Annotated[str, typer.Argument(help="`list`, or `show` with a name.")] = "list",
    name: Annotated[str | None, typer.Argument(help="The recipe to show.", show_default=False)] = None,
) -> None:
    """List the recipes, or show one as YAML."""
    from univox.recipes.catalog import load_recipe, recipe_names, recipe_text

    if action == "show" and name is not None:
        say(recipe_text(name).rstrip())
        return
    if action != "list":
        raise RecipeError(
            expected="`univox recipes` or `univox recipes show NAME`",
            got=f"`univox recipes {action}`",
            remedy=f"show one of {', '.join(recipe_names())}",
        )
    loaded = [load_recipe(recipe) for recipe in recipe_names()]
    rows = [[r.name, r.network.name, str(r.year or "-"), r.loss.name, r.optimizer.name, r.source] for r in loaded]
    table("", ["recipe", "network", "year", "loss", "optimizer", "source"], rows)
