"""The recipes of the wider family build their networks, and state what is known of their publications."""

from __future__ import annotations

import pytest
import torch

from univox.losses import build_loss
from univox.networks import NETWORKS, build_network, count_parameters
from univox.recipes.catalog import load_recipe, recipe_text

# The numbers of parameters are those of 3 channels and 1 class in 2-D, of 1 channel and 2 classes in 3-D.
COUNTS = {
    "vnet-2016": (3, 65_187_916),
    "attention-unet-2018": (3, 5_909_130),
    "resunet-2018": (2, 6_410_445),
    "unetpp-2018": (2, 9_042_276),
    "segresnet-2018": (3, 4_700_914),
    "swin-unetr-2022": (3, 15_703_004),
    "raunet-2019": (2, 22_143_265),
    "dcunet-2021": (2, 10_811_070),
    "sdunet-2020": (2, 5_998_257),
    "unext-2022": (2, 1_471_921),
    "lcmunet-2023": (2, 1_490_222),
}


@pytest.mark.parametrize("name", COUNTS)
def test_the_network_is_the_one_that_the_recipe_speaks_of(name: str) -> None:
    recipe = load_recipe(name)
    spatial_dims, parameters = COUNTS[name]
    in_channels, num_classes = (3, 1) if spatial_dims == 2 else (1, 2)
    with torch.device("meta"):
        network = build_network(
            recipe.network.name,
            in_channels=in_channels,
            num_classes=num_classes,
            spatial_dims=spatial_dims,
            arguments=recipe.network.arguments,
        )
    assert count_parameters(network) == parameters
    assert recipe.year == NETWORKS[recipe.network.name].year
    assert name.endswith(str(recipe.year))


@pytest.mark.parametrize("name", COUNTS)
def test_the_loss_can_be_built(name: str) -> None:
    loss = load_recipe(name).loss
    logits = torch.zeros(2, 3, 4, 4)
    label = torch.randint(3, (2, 4, 4), generator=torch.Generator().manual_seed(0))
    assert build_loss(loss.name, **loss.arguments)(logits, label).isfinite()


@pytest.mark.parametrize("name", COUNTS)
def test_what_is_not_of_the_paper_says_so(name: str) -> None:
    text = recipe_text(name)
    for section in ("preprocessing", "augmentation", "optimizer", "schedule", "training", "inference"):
        (line,) = [line for line in text.splitlines() if line.startswith(f"{section}:")]
        assert "# chosen here" in line
    assert "not at hand" in " ".join(load_recipe(name).notes)


def test_second_hand_figures_are_marked() -> None:
    figures = [figure for name in COUNTS for figure in load_recipe(name).published]
    assert len(figures) == 5
    assert all("second-hand" in figure.where and 0 < figure.value < 1 for figure in figures)


def test_what_the_design_of_the_v_net_is_known_to_be() -> None:
    recipe = load_recipe("vnet-2016")
    assert recipe.patches.edges(3) == (128, 128, 64)
    assert (recipe.loss.name, recipe.loss.arguments) == ("dice", {"squared": True})
