from __future__ import annotations

from typing import Any, ClassVar

import pytest
import torch
from closed_forms import built, closed_forms
from network_contract import NetworkContract

from univox.errors import RecipeError
from univox.networks import count_parameters
from univox.networks.nested_unet import NestedUNet


class TestNestedUNet(NetworkContract):
    name = "unetpp"
    arguments: ClassVar[dict[str, Any]] = {"widths": (4, 4, 8, 8, 8)}
    divisor = 16
    outputs = 4


class TestOneHead(NetworkContract):
    name = "unetpp"
    arguments: ClassVar[dict[str, Any]] = {
        "widths": (4, 8, 8),
        "deep_supervision": False,
        "batch_normalization": True,
    }
    divisor = 4


def test_the_published_networks_total() -> None:
    network = built("unetpp", 3, 1, 2)
    assert count_parameters(network) == 9_042_276
    assert [count_parameters(head) for head in network.heads] == [33] * 4


@closed_forms({2: (9_041_280, 288, 132), 3: (26_197_376, 864, 132)})
def test_totals_of_channels_and_classes(spatial_dims: int, in_channels: int, num_classes: int, parameters: int) -> None:
    assert count_parameters(built("unetpp", in_channels, num_classes, spatial_dims)) == parameters


def test_without_the_nested_nodes_it_is_the_u_net_of_the_same_widths() -> None:
    # The 7.76 million that the paper compares with: encoder, and nodes that read one skip instead of several.
    network = built("unetpp", 3, 1, 2, deep_supervision=False)
    encoder = count_parameters(network.encoder)
    widths = (32, 64, 128, 256)
    last = [f"{row}_{4 - row}" for row in range(4)]
    decoder = sum(count_parameters(network.up[name]) + count_parameters(network.nodes[name]) for name in last)
    spared = sum(9 * width * width * (3 - row) for row, width in enumerate(widths))
    assert encoder + decoder - spared + 33 == 7_760_097


def test_a_node_reads_its_row_and_what_lies_below() -> None:
    network = built("unetpp", 1, 2, 2, widths=(4, 8, 16, 32))
    assert {name: node[0].in_channels for name, node in network.nodes.items()} == {
        "0_1": 2 * 4,
        "1_1": 2 * 8,
        "2_1": 2 * 16,
        "0_2": 3 * 4,
        "1_2": 3 * 8,
        "0_3": 4 * 4,
    }


def test_in_training_the_last_column_comes_first() -> None:
    torch.manual_seed(0)
    network = NestedUNet(1, 2, spatial_dims=1, widths=(4, 4, 4))
    image = torch.randn(2, 1, 16)
    trained = network(image)
    assert torch.equal(trained[0], network.eval()(image))
    # A head on the first column does not know the coarsest level.
    with torch.no_grad():
        network.encoder[2][0].weight.zero_()
    changed = network.train()(image)
    assert torch.equal(changed[1], trained[1])
    assert not torch.equal(changed[0], trained[0])


def test_one_row_is_refused() -> None:
    with pytest.raises(RecipeError, match="at least two widths"):
        NestedUNet(1, 2, widths=(4,))
