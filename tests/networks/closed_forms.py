"""Counts that are linear in channels and classes, as the layer tables give them."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from univox.networks import build_network, count_parameters

CASES = [(3, 1), (1, 2), (5, 7)]


def closed_forms(forms: dict[int, tuple[int, int, int]]) -> pytest.MarkDecorator:
    """Parametrize by `spatial_dims -> (constant, per channel, per class)`."""
    rows = [
        (dims, channels, classes, constant + per_channel * channels + per_class * classes)
        for dims, (constant, per_channel, per_class) in forms.items()
        for channels, classes in CASES
    ]
    return pytest.mark.parametrize(("spatial_dims", "in_channels", "num_classes", "parameters"), rows)


def built(name: str, in_channels: int, num_classes: int, spatial_dims: int, **arguments: Any) -> torch.nn.Module:
    """The real widths, without memory."""
    with torch.device("meta"):
        return build_network(
            name, in_channels=in_channels, num_classes=num_classes, spatial_dims=spatial_dims, arguments=arguments
        )


def counts(modules: Any) -> list[int]:
    """Parameters of each."""
    return [count_parameters(module) for module in modules]
