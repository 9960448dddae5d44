"""Networks of several datasets hold the same shared tensors, and nothing else in common."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from univox.errors import ModelError
from univox.networks import build_network
from univox.networks.domain_parts import domain_state_names
from univox.networks.sharing import SharedNetworks

SIZES = {"liver": (1, 2), "brain tumour 2.0": (2, 4), "cells": (1, 3)}
# Of adapters, of a residual network, and of one with running statistics, which are buffers.
FAMILY: dict[str, dict[str, Any]] = {
    "u2net": {"pools": 1, "width": 2},
    "residual-unet": {"strides": [[2, 2], [2, 2]], "widths": [4, 4]},
    "nonlocal-unet": {"width": 8},
}
NAMES = list(FAMILY)


def network(name: str, domain: str, seed: int = 0, **arguments: Any) -> nn.Module:
    torch.manual_seed(seed)
    in_channels, num_classes = SIZES[domain]
    made = build_network(
        name,
        in_channels=in_channels,
        num_classes=num_classes,
        spatial_dims=2,
        arguments={**FAMILY[name], **arguments},
    )
    for tensor in made.parameters():
        # Biases and norms begin alike; here every tensor is one of a kind.
        tensor.data.add_(0.1 * torch.randn(tensor.shape))
    return made


def together(name: str) -> SharedNetworks:
    return SharedNetworks({domain: network(name, domain, seed) for seed, domain in enumerate(SIZES)})


def image_for(domain: str) -> Tensor:
    return torch.randn(2, SIZES[domain][0], 16, 16, generator=torch.Generator().manual_seed(5))


def step(joint: SharedNetworks, domain: str, parameters: list[nn.Parameter]) -> None:
    """One update on that domain's images."""
    image = image_for(domain)
    found = joint.domain(domain)(image)
    scores = found if isinstance(found, Tensor) else found[0]
    functional.cross_entropy(scores, (image[:, 0] > 0).long()).backward()
    torch.optim.SGD(parameters, lr=0.1).step()
    joint.zero_grad()


@pytest.mark.parametrize("name", NAMES)
def test_what_is_shared_is_the_same_object_and_the_rest_is_not(name: str) -> None:
    joint = together(name)
    first, *others = (member for _, member in joint.items())
    own = set(domain_state_names(first))
    here = dict(first.named_parameters()) | dict(first.named_buffers())
    assert own
    assert here.keys() - own
    for other in others:
        there = dict(other.named_parameters()) | dict(other.named_buffers())
        assert there.keys() == here.keys()
        assert {key for key in here if there[key] is here[key]} == here.keys() - own
    assert joint.domain("cells") is others[-1]
    assert [domain for domain, _ in joint.items()] == list(joint.names) == list(SIZES)


@pytest.mark.parametrize("name", NAMES)
def test_the_shared_values_are_the_firsts_and_own_values_stay(name: str) -> None:
    joint = together(name)
    before = {domain: network(name, domain, seed).state_dict() for seed, domain in enumerate(SIZES)}
    own = set(domain_state_names(joint.domain("liver")))
    for domain, member in joint.items():
        for key, value in member.state_dict().items():
            assert torch.equal(value, before[domain if key in own else "liver"][key])


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_is_counted_once(name: str) -> None:
    joint = together(name)
    own = set(domain_state_names(joint.domain("liver")))
    expected = sum(parameter.numel() for key, parameter in joint.domain("liver").named_parameters() if key not in own)
    assert sum(parameter.numel() for parameter in joint.shared_parameters()) == expected
    for _, member in joint.items():
        expected += sum(parameter.numel() for key, parameter in member.named_parameters() if key in own)
    assert sum(parameter.numel() for parameter in joint.parameters()) == expected
    assert {id(p) for p in joint.shared_parameters()} <= {id(p) for p in joint.parameters()}


@pytest.mark.parametrize("name", NAMES)
def test_a_step_of_ones_own_part_leaves_the_others_bit_for_bit(name: str) -> None:
    joint = together(name)
    others = [domain for domain in SIZES if domain != "liver"]
    # In evaluation mode, for in training a forward pass alone moves running statistics.
    with torch.no_grad():
        before = {domain: joint.domain(domain).eval()(image_for(domain)) for domain in others}
        start = joint.domain("liver").eval()(image_for("liver"))
    shared = {id(parameter) for parameter in joint.shared_parameters()}
    for _ in range(2):
        joint.domain("liver").train()
        step(joint, "liver", [p for p in joint.domain("liver").parameters() if id(p) not in shared])
    with torch.no_grad():
        assert not torch.equal(joint.domain("liver").eval()(image_for("liver")), start)
        for domain in others:
            assert torch.equal(joint.domain(domain)(image_for(domain)), before[domain])


@pytest.mark.parametrize("name", NAMES)
def test_a_step_of_the_shared_part_is_a_step_for_all(name: str) -> None:
    joint = together(name).eval()
    with torch.no_grad():
        before = joint.domain("cells")(image_for("cells"))
    step(joint, "liver", joint.shared_parameters())
    with torch.no_grad():
        assert not torch.equal(joint.domain("cells")(image_for("cells")), before)
    # Nothing of a domain's own has a gradient but the one whose turn it was.
    image = image_for("liver")
    joint.domain("liver")(image).square().mean().backward()
    shared = {id(parameter) for parameter in joint.shared_parameters()}
    assert all(p.grad is None for p in joint.domain("cells").parameters() if id(p) not in shared)
    assert any(p.grad is not None for p in joint.domain("cells").parameters() if id(p) in shared)


@pytest.mark.parametrize("name", NAMES)
def test_every_tensor_is_named_once_and_is_the_networks_own(name: str) -> None:
    joint = together(name)
    tensors = joint.tensors()
    pointers = [value.data_ptr() for value in tensors.values()]
    assert len(set(pointers)) == len(pointers)
    everything = {value.data_ptr() for _, member in joint.items() for value in member.state_dict().values()}
    assert set(pointers) == everything
    own = set(domain_state_names(joint.domain("liver")))
    for key, value in joint.domain("brain tumour 2.0").state_dict().items():
        full = f"domains.brain tumour 2.0.{key}" if key in own else f"shared.{key}"
        assert tensors[full].data_ptr() == value.data_ptr()


@pytest.mark.parametrize("name", NAMES)
def test_tensors_that_are_loaded_come_back_and_stay_shared(name: str) -> None:
    joint = together(name)
    kept = {key: value.clone() for key, value in joint.tensors().items()}
    with torch.no_grad():
        before = {domain: member.eval()(image_for(domain)) for domain, member in joint.items()}
    for domain in SIZES:
        step(joint.train(), domain, list(joint.parameters()))
    assert any(not torch.equal(value, kept[key]) for key, value in joint.tensors().items())
    objects = {key: value.data_ptr() for key, value in joint.tensors().items()}
    joint.load_tensors(kept)
    assert all(torch.equal(value, kept[key]) for key, value in joint.tensors().items())
    assert {key: value.data_ptr() for key, value in joint.tensors().items()} == objects
    with torch.no_grad():
        assert all(torch.equal(member.eval()(image_for(domain)), before[domain]) for domain, member in joint.items())
    with pytest.raises(KeyError):
        joint.load_tensors({key: value for key, value in kept.items() if not key.startswith("domains.cells")})


def test_a_copy_and_a_move_keep_what_is_shared_shared() -> None:
    joint = together("u2net").to(torch.float64)
    own = set(domain_state_names(joint.domain("liver")))
    liver, cells = (dict(joint.domain(domain).named_parameters()) for domain in ("liver", "cells"))
    assert all((liver[key] is cells[key]) == (key not in own) for key in liver)
    assert len(joint.tensors()) == len(together("u2net").tensors())


def test_one_domain_alone_is_its_network() -> None:
    alone = network("u2net", "liver")
    joint = SharedNetworks({"liver": alone})
    assert joint.domain("liver") is alone
    assert len(joint.tensors()) == len(alone.state_dict())


@pytest.mark.parametrize("arguments", [{"width": 4}, {"pools": 2}, {"units": "standard"}])
def test_networks_that_are_not_alike_are_refused(arguments: dict[str, Any]) -> None:
    members = {"liver": network("u2net", "liver"), "cells": network("u2net", "cells", **arguments)}
    with pytest.raises(ModelError, match="alike in all that they share, got different ones for liver and cells"):
        SharedNetworks(members)
