from __future__ import annotations

from typing import Any, ClassVar

import pytest
import torch
from network_contract import NetworkContract

from univox.errors import RecipeError
from univox.networks import NETWORKS, count_parameters
from univox.networks.cc_fcn import CC3DFCN
from univox.networks.registry import build_without_memory


class TestCC3DFCN(NetworkContract):
    name = "cc-3d-fcn"
    arguments: ClassVar[dict[str, Any]] = {"widths": (3, 4, 4), "up_widths": [4, 3, 2], "skip_width": 2}
    divisor = 8


class TestTwoGroups(NetworkContract):
    name = "cc-3d-fcn"
    arguments: ClassVar[dict[str, Any]] = {"widths": (3, 4), "depths": (1, 2), "up_widths": (4, 2), "skip_width": 2}
    divisor = 4
    dims = (2,)


def test_the_stand_in_meets_the_count_and_says_what_it_is() -> None:
    entry = NETWORKS["cc-3d-fcn"]
    parameters = count_parameters(build_without_memory(entry, entry.forms[0]))
    assert (parameters, entry.forms[0].published) == (2_534_276, 2_534_276)
    assert entry.forms[0].verdict(parameters) == "stand-in"
    assert "stand-in" in entry.title
    assert "chosen to meet the count" in entry.forms[0].reason


def test_each_row_of_the_table_holds_its_share() -> None:
    with torch.device("meta"):
        network = CC3DFCN(2, 4)
    assert [count_parameters(group) for group in network.groups] == [
        5_184 + 248_832 + 248_832 + 576,
        331_776 + 442_368 + 512,
        442_368 + 256,
    ]
    assert [count_parameters(level.transformation) for level in network.up] == [4_096 + 64, 4_096 + 64, 3_072 + 64]
    assert [count_parameters(level.deconvolution) for level in network.up] == [442_368, 55_296, 27_648]
    assert [count_parameters(level.fusion) for level in network.up] == [138_240 + 64, 82_944 + 64, 55_296 + 64]
    assert count_parameters(network.output) == 132


def test_lists_of_different_lengths_are_refused() -> None:
    with pytest.raises(RecipeError, match="3, 2 and 3"):
        CC3DFCN(2, 4, depths=(3, 2))
