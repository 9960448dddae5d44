from __future__ import annotations

from typing import Any, ClassVar

import pytest
import torch
from network_contract import NetworkContract
from torch import nn

from univox.errors import RecipeError, ShapeError
from univox.networks import count_parameters
from univox.networks.residual_symmetric_unet import ResidualSymmetricUNet

PAPERS: dict[str, Any] = {"widths": (28, 36, 48, 64, 80), "first_kernel": (1, 3, 3)}


class TestResidualSymmetricUNet(NetworkContract):
    name = "residual-symmetric-unet"
    arguments: ClassVar[dict[str, Any]] = {"widths": (4, 6, 8), "strides": ((2, 2, 2), (2, 2, 2))}
    divisor = 4


def counted(in_channels: int = 1, num_classes: int = 1, **arguments: Any) -> ResidualSymmetricUNet:
    """The real widths, without memory."""
    with torch.device("meta"):
        return ResidualSymmetricUNet(in_channels, num_classes, **arguments)


# The layer table, row by row.
@pytest.mark.parametrize(
    ("arguments", "rows"),
    [
        (
            {},
            {
                "stem": [624],
                "encoder": [46_800, 76_224, 166_176, 373_680, 786_864],
                "up": [840, 1_632, 3_600, 7_704],
                "decoder": [46_800, 83_136, 186_912, 420_336],
                "embed": [14_424],
                "output": [25],
            },
        ),
        (
            PAPERS,
            {
                "stem": [728],
                "encoder": [49_560, 79_272, 140_256, 249_216, 392_160],
                "up": [1_092, 1_836, 3_216, 5_312],
                "decoder": [49_560, 81_864, 145_440, 258_432],
                "embed": [19_628],
                "output": [29],
            },
        ),
    ],
)
def test_every_block_has_the_parameters_of_the_code_it_follows(
    arguments: dict[str, Any], rows: dict[str, list[int]]
) -> None:
    network = counted(**arguments)
    parts = {name: getattr(network, name) for name in rows}
    blocks = {name: list(part) if isinstance(part, nn.ModuleList) else [part] for name, part in parts.items()}
    assert {name: [count_parameters(block) for block in found] for name, found in blocks.items()} == rows


@pytest.mark.parametrize(
    ("arguments", "one", "three"),
    [
        ({}, 2_215_777, 2_215_827),
        (PAPERS, 1_477_601, 1_477_659),
        ({"widths": PAPERS["widths"]}, 1_841_057, 1_841_115),
        ({"widths": (24, 32, 48, 72, 104, 144)}, 4_632_745, 4_632_795),
    ],
)
def test_totals_of_the_forms(arguments: dict[str, Any], one: int, three: int) -> None:
    assert count_parameters(counted(1, 1, **arguments)) == one
    assert count_parameters(counted(1, 3, **arguments)) == three


@pytest.mark.parametrize(("c", "n"), [(3, 1), (1, 2), (5, 7)])
def test_totals_of_channels_and_classes(c: int, n: int) -> None:
    assert count_parameters(counted(c, n)) == 2_215_152 + 600 * c + 25 * n
    assert count_parameters(counted(c, n, spatial_dims=2)) == 759_024 + 600 * c + 25 * n
    assert count_parameters(counted(c, n, **PAPERS)) == 1_476_872 + 700 * c + 29 * n
    assert count_parameters(counted(c, n, spatial_dims=2, **PAPERS)) == 635_912 + 700 * c + 29 * n


def test_slices_are_not_pooled_and_may_be_any_number() -> None:
    network = ResidualSymmetricUNet(1, 2, widths=(2, 3, 4))
    assert network.sizes.divisor == (1, 4, 4)
    assert network(torch.randn(1, 1, 5, 8, 12)).shape == (1, 2, 5, 8, 12)
    with pytest.raises(ShapeError, match=r"got 9 on axis H.* 12$"):
        network(torch.randn(1, 1, 5, 9, 12))


def test_the_embedding_does_not_mix_slices_and_the_modules_do() -> None:
    torch.manual_seed(0)
    network = ResidualSymmetricUNet(1, 2, widths=(2, 3)).eval()
    image = torch.randn(1, 1, 7, 8, 8)
    moved = image.clone()
    moved[:, :, 3] += 1.0
    changed = (network.stem(moved) != network.stem(image)).any(dim=(0, 1, 3, 4))
    assert changed.tolist() == [slice_ == 3 for slice_ in range(7)]
    assert (network(moved) != network(image)).any(dim=(0, 1, 3, 4)).all()


def test_a_picture_is_a_stack_of_one_slice_where_kernels_lie_in_the_plane() -> None:
    torch.manual_seed(0)
    flat = ResidualSymmetricUNet(1, 2, spatial_dims=2, widths=(2, 3)).double().eval()
    stack = ResidualSymmetricUNet(1, 2, widths=(2, 3)).double().eval()
    state = stack.state_dict()
    for name, tensor in flat.state_dict().items():
        if tensor.ndim == 4:
            # Of a kernel's planes, the middle one alone meets the slice.
            state[name].zero_()[:, :, state[name].shape[2] // 2] = tensor
        else:
            state[name] = tensor
    stack.load_state_dict(state)
    image = torch.randn(2, 1, 8, 12, dtype=torch.float64)
    torch.testing.assert_close(stack(image.unsqueeze(2)).squeeze(2), flat(image))


def test_strides_may_differ_between_levels() -> None:
    assert counted(widths=(2, 3, 4), strides=((1, 2, 2), (2, 2, 2))).sizes.divisor == (2, 4, 4)


def test_momentum_reaches_every_norm() -> None:
    norms = [m for m in counted(batch_norm_momentum=0.001).modules() if isinstance(m, nn.BatchNorm3d)]
    assert {norm.momentum for norm in norms} == {0.001}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"strides": ((1, 2, 2),)}, "4 strides"),
        ({"strides": ((0, 2, 2),) * 4}, "factors from 1"),
        ({"embedding_kernel": (5, 5)}, "3 numbers"),
    ],
)
def test_a_slip_is_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        counted(**arguments)
