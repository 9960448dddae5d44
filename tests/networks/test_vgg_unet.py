from __future__ import annotations

from typing import Any, ClassVar

import torch
from network_contract import NetworkContract

from univox.model.weights import Weights
from univox.networks import count_parameters
from univox.networks.vgg_unet import VGGUNet
from univox.training.transfer import transfer


class TestVGGUNet(NetworkContract):
    name = "unet-vgg16"
    arguments: ClassVar[dict[str, Any]] = {"widths": (4, 4, 4, 4, 4)}
    divisor = 16


def test_the_encoder_holds_the_published_numbers() -> None:
    with torch.device("meta"):
        network = VGGUNet(3, 2)
    assert count_parameters(network.features) == 14_714_688


def test_foreign_weights_are_taken_by_name_save_what_has_another_shape() -> None:
    torch.manual_seed(0)
    widths = (2, 2, 4, 4, 4)
    trained = VGGUNet(3, 2, widths=widths)
    file = {f"features.{name}": value for name, value in trained.features.state_dict().items()}
    file["classifier.0.weight"] = torch.zeros(8, 4)
    for prefix in ("", "module."):
        weights = Weights(name="vgg16.safetensors", sha256="", tensors={prefix + key: v for key, v in file.items()})
        color, gray = VGGUNet(3, 5, widths=widths), VGGUNet(1, 5, widths=widths)
        assert len(transfer(color, weights, part="encoder").taken) == 26
        assert all(
            torch.equal(a, b) for a, b in zip(color.features.parameters(), trained.features.parameters(), strict=True)
        )
        told = transfer(gray, weights, part="encoder")
        assert told.other_shape == {"features.0.weight": ((2, 1, 3, 3), (2, 3, 3, 3))}
        assert told.without_place == 1


def test_the_names_of_the_encoder_alone_will_do() -> None:
    network = VGGUNet(3, 2, widths=(2, 2, 4, 4, 4))
    tensors = {name: torch.ones_like(value) for name, value in network.features.state_dict().items()}
    told = transfer(network, Weights(name="features.safetensors", sha256="", tensors=tensors), part="encoder")
    assert (told.removed, told.added, len(told.taken)) == ("", "features.", 26)
