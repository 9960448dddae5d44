"""A model folder in memory: what it says of itself, and the network that it builds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from univox.errors import ModelError
from univox.model.domain import Domain, NetworkSpec
from univox.model.tensors import check_tensors, read_tensors
from univox.networks.registry import NETWORKS, build_network

SHARED, DOMAINS, WEIGHTS = "shared.safetensors", "domains", "weights.safetensors"
EXTENSIONS = "extensions"
"""Folder in a model's that keeps the log and checkpoint of each extension, by domain."""


class WeightsRecord(BaseModel):
    """What `model.json` knows of one weights file."""

    model_config = ConfigDict(frozen=True)

    sha256: str
    parameters: int


class Manifest(BaseModel):
    """The content of `model.json`; fields that it does not know are left alone."""

    model_config = ConfigDict(frozen=True)

    format_version: int
    univox_version: str
    network: NetworkSpec
    shared: WeightsRecord
    domains: dict[str, WeightsRecord] = Field(min_length=1)
    recipe: dict[str, Any]
    provenance: dict[str, Any]


@dataclass(frozen=True)
class StoredModel:
    """A model folder that was read and found whole.

    Attributes:
        path: The folder.
        manifest: The content of `model.json`.
        domains: By name, in the order in which they were added.
    """

    path: Path
    manifest: Manifest
    domains: Mapping[str, Domain]

    @property
    def spec(self) -> NetworkSpec:
        """The network, without its weights."""
        return self.manifest.network

    @property
    def recipe(self) -> dict[str, Any]:
        """The recipe of the run, as plain values."""
        return self.manifest.recipe

    @property
    def provenance(self) -> dict[str, Any]:
        """What made the model: seed, time, versions. What is of one domain is in `Domain.provenance`."""
        return self.manifest.provenance

    def domain(self, name: str | None = None) -> Domain:
        """Give a domain by name; without a name the only one.

        Raises:
            ModelError: There is none of that name, or several and no name.
        """
        if name is None and len(self.domains) == 1:
            return next(iter(self.domains.values()))
        if name is not None and name in self.domains:
            return self.domains[name]
        raise ModelError(
            expected=f"one of the model's domains: {', '.join(self.domains)}",
            got="none named" if name is None else repr(name),
            remedy="name one of these with --domain",
            path=self.path,
        )

    def num_parameters(self, domain: str | None = None) -> int:
        """Count the trainable values that a domain's network uses, shared ones included."""
        own = self.manifest.domains[self.domain(domain).name]
        return self.manifest.shared.parameters + own.parameters

    def num_bytes(self, domain: str) -> int:
        """Count the bytes of a domain's own files, which are what a pack of it holds."""
        home = self.path / DOMAINS / self.domain(domain).name
        return sum(path.stat().st_size for path in home.iterdir() if path.is_file())

    @property
    def identity(self) -> str:
        """The sha256 of the shared weights: what a domain was trained on, it belongs to."""
        return self.manifest.shared.sha256

    def shared_tensors(self) -> dict[str, Tensor]:
        """Read what all domains use, by the names of the network's state."""
        return read_tensors(self.path / SHARED)

    def own_tensors(self, domain: str) -> dict[str, Tensor]:
        """Read what one domain alone uses."""
        return read_tensors(self.path / DOMAINS / self.domain(domain).name / WEIGHTS)

    def build(self, domain: str | None = None, *, trusted: bool = False) -> nn.Module:
        """Build a domain's network with its weights, in evaluation mode, on the CPU.

        Args:
            domain: Its name; may be left out where there is only one.
            trusted: Allow a network that is not univox's own but named by its place in an installed
                package. Importing it runs that package's code.

        Raises:
            ModelError: Weights that do not fit the network, or a foreign network that is not trusted.
        """
        chosen = self.domain(domain)
        network = self.blank(chosen, trusted=trusted)
        state = self.shared_tensors() | self.own_tensors(chosen.name)
        check_tensors(network, state, self.path)
        network.load_state_dict(state)
        return network.eval()

    def check_axes(self, name: str, spatial_dims: int) -> None:
        """Prove that a new domain's images have as many axes as the network.

        Raises:
            ModelError: They have not.
        """
        if spatial_dims != self.spec.spatial_dims:
            raise ModelError(
                expected=f"a {self.spec.spatial_dims}-D domain, as the model's others are",
                got=f"{name!r}, which is {spatial_dims}-D",
                remedy="use a model of such images",
                path=self.path,
            )

    def blank(self, domain: Domain, *, trusted: bool = False) -> nn.Module:
        """Build the network of a domain that the model need not have, with random weights.

        Args:
            domain: Its channels and classes count.
            trusted: See `build`.

        Raises:
            ModelError: A foreign network that is not trusted, or images of another number of axes.
        """
        spec = self.spec
        if spec.name not in NETWORKS and not trusted:
            raise ModelError(
                expected=f"one of univox's own networks ({', '.join(NETWORKS)})",
                got=repr(spec.name),
                remedy="--trust-network (trusted=True) if you trust its author: importing that name runs its code",
                path=self.path,
            )
        self.check_axes(domain.name, domain.spatial_dims)
        return build_network(
            spec.name,
            in_channels=len(domain.channel_names),
            num_classes=domain.label_classes.num_classes,
            spatial_dims=spec.spatial_dims,
            arguments=spec.arguments,
        )
