from __future__ import annotations

from typing import Any, ClassVar

import pytest
import torch
from closed_forms import built, closed_forms, counts
from network_contract import NetworkContract

from univox.errors import RecipeError
from univox.networks import count_parameters
from univox.networks.unext import UNeXt

SMALL_WIDTHS = (8, 16, 32, 64, 128)


class TestUNeXt(NetworkContract):
    name = "unext"
    arguments: ClassVar[dict[str, Any]] = {"widths": (4, 6, 8, 10, 12)}
    divisor = 32


# The layer table, row by row.
def test_every_part_has_the_published_networks_parameters() -> None:
    network = built("unext", 3, 1, 2)
    assert counts(network.encoder) == [480, 4_704, 37_248]
    assert [counts(stage)[2] for stage in network.tokens] == [53_440, 134_656]
    assert counts(network.tokens) == [184_800 + 53_440 + 320, 369_408 + 134_656 + 512]
    assert counts(network.up) == [369_120, 184_704, 36_960, 4_656]
    assert counts(network.decoder) == [53_440 + 320, 34_560 + 256]
    assert counts([network.last, network.output]) == [2_320, 17]
    assert count_parameters(network) == 1_471_921


@closed_forms({2: (1_471_472, 144, 17), 3: (3_866_480, 432, 17)})
def test_totals_of_channels_and_classes(spatial_dims: int, in_channels: int, num_classes: int, parameters: int) -> None:
    assert count_parameters(built("unext", in_channels, num_classes, spatial_dims)) == parameters


@closed_forms({2: (253_336, 72, 9), 3: (651_352, 216, 9)})
def test_totals_of_the_small_version(spatial_dims: int, in_channels: int, num_classes: int, parameters: int) -> None:
    network = built("unext", in_channels, num_classes, spatial_dims, widths=SMALL_WIDTHS)
    assert count_parameters(network) == parameters


def test_the_widths_of_the_papers_text_do_not_meet_its_count() -> None:
    assert count_parameters(built("unext", 3, 1, 2, widths=(32, 64, 128, 160, 256))) == 1_580_961


def test_five_widths_are_asked_for() -> None:
    with pytest.raises(RecipeError, match="five widths"):
        UNeXt(1, 2, widths=(8, 16))
    with pytest.raises(RecipeError, match="1, 2 or 3"):
        UNeXt(1, 2, spatial_dims=4)


def test_a_thin_map_keeps_what_does_not_leave_it() -> None:
    torch.manual_seed(0)
    network = UNeXt(1, 2, spatial_dims=3, widths=(4, 4, 4, 5, 5)).eval()
    assert network(torch.randn(1, 1, 32, 32, 32)).isfinite().all()
