from __future__ import annotations

import torch
from torch.nn import functional

from univox.networks.blocks.domain_adapter import DomainAdapter, instance_normalized_layers
from univox.networks.domain_parts import domain_state_names


def adapter() -> DomainAdapter:
    torch.manual_seed(0)
    return DomainAdapter(3, 5, layers=instance_normalized_layers(2), spatial_dims=2).double()


def test_it_is_a_channelwise_convolution_and_then_a_pointwise_one() -> None:
    block, image = adapter(), torch.randn(2, 3, 6, 7, dtype=torch.float64)
    kernel, bias = block.channelwise.weight, block.channelwise.bias
    spatial = functional.instance_norm(functional.conv2d(image, kernel, bias, padding=1, groups=3))
    joined = torch.einsum(
        "bc...,oc->bo...", functional.leaky_relu(spatial, 0.01), block.pointwise.convolution.weight[..., 0, 0]
    )
    expected = functional.instance_norm(joined)
    torch.testing.assert_close(block(image), expected)


def test_its_channelwise_part_and_its_norms_are_a_datasets_own() -> None:
    block = adapter()
    block.domain_parts = ()
    own = set(domain_state_names(block))
    assert own == {
        "channelwise.weight",
        "channelwise.bias",
        "inner.0.weight",
        "inner.0.bias",
        "outer.weight",
        "outer.bias",
    }
    assert set(block.state_dict()) - own == {"pointwise.convolution.weight", "pointwise.convolution.bias"}
