from __future__ import annotations

import os
import weakref
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from univox.networks import cost
from univox.networks.blocks import GlobalAggregation, centered_layers
from univox.networks.cost import activation_bytes, costs, multiply_adds
from univox.networks.entry import CountedForm, NetworkEntry
from univox.networks.registry import build_network


class DyingNetwork(nn.Conv2d):
    """Takes its process with it as soon as there is an image to work on."""

    def forward(self, image: Tensor) -> Tensor:
        return super().forward(image) if image.is_meta else os._exit(9)


class HungryNetwork(nn.Conv2d):
    def forward(self, image: Tensor) -> Tensor:
        return super().forward(image if image.is_meta else torch.empty(2**60))


def test_multiply_adds_of_a_convolution_by_hand() -> None:
    network = nn.Sequential(nn.Conv3d(2, 4, 3, padding=1), nn.ReLU(), nn.Conv3d(4, 1, 1))
    assert multiply_adds(network, torch.zeros(1, 2, 4, 5, 6)) == 120 * (27 * 2 * 4 + 4)


# Queries, keys, values and output: 4 convolutions of 8 x 8 channels; scores and sums: 2 x N x N x 8.
def test_multiply_adds_of_attention_by_hand() -> None:
    network = GlobalAggregation(8, 8, layers=centered_layers(2), heads=2)
    assert multiply_adds(network, torch.zeros(1, 8, 6, 6)) == 36 * 4 * 64 + 2 * 36 * 36 * 8


def test_what_is_kept_for_the_backward_by_hand() -> None:
    # A convolution keeps its input, a ReLU its output, which is the next one's input; 4 bytes a number.
    network = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 8, 1))
    image = torch.zeros(3, 2, 5, 5)
    assert activation_bytes(network, image) == 4 * 3 * 25 * (2 + 4)


def test_what_is_kept_for_the_backward_is_let_go_of_when_it_is_counted() -> None:
    graphs: list[weakref.ref[Any]] = []

    class Watched(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(()))

        def forward(self, image: Tensor) -> Tensor:
            def watch(gradient: Tensor) -> Tensor:
                return gradient

            # The hook lives as long as the graph; a sigmoid keeps its own output.
            logits = torch.sigmoid(image * self.scale)
            logits.register_hook(watch)
            graphs.append(weakref.ref(watch))
            return logits

    # The image, for the scale's gradient, and the sigmoid.
    assert activation_bytes(Watched(), torch.zeros(1, 1, 5)) == 4 * (5 + 5)
    assert [graph() for graph in graphs] == [None]


def test_work_and_memory_grow_with_the_voxels() -> None:
    network = build_network("residual-unet", in_channels=1, num_classes=2, spatial_dims=3)
    small, large = torch.zeros(1, 1, 16, 16, 16), torch.zeros(1, 1, 32, 32, 32)
    # Attention aside.
    assert multiply_adds(network, large) == pytest.approx(8 * multiply_adds(network, small), rel=0.05)
    assert activation_bytes(network, large) == pytest.approx(8 * activation_bytes(network, small), rel=0.05)


def test_a_cost_is_of_one_patch_of_the_size_that_fits() -> None:
    [standard, separable] = costs(9, names=["residual-unet"])
    assert standard.patch == (16, 16, 16)
    assert separable.multiply_adds < standard.multiply_adds
    assert standard.activation_bytes is not None
    assert standard.predicted_per_second is None


def test_a_network_that_does_not_fit_into_memory_loses_only_its_own_row(monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = {"in_channels": 1, "out_channels": 2, "kernel_size": 1}
    form = CountedForm(spatial_dims=2, arguments=arguments)
    paths = [f"{__name__}.{network.__name__}" for network in (DyingNetwork, HungryNetwork)]
    entries = {path: NetworkEntry(path, "", 2026, path, "", forms=(form,)) for path in paths}
    monkeypatch.setattr(cost, "NETWORKS", {**entries, "cc-3d-fcn": cost.NETWORKS["cc-3d-fcn"]})
    dying, hungry, kept = costs(8, timed=True)
    assert "ended" in dying.reason
    assert hungry.reason == "does not fit into memory"
    for lost in (dying, hungry):
        assert (lost.parameters, lost.patch, lost.multiply_adds) == (4, (8, 8), 2 * 64)
        assert (lost.activation_bytes, lost.predicted_per_second, lost.trained_per_second) == (None, None, None)
    assert kept.activation_bytes
    assert kept.trained_per_second
    assert not kept.reason
