"""Equal signal: the shared gradient has the norm 1, whatever the loss."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from univox.data.batches import Batch
from univox.training.step import Step


def gradients(scale: float, *, equalized: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Give the gradients of the kernel and the bias after one step of a loss that is `scale` times the mean."""
    torch.manual_seed(0)
    network = nn.Conv2d(1, 2, 1)

    class Scaled(nn.Module):
        def forward(self, logits: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
            return scale * (logits * (1 + label[:, None])).mean()

    step = Step(
        network=network,
        loss=Scaled(),
        optimizer=torch.optim.SGD(network.parameters(), lr=1.0),
        device=torch.device("cpu"),
        precision="fp32",
        gradient_clip=None,
        seed=0,
        equalized=[network.weight] if equalized else [],
    )
    image = torch.arange(8.0).reshape(1, 1, 2, 4)
    step(Batch(image, torch.ones(1, 2, 4, dtype=torch.int64), ("a",), ()), 0, learning_rate=0.1)
    assert network.weight.grad is not None
    assert network.bias is not None
    assert network.bias.grad is not None
    return network.weight.grad.clone(), network.bias.grad.clone()


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e4])
def test_a_louder_loss_moves_the_shared_weights_no_further(scale: float) -> None:
    # Two output channels with the same gradient: each has the share 1 / sqrt(2) of the norm.
    shared, own = gradients(scale, equalized=True)
    torch.testing.assert_close(shared.flatten(), torch.full((2,), 0.5**0.5))
    plain_shared, plain_own = gradients(scale, equalized=False)
    # Mean of 2 (1 + label) x over 16 values: 7 for the kernel, 1 for the bias, per channel.
    torch.testing.assert_close(plain_shared.flatten(), torch.full((2,), 3.5 * scale))
    torch.testing.assert_close(own, plain_own)


def test_a_gradient_of_zero_stays_zero() -> None:
    shared, _ = gradients(0.0, equalized=True)
    assert torch.equal(shared, torch.zeros_like(shared))
