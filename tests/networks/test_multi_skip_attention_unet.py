from __future__ import annotations

from typing import Any, ClassVar

import pytest
import torch
from network_contract import NetworkContract
from torch.nn import functional

from univox.errors import RecipeError, ShapeError
from univox.networks import count_parameters
from univox.networks.blocks.conv import centered_layers
from univox.networks.blocks.sizes import SizeRule
from univox.networks.multi_skip_attention_unet import (
    MultiSkipAttentionUNet,
    MultiSkipDecoder,
    averaged,
    enlarged,
    group_norm,
)

SMALL: dict[str, Any] = {
    "stem_width": 4,
    "widths": (4, 6, 8),
    "repeats": (1, 2, 1),
    "expansion": 2,
    "decoder_width": 4,
}


class TestMultiSkipAttentionUNet(NetworkContract):
    name = "multi-skip-attention-unet"
    arguments: ClassVar[dict[str, Any]] = SMALL
    divisor = 1
    smallest = 5
    # Normalized over one channel or group, what is added to all is taken away again.
    unmoved = ("gate.score.1.0.bias",)
    # Up to 2e-3 by the seed, at full width as well: a dozen more norms lie in a row than in a plain U-Net.
    rounding = 4e-3


def counted(in_channels: int, num_classes: int, spatial_dims: int = 3) -> MultiSkipAttentionUNet:
    """The real widths, without memory."""
    with torch.device("meta"):
        return MultiSkipAttentionUNet(in_channels, num_classes, spatial_dims=spatial_dims)


# The layer table, row by row.
def test_every_block_has_the_parameters_of_the_first_authors_code() -> None:
    network = counted(4, 1)
    assert count_parameters(network.stem) == 3_520
    assert [count_parameters(level) for level in network.encoder] == [1_472, 18_288, 49_200, 208_064, 330_816]
    assert count_parameters(network.bottom) == 498_048
    assert [count_parameters(decoder) for decoder in network.decoder] == [800_739, 914_403, 1_029_091, 1_143_779]
    assert count_parameters(network.output) == 65
    assert count_parameters(network) == 4_997_485


@pytest.mark.parametrize(("c", "n"), [(3, 1), (1, 2), (5, 7)])
def test_totals_of_channels_and_classes(c: int, n: int) -> None:
    assert count_parameters(counted(c, n, 2)) == 2_089_196 + 288 * c + 65 * n
    assert count_parameters(counted(c, n, 3)) == 4_993_964 + 864 * c + 65 * n


def test_levels_halve_the_grid_and_round_up() -> None:
    network = counted(4, 1)
    grids: list[tuple[int, ...]] = []
    for part in (*network.encoder, network.bottom, *network.decoder):
        part.register_forward_hook(lambda _module, _inputs, out: grids.append(tuple(out.shape[2:])))
    assert network(torch.zeros(1, 4, 240, 240, 155, device="meta")).shape == (1, 1, 240, 240, 155)
    down = [(240, 240, 155), (120, 120, 78), (60, 60, 39), (30, 30, 20), (15, 15, 10)]
    assert grids == [*down, down[-1], *down[3::-1]]


# In groups of one channel the coarsest level needs two voxels; of more, the gate of the decoder above it does.
@pytest.mark.parametrize(("widths", "cell"), [((4, 6, 8), 4), ((4, 6, 16), 2)])
def test_too_few_voxels_to_normalize_are_named(widths: tuple[int, ...], cell: int) -> None:
    network = MultiSkipAttentionUNet(1, 2, spatial_dims=2, **{**SMALL, "widths": widths})
    for size in ((1, cell + 1), (cell + 1, 1)):
        assert network(torch.randn(1, 1, *size)).shape == (1, 2, *size)
    with pytest.raises(
        ShapeError, match=rf"more than {cell} x {cell} on some axis, got {cell} x {cell}; .*axis W to {cell + 1}$"
    ):
        network(torch.randn(1, 1, cell, cell))
    # The rule is no stricter than the layers are.
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        _without_check(network)(torch.randn(1, 1, cell, cell))


def _without_check(network: MultiSkipAttentionUNet) -> MultiSkipAttentionUNet:
    network.sizes = SizeRule((1, 1))
    return network


def test_a_projection_and_a_resampling_trade_places() -> None:
    torch.manual_seed(0)
    decoder = MultiSkipDecoder((3, 5, 2), 4, layers=centered_layers(2), mode="bilinear").double().eval()
    maps = [torch.randn(1, c, *size, dtype=torch.float64) for c, size in ((3, (13, 10)), (5, (7, 5)), (2, (4, 3)))]
    grid = maps[1].shape[2:]
    moved = [averaged(maps[0], grid), maps[1], enlarged(maps[2], grid, mode="bilinear")]
    joined = torch.cat([project(level) for project, level in zip(decoder.project, moved, strict=True)], dim=1)
    torch.testing.assert_close(decoder(maps, grid), decoder.gate(decoder.fuse(joined), moved[-1]))


def test_averages_and_interpolations_by_hand() -> None:
    line = torch.tensor([[[1.0, 3.0, 5.0, 7.0]]])
    assert averaged(line, torch.Size([2])).tolist() == [[[2.0, 6.0]]]
    assert enlarged(torch.tensor([[[2.0, 6.0]]]), torch.Size([4]), mode="linear").tolist() == [[[2.0, 3.0, 5.0, 6.0]]]
    assert enlarged(line, line.shape[2:], mode="linear") is line


@pytest.mark.parametrize(("channels", "groups"), [(16, 8), (12, 6), (96, 8), (7, 7), (1, 1)])
def test_groups_divide_the_channels(channels: int, groups: int) -> None:
    assert group_norm(channels).num_groups == groups


def test_the_first_level_does_not_widen_and_the_others_do() -> None:
    network = counted(1, 2)
    assert [len(level[0].branch) for level in network.encoder] == [5, 8, 8, 8, 8]


def test_every_decoder_draws_on_every_encoder_map() -> None:
    torch.manual_seed(0)
    network = MultiSkipAttentionUNet(1, 2, spatial_dims=2, **SMALL)
    assert [len(decoder.project) for decoder in network.decoder] == [4, 5]
    functional.cross_entropy(network(torch.randn(2, 1, 9, 11)), torch.ones(2, 9, 11).long()).backward()
    assert all(project.weight.grad.any() for decoder in network.decoder for project in decoder.project)


def test_lengths_that_do_not_match_are_named() -> None:
    with pytest.raises(RecipeError, match="as many repeats as widths"):
        MultiSkipAttentionUNet(1, 2, widths=(4, 8), repeats=(1,))
