from __future__ import annotations

from pathlib import Path

import pytest

from univox.errors import RecipeError
from univox.recipes.catalog import DEFAULT_RECIPE, load_recipe, recipe_from, recipe_names, recipe_text


def test_every_shipped_recipe_loads_under_its_own_name() -> None:
    names = recipe_names()
    assert names[0] == DEFAULT_RECIPE
    assert [load_recipe(name).name for name in names] == names
    assert "nonlocal-unet-2020" in names


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_survives_being_stored(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe_from(recipe.model_dump(mode="json")) == recipe


def test_the_non_local_recipe_states_what_the_paper_states() -> None:
    recipe = load_recipe("nonlocal-unet-2020")
    assert (recipe.optimizer.name, recipe.optimizer.lr, recipe.optimizer.weight_decay) == ("adam", 1e-3, 2e-6)
    assert (recipe.patches.patch_size, recipe.patches.batch_size) == (32, 5)
    assert recipe.inference.step == 8
    assert recipe.inference.blend == "uniform"
    assert recipe.network.arguments["attention_dropout"] == 0.5
    assert recipe.standardize_patches
    assert recipe.preprocessing.crop == "nonzero-first-channel"
    assert recipe.schedule.name == "constant"


def test_an_override_reaches_its_value_and_nothing_else() -> None:
    plain, changed = load_recipe("univox"), load_recipe("univox", ["optimizer.lr=3e-4"])
    assert changed.optimizer.lr == 3e-4
    assert changed.model_copy(update={"optimizer": plain.optimizer}) == plain


@pytest.mark.parametrize(
    ("assignment", "words"),
    [
        ("optimizer.rate=1", "optimizer.rate"),
        ("optimizer.lr=-1", "optimizer.lr"),
        ("optimizer.lr", "FIELD=VALUE"),
        ("name.lr=1", "name"),
    ],
)
def test_an_override_that_does_not_fit_names_the_place(assignment: str, words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        load_recipe("univox", [assignment])


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(RecipeError, match="did you mean nonlocal-unet-2020"):
        load_recipe("nonlocal-unet-2019")


def test_a_file_may_build_on_a_shipped_recipe(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("base: univox\noptimizer: {lr: 0.001}\n")
    mine, base = load_recipe(path), load_recipe("univox")
    assert (mine.name, mine.optimizer.lr) == ("mine", 0.001)
    assert mine.optimizer.name == base.optimizer.name
    assert mine.network == base.network


def test_another_network_in_a_file_does_not_inherit_arguments(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("base: univox\nnetwork: {name: nonlocal-unet}\n")
    assert load_recipe(path).network.arguments == {}


@pytest.mark.parametrize("text", ["a: [1", "- 1\n- 2\n"])
def test_a_broken_file_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(text)
    with pytest.raises(RecipeError, match=r"broken\.yaml"):
        load_recipe(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"absent\.yaml"):
        load_recipe(tmp_path / "absent.yaml")


def test_recipe_text_is_what_loads() -> None:
    assert "1,821,124" in recipe_text("nonlocal-unet-2020")


def test_a_shipped_recipe_may_build_on_another_but_keeps_its_own_figures() -> None:
    base, model = load_recipe("nonlocal-unet-2020"), load_recipe("nonlocal-unet-2020-model3")
    assert model.network.arguments == {**base.network.arguments, "variant": "model3"}
    assert model.optimizer == base.optimizer
    assert [figure.value for figure in model.published] == [0.9174, 0.4271]
    assert len(base.published) == 4
    released = load_recipe("nonlocal-unet-2020-released")
    assert released.published == ()
    assert (released.network.arguments["attention_dropout"], released.training.kept_every) == (0.0, 9000)
