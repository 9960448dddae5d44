from __future__ import annotations

from typing import Any, ClassVar

import pytest
import torch
from network_contract import NetworkContract

from univox.errors import RecipeError, ShapeError
from univox.networks.domain_parts import domain_state_names
from univox.networks.residual_unet import ResidualUNet


class TestResidualUNet(NetworkContract):
    name = "residual-unet"
    arguments: ClassVar[dict[str, Any]] = {"widths": (4, 8, 16), "detail_channels": 4}
    divisor = 8


class TestSeparable(NetworkContract):
    name = "residual-unet"
    arguments: ClassVar[dict[str, Any]] = {
        "widths": (4, 8, 16),
        "detail_channels": 4,
        "convolution": "separable",
        "attention": "bottom-up",
        "supervised": 2,
    }
    divisor = 8
    outputs = 3


class TestWithoutAttention(NetworkContract):
    name = "residual-unet"
    arguments: ClassVar[dict[str, Any]] = {"widths": (4, 8, 16), "detail_channels": 4, "attention": "none"}
    divisor = 8


class TestTwoBlocks(NetworkContract):
    name = "residual-unet"
    arguments: ClassVar[dict[str, Any]] = {"widths": (4, 8), "strides": None, "detail_channels": 2, "blocks": 2}
    divisor = 4

    def build(self, spatial_dims: int = 2, **kwargs: int) -> torch.nn.Module:
        self.arguments = {**self.arguments, "strides": ((2,) * spatial_dims,) * 2}
        return super().build(spatial_dims, **kwargs)


def test_strides_may_differ_by_axis() -> None:
    strides = ((1, 2, 2), (2, 2, 2), (1, 2, 4))
    network = ResidualUNet(1, 2, strides=strides, widths=(2, 4, 8), detail_channels=2)
    assert network.sizes.divisor == (2, 8, 16)
    assert network(torch.randn(1, 1, 6, 8, 32)).shape == (1, 2, 6, 8, 32)
    with pytest.raises(ShapeError, match="divisible by 16, got 24 on axis W; remedy: pad or crop to 32"):
        network(torch.randn(1, 1, 6, 8, 24))


def test_strides_may_come_as_lists_as_json_has_them() -> None:
    network = ResidualUNet(1, 2, spatial_dims=2, strides=[[2, 2]], widths=[4], detail_channels=2)
    assert network.sizes.divisor == (2, 2)
    assert network(torch.randn(2, 1, 4, 6)).shape == (2, 2, 4, 6)


def test_widths_double_up_to_a_ceiling() -> None:
    with torch.device("meta"):
        network = ResidualUNet(1, 2, strides=((2, 2, 2),) * 5)
    assert [level[0][0].out_channels for level in network.encoder] == [32, 64, 128, 256, 256]


@pytest.mark.parametrize(
    "arguments",
    [
        {"widths": (32, 64)},
        {"strides": ((2, 2), (2, 2), (2, 2))},
        {"strides": ()},
        {"strides": ((2, 2, 0),)},
        {"spatial_dims": 4},
        {"convolution": "seperable"},
        {"attention": "top"},
        {"supervised": 3},
    ],
)
def test_what_does_not_fit_is_refused(arguments: dict[str, object]) -> None:
    with pytest.raises(RecipeError):
        ResidualUNet(1, 2, **arguments)


def test_one_voxel_of_detail_moves_its_own_logits() -> None:
    # With the trunk silenced the detail path alone still tells neighbours inside one coarse voxel apart.
    torch.manual_seed(0)
    network = ResidualUNet(1, 2, spatial_dims=1, strides=((8,),), widths=(4,)).eval()
    with torch.no_grad():
        network.up[0].normalization.weight.zero_()
    image = torch.zeros(1, 1, 32)
    image[..., 12] = 1.0
    difference = (network(image) - network(torch.zeros_like(image))).abs().sum(1)[0]
    assert set(difference.nonzero().flatten().tolist()) <= {11, 12, 13}
    assert difference[12] > 0


# By hand, widths 32, 64: a block has two convolutions of 27 w and w^2 numbers, and two norms of 2 w.
@pytest.mark.parametrize(("convolution", "shared"), [("standard", 2 * 27 * 32 * 32), ("separable", 2 * 32 * 32)])
def test_a_separable_blocks_channelwise_part_belongs_to_a_dataset(convolution: str, shared: int) -> None:
    network = ResidualUNet(1, 2, strides=((2, 2, 2),) * 2, widths=(32, 64), convolution=convolution)
    own = domain_state_names(network)
    block = {name: p.numel() for name, p in network.named_parameters() if name.startswith("encoder.0.1.")}
    assert sum(count for name, count in block.items() if name not in own) == shared
    channelwise = 0 if convolution == "standard" else 2 * 27 * 32
    assert sum(count for name, count in block.items() if name in own) == channelwise + 2 * 2 * 32


def test_attention_reaches_every_voxel_of_the_trunk() -> None:
    torch.manual_seed(0)
    image = torch.randn(1, 1, 128, dtype=torch.float64, requires_grad=True)
    for attention, whole in (("none", False), ("bottom", True), ("bottom-up", True)):
        network = ResidualUNet(1, 2, spatial_dims=1, attention=attention, widths=(8, 8, 8)).double().eval()
        [gradient] = torch.autograd.grad(network(image)[0, 0, 0], image)
        assert bool((gradient != 0).all()) is whole
