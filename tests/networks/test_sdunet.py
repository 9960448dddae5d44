from __future__ import annotations

from typing import Any, ClassVar

import pytest
import torch
from closed_forms import built, closed_forms, counts
from network_contract import NetworkContract

from univox.errors import RecipeError
from univox.networks import count_parameters
from univox.networks.sdunet import DilatedBlock, SDUNet


class TestSDUNet(NetworkContract):
    name = "sdunet"
    arguments: ClassVar[dict[str, Any]] = {"widths": (16, 16, 32)}
    divisor = 4
    # What a convolution adds to a channel, its batch norm takes away again.
    unmoved = (".0.bias",)


# The layer table, row by row.
def test_every_part_has_the_parameters_of_the_layer_table() -> None:
    network = built("sdunet", 3, 1, 2)
    assert counts(network.encoder) == [7_248, 62_016, 247_296, 987_648, 1_577_472]
    assert counts(network.up) == [1_049_088, 262_400, 65_664, 16_448]
    assert counts(network.decoder) == [1_279_488, 320_064, 80_112, 43_248]
    assert counts([network.output]) == [65]
    assert count_parameters(network) == 5_998_257


@closed_forms({2: (5_997_328, 288, 65), 3: (16_585_520, 864, 65)})
def test_totals_of_channels_and_classes(spatial_dims: int, in_channels: int, num_classes: int, parameters: int) -> None:
    assert count_parameters(built("sdunet", in_channels, num_classes, spatial_dims)) == parameters


def test_a_block_sees_as_far_as_its_dilations_add_up() -> None:
    torch.manual_seed(0)
    block = DilatedBlock(1, 32, spatial_dims=1, dilations=(1, 3, 6, 9, 12)).double().eval()
    for convolve in block.chain:  # linear and positive, so that nothing cancels and nothing is cut off
        convolve[0].weight.data.fill_(1.0)
    impulse = torch.zeros(1, 1, 101, dtype=torch.float64)
    impulse[..., 50] = 1.0
    # Channel by channel: 1, 1 + 3, 1 + 3 + 6, ...
    seen = [(block(impulse) - block(0 * impulse))[0, channel].nonzero() - 50 for channel in (0, 16, 24, 28, 30)]
    assert [int(reach.abs().max()) for reach in seen] == [1, 4, 10, 19, 31]


@pytest.mark.parametrize("arguments", [{"widths": (16,)}, {"widths": (16, 24)}, {"dilations": (1, 2)}])
def test_what_does_not_fit_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(RecipeError, match="dilations"):
        SDUNet(1, 2, **arguments)
