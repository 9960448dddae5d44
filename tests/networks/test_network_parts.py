from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from univox.errors import RecipeError
from univox.networks.foreign import ForeignNetwork
from univox.networks.nonlocal_unet import NonLocalUNet
from univox.networks.parts import encoder_parts, freeze, names_under, train_all_but
from univox.networks.residual_unet import ResidualUNet


def small() -> ResidualUNet:
    return ResidualUNet(1, 2, spatial_dims=2, widths=(8, 8, 8), detail_channels=4)


def test_an_encoder_is_what_reads_the_image() -> None:
    assert encoder_parts(small()) == ("encoder", "detail")
    assert encoder_parts(NonLocalUNet(1, 2, spatial_dims=2, width=8)) == ("stem", "encoder")


def test_a_network_that_does_not_say_is_named() -> None:
    with pytest.raises(RecipeError, match="Conv2d, which does not"):
        encoder_parts(nn.Conv2d(1, 1, 1))


def test_a_foreign_network_may_say_it_for_itself() -> None:
    inner = small()
    assert encoder_parts(ForeignNetwork(inner, num_classes=2, spatial_dims=2)) == ("network.encoder", "network.detail")
    with pytest.raises(RecipeError, match="ForeignNetwork, which does not"):
        encoder_parts(ForeignNetwork(nn.Conv2d(1, 2, 1), num_classes=2, spatial_dims=2))


def test_a_part_that_is_not_there_is_named() -> None:
    network = small()
    network.encoder_parts = ("encoder", "detial")
    with pytest.raises(RecipeError, match="detial"):
        encoder_parts(network)


def test_a_frozen_part_is_the_same_after_training_and_the_rest_is_not() -> None:
    torch.manual_seed(0)
    network = small()
    before = copy.deepcopy(network.state_dict())
    parts = encoder_parts(network)
    frozen = set(names_under(before, parts))
    assert freeze(network, parts) == sum(p.numel() for name, p in network.named_parameters() if name in frozen)
    train_all_but(network, parts)
    optimizer = torch.optim.SGD((p for p in network.parameters() if p.requires_grad), lr=0.1)
    for _ in range(2):
        loss = network(torch.randn(2, 1, 16, 16)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    for name, value in network.state_dict().items():
        # The bottom's mixing starts at zero and lets nothing behind it move at first.
        if name in frozen:
            assert torch.equal(value, before[name]), name
        elif name.startswith(("output", "decoder")):
            assert not torch.equal(value, before[name]), name


def test_frozen_dropout_does_nothing_and_other_dropout_does() -> None:
    network = nn.Sequential(nn.Dropout(0.5), nn.Sequential(nn.Dropout(0.5)))
    train_all_but(network, ["1"])
    assert network.training
    assert (network[0].training, network[1].training, network[1][0].training) == (True, False, False)
