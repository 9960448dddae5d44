"""A network whose layers are another library's, behind this project's interface."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from univox.networks.blocks.sizes import SizeRule


class LibraryNetwork(nn.Module):
    """Checks what it is given, and passes it to the library's network.

    Subclasses build that network and name its parts; all names begin with "network.".

    Args:
        network: From (B, in_channels, *spatial) to logits of the same grid.
        in_channels: Image channels.
        sizes: That the network takes.
    """

    encoder_parts: tuple[str, ...]
    domain_parts: ClassVar[tuple[str, ...]]

    def __init__(self, network: nn.Module, *, in_channels: int, sizes: SizeRule) -> None:
        super().__init__()
        self.network = network
        self.in_channels = in_channels
        self.sizes = sizes

    def forward(self, image: Tensor) -> Tensor:
        """Logits on the image's grid."""
        self.sizes.check(image, in_channels=self.in_channels)
        return self.network(image)
