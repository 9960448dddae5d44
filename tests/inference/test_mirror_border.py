from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from univox.inference.mirror_border import mirror_border
from univox.inference.sliding_window import sliding_window
from univox.networks.blocks.sizes import SizeRule
from univox.networks.unet import UNet
from univox.recipes.inference_settings import InferenceSettings


@pytest.mark.parametrize("margin", [(0, 0), (1, 3), (2, 9), (7, 0)])
@pytest.mark.parametrize("shape", [(2, 4, 5), (1, 1, 6), (1, 2, 3)])
def test_it_is_numpys_reflection(shape: tuple[int, ...], margin: tuple[int, int]) -> None:
    array = torch.randn(shape)
    wanted = np.pad(array.numpy(), [(0, 0), *((width, width) for width in margin)], mode="reflect")
    assert np.array_equal(mirror_border(array, margin).numpy(), wanted)


class Unpadded(nn.Module):
    """Three unpadded convolutions: the logits lack 3 voxels on either side."""

    def __init__(self, dims: int) -> None:
        super().__init__()
        kind = {2: nn.Conv2d, 3: nn.Conv3d}[dims]
        self.layers = nn.Sequential(kind(1, 4, 3), nn.Tanh(), kind(4, 4, 3), nn.Tanh(), kind(4, 3, 3))
        self.sizes = SizeRule((2,) * dims, smallest=(8,) * dims, margin=(3,) * dims)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.layers(image)


@pytest.mark.parametrize(("dims", "blend", "overlap"), [(2, "uniform", 0.0), (2, "gaussian", 0.5), (3, "uniform", 0.0)])
def test_tiles_of_an_unpadded_network_are_its_whole_image(dims: int, blend: str, overlap: float) -> None:
    torch.manual_seed(0)
    network = Unpadded(dims)
    image = torch.randn(1, *(13, 11, 9)[:dims])
    whole = network(mirror_border(image, (3,) * dims).unsqueeze(0))[0].softmax(0)
    settings = InferenceSettings(blend=blend, overlap=overlap, precision="fp32")
    tiled = sliding_window(network, image, window_size=(10,) * dims, num_classes=3, settings=settings)
    torch.testing.assert_close(tiled, whole.detach(), rtol=1e-5, atol=1e-6)


def largest_difference(size: int, window: int, step: int) -> float:
    """Between the tiles of the U-Net of 2015, with few channels, and the same network on the whole mirrored image."""
    torch.manual_seed(0)
    network = UNet(1, 2, widths=(2, 2, 2, 2, 2)).eval()
    image = torch.randn(1, size, size)
    settings = InferenceSettings(blend="uniform", step=step, precision="fp32")
    with torch.inference_mode():
        whole = network(mirror_border(image, (92, 92)).unsqueeze(0))[0].softmax(0)
        tiled = sliding_window(network, image, window_size=(window, window), num_classes=2, settings=settings)
    assert whole.shape == tiled.shape
    assert whole[1].std() > 1e-3
    return float((whole - tiled).abs().max())


def test_tiles_of_the_published_size_are_the_whole_image_where_their_poolings_meet() -> None:
    # 572 -> 388; poolings divide tile and image alike where the step is a multiple of 2 ** 4.
    assert largest_difference(388 + 384, 572, 384) < 1e-5
    assert largest_difference(20 + 2 * 16, 204, 16) < 1e-5
    # Tiles that abut pool other groups of pixels than the whole image does: seamless, and not the same.
    assert largest_difference(20 + 2 * 16, 204, 20) > 1e-3
