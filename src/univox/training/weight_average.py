"""An exponential moving average of a network's weights."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Mapping

import torch
from torch import Tensor


class WeightAverage:
    """Average of every floating-point weight and running statistic over the iterations so far.

    Early on the decay is smaller, (1 + n) / (10 + n), so that the random start is soon forgotten. What does not
    change keeps its value, free of any rounding.

    Args:
        tensors: Parameters and buffers by name: the ones that training changes, not copies.
        decay: Share of the old average that an update keeps, in [0, 1); 0 is the weights themselves.
    """

    def __init__(self, tensors: Mapping[str, Tensor], decay: float) -> None:
        self.decay = decay
        self._tensors = dict(tensors)
        self.weights = {name: value.detach().clone() for name, value in tensors.items()}

    @torch.no_grad()
    def update(self, iteration: int) -> None:
        """Take in the weights after `iteration` (counted from 0)."""
        decay = min(self.decay, (1 + iteration) / (10 + iteration))
        for name, value in self._tensors.items():
            if value.is_floating_point():
                self.weights[name].lerp_(value, 1.0 - decay)
            else:
                self.weights[name].copy_(value)

    @contextlib.contextmanager
    def applied(self) -> Generator[None]:
        """Put the averaged weights in place of the networks'; their own return when the block ends."""
        own = {name: value.detach().clone() for name, value in self._tensors.items()}
        self._put(self.weights)
        try:
            yield
        finally:
            self._put(own)

    @torch.no_grad()
    def _put(self, weights: Mapping[str, Tensor]) -> None:
        for name, value in self._tensors.items():
            value.copy_(weights[name])
