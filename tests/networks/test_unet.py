from __future__ import annotations

from typing import Any, ClassVar

import pytest
import torch
from network_contract import NetworkContract
from torch import nn

from univox.errors import RecipeError, ShapeError
from univox.networks import count_parameters
from univox.networks.unet import UNet


class TestUnpaddedUNet(NetworkContract):
    name = "unet"
    arguments: ClassVar[dict[str, Any]] = {"widths": (4, 8), "dropout": 0.1}
    divisor = 2
    smallest = 18
    margin = 8


class TestPaddedUNet(NetworkContract):
    name = "unet"
    arguments: ClassVar[dict[str, Any]] = {"widths": [4, 4, 8], "padded": True}
    divisor = 4


class TestNormalizedUNet(NetworkContract):
    name = "unet"
    arguments: ClassVar[dict[str, Any]] = {"widths": [4, 8], "padded": True, "normalization": "batch", "bias": False}
    divisor = 2


def without_memory(in_channels: int, num_classes: int, **arguments: Any) -> UNet:
    with torch.device("meta"):
        return UNet(in_channels, num_classes, **arguments)


@pytest.mark.parametrize(
    ("in_channels", "num_classes", "bias", "parameters"),
    [
        (1, 2, True, 31_030_658),
        (1, 1, True, 31_030_593),
        (3, 2, True, 31_031_810),
        (1, 2, False, 31_023_808),
    ],
)
def test_the_layers_of_the_paper_hold_these_numbers(
    in_channels: int, num_classes: int, bias: bool, parameters: int
) -> None:
    assert count_parameters(without_memory(in_channels, num_classes, bias=bias)) == parameters
    assert count_parameters(without_memory(in_channels, num_classes, bias=bias, padded=True)) == parameters


def test_each_level_holds_its_share() -> None:
    network = without_memory(1, 2)
    pairs = [
        9 * (before * width + width * width) + 2 * width
        for before, width in zip((1, 64, 128, 256, 512), (64, 128, 256, 512, 1024), strict=True)
    ]
    assert [count_parameters(level) for level in network.encoder] == pairs
    for level, fine in zip(network.decoder, (512, 256, 128, 64), strict=True):
        assert count_parameters(level.up) == 4 * 2 * fine * fine + fine
        assert count_parameters(level.convolutions) == 9 * 3 * fine * fine + 2 * fine
    assert count_parameters(network.output) == 64 * 2 + 2
    assert sum(isinstance(module, nn.Conv2d | nn.ConvTranspose2d) for module in network.modules()) == 23


def test_the_sizes_of_the_paper_level_by_level() -> None:
    network = without_memory(1, 2)
    seen: list[tuple[int, int]] = []
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            module.register_forward_hook(lambda _m, _i, output: seen.append((output.shape[1], output.shape[2])))
    logits = network(torch.zeros(1, 1, 572, 572, device="meta"))
    assert logits.shape == (1, 2, 388, 388)
    down = [(64, 570), (64, 568), (128, 282), (128, 280), (256, 138), (256, 136), (512, 66), (512, 64)]
    bottom = [(1024, 30), (1024, 28)]
    up = [(512, 56), (512, 54), (512, 52), (256, 104), (256, 102), (256, 100), (128, 200), (128, 198), (128, 196)]
    assert seen == [*down, *bottom, *up, (64, 392), (64, 390), (64, 388), (2, 388)]


def test_skips_are_cropped_by_the_margins_of_the_paper(monkeypatch: pytest.MonkeyPatch) -> None:
    from univox.networks.blocks import u_shape

    margins: list[int] = []
    crop = u_shape.crop_center

    def told(image: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
        margins.append((image.shape[2] - shape[0]) // 2)
        return crop(image, shape)

    monkeypatch.setattr(u_shape, "crop_center", told)
    without_memory(1, 2)(torch.zeros(1, 1, 572, 572, device="meta"))
    assert margins == [4, 16, 40, 88]


@pytest.mark.parametrize("levels", [1, 2, 3, 4, 5])
def test_the_sizes_that_fit_are_those_that_come_through(levels: int) -> None:
    # Brute force: a size comes through when every pooling sees an even size and every convolution leaves something.
    def inner(size: int) -> int | None:
        sizes = []
        for level in range(levels):
            if level:
                if size % 2:
                    return None
                size //= 2
            size -= 4
            if size < 1:
                return None
        for _ in range(levels - 1):
            size = 2 * size - 4
            if size < 1:
                return None
            sizes.append(size)
        return size

    rule = without_memory(1, 2, widths=(2,) * levels).sizes
    through = {size: inner(size) for size in range(1, 260)}
    assert [size for size, left in through.items() if left] == [
        size for size in range(1, 260) if rule.fitting((size, size)) == (size, size)
    ]
    assert all(left == rule.inner((size, size))[0] for size, left in through.items() if left)


def test_a_tile_alone_and_in_a_larger_image_gives_the_same_logits() -> None:
    # What unpadded convolutions are for: tiles abut without a seam.
    torch.manual_seed(0)
    network = UNet(1, 2, widths=(2, 4, 4)).double().eval()
    image = torch.randn(1, 1, 60, 52, dtype=torch.float64)
    whole = network(image)
    tile = network(image[..., 8:52, 4:48])
    assert tile.shape == (1, 2, 4, 4)
    torch.testing.assert_close(tile, whole[..., 8:12, 4:8])


def test_padded_and_unpadded_agree_where_the_border_is_not_seen() -> None:
    torch.manual_seed(0)
    unpadded, padded = UNet(1, 2, widths=(2, 4)).double(), UNet(1, 2, widths=(2, 4), padded=True).double()
    padded.load_state_dict(unpadded.state_dict())
    image = torch.randn(1, 1, 22, 26, dtype=torch.float64)
    torch.testing.assert_close(unpadded(image), padded(image)[..., 8:-8, 8:-8])


def test_the_start_is_that_of_the_paper() -> None:
    # Standard deviation sqrt(2 / N), N = 9 x 64 for a convolution of edge 3 over 64 channels.
    torch.manual_seed(0)
    network = UNet(1, 2, widths=(64, 64))
    kernel = network.encoder[0][3].weight
    assert kernel.std().item() == pytest.approx((2 / 576) ** 0.5, rel=0.02)
    assert not any(parameter.any() for name, parameter in network.named_parameters() if name.endswith("bias"))


def test_dropout_acts_at_the_end_of_the_contracting_path_only() -> None:
    torch.manual_seed(0)
    network = UNet(1, 1, widths=(2, 2, 2), padded=True, dropout=1 - 1e-9)
    with torch.no_grad():
        network.encoder[0].requires_grad_(False)
        image = torch.randn(1, 1, 8, 8)
        dropped = network(image)
        # Only the finest skip is left: what comes from below is zero.
        finest = network.encoder[0](image)
        below = torch.zeros_like(finest)
        expected = network.output(network.decoder[1].convolutions(torch.cat([finest, below], dim=1)))
    torch.testing.assert_close(dropped, expected)


@pytest.mark.parametrize("arguments", [{"normalization": "layer"}, {"spatial_dims": 4}])
def test_what_does_not_fit_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(RecipeError):
        UNet(1, 2, **arguments)


def test_the_published_sizes_are_named() -> None:
    network = without_memory(1, 2)
    with pytest.raises(ShapeError, match=r"a size 188 \+ a multiple of 16, got 570 on axis W; .* 572"):
        network(torch.zeros(1, 1, 572, 570, device="meta"))
