from __future__ import annotations

from typing import Any, ClassVar

import pytest
import torch
from network_contract import NetworkContract
from torch import nn

from univox.errors import ShapeError
from univox.networks import NETWORKS, count_parameters
from univox.networks.registry import build_without_memory
from univox.networks.unet import UNet
from univox.networks.unet3d import UNet3D, count_without_normalization

# A number added to all voxels of a channel is taken out again by the normalization behind it.
_BEFORE_NORMALIZATION = ("key.bias", ".0.bias", ".3.bias")


class TestUnpaddedUNet3D(NetworkContract):
    name = "unet3d"
    arguments: ClassVar[dict[str, Any]] = {"widths": (2, 4, 8)}
    divisor = 2
    smallest = 18
    margin = 8
    unmoved = _BEFORE_NORMALIZATION


class TestPaddedUNet3D(NetworkContract):
    name = "unet3d"
    arguments: ClassVar[dict[str, Any]] = {"widths": [2, 4, 4, 8], "padded": True, "normalization": "instance"}
    divisor = 4
    unmoved = _BEFORE_NORMALIZATION


def without_memory(**arguments: Any) -> UNet3D:
    with torch.device("meta"):
        return UNet3D(3, 3, **arguments)


def test_the_published_count_by_the_published_rule() -> None:
    form = NETWORKS["unet3d"].forms[0]
    assert form.counter == f"{count_without_normalization.__module__}.{count_without_normalization.__name__}"
    parameters = count_without_normalization(build_without_memory(NETWORKS["unet3d"], form))
    assert (parameters, form.published, form.verdict(parameters)) == (19_069_955, 19_069_955, "exact")


@pytest.mark.parametrize(
    ("arguments", "without", "with_normalization"),
    [
        ({}, 19_069_955, 19_074_627),
        ({"up_bias": True}, 19_070_851, 19_075_523),
        ({"bias": False}, 19_067_619, 19_072_291),
        ({"normalization": "none"}, 19_069_955, 19_069_955),
        ({"normalization": "instance"}, 19_069_955, 19_074_627),
        ({"padded": True}, 19_069_955, 19_074_627),
    ],
)
def test_other_ways_of_counting(arguments: dict[str, Any], without: int, with_normalization: int) -> None:
    network = without_memory(**arguments)
    assert count_without_normalization(network) == without
    assert count_parameters(network) == with_normalization


def test_what_is_frozen_is_not_counted() -> None:
    network = without_memory()
    network.output.requires_grad_(False)
    assert count_without_normalization(network) == 19_069_955 - 3 * 64 - 3


def test_the_sizes_of_the_paper_level_by_level() -> None:
    network = without_memory()
    seen: list[tuple[int, ...]] = []
    for module in network.modules():
        if isinstance(module, nn.Conv3d | nn.ConvTranspose3d):
            module.register_forward_hook(lambda _m, _i, output: seen.append(tuple(output.shape[1:])))
    assert network(torch.zeros(1, 3, 132, 132, 116, device="meta")).shape == (1, 3, 44, 44, 28)
    assert seen == [
        (32, 130, 130, 114),
        (64, 128, 128, 112),
        (64, 62, 62, 54),
        (128, 60, 60, 52),
        (128, 28, 28, 24),
        (256, 26, 26, 22),
        (256, 11, 11, 9),
        (512, 9, 9, 7),
        (512, 18, 18, 14),
        (256, 16, 16, 12),
        (256, 14, 14, 10),
        (256, 28, 28, 20),
        (128, 26, 26, 18),
        (128, 24, 24, 16),
        (128, 48, 48, 32),
        (64, 46, 46, 30),
        (64, 44, 44, 28),
        (3, 44, 44, 28),
    ]


def test_the_sizes_that_fit_are_those_of_the_paper() -> None:
    rule = without_memory().sizes
    assert (rule.divisor, rule.smallest, rule.margin) == ((8,) * 3, (92,) * 3, (44,) * 3)
    assert rule.inner((92, 132, 116)) == (4, 44, 28)


def test_instance_normalization_is_that_of_a_batch_of_one_in_prediction_too() -> None:
    torch.manual_seed(0)
    batch = UNet3D(1, 2, widths=(2, 4, 4), spatial_dims=2, padded=True).double()
    instance = UNet3D(1, 2, widths=(2, 4, 4), spatial_dims=2, padded=True, normalization="instance").double().eval()
    instance.load_state_dict(dict(batch.named_parameters()))
    image = torch.randn(1, 1, 8, 8, dtype=torch.float64)
    torch.testing.assert_close(instance(image), batch.train()(image))


@pytest.mark.parametrize("network", [UNet, UNet3D])
def test_instance_normalization_asks_for_two_voxels_at_the_bottom(network: type[UNet] | type[UNet3D]) -> None:
    built = network(1, 2, widths=(2, 4, 4), spatial_dims=2, padded=True, normalization="instance")
    step = built.sizes.divisor[0]
    assert built(torch.zeros(1, 1, 2 * step, step)).shape == (1, 2, 2 * step, step)
    with pytest.raises(ShapeError, match=f"more than {step} x {step} on some axis"):
        built(torch.zeros(1, 1, step, step))
    assert not network(1, 2, widths=(2, 4), spatial_dims=2, normalization="instance").sizes.cell
