"""`univox recipes`."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from univox.cli.console import say, say_json
from univox.errors import RecipeError

if TYPE_CHECKING:
    from univox.recipes.recipe import MeasuredFigure, PublishedFigure, Recipe

HEADINGS = ("recipe", "network", "year", "parameters", "published", "measured")
NUMBERS = frozenset({2, 3})


def recipes(
    action: Annotated[Literal["list", "show"], typer.Argument(help="`list`, or `show` with a name.")] = "list",
    name: Annotated[str | None, typer.Argument(help="The recipe to show.", show_default=False)] = None,
    figures: Annotated[
        bool, typer.Option("--figures", help="List every published and measured figure, with its command.")
    ] = False,
    resolved: Annotated[
        bool, typer.Option("--resolved", help="With `show`: every value, those of the base and the defaults too.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write every value of every recipe as JSON.")] = False,
) -> None:
    """List the recipes with what is published of them and what we measured, or show one as YAML."""
    from univox.recipes.catalog import load_recipe, recipe_names

    if action == "show":
        if name is None:
            raise RecipeError(
                expected="a recipe to show", got="none", remedy=f"show one of {', '.join(recipe_names())}"
            )
        _show(name, resolved=resolved)
        return
    loaded = [load_recipe(recipe) for recipe in recipe_names()]
    if as_json:
        say_json([_with_its_size(recipe) for recipe in loaded])
    elif figures:
        _list_figures(loaded)
    else:
        _list(loaded)


def _show(name: str, *, resolved: bool) -> None:
    import yaml

    from univox.recipes.catalog import load_recipe, recipe_text

    if resolved:
        values = load_recipe(name).model_dump(mode="json")
        say(yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=100).rstrip())
        return
    text = recipe_text(name).rstrip()
    say(text)
    base = yaml.safe_load(text).get("base")
    if base is not None:
        say(f"# What is not stated here is as in {base}; `univox recipes show {name} --resolved` prints every value.")


def _list(loaded: Sequence[Recipe]) -> None:
    from univox.recipes.size import recipe_parameters

    rows = [
        (
            recipe.name,
            recipe.network.name,
            str(recipe.year or "-"),
            f"{recipe_parameters(recipe):,}",
            _first(recipe.published),
            _first(recipe.measured),
        )
        for recipe in loaded
    ]
    widths = [max(map(len, column)) for column in zip(HEADINGS, *rows, strict=True)]
    for row in (HEADINGS, tuple("-" * width for width in widths), *rows):
        cells = [
            cell.rjust(width) if index in NUMBERS else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        say(" ".join(cells).rstrip())
    say("")
    say("parameters: for the channels and classes of the network's first row in `univox networks`")
    say("published, measured: the first figure; `univox recipes --figures` has all, with dataset and command")


def _first(figures: Sequence[PublishedFigure | MeasuredFigure]) -> str:
    """The kind of the first figure and its value, short enough for a column."""
    if not figures:
        return "-"
    kind = figures[0].what.removeprefix("mean ").partition(",")[0].split()[0]
    return f"{kind} {figures[0].value:.3f}"


def _list_figures(loaded: Sequence[Recipe]) -> None:
    for recipe in loaded:
        if not (recipe.published or recipe.measured):
            continue
        say(f"{recipe.name}: {recipe.title}")
        for published in recipe.published:
            say(f"  published {published.value:<7g} {published.what}; {published.dataset} ({published.where})")
        for measured in recipe.measured:
            say(f"  measured  {measured.value:<7g} {measured.what}; {measured.dataset} ({measured.machine})")
            say(f"            {measured.command}")
    without = [recipe.name for recipe in loaded if not (recipe.published or recipe.measured)]
    for line in textwrap.wrap(f"no figures: {', '.join(without)}", 98, subsequent_indent="  ", break_on_hyphens=False):
        say(line)


def _with_its_size(recipe: Recipe) -> dict[str, Any]:
    from univox.recipes.size import counted_form, recipe_parameters

    form = counted_form(recipe)
    size = {"parameters": recipe_parameters(recipe), "in_channels": form.in_channels, "num_classes": form.num_classes}
    return {**recipe.model_dump(mode="json"), "size": {**size, "spatial_dims": form.spatial_dims}}
