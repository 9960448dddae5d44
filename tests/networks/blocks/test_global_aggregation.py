from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from univox.errors import RecipeError
from univox.networks import count_parameters
from univox.networks.blocks import GlobalAggregation, aligned_layers


def block(kind: str, dims: int, **arguments: object) -> GlobalAggregation:
    torch.manual_seed(0)
    return GlobalAggregation(6, 4, layers=aligned_layers(dims), kind=kind, **arguments).double()


def by_hand(module: GlobalAggregation, image: Tensor) -> Tensor:
    """The paper's equations, one head at a time, with the whole matrix."""
    queries, keys, values = module.query(image), module.key(image), module.value(image)
    width = keys.shape[1] // module.heads
    value_width = values.shape[1] // module.heads
    joined = []
    for head in range(module.heads):
        part = slice(head * width, (head + 1) * width)
        q, k = (x[:, part].flatten(2).transpose(1, 2) for x in (queries, keys))
        v = values[:, head * value_width : (head + 1) * value_width].flatten(2).transpose(1, 2)
        weights = torch.softmax(q @ k.transpose(1, 2) / math.sqrt(width), dim=-1)
        joined.append((weights @ v).transpose(1, 2))
    folded = torch.cat(joined, dim=1).unflatten(2, queries.shape[2:])
    return module.out(folded)


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize(("kind", "factor"), [("same", 1.0), ("down", 0.5), ("up", 2.0)])
@pytest.mark.parametrize("heads", [1, 2])
def test_it_is_the_papers_formula_forward_and_backward(kind: str, factor: float, dims: int, heads: int) -> None:
    module = block(kind, dims, heads=heads)
    image = torch.randn(2, 6, *(4, 2, 6)[:dims], dtype=torch.float64, requires_grad=True)
    ours, reference = module(image), by_hand(module, image)
    assert ours.shape[2:] == tuple(int(size * factor) for size in image.shape[2:])
    torch.testing.assert_close(ours, reference)
    of = (image, *module.parameters())
    incoming = torch.randn_like(ours)
    torch.testing.assert_close(torch.autograd.grad(ours, of, incoming), torch.autograd.grad(reference, of, incoming))


def test_key_and_value_channels_are_free() -> None:
    module = block("up", 2, key_channels=8, value_channels=2, heads=2)
    image = torch.randn(1, 6, 3, 5, dtype=torch.float64)
    torch.testing.assert_close(module(image), by_hand(module, image))


def test_dropout_acts_in_training_alone_and_on_the_weights_alone() -> None:
    module = block("same", 2, dropout=0.5)
    image = torch.randn(1, 6, 4, 4, dtype=torch.float64)
    assert not torch.allclose(module(image), module(image))
    module.eval()
    torch.testing.assert_close(module(image), by_hand(module, image))
    with torch.no_grad():
        module.value.convolution.weight.zero_()
        module.value.convolution.bias.zero_()
    module.train()
    # With values of zero nothing is left for the mask to change.
    torch.testing.assert_close(module(image), by_hand(module, image))


def test_moving_the_voxels_of_keys_about_changes_nothing() -> None:
    module = block("same", 1)
    image = torch.randn(1, 6, 9, dtype=torch.float64)
    order = torch.randperm(9)
    torch.testing.assert_close(module(image[..., order]), module(image)[..., order])


@pytest.mark.parametrize(
    ("kind", "channels", "out", "parameters"),
    # The published rows, less norms (2 per channel) and the shortcut (27 in out).
    [
        ("same", 128, 128, 66_304 - 256),
        ("up", 128, 64, 463_360 - 256 - 27 * 128 * 64),
        ("up", 64, 32, 115_968 - 128 - 27 * 64 * 32),
    ],
)
def test_parameters_are_the_published_ones(kind: str, channels: int, out: int, parameters: int) -> None:
    module = GlobalAggregation(channels, out, layers=aligned_layers(3), kind=kind)
    assert count_parameters(module) == parameters


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"heads": 3}, "divisible by 3 heads"),
        ({"dropout": 1.0}, "dropout in"),
        ({"kind": "sideways"}, "'sideways'"),
    ],
)
def test_what_cannot_be_is_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        GlobalAggregation(4, 4, layers=aligned_layers(2), **arguments)
