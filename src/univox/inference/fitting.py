"""Whether an image is one that a domain can be asked about."""

from __future__ import annotations

from univox.errors import ModelError
from univox.image import Image
from univox.model.domain import Domain


def misfit(domain: Domain, image: Image) -> ModelError | None:
    """Say why a domain cannot take an image; None where it can.

    Axes and the number of channels are compared: what a channel shows, no file says.

    Args:
        domain: Of a model.
        image: As read.
    """
    names = domain.channel_names
    if image.spatial_dims != domain.spatial_dims:
        return ModelError(
            expected=f"a {domain.spatial_dims}-D image",
            got=f"a {image.spatial_dims}-D one of shape {list(image.spatial_shape)}",
            remedy="use a model that was trained on such images",
        )
    if image.num_channels != len(names):
        return ModelError(
            expected=f"an image with {channels(len(names))}: {', '.join(names)}",
            got=channels(image.num_channels),
            remedy="give one 4-D file, or one file per channel named CASE_0000, CASE_0001 in this order",
        )
    return None


def channels(count: int) -> str:
    """Write a number of channels.

    >>> channels(1), channels(2)
    ('1 channel', '2 channels')
    """
    return f"{count} channel" if count == 1 else f"{count} channels"
