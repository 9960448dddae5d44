from __future__ import annotations

import json

import pytest
import yaml
from typer.testing import CliRunner

from univox.cli import recipes as verb
from univox.cli.main import app
from univox.errors import RecipeError
from univox.recipes.catalog import load_recipe, recipe_from, recipe_names, recipe_text
from univox.recipes.recipe import MeasuredFigure, Recipe


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["recipes", *arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0
    return done.output


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> Recipe:
    """Two recipes alone, so that little is counted; the first of them with a figure of ours."""
    figure = MeasuredFigure(
        what="Dice, mean of two", dataset="hippocampus_mri", value=0.875, command="univox train X", machine="two cores"
    )
    measured = load_recipe("nonlocal-unet-2020").model_copy(update={"measured": (figure,)})
    known = {measured.name: measured, "rdn-2017": load_recipe("rdn-2017")}
    monkeypatch.setattr("univox.recipes.catalog.recipe_names", lambda: list(known))
    monkeypatch.setattr("univox.recipes.catalog.load_recipe", lambda name: known[name])
    return measured


def test_a_row_has_network_year_parameters_and_figures(few: Recipe) -> None:
    lines = run().splitlines()
    [row] = [line.split() for line in lines if line.startswith(few.name)]
    assert row == [few.name, "nonlocal-unet", "2020", "1,821,124", "Dice", "0.929", "Dice", "0.875"]
    [row] = [line.split() for line in lines if line.startswith("rdn-2017")]
    assert row == ["rdn-2017", "residual-deconvolutional", "2017", "3,930,721", "-", "-"]


def test_the_list_fits_a_hundred_columns() -> None:
    assert max(map(len, run().splitlines())) <= 100


def test_figures_say_where_they_come_from_and_what_command_makes_them(few: Recipe) -> None:
    text = run("--figures")
    assert all(figure.where in text and f"{figure.value:g}" in text for figure in few.published)
    assert "measured  0.875   Dice, mean of two; hippocampus_mri (two cores)\n            univox train X\n" in text
    assert "no figures: rdn-2017" in text


def test_json_holds_everything(few: Recipe) -> None:
    rows = json.loads(run("--json"))
    assert [row["name"] for row in rows] == [few.name, "rdn-2017"]
    sizes = [row.pop("size") for row in rows]
    assert sizes[0] == {"parameters": 1_821_124, "in_channels": 2, "num_classes": 4, "spatial_dims": 3}
    assert recipe_from(rows[0]) == few


@pytest.mark.parametrize("name", ["univox", "u2net-2019-universal-small"])
def test_resolved_is_a_recipe_that_builds_on_nothing(name: str) -> None:
    values = yaml.safe_load(run("show", name, "--resolved"))
    assert "base" not in values
    assert recipe_from(values) == load_recipe(name)


@pytest.mark.parametrize("name", recipe_names())
def test_a_file_is_shown_as_it_is_and_its_base_is_pointed_out(name: str) -> None:
    shown = run("show", name)
    assert shown.startswith(recipe_text(name).rstrip())
    assert (f"`univox recipes show {name} --resolved`" in shown) == ("base" in yaml.safe_load(recipe_text(name)))


def test_show_needs_a_name() -> None:
    with pytest.raises(RecipeError, match="a recipe to show"):
        run("show")
    with pytest.raises(RecipeError, match="did you mean unet-2015"):
        run("show", "unet-2014")


def test_first_is_the_kind_of_figure_and_its_value() -> None:
    assert verb._first(load_recipe("fcn-2015").published) == "IoU 0.655"
    assert verb._first(()) == "-"
