from __future__ import annotations

import subprocess
import sys

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
    with pytest.raises(RecipeError, match=r"arguments of lovasz-focal.*gamma.*'gama'"):
        build_loss("lovasz-focal", gama=1.0)


@pytest.mark.parametrize("name", LOSSES)
def test_bf16_logits_give_a_float32_loss_and_bf16_gradients(name: str) -> None:
    logits = torch.randn(2, 3, 4, 4).bfloat16().requires_grad_()
    loss = build_loss(name)(logits, torch.randint(0, 3, (2, 4, 4)))
    loss.backward()
    assert loss.dtype == torch.float32
    assert logits.grad.dtype == torch.bfloat16


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_leaves_out_the_ignored_voxels(name: str) -> None:
    logits, label = torch.randn(2, 3, 6), torch.tensor([[0, 1, 9, 0, 2, 1], [1, 0, 9, 9, 1, 0]])
    loss = build_loss(name, ignore_index=9)
    moved = torch.where((label == 9)[:, None], torch.randn_like(logits) * 9, logits).requires_grad_()
    total = loss(moved, label)
    torch.testing.assert_close(total, loss(logits, label))
    total.backward()
    assert not moved.grad.movedim(1, -1)[label == 9].any()


def test_losses_import_no_torch_before_one_is_built() -> None:
    code = "import sys, univox.losses, univox.losses.border_weights; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
