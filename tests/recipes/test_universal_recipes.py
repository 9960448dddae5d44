"""The recipes of the 3D U2-Net, of the networks of neurites and of the attention U-Net state what sources state."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from univox.data.patch_size import plan_patch_size, plan_strides, total_strides
from univox.losses import build_loss
from univox.networks import build_network, count_parameters
from univox.networks.blocks.sizes import size_rule
from univox.networks.universal_counts import count_of_one
from univox.recipes.catalog import load_recipe
from univox.recipes.recipe import Recipe

KINDS = ("independent", "shared", "universal")
PUBLISHED = tuple(f"u2net-2019-{kind}" for kind in KINDS)
RELEASED = tuple(f"{name}-released" for name in PUBLISHED)
SMALL = tuple(f"{name}-small" for name in PUBLISHED)
OTHERS = ("rsunet-2017", "rdn-2017", "attention-unet3d-mobilenetv2-2022")


def built(recipe: Recipe, *, spatial_dims: int = 3, in_channels: int = 1, num_classes: int = 2) -> nn.Module:
    """Without memory; what is auto is 3."""
    arguments = {name: 3 if value == "auto" else value for name, value in recipe.network.arguments.items()}
    with torch.device("meta"):
        return build_network(
            recipe.network.name,
            in_channels=in_channels,
            num_classes=num_classes,
            spatial_dims=spatial_dims,
            arguments=arguments,
        )


@pytest.mark.parametrize("name", [*PUBLISHED, *RELEASED, *SMALL, *OTHERS])
@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_network_and_loss_can_be_built(name: str, spatial_dims: int) -> None:
    recipe = load_recipe(name)
    assert next(built(recipe, spatial_dims=spatial_dims).parameters()).is_meta
    label = torch.zeros(1, *(4,) * spatial_dims, dtype=torch.int64)
    label[:, 0] = 1
    loss = build_loss(recipe.loss.name, **recipe.loss.arguments)
    assert loss(torch.zeros(1, 2, *(4,) * spatial_dims), label).isfinite()


@pytest.mark.parametrize("name", [*PUBLISHED, *RELEASED, *SMALL, *OTHERS])
def test_a_stated_patch_fits_the_network(name: str) -> None:
    recipe = load_recipe(name)
    edges = recipe.patches.edges(3)
    if edges is not None:
        assert size_rule(built(recipe), 3).fitting(edges) == edges


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_paper_is_followed_where_it_states_a_value(name: str) -> None:
    recipe = load_recipe(name)
    assert (recipe.year, recipe.network.name, recipe.network.arguments["width"]) == (2019, "u2net", 16)
    assert (recipe.optimizer.name, recipe.optimizer.lr, recipe.optimizer.weight_decay) == ("adam", 3e-4, 1e-5)
    schedule = recipe.schedule
    assert (schedule.name, schedule.average, schedule.warmup) == ("plateau", "exponential", 0)
    assert (schedule.iterations_per_epoch, schedule.window, schedule.threshold) == (250, 30, 5e-4)
    assert (schedule.factor, schedule.lowest) == (1 / 5, 1e-8)
    clip = recipe.preprocessing.clip
    assert (clip.low, clip.high, clip.over) == (2.0, 98.0, "image")
    assert (recipe.preprocessing.crop, recipe.preprocessing.spacing_mm) == ("nonzero", "median")
    assert recipe.preprocessing.normalization.scope == "case"
    assert recipe.loss.name == "lovasz-focal"
    assert recipe.inference.overlap == 0.5
    assert len(recipe.published) == 9


def test_the_mean_of_the_published_classes_is_the_published_mean() -> None:
    for name in PUBLISHED:
        *classes, mean, _ = (figure.value for figure in load_recipe(name).published)
        assert sum(classes) / 7 == pytest.approx(mean, abs=6e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_the_released_code_differs_from_the_paper_as_noted(kind: str) -> None:
    paper, code = load_recipe(f"u2net-2019-{kind}"), load_recipe(f"u2net-2019-{kind}-released")
    assert (code.optimizer.lr, code.optimizer.weight_decay) == (3e-4, 5e-4)
    schedule = code.schedule
    assert (schedule.average, schedule.iterations_per_epoch, schedule.window, schedule.patience) == ("mean", 300, 20, 1)
    assert (schedule.threshold, schedule.factor, schedule.lowest) == (1e-4, 0.5, 1e-8)
    assert code.training.iterations == 300 * 300
    assert code.published == ()
    for section in ("augmentation", "network", "loss", "inference", "patches"):
        assert getattr(code, section) == getattr(paper, section)


def test_shared_and_universal_differ_in_their_units_and_in_the_precision_of_prediction_alone() -> None:
    shared, universal = load_recipe("u2net-2019-shared"), load_recipe("u2net-2019-universal")
    assert (shared.patches.patch_size, shared.patches.batch_size) == (128, 2)
    assert {**shared.network.arguments, "units": "adapted"} == universal.network.arguments
    for section in ("preprocessing", "patches", "augmentation", "loss", "optimizer", "schedule", "training"):
        assert getattr(shared, section) == getattr(universal, section)
    assert (shared.inference.precision, universal.inference.precision) == ("auto", "fp32")
    assert shared.inference.model_copy(update={"precision": "fp32"}) == universal.inference
    assert count_of_one(built(shared)) == 33_112_496
    assert count_parameters(built(universal)) == 5_998_430


def leaves(value: Any, place: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {place: value}
    return {key: leaf for name, under in value.items() for key, leaf in leaves(under, f"{place}.{name}").items()}


@pytest.mark.parametrize("form", ["", "-released", "-small"])
def test_the_modes_differ_by_values_alone(form: str) -> None:
    resolved = [load_recipe(f"u2net-2019-{kind}{form}") for kind in KINDS]
    about = {"name", "title", "source", "notes", "published"}
    independent, *others = (leaves(recipe.model_dump(mode="json", exclude=about)) for recipe in resolved)
    places = {place for other in others for place in other if other[place] != independent.get(place)}
    named = (".network.arguments.units", ".network.arguments.pools", ".patches.", ".domains.", ".inference.precision")
    assert places
    assert all(place.startswith(named) for place in places)
    assert [recipe.domains.share for recipe in resolved] == ["nothing", "trunk", "trunk"]
    assert [recipe.domains.turns for recipe in resolved[1:]] == ["round-robin"] * 2


def test_univoxs_own_universal_network_is_univox_with_a_dataset_s_own_convolutions() -> None:
    own, universal = load_recipe("univox"), load_recipe("univox-universal")
    about = {"name", "title", "source", "notes", "measured"}
    before, after = (leaves(recipe.model_dump(mode="json", exclude=about)) for recipe in (own, universal))
    assert {place: after[place] for place in after if before.get(place) != after[place]} == {
        ".network.arguments.convolution": "separable"
    }
    assert before.keys() < after.keys()


def test_independent_patches_and_halvings_of_the_hippocampus_are_the_released_codes() -> None:
    patches, median = load_recipe("u2net-2019-independent").patches, (36, 50, 35)
    strides = plan_strides(tuple(map(float, median)), (1.0, 1.0, 1.0), patches.levels)
    assert strides == ((2, 2, 2),) * 3
    assert plan_patch_size(median, total_strides(strides, 3), patches.voxels(3)) == (40, 56, 40)


@pytest.mark.parametrize("kind", KINDS)
def test_small_ones_are_the_paper_but_for_what_two_cores_bear(kind: str) -> None:
    paper, small = load_recipe(f"u2net-2019-{kind}"), load_recipe(f"u2net-2019-{kind}-small")
    assert small.network.arguments["units"] == paper.network.arguments["units"]
    for section in ("preprocessing", "augmentation", "loss", "inference"):
        assert getattr(small, section) == getattr(paper, section)
    assert small.schedule.model_copy(update={"iterations_per_epoch": 250}) == paper.schedule
    assert small.optimizer.model_copy(update={"lr": 3e-4}) == paper.optimizer


def test_other_networks_are_those_of_their_sources() -> None:
    assert count_parameters(built(load_recipe("rsunet-2017"), num_classes=1)) == 2_215_777
    assert count_parameters(built(load_recipe("rdn-2017"), spatial_dims=2, in_channels=3, num_classes=1)) == 3_930_721
    attention = load_recipe("attention-unet3d-mobilenetv2-2022")
    assert count_parameters(built(attention, in_channels=4, num_classes=1)) == 4_997_485
    assert (attention.optimizer.lr, attention.schedule.factor, attention.schedule.patience) == (1e-2, 0.2, 5)
    assert (attention.patches.edges(3), attention.patches.batch_size) == ((240, 240, 155), 2)
