"""A network from elsewhere, behind this project's interface."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from univox.errors import ShapeError
from univox.networks.blocks.by_dimension import per_axis
from univox.networks.blocks.sizes import SizeRule


class ForeignNetwork(nn.Module):
    """Any module that maps an image to logits of its grid.

    Args:
        network: The module.
        num_classes: Logits that it must return.
        spatial_dims: 1, 2 or 3.
        size_divisor: What sizes it takes, one number or one per axis.

    Raises:
        ShapeError: At call, for a size that does not fit, or logits that are not of the image's grid.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        num_classes: int,
        spatial_dims: int,
        size_divisor: int | Sequence[int] = 1,
    ) -> None:
        super().__init__()
        self.network = network
        # What the module says of itself goes by this one's names; one that says nothing has no encoder to name.
        inside: tuple[str, ...] = getattr(network, "encoder_parts", ())
        self.encoder_parts = tuple(f"network.{part}" for part in inside)
        self.num_classes = num_classes
        self.sizes = SizeRule(per_axis(size_divisor, spatial_dims))

    def forward(self, image: Tensor) -> Tensor:
        """Logits, checked to be what a network of this project returns."""
        self.sizes.check_shape(image.shape[2:])
        logits = self.network(image)
        wanted = (image.shape[0], self.num_classes, *image.shape[2:])
        if not isinstance(logits, Tensor) or tuple(logits.shape) != wanted:
            got = f"shape {tuple(logits.shape)}" if isinstance(logits, Tensor) else type(logits).__name__
            raise ShapeError(
                expected=f"logits of shape {wanted} from {type(self.network).__name__}",
                got=got,
                remedy="set its channels, classes and padding in network.arguments",
            )
        return logits
