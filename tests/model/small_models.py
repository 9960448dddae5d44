"""Models of several tiny domains, for the tests of this room."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from univox.model.domain import Domain, NetworkSpec
from univox.model.folder import read_model, write_model
from univox.model.stored import StoredModel
from univox.networks import build_network
from univox.networks.domain_parts import domain_state_names
from univox.networks.sharing import SharedNetworks

PREPROCESSING = {
    "crop": "none",
    "spacing_mm": [1.0, 2.0],
    "clip": "none",
    "normalization": {"scope": "case", "over": "image"},
}
NETWORK = {"name": "u2net", "spatial_dims": 2, "arguments": {"pools": 1, "width": 2}}
# Channels and classes by domain.
SIZES = {"brain": (1, 2), "liver": (2, 3), "cells": (1, 4)}


FIGURES = {"voxels": 9, "nll_before": 0.5, "nll_after": 0.4, "ece_before": 0.2, "ece_after": 0.1}
CALIBRATION: dict[str, Any] = {"temperature": 1.5, "cases": ["c"], "surroundings": FIGURES, "whole": FIGURES}


def domain(name: str, **changes: Any) -> Domain:
    in_channels, num_classes = SIZES.get(name, (1, 2))
    values: dict[str, Any] = {
        "name": name,
        "channel_names": [f"channel {index}" for index in range(in_channels)],
        "classes": {
            "classes": [{"name": f"class {index}", "codes": [10 * index]} for index in range(num_classes)],
            "instances": False,
        },
        "spatial_dims": 2,
        "plan": {"dataset": name, "patch_size": [8, 8], "spacing_mm": [1.0, 2.0], "num_cases": 3},
        "preprocessing": PREPROCESSING,
        "inference": {"overlap": 0.5, "blend": "gaussian"},
        "validation": {"mean_dice": 0.5, "dice": {"class 1": 0.5}, "iteration": 3},
        "provenance": {"dataset": name, "split": {"train": ["a", "b"], "validation": ["c"]}},
    }
    return Domain.model_validate({**values, **changes})


def network_of(about: Domain) -> nn.Module:
    """A network with values that hang on the domain's name alone."""
    torch.manual_seed(zlib.crc32(about.name.encode()))
    sizes = {"in_channels": len(about.channel_names), "num_classes": about.label_classes.num_classes}
    return filled(build_network(**NETWORK, **sizes))


def filled(network: nn.Module) -> nn.Module:
    for tensor in network.state_dict().values():
        if tensor.is_floating_point():
            tensor.uniform_(0.1, 1)
    return network.eval()


def base(path: Path, *names: str) -> StoredModel:
    """A model of those domains."""
    about = [domain(name) for name in names]
    networks = SharedNetworks({one.name: network_of(one) for one in about})
    sizes = dict(zip(("in_channels", "num_classes"), SIZES[names[0]], strict=True))
    return write_model(
        path,
        spec=NetworkSpec.model_validate({**NETWORK, **sizes}),
        members=[(one, networks.domain(one.name)) for one in about],
        recipe={"name": "test"},
        provenance={"seed": 1},
    )


def extension(stored: StoredModel, about: Domain) -> nn.Module:
    """A new domain's network, as extending leaves it: the model's shared weights, and others of its own."""
    torch.manual_seed(zlib.crc32(about.name.encode()))
    network = filled(stored.blank(about))
    own = set(domain_state_names(network))
    state = network.state_dict()
    network.load_state_dict({name: state[name] for name in own} | stored.shared_tensors())
    return network


def tree(folder: Path) -> dict[str, bytes]:
    """Every file with its bytes, hidden ones too."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def image_for(about: Domain) -> Tensor:
    """The same image at every call."""
    return torch.randn(1, len(about.channel_names), 8, 8, generator=torch.Generator().manual_seed(7))


@torch.no_grad()
def logits(folder: Path, name: str) -> Tensor:
    stored = read_model(folder)
    return stored.build(name)(image_for(stored.domain(name)))
