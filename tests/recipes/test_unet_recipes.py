"""The recipes of the U-Nets and of the fully convolutional networks state what their publications state."""

from __future__ import annotations

import pytest
import torch

from univox.losses import build_loss
from univox.networks import build_network, count_parameters
from univox.recipes.catalog import load_recipe

NAMES = (
    "unet-2015",
    "unet-2015-padded",
    "unet3d-2016",
    "unet3d-2016-padded",
    "unet-vgg16",
    "fcn-2015",
    "cc-3d-fcn-2018",
)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_network_and_loss_can_be_built(name: str, spatial_dims: int) -> None:
    recipe = load_recipe(name)
    part = recipe.network
    with torch.device("meta"):
        network = build_network(
            part.name, in_channels=1, num_classes=3, spatial_dims=spatial_dims, arguments=part.arguments
        )
    assert next(network.parameters()).is_meta
    loss = build_loss(recipe.loss.name, **recipe.loss.arguments)
    logits = torch.zeros(1, 3, *(4,) * spatial_dims)
    label = torch.zeros(1, *(4,) * spatial_dims, dtype=torch.int64)
    label[:, 0] = 1
    assert loss(logits, label).isfinite()


@pytest.mark.parametrize("name", ["unet-2015", "unet-2015-padded"])
def test_unet_of_2015(name: str) -> None:
    recipe = load_recipe(name)
    assert (recipe.optimizer.name, recipe.optimizer.momentum, recipe.patches.batch_size) == ("sgd", 0.99, 1)
    assert recipe.loss.name == "border-cross-entropy"
    assert (recipe.loss.arguments["w0"], recipe.loss.arguments["sigma"]) == (10, 5)
    assert recipe.network.arguments.get("padded", False) == name.endswith("padded")


@pytest.mark.parametrize(("name", "patch"), [("unet-2015", (572, 572)), ("unet3d-2016", (132, 132, 116))])
def test_published_patches_fit_their_networks_and_tiles_abut(name: str, patch: tuple[int, ...]) -> None:
    recipe = load_recipe(name)
    assert recipe.patches.edges(len(patch)) == patch
    with torch.device("meta"):
        network = build_network(
            recipe.network.name,
            in_channels=1,
            num_classes=2,
            spatial_dims=len(patch),
            arguments=recipe.network.arguments,
        )
    assert network.sizes.fitting(patch) == patch
    assert (recipe.inference.overlap, recipe.inference.blend) == (0.0, "uniform")


@pytest.mark.parametrize("name", ["unet-2015", "unet-2015-padded", "unet3d-2016", "unet3d-2016-padded"])
def test_what_lies_beyond_the_image_is_not_counted(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.loss.arguments["ignore_index"] == recipe.patches.sampling.padding_label


@pytest.mark.parametrize("stride", [8, 16, 32])
def test_the_other_fcns_are_one_value_away(stride: int) -> None:
    recipe = load_recipe("fcn-2015", [f"network.arguments.stride={stride}"])
    with torch.device("meta"):
        network = build_network(
            "fcn", in_channels=3, num_classes=21, spatial_dims=2, arguments=recipe.network.arguments
        )
    assert count_parameters(network) == {8: 134_362_751, 16: 134_357_354, 32: 134_346_581}[stride]
    assert {figure.value for figure in recipe.published} == {0.655, 0.650, 0.636}


def test_the_stand_in_says_so() -> None:
    recipe = load_recipe("cc-3d-fcn-2018")
    assert "stand-in" in recipe.title
    assert "stand-in" in recipe.source
    assert "no reproduction" in recipe.notes[0]
    assert (recipe.optimizer.name, recipe.optimizer.lr, recipe.optimizer.weight_decay) == ("sgd", 1e-3, 5e-4)
    assert (recipe.schedule.name, recipe.schedule.factor, recipe.schedule.every) == ("steps", 0.1, 20_000)
