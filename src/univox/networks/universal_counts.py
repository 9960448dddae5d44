"""How the publication of the 3D U2-Net counts parameters, from one built network.

The rule: input layer, output layer and deep supervision are left out, "as they are never shared across domains".
Which of the rest is counted once, and which once for each dataset, `domain_state_names` tells.

Source: Huang et al., MICCAI 2019, section 3, "Model complexity", and Table 3(a).
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from univox.networks.blocks.domain_adapter import DomainAdapter
from univox.networks.domain_parts import domain_state_names
from univox.networks.parts import names_under
from univox.networks.universal_unet import UniversalUNet

DATASETS = 5
"""Base domains of the publication: heart, liver, hippocampus, prostate, pancreas."""
_HIPPOCAMPUS_POOLS = 3
"""Halvings of the one base domain that has not five of them; released code."""


def count_of_one(network: nn.Module) -> int:
    """Count what one dataset's network has under the rule."""
    return _sum(_counted(network).values())


def count_of_five(network: nn.Module) -> int:
    """Count what five datasets have that share all but their own parts."""
    return count_of_one(network) + (DATASETS - 1) * count_added(network)


def count_added(network: nn.Module) -> int:
    """Count what one more dataset adds to a shared network."""
    own = set(domain_state_names(network))
    return _sum(parameter for name, parameter in _counted(network).items() if name in own)


def count_independent(network: nn.Module) -> int:
    """Count five networks that share nothing: four like this one, and the hippocampus's with three halvings."""
    with torch.device("meta"):
        hippocampus = UniversalUNet(1, 3, pools=_HIPPOCAMPUS_POOLS, units="standard")
    return (DATASETS - 1) * count_of_one(network) + count_of_one(hippocampus)


def count_separable_weights(network: nn.Module) -> int:
    """Count point-wise kernels once and channel-wise kernels for five datasets; no biases, norms or strided parts."""
    pointwise = (
        parameter
        for adapter in _adapters(network)
        for name, parameter in adapter.pointwise.named_parameters()
        if name.endswith("weight")
    )
    return _sum(pointwise) + DATASETS * count_added_weights(network)


def count_added_weights(network: nn.Module) -> int:
    """Count the channel-wise kernels of one dataset."""
    return _sum(adapter.channelwise.weight for adapter in _adapters(network))


def _counted(network: nn.Module) -> dict[str, nn.Parameter]:
    parameters = dict(network.named_parameters())
    left_out = set(names_under(parameters, UniversalUNet.domain_parts))
    return {name: parameter for name, parameter in parameters.items() if name not in left_out}


def _adapters(network: nn.Module) -> list[DomainAdapter]:
    return [module for module in network.modules() if isinstance(module, DomainAdapter)]


def _sum(parameters: Iterable[Tensor]) -> int:
    return sum(parameter.numel() for parameter in parameters)
