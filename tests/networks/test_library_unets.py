from __future__ import annotations

from typing import Any, ClassVar

import pytest
import torch
from closed_forms import built
from network_contract import NetworkContract

from univox.errors import RecipeError
from univox.networks import build_network, count_parameters
from univox.networks.library_unets import AttentionUNet, ResUNet, SegResNet
from univox.networks.parts import encoder_parts, names_under

# What a convolution adds to a channel, the normalization behind it takes away again.
BEFORE_NORMALIZATION = (".conv.bias", "W_x.0.bias", "W_g.0.bias")


class TestAttentionUNet(NetworkContract):
    name = "attention-unet"
    arguments: ClassVar[dict[str, Any]] = {"widths": (4, 8, 16)}
    divisor = 4
    unmoved = BEFORE_NORMALIZATION


class TestResUNet(NetworkContract):
    name = "resunet"
    arguments: ClassVar[dict[str, Any]] = {"widths": (4, 8, 16)}
    divisor = 4
    unmoved = BEFORE_NORMALIZATION


class TestSegResNet(NetworkContract):
    name = "segresnet"
    arguments: ClassVar[dict[str, Any]] = {"width": 8, "encoder_blocks": (1, 1, 1), "decoder_blocks": (1, 1)}
    divisor = 4
    dims = (2, 3)


@pytest.mark.parametrize(
    ("name", "in_channels", "num_classes", "spatial_dims", "parameters"),
    [
        ("attention-unet", 1, 2, 3, 5_909_130),
        ("segresnet", 1, 2, 3, 1_176_186),
        ("resunet", 3, 1, 2, 6_410_445),
    ],
)
def test_counts_are_the_librarys(
    name: str, in_channels: int, num_classes: int, spatial_dims: int, parameters: int
) -> None:
    assert count_parameters(built(name, in_channels, num_classes, spatial_dims)) == parameters


def test_the_library_counts_its_other_widths_as_noted() -> None:
    assert count_parameters(built("attention-unet", 1, 2, 3, widths=(64, 128, 256, 512, 1024))) == 94_482_930
    network = built("resunet", 1, 2, 3, widths=(16, 32, 64, 128, 256))
    norms = sum(count_parameters(m) for m in network.modules() if isinstance(m, torch.nn.BatchNorm3d))
    activations = sum(isinstance(m, torch.nn.ReLU) for m in network.modules())
    # By default it has instance norm without scale and shift, and a slope for each activation.
    assert count_parameters(network) - norms + activations == 4_806_481


@pytest.mark.parametrize(("name", "widths"), [("attention-unet", (16, 32, 64, 128, 256)), ("resunet", (8, 16, 32, 64))])
def test_the_encoder_is_every_level_down_to_the_bottom(name: str, widths: tuple[int, ...]) -> None:
    network = built(name, 1, 2, 2, widths=widths)
    state = network.state_dict()
    parts = encoder_parts(network)
    last = [
        next(state[n] for n in reversed(names_under(state, [part])) if n.endswith("running_mean")) for part in parts
    ]
    assert [len(mean) for mean in last] == list(widths)
    assert not [name for name in names_under(state, parts) if "upconv" in name or "merge" in name]


@pytest.mark.parametrize(
    ("kind", "arguments", "words"),
    [
        (AttentionUNet, {"widths": (8,)}, "two widths"),
        (ResUNet, {"widths": ()}, "two widths"),
        (ResUNet, {"spatial_dims": 4}, "1, 2 or 3"),
        (SegResNet, {"spatial_dims": 1}, "2 or 3"),
        (SegResNet, {"width": 12}, "8 divides"),
        (SegResNet, {"decoder_blocks": (1, 1)}, "one level more"),
    ],
)
def test_what_does_not_fit_is_refused(kind: type, arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        kind(1, 2, **arguments)


def test_dropout_acts_in_training_alone() -> None:
    arguments = {"width": 8, "encoder_blocks": [1, 1], "decoder_blocks": [1], "dropout": 0.5}
    network = build_network("segresnet", in_channels=1, num_classes=2, spatial_dims=2, arguments=arguments)
    image = torch.randn(1, 1, 8, 8)
    assert not torch.equal(network(image), network(image))
    assert torch.equal(network.eval()(image), network(image))
