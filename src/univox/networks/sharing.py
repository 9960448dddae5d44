"""Networks of several datasets that hold the same shared parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

from univox.errors import ModelError
from univox.networks.domain_parts import domain_state_names

SHARED, OWN = "shared", "domains"


class SharedNetworks(nn.Module):
    """One ordinary network per domain; what is not a domain's own, all of them hold as the very same tensors.

    A step of one domain's network so trains its own part and the shared part, and no other domain's. What is whose,
    `univox.networks.domain_parts` says.

    Args:
        networks: By domain, built alike but for channels and classes. The shared part of the first is that of all;
            the others' is let go.

    Raises:
        ModelError: Two networks differ in a shared part.

    Source: Huang et al., MICCAI 2019.
    """

    def __init__(self, networks: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.names = tuple(networks)
        # A list, for a domain's name may hold what a module's may not.
        self.members = nn.ModuleList(networks.values())
        first, *others = networks.values()
        self.shared_names = _shared_names(first)
        for name, other in zip(self.names[1:], others, strict=True):
            _hold(first, other, self.shared_names, domains=(self.names[0], name))

    def domain(self, name: str) -> nn.Module:
        """Give a domain's network, an ordinary one."""
        return self.members[self.names.index(name)]

    def items(self) -> Iterator[tuple[str, nn.Module]]:
        """Give each domain with its network."""
        return zip(self.names, self.members, strict=True)

    def tensors(self) -> dict[str, Tensor]:
        """Give every parameter and buffer once, as `load_tensors` takes them; they are the networks' own, not copies.

        Their names are `shared.NAME` and `domains.DOMAIN.NAME`; those of a single domain are plainly its network's.
        """
        state = self.members[0].state_dict()
        if len(self.names) == 1:
            return dict(state)
        found = {f"{SHARED}.{name}": state[name] for name in self.shared_names}
        shared = set(self.shared_names)
        for domain, network in self.items():
            own = {name: value for name, value in network.state_dict().items() if name not in shared}
            found |= {f"{OWN}.{domain}.{name}": value for name, value in own.items()}
        return found

    @torch.no_grad()
    def load_tensors(self, tensors: Mapping[str, Tensor]) -> None:
        """Take the values of `tensors`, in place.

        Raises:
            KeyError: One is missing.
        """
        for name, value in self.tensors().items():
            value.copy_(tensors[name])

    def shared_parameters(self) -> list[nn.Parameter]:
        """Give the parameters that all domains hold."""
        shared = set(self.shared_names)
        return [parameter for name, parameter in self.members[0].named_parameters() if name in shared]


def _shared_names(network: nn.Module) -> tuple[str, ...]:
    own = set(domain_state_names(network))
    return tuple(name for name in network.state_dict() if name not in own)


def _hold(first: nn.Module, other: nn.Module, names: tuple[str, ...], *, domains: tuple[str, str]) -> None:
    """Make `other` hold the tensors of `first` under these names."""
    there, here = first.state_dict(), other.state_dict()
    if _shared_names(other) != names or any(there[name].shape != here[name].shape for name in names):
        raise ModelError(
            expected="networks that are alike in all that they share",
            got=f"different ones for {domains[0]} and {domains[1]}",
            remedy="give the recipe's network the same arguments for every dataset",
        )
    for name in names:
        path, _, leaf = name.rpartition(".")
        value = getattr(first.get_submodule(path), leaf)
        # Registered under the name it has already, a tensor takes the old one's place.
        target = other.get_submodule(path)
        if isinstance(value, nn.Parameter):
            target.register_parameter(leaf, value)
        else:
            target.register_buffer(leaf, value)
