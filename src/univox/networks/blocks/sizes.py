"""Which sizes a network takes, and the check that every network makes of its input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from univox.errors import ShapeError

_AXES = ("D", "H", "W")


@dataclass(frozen=True)
class SizeRule:
    """The sizes that fit a network, per spatial axis: `smallest`, `smallest + divisor`, `smallest + 2 divisor`, ...

    Args:
        divisor: Distance between sizes that fit.
        smallest: The first of them; left out, the divisor.
        margin: Voxels that the logits lack on either side of the image: 0 for padded networks, which return logits
            of the image's size.
        cell: Voxels of the image that make one of the coarsest normalized grid, where that must have two: a norm of
            each image by itself has nothing to compare in a single one. Left out, one will do.

    >>> rule = SizeRule((16, 16), smallest=(188, 188), margin=(92, 92))
    >>> rule.fitting((500, 572)), rule.inner((572, 572))
    ((508, 572), (388, 388))
    >>> rule = SizeRule((8, 8), cell=(8, 8))
    >>> rule.fitting((8, 5)), rule.fitting((9, 5))
    ((8, 16), (16, 8))
    """

    divisor: tuple[int, ...]
    smallest: tuple[int, ...] = ()
    margin: tuple[int, ...] = ()
    cell: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        # Frozen, and two of the fields have defaults that depend on the first.
        object.__setattr__(self, "smallest", self.smallest or self.divisor)
        object.__setattr__(self, "margin", self.margin or (0,) * len(self.divisor))

    @classmethod
    def multiples(cls, divisor: int, spatial_dims: int, *, smallest: int | None = None) -> SizeRule:
        """Multiples of one number on every axis, from `smallest` on.

        >>> SizeRule.multiples(8, 2).fitting((9, 3))
        (16, 8)
        """
        return cls((divisor,) * spatial_dims, () if smallest is None else (smallest,) * spatial_dims)

    @property
    def spatial_dims(self) -> int:
        """Number of spatial axes."""
        return len(self.divisor)

    def fitting(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Give the next shape that fits, none of its edges below the given one.

        Where all that is amiss is a single voxel on the coarsest grid, the last axis grows.
        """
        fits = self._next(shape)
        if not self._is_one_cell(fits):
            return fits
        return self._next((*fits[:-1], self.cell[-1] + 1))

    def _next(self, shape: Sequence[int]) -> tuple[int, ...]:
        return tuple(
            max(smallest, size + (smallest - size) % divisor)
            for size, smallest, divisor in zip(shape, self.smallest, self.divisor, strict=True)
        )

    def _is_one_cell(self, shape: Sequence[int]) -> bool:
        return bool(self.cell) and all(size <= cell for size, cell in zip(shape, self.cell, strict=True))

    def inner(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Give the shape of the logits of an image of that shape."""
        return tuple(size - 2 * margin for size, margin in zip(shape, self.margin, strict=True))

    def check(self, image: Tensor, *, in_channels: int) -> None:
        """Raise ShapeError unless the image (B, C, *spatial) has the network's axes, channels and a size that fits.

        Raises:
            ShapeError: With axis, size and the next size that fits.
        """
        if image.ndim != self.spatial_dims + 2:
            raise ShapeError(
                expected=f"an image with {self.spatial_dims + 2} axes (batch, channel, {self.spatial_dims} spatial)",
                got=f"shape {tuple(image.shape)}",
                remedy=f"give a {self.spatial_dims}-D image, or set spatial_dims",
            )
        if image.shape[1] != in_channels:
            raise ShapeError(
                expected=f"{in_channels} channels",
                got=str(image.shape[1]),
                remedy=f"give the channels that the network was built for, or build it for {image.shape[1]}",
            )
        self.check_shape(image.shape[2:])

    def check_shape(self, shape: Sequence[int]) -> None:
        """Raise ShapeError unless each spatial size fits, with the next size that does."""
        names = _AXES[-self.spatial_dims :]
        for axis, (size, fits) in enumerate(zip(shape, self._next(shape), strict=True)):
            if size != fits:
                raise ShapeError(
                    expected=self._in_words(axis),
                    got=f"{size} on axis {names[axis]}",
                    remedy=f"pad or crop to {fits}",
                )
        if self._is_one_cell(shape):
            raise ShapeError(
                expected=f"more than {_by(self.cell)} on some axis",
                got=_by(shape),
                remedy=f"pad axis {names[-1]} to {self.fitting(shape)[-1]}",
            )

    def _in_words(self, axis: int) -> str:
        divisor, smallest = self.divisor[axis], self.smallest[axis]
        if smallest % divisor:
            return f"a size {smallest} + a multiple of {divisor}"
        return f"a size divisible by {divisor}" + (f", at least {smallest}" if smallest != divisor else "")


def _by(sizes: Sequence[int]) -> str:
    return " x ".join(map(str, sizes))


def size_rule(network: Any, spatial_dims: int) -> SizeRule:
    """Give a network's rule; one that states none takes every size.

    >>> size_rule(object(), 2).fitting((5, 7))
    (5, 7)
    """
    rule = getattr(network, "sizes", None)
    return rule if isinstance(rule, SizeRule) else SizeRule.multiples(1, spatial_dims)
