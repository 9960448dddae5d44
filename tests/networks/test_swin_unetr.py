from __future__ import annotations

from typing import Any, ClassVar

import pytest
import torch
from closed_forms import built
from network_contract import NetworkContract

from univox.errors import RecipeError, ShapeError
from univox.networks import count_parameters
from univox.networks.domain_parts import domain_state_names
from univox.networks.swin_unetr import SwinUNETR


class TestSwinUNETR(NetworkContract):
    name = "swin-unetr"
    arguments: ClassVar[dict[str, Any]] = {"width": 12}
    divisor = 32
    dims = (2,)  # 3-D below: it takes seconds a call


def test_in_3d_it_runs_on_the_smallest_image_it_takes() -> None:
    torch.manual_seed(0)
    network = SwinUNETR(1, 2, width=12).eval()
    with torch.no_grad():
        assert network(torch.randn(1, 1, 32, 32, 64)).shape == (1, 2, 32, 32, 64)
    # The single voxel that 32 on every axis leaves has no deviation to be divided by.
    with pytest.raises(
        ShapeError, match="more than 32 x 32 x 32 on some axis, got 32 x 32 x 32; remedy: pad axis W to 64"
    ):
        network(torch.randn(1, 1, 32, 32, 32))


def test_what_datasets_share_does_not_depend_on_channels_and_classes_in_3d() -> None:
    one, other = built("swin-unetr", 1, 2, 3), built("swin-unetr", 3, 4, 3)

    def shared(network: torch.nn.Module) -> dict[str, torch.Size]:
        own = domain_state_names(network)
        return {name: tensor.shape for name, tensor in network.state_dict().items() if name not in own}

    assert shared(one) == shared(other)
    assert count_parameters(one) == 15_703_004


@pytest.mark.parametrize(("arguments", "words"), [({"width": 16}, "choose 24"), ({"spatial_dims": 1}, "2 or 3")])
def test_what_does_not_fit_is_refused(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        SwinUNETR(1, 2, **arguments)
