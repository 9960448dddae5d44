"""An exponential moving average of a network's weights."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Sequence

import torch
from torch import nn

from univox.networks.parts import names_under


class WeightAverage:
    """Average of every floating-point weight and running statistic over the iterations so far.

    Early on the decay is smaller, (1 + n) / (10 + n), so that the random start is soon forgotten.

    Args:
        network: Whose weights are averaged.
        decay: Share of the old average that an update keeps, in [0, 1); 0 is the weights themselves.
        frozen: Modules that never change: their weights are kept as they are, free of any rounding.
    """

    def __init__(self, network: nn.Module, decay: float, *, frozen: Sequence[str] = ()) -> None:
        self.decay = decay
        self._frozen = set(names_under(network.state_dict(), frozen))
        self.weights = {name: value.detach().clone() for name, value in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module, iteration: int) -> None:
        """Take in the weights after `iteration` (counted from 0)."""
        decay = min(self.decay, (1 + iteration) / (10 + iteration))
        for name, value in network.state_dict().items():
            if name in self._frozen:
                continue
            if value.is_floating_point():
                self.weights[name].lerp_(value, 1.0 - decay)
            else:
                self.weights[name].copy_(value)

    @contextlib.contextmanager
    def applied(self, network: nn.Module) -> Generator[nn.Module]:
        """Lend the averaged weights to `network`; its own return when the block ends."""
        own = {name: value.detach().clone() for name, value in network.state_dict().items()}
        network.load_state_dict(self.weights)
        try:
            yield network
        finally:
            network.load_state_dict(own)
