from __future__ import annotations

import pytest
import torch

from univox.errors import RecipeError
from univox.losses import LOSSES, build_loss


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("dims", [1, 2, 3])
def test_every_loss_falls_along_its_gradient(name: str, dims: int) -> None:
    torch.manual_seed(0)
    loss = build_loss(name)
    logits = torch.randn(2, 3, *[4] * dims, requires_grad=True)
    label = torch.randint(0, 3, (2, *[4] * dims))
    before = loss(logits, label)
    assert before.shape == ()
    before.backward()
    assert loss(logits - logits.grad, label) < before


def test_arguments_are_passed_on() -> None:
    logits, label = torch.randn(1, 2, 3), torch.tensor([[0, 1, 5]])
    loss = build_loss("dice-cross-entropy", ignore_index=5)
    changed = logits.clone()
    changed[..., 2] += 10 * torch.randn(2)
    torch.testing.assert_close(loss(logits, label), loss(changed, label))


def test_a_slip_is_named() -> None:
    with pytest.raises(RecipeError, match=r"cross-entropy, dice, dice-cross-entropy.*'focus'"):
        build_loss("focus")
    with pytest.raises(RecipeError, match="'smoth'"):
        build_loss("dice", smoth=1.0)
