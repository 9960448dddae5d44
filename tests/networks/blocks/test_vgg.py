from __future__ import annotations

import pytest
import torch

from univox.errors import RecipeError
from univox.networks.blocks.u_shape import plain_layers
from univox.networks.blocks.vgg import VGG16Features

# Places of the convolutions among the layers of torchvision's VGG-16, and their shapes.
CONVOLUTIONS = {
    0: (64, 3),
    2: (64, 64),
    5: (128, 64),
    7: (128, 128),
    10: (256, 128),
    12: (256, 256),
    14: (256, 256),
    17: (512, 256),
    19: (512, 512),
    21: (512, 512),
    24: (512, 512),
    26: (512, 512),
    28: (512, 512),
}


def encoder(spatial_dims: int = 2, **arguments: object) -> VGG16Features:
    return VGG16Features(3, layers=plain_layers(spatial_dims), spatial_dims=spatial_dims, **arguments)  # type: ignore[arg-type]


def test_names_order_and_shapes_are_those_of_the_common_weights() -> None:
    with torch.device("meta"):
        state = encoder().state_dict()
    expected = {}
    for place, (after, before) in CONVOLUTIONS.items():
        expected[f"{place}.weight"] = (after, before, 3, 3)
        expected[f"{place}.bias"] = (after,)
    assert [(name, tuple(value.shape)) for name, value in state.items()] == list(expected.items())


def test_each_group_holds_its_share() -> None:
    with torch.device("meta"):
        network = encoder()
    groups = (range(5), range(5, 10), range(10, 17), range(17, 24), range(24, 30))
    counts = [sum(p.numel() for place in group for p in network[place].parameters()) for group in groups]
    assert counts == [38_720, 221_440, 1_475_328, 5_899_776, 7_079_424]
    assert len(network) == 30


def test_outputs_come_before_each_pooling() -> None:
    torch.manual_seed(0)
    network = encoder(3, widths=(2, 2, 3, 3, 4))
    groups = network(torch.randn(1, 3, 32, 32, 64))
    assert [tuple(group.shape[1:]) for group in groups] == [
        (2, 32, 32, 64),
        (2, 16, 16, 32),
        (3, 8, 8, 16),
        (3, 4, 4, 8),
        (4, 2, 2, 4),
    ]


def test_another_number_of_widths_is_refused() -> None:
    with pytest.raises(RecipeError, match="five widths"):
        encoder(widths=(64, 128))
