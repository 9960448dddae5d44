from __future__ import annotations

from typing import Any, ClassVar

import pytest
import torch
from closed_forms import built, closed_forms, counts
from network_contract import NetworkContract

from univox.errors import RecipeError
from univox.networks import count_parameters
from univox.networks.raunet import AugmentedAttention, PooledChannels, RAUNet

SMALL: dict[str, Any] = {"widths": (8, 8, 16, 16), "units": (1, 1, 1, 1)}


class TestRAUNet(NetworkContract):
    name = "raunet"
    arguments: ClassVar[dict[str, Any]] = SMALL
    divisor = 32
    # Thirty normalized layers that are untrained amplify rounding.
    rounding = 5e-2
    # What a convolution adds to a channel, its batch norm takes away again.
    unmoved = ("layers.0.bias", "layers.3.bias", "layers.6.bias", "convolution.bias", "value.0.bias")


# The layer table, row by row.
def test_every_part_has_the_released_networks_parameters() -> None:
    network = built("raunet", 3, 1, 2)
    encoder = network.encoder
    assert counts([torch.nn.ModuleList([encoder.conv1, encoder.bn1])]) == [9_536]
    assert counts([encoder.layer1, encoder.layer2, encoder.layer3, encoder.layer4]) == [
        221_952,
        1_116_416,
        6_822_400,
        13_114_368,
    ]
    assert counts(network.up) == [361_984, 90_880, 22_912, 6_432]
    assert counts(network.attention) == [264_704, 66_816, 17_024]
    assert counts(network.head) == [18_464, 0, 9_248, 0]
    assert counts([network.output]) == [129]
    assert count_parameters(network) == 22_143_265


@closed_forms({2: (22_133_728, 3_136, 129), 3: (65_405_920, 21_952, 257)})
def test_totals_of_channels_and_classes(spatial_dims: int, in_channels: int, num_classes: int, parameters: int) -> None:
    assert count_parameters(built("raunet", in_channels, num_classes, spatial_dims)) == parameters


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_an_attention_module_counts_the_same_in_every_dimension(spatial_dims: int) -> None:
    assert counts([AugmentedAttention(12, spatial_dims=spatial_dims)]) == [4 * 144 + 120]


def test_the_encoder_has_the_names_that_other_libraries_give() -> None:
    names = set(built("raunet", 3, 1, 2).encoder.state_dict())
    assert {"conv1.weight", "bn1.running_mean", "layer1.2.conv2.weight", "layer4.0.downsample.0.weight"} <= names
    assert "layer1.0.downsample.0.weight" not in names
    # As many as the published ResNet-34 has without its classifier: 36 convolutions and as many normalizations.
    assert len(names) == 36 + 36 * 5


def test_attention_adds_nothing_of_a_silent_skip() -> None:
    torch.manual_seed(0)
    attention = AugmentedAttention(4, spatial_dims=2).eval()
    with torch.no_grad():
        attention.value[1].weight.zero_()
    decoder = torch.randn(2, 4, 3, 5)
    assert torch.equal(attention(decoder, torch.randn(2, 4, 3, 5)), decoder)


def test_weights_of_the_attention_sum_to_one_over_channels() -> None:
    torch.manual_seed(0)
    attention = AugmentedAttention(4, spatial_dims=1).eval()
    with torch.no_grad():  # a skip whose value is 1 everywhere
        attention.value[1].weight.zero_()
        attention.value[1].bias.fill_(1.0)
    decoder = torch.randn(2, 4, 6)
    added = attention(decoder, torch.randn(2, 4, 6)) - decoder
    torch.testing.assert_close(added.sum(1), torch.ones(2, 6))


def test_a_batch_of_one_trains_and_leaves_the_pooled_statistics() -> None:
    torch.manual_seed(0)
    network = RAUNet(1, 2, spatial_dims=2, **SMALL)
    pooled = [module for module in network.modules() if isinstance(module, PooledChannels)]
    before = [module.normalization.running_mean.clone() for module in pooled]
    image = torch.randn(1, 1, 64, 64)
    network(image).square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())
    after = [module.normalization.running_mean for module in pooled]
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    network(torch.cat([image, 2 * image]))
    assert not any(torch.equal(a, b) for a, b in zip(before, after, strict=True))


@pytest.mark.parametrize("arguments", [{"widths": (4, 8, 8)}, {"widths": (4, 8, 8, 6)}, {"units": (1, 1, 1)}])
def test_what_does_not_fit_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(RecipeError, match="four widths"):
        RAUNet(1, 2, **arguments)
