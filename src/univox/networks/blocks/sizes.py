"""The check that every network makes of its input, with the remedy in the message."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from univox.errors import ShapeError

_AXES = ("D", "H", "W")


def check_image_shape(image: Tensor, *, in_channels: int, size_divisor: Sequence[int]) -> None:
    """Raise ShapeError unless the image has the network's axes, channels and a size that divides.

    Args:
        image: (B, C, *spatial).
        in_channels: Channels that the network reads.
        size_divisor: What each spatial size must be a multiple of, (D, H, W), (H, W) or (W,).

    Raises:
        ShapeError: With axis, size and the next size that fits.
    """
    spatial_dims = len(size_divisor)
    if image.ndim != spatial_dims + 2:
        raise ShapeError(
            expected=f"an image with {spatial_dims + 2} axes (batch, channel, {spatial_dims} spatial)",
            got=f"shape {tuple(image.shape)}",
            remedy=f"give a {spatial_dims}-D image, or set spatial_dims",
        )
    if image.shape[1] != in_channels:
        raise ShapeError(
            expected=f"{in_channels} channels",
            got=str(image.shape[1]),
            remedy=f"give the channels that the network was built for, or build it for {image.shape[1]}",
        )
    check_divisible(image, size_divisor)


def check_divisible(image: Tensor, size_divisor: Sequence[int]) -> None:
    """Raise ShapeError unless each spatial size is a multiple of its divisor."""
    names = _AXES[-len(size_divisor) :]
    for name, size, divisor in zip(names, image.shape[2:], size_divisor, strict=True):
        if size % divisor or size == 0:
            fits = max(-(-size // divisor), 1) * divisor
            raise ShapeError(
                expected=f"a size divisible by {divisor}",
                got=f"{size} on axis {name}",
                remedy=f"pad or crop to {fits}",
            )
