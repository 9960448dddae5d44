from __future__ import annotations

from typing import Any, ClassVar

import pytest
import torch
from network_contract import NetworkContract
from torch import nn

from univox.errors import RecipeError
from univox.networks import count_parameters
from univox.networks.nonlocal_unet import VARIANTS, NonLocalUNet


class TestNonLocalUNet(NetworkContract):
    name = "nonlocal-unet"
    arguments: ClassVar[dict[str, Any]] = {"width": 4}
    divisor = 4


class TestWithoutDropout(NetworkContract):
    name = "nonlocal-unet"
    arguments: ClassVar[dict[str, Any]] = {
        "width": 4,
        "variant": "model1",
        "attention_dropout": 0.0,
        "output_dropout": 0.0,
    }
    divisor = 4


def counted(in_channels: int = 2, num_classes: int = 4, **arguments: object) -> NonLocalUNet:
    """The real widths, without memory."""
    with torch.device("meta"):
        return NonLocalUNet(in_channels, num_classes, **arguments)


# The layer table, row by row.
def test_every_block_has_the_published_networks_parameters() -> None:
    network = counted()
    blocks = {
        "stem": network.stem,
        "encoder 1": network.encoder[0],
        "encoder 2": network.encoder[1],
        "encoder 3": network.encoder[2],
        "bottom": network.bottom,
        "up 1": network.up[0],
        "decoder 1": network.decoder[0],
        "up 2": network.up[1],
        "decoder 2": network.decoder[1],
        "output": network.output,
    }
    assert {name: count_parameters(block) for name, block in blocks.items()} == {
        "stem": 1_728,
        "encoder 1": 56_448,
        "encoder 2": 168_128,
        "encoder 3": 672_128,
        "bottom": 66_304,
        "up 1": 463_360,
        "decoder 1": 221_440,
        "up 2": 115_968,
        "decoder 2": 55_424,
        "output": 64 + 132,
    }


@pytest.mark.parametrize(
    ("in_channels", "num_classes", "parameters"),
    [(2, 4, 1_821_124), (1, 2, 1_820_194), (1, 3, 1_820_227), (2, 2, 1_821_058), (4, 4, 1_822_852)],
)
def test_totals_of_channels_and_classes(in_channels: int, num_classes: int, parameters: int) -> None:
    assert count_parameters(counted(in_channels, num_classes)) == parameters
    assert parameters == 1_819_264 + 864 * in_channels + 33 * num_classes


def test_the_total_splits_into_kernels_biases_and_norms() -> None:
    network = counted()
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm3d)]
    biases = [p for name, p in network.named_parameters() if name.endswith("bias") and "convolution" in name]
    assert sum(p.numel() for p in biases) == 900
    assert len(norms) == 14
    assert sum(count_parameters(norm) for norm in norms) == 1_792


@pytest.mark.parametrize(
    ("variant", "parameters"),
    [
        ("paper", 1_821_124),
        ("released", 1_760_452),
        ("model1", 1_883_332),
        ("model2", 1_894_596),
        ("model3", 2_136_772),
        ("model4", 2_197_444),
        ("model5", 1_518_276),
    ],
)
def test_totals_of_the_variants(variant: str, parameters: int) -> None:
    assert count_parameters(counted(variant=variant)) == parameters


def test_every_variant_is_counted_above() -> None:
    assert len(VARIANTS) == 7


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_runs(variant: str) -> None:
    network = NonLocalUNet(1, 2, spatial_dims=1, width=2, variant=variant)
    assert network(torch.randn(2, 1, 16)).shape == (2, 2, 16)


def test_dropout_acts_in_training_alone() -> None:
    image = torch.randn(1, 1, 8, 8)
    network = NonLocalUNet(1, 2, spatial_dims=2, width=4)
    assert not torch.equal(network(image), network(image))
    network.eval()
    assert torch.equal(network(image), network(image))


def test_the_dropouts_are_told_apart() -> None:
    network = counted(attention_dropout=0.25, output_dropout=0.75)
    assert {block.aggregation.dropout for block in (network.bottom, *network.up)} == {0.25}
    assert [m.p for m in network.modules() if isinstance(m, nn.Dropout)] == [0.75]


def test_momentum_reaches_every_norm() -> None:
    network = counted(batch_norm_momentum=0.003)
    assert {m.momentum for m in network.modules() if isinstance(m, nn.BatchNorm3d)} == {0.003}


def test_every_output_voxel_draws_on_every_input_voxel() -> None:
    torch.manual_seed(0)
    network = NonLocalUNet(1, 2, spatial_dims=1, width=16).double().eval()
    image = torch.randn(1, 1, 64, dtype=torch.float64, requires_grad=True)
    network(image)[0, 0, 0].backward()
    assert (image.grad != 0).all()


def test_an_unknown_variant_is_named() -> None:
    with pytest.raises(RecipeError, match=r"'model6'.*choose one"):
        NonLocalUNet(1, 2, variant="model6")
