from __future__ import annotations

from typing import Any, ClassVar

import pytest
import torch
from closed_forms import built, closed_forms, counts
from network_contract import NetworkContract

from univox.errors import RecipeError, ShapeError
from univox.networks import count_parameters
from univox.networks.dcunet import DCUNet


class TestDCUNet(NetworkContract):
    name = "dcunet"
    arguments: ClassVar[dict[str, Any]] = {"width": 4}
    divisor = 16
    smallest = 32
    # Untrained, twenty normalized layers in a row without a shortcut around them amplify rounding.
    rounding = 0.5

    def image(self, spatial_dims: int = 2, *, batch: int = 2, in_channels: int = 2) -> torch.Tensor:
        image = super().image(spatial_dims, batch=batch, in_channels=in_channels)
        return image[..., :32, :] if spatial_dims == 3 else image


class TestReleasedHeadWithZeros(NetworkContract):
    name = "dcunet"
    arguments: ClassVar[dict[str, Any]] = {"width": 4, "head": "released", "padding": "zeros"}
    divisor = 16
    dims = (1, 2)
    # Untrained, twenty normalized layers in a row without a shortcut around them amplify rounding.
    rounding = 0.5


# The layer table, row by row.
def test_every_part_has_the_released_networks_parameters() -> None:
    network = built("dcunet", 3, 1, 2, head="released")
    assert [block.normalization.num_features for block in network.encoder] == [51, 105, 212, 426, 853]
    assert counts(network.encoder) == [11_397, 65_901, 270_304, 1_090_560, 4_367_786]
    assert counts(network.skips) == [47_552, 149_888, 436_224, 1_091_584]
    assert counts(network.up) == [873_728, 218_240, 54_336, 13_472]
    assert counts(network.decoder) == [1_601_760, 397_446, 97_548, 23_292]
    assert counts([network.output]) == [53]
    assert count_parameters(network) == 10_811_071


@closed_forms({2: (10_810_433, 195, 53), 3: (29_340_161, 483, 53)})
def test_totals_of_channels_and_classes(spatial_dims: int, in_channels: int, num_classes: int, parameters: int) -> None:
    network = built("dcunet", in_channels, num_classes, spatial_dims, head="released")
    assert count_parameters(network) == parameters
    plain = built("dcunet", in_channels, num_classes, spatial_dims)
    assert count_parameters(plain) == parameters - num_classes
    assert count_parameters(plain.output) == 52 * num_classes


def test_padding_changes_no_count() -> None:
    assert count_parameters(built("dcunet", 1, 2, 2, padding="zeros")) == count_parameters(built("dcunet", 1, 2, 2))


def test_reflection_wants_a_map_that_it_can_reflect() -> None:
    with pytest.raises(ShapeError, match="at least 32, got 16 on axis H; remedy: pad or crop to 32"):
        DCUNet(1, 2, spatial_dims=2, width=4)(torch.zeros(1, 1, 16, 32))
    zeros = DCUNet(1, 2, spatial_dims=2, width=4, padding="zeros").eval()
    assert zeros(torch.zeros(1, 1, 16, 32)).shape == (1, 2, 16, 32)


def test_a_constant_image_has_no_border_under_reflection() -> None:
    torch.manual_seed(0)
    network = DCUNet(1, 2, spatial_dims=2, width=4).double().eval()
    blocks = network.encoder[0](torch.full((1, 1, 32, 32), 2.0, dtype=torch.float64))
    torch.testing.assert_close(blocks, blocks[..., :1, :1].expand_as(blocks))


def test_one_block_in_bf16_is_near_full_precision() -> None:
    # Of the whole network, untrained, only that it stays in bounds is asked above: shortcuts lie inside blocks alone.
    torch.manual_seed(0)
    block = DCUNet(1, 2, spatial_dims=2).encoder[0]
    image = torch.randn(2, 1, 32, 32)
    plain = block(image)
    with torch.autocast("cpu", torch.bfloat16):
        rough = block(image)
    assert (rough.float() - plain).square().mean() < 1e-4 * plain.square().mean()


def test_the_released_head_is_bounded() -> None:
    torch.manual_seed(0)
    network = DCUNet(1, 2, spatial_dims=1, width=4, head="released")
    assert network(100 * torch.randn(2, 1, 32)).abs().max() <= 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [({"width": 3}, "width from 4"), ({"padding": "same"}, "padding of reflect"), ({"head": "tanh"}, "head of logits")],
)
def test_what_does_not_fit_is_refused(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        DCUNet(1, 2, **arguments)
