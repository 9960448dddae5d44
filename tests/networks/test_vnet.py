from __future__ import annotations

from typing import Any, ClassVar

import pytest
import torch
from closed_forms import built
from monai.networks.nets.vnet import VNet as MonaiVNet
from network_contract import NetworkContract

from univox.errors import RecipeError
from univox.networks import count_parameters
from univox.networks.vnet import CyclicInput, VNet


class TestVNet(NetworkContract):
    name = "vnet"
    arguments: ClassVar[dict[str, Any]] = {
        "width": 2,
        "down_convolutions": (1, 1, 1, 1),
        "up_convolutions": (1, 1, 1, 1),
    }
    divisor = 16
    dims = (2, 3)
    # What a convolution adds to a channel, its batch norm takes away again.
    unmoved = ("up_conv.bias",)


def test_it_has_the_names_and_shapes_of_the_librarys_network() -> None:
    with torch.device("meta"):
        theirs = MonaiVNet(spatial_dims=3, in_channels=1, out_channels=2, act="prelu").state_dict()
    ours = built("vnet", 1, 2, 3).network.state_dict()
    assert {name: tensor.shape for name, tensor in ours.items()} == {n: tensor.shape for n, tensor in theirs.items()}


def test_with_the_librarys_weights_it_gives_the_librarys_logits() -> None:
    torch.manual_seed(0)
    theirs = MonaiVNet(spatial_dims=2, in_channels=2, out_channels=3, act="prelu").eval()
    ours = VNet(2, 3, spatial_dims=2).eval()
    ours.network.load_state_dict(theirs.state_dict())
    image = torch.randn(1, 2, 16, 32)
    assert torch.equal(ours(image), theirs(image))


def test_counts() -> None:
    # MONAI's own, with one slope for each channel in place of ELU, which has none.
    network = built("vnet", 1, 2, 3)
    slopes = sum(count_parameters(m) for m in network.modules() if isinstance(m, torch.nn.PReLU))
    assert count_parameters(network) - slopes == 45_597_898
    paper = built("vnet", 1, 2, 3, down_convolutions=(2, 3, 3, 3), up_convolutions=(3, 3, 2, 1))
    assert count_parameters(paper) == 65_187_916


@pytest.mark.parametrize("in_channels", [1, 3, 5])
def test_any_number_of_channels_is_repeated_in_turn(in_channels: int) -> None:
    layer = CyclicInput(in_channels, 4, spatial_dims=2, act="prelu").eval()
    torch.nn.init.zeros_(layer.conv_block.conv.weight)
    image = torch.rand(1, in_channels, 5, 6)
    expected = torch.stack([image[:, channel % in_channels] for channel in range(4)], dim=1)
    torch.testing.assert_close(layer(image), expected)


def test_dropout_is_off_unless_asked_for() -> None:
    def shares(network: torch.nn.Module) -> set[float]:
        kinds = (torch.nn.Dropout2d, torch.nn.Dropout3d)
        return {module.p for module in network.modules() if isinstance(module, kinds)}

    assert shares(built("vnet", 1, 2, 2)) == {0.0}
    assert shares(built("vnet", 1, 2, 2, dropout=0.5)) == {0.5}
    # In 2-D whole channels of planes: torch would take a batch of them for one volume.
    assert not any(isinstance(m, torch.nn.Dropout3d) for m in built("vnet", 1, 2, 2, dropout=0.5).modules())


@pytest.mark.parametrize("arguments", [{"down_convolutions": (1, 2)}, {"spatial_dims": 1}])
def test_what_does_not_fit_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(RecipeError, match=r"four numbers|2 or 3"):
        VNet(1, 2, **arguments)
