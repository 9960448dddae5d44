"""How large a recipe's network is."""

from __future__ import annotations

from typing import Any

from univox.networks.entry import CountedForm
from univox.networks.registry import NETWORKS, build_network, count_parameters
from univox.recipes.recipe import Recipe


def counted_form(recipe: Recipe) -> CountedForm:
    """Give the channels, classes and axes for which a recipe's network is counted: those of its main form.

    Raises:
        KeyError: The recipe names a class by its path, which has no such form.
    """
    return NETWORKS[recipe.network.name].forms[0]


def recipe_parameters(recipe: Recipe) -> int:
    """Count the numbers that training changes; the network is built without memory.

    What the plan decides (`auto`) is taken as it is for patches that all the recipe's levels halve.

    Raises:
        KeyError: The recipe names a class by its path, which has no main form.
    """
    import torch

    form = counted_form(recipe)
    levels = recipe.patches.levels
    planned: dict[str, Any] = {"pools": levels, "strides": [[2] * form.spatial_dims] * levels}
    given = recipe.network.arguments
    with torch.device("meta"):
        network = build_network(
            recipe.network.name,
            in_channels=form.in_channels,
            num_classes=form.num_classes,
            spatial_dims=form.spatial_dims,
            arguments={name: planned[name] if value == "auto" else value for name, value in given.items()},
        )
    return count_parameters(network)
