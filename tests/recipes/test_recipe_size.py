from __future__ import annotations

import pytest

from univox.recipes.catalog import load_recipe
from univox.recipes.size import recipe_parameters


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("unet-2015", 31_030_658),
        ("nonlocal-unet-2020-released", 1_760_452),
        ("cc-3d-fcn-2018", 2_534_276),
        # What is planned counts as for patches that all the levels halve: those of the 3D U2-Net are 5, small 3.
        ("u2net-2019-independent", 33_113_214),
        ("u2net-2019-independent-small", 2_055_166),
    ],
)
def test_published_counts(name: str, parameters: int) -> None:
    assert recipe_parameters(load_recipe(name)) == parameters
