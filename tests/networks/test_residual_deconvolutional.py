from __future__ import annotations

from typing import Any, ClassVar

import pytest
import torch
from network_contract import NetworkContract

from univox.networks import count_parameters
from univox.networks.residual_deconvolutional import ResidualDeconvolutionalNetwork


class TestResidualDeconvolutional(NetworkContract):
    name = "residual-deconvolutional"
    arguments: ClassVar[dict[str, Any]] = {"widths": (8, 12, 16)}
    divisor = 4


def counted(in_channels: int, num_classes: int, spatial_dims: int) -> ResidualDeconvolutionalNetwork:
    """The real widths, without memory."""
    with torch.device("meta"):
        return ResidualDeconvolutionalNetwork(in_channels, num_classes, spatial_dims=spatial_dims)


# The layer table, row by row; finest level first.
def test_every_block_has_its_parameters() -> None:
    network = counted(3, 1, 2)
    assert count_parameters(network.stem) == 928
    assert count_parameters(network.full) == 37_120
    assert [count_parameters(level) for level in network.context] == [37_120, 131_712, 525_568, 2_099_712]
    assert [count_parameters(up.deconvolution) for up in network.up] == [32_832, 131_200, 524_544]
    assert [count_parameters(up.lateral) for up in network.up] == [1_088, 4_224, 16_640]
    assert [count_parameters(block) for block in network.decoder] == [18_560, 73_984, 295_424]
    assert count_parameters(network.output) == 65
    assert count_parameters(network) == 3_930_721


@pytest.mark.parametrize(("c", "n"), [(3, 1), (1, 2), (5, 7)])
def test_totals_of_channels_and_classes(c: int, n: int) -> None:
    assert count_parameters(counted(c, n, 2)) == 3_929_792 + 288 * c + 65 * n
    assert count_parameters(counted(c, n, 3)) == 12_334_784 + 864 * c + 65 * n


def test_the_full_resolution_path_alone_sees_only_what_is_near() -> None:
    torch.manual_seed(0)
    network = ResidualDeconvolutionalNetwork(1, 2, spatial_dims=1, widths=(4, 6, 8, 8)).double().eval()
    with torch.no_grad():
        network.output.weight[:, 4:] = 0.0  # leaves the context path out
    image = torch.randn(32, 1, 64, dtype=torch.float64)  # many, for a ReLU may stop a single change
    moved = image.clone()
    moved[..., 32] += 1.0
    changed = (network(moved) != network(image)).any(dim=(0, 1)).nonzero().flatten()
    # Five convolutions of edge 3: the stem's, and two in each of two blocks.
    assert (changed.min(), changed.max()) == (27, 37)
