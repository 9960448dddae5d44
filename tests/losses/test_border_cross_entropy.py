from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from univox.errors import RecipeError, ShapeError
from univox.losses.border_cross_entropy import BorderWeightedCrossEntropy
from univox.losses.border_weights import border_weights
from univox.losses.cross_entropy import CrossEntropy

# A gap one voxel wide, probability of the true class a half everywhere.
GAP = torch.tensor([[1, 0, 1]])
EVEN = torch.zeros(1, 2, 3, dtype=torch.float64)
BORDER = 9.231163463866357


@pytest.mark.parametrize(("average", "divisor"), [("sum", 1.0), ("voxels", 3.0), ("weights", 3.0 + BORDER)])
def test_by_hand(average: str, divisor: float) -> None:
    loss = BorderWeightedCrossEntropy(class_weights=(1.0, 1.0), average=average)(EVEN, GAP)
    assert loss.item() == pytest.approx((3 + BORDER) * math.log(2) / divisor, rel=1e-12)


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_it_is_the_cross_entropy_with_the_map_of_each_case(dims: int) -> None:
    generator = torch.Generator().manual_seed(dims)
    logits = torch.randn(2, 3, *[5] * dims, generator=generator, dtype=torch.float64)
    label = torch.randint(-3, 4, (2, *[5] * dims), generator=generator).clamp(min=0)
    arguments = {"w0": 4.0, "sigma": 2.0, "spacing": (3.0, 1.0, 1.5)[:dims], "ignore_index": 3}
    maps = torch.from_numpy(np.stack([border_weights(case, **arguments) for case in label.numpy()]))
    loss = BorderWeightedCrossEntropy(**arguments)(logits, label)
    torch.testing.assert_close(loss, CrossEntropy(ignore_index=3)(logits, label, maps))


@pytest.mark.parametrize("average", ["sum", "voxels", "weights"])
def test_gradient_is_the_numerical_one(average: str) -> None:
    generator = torch.Generator().manual_seed(5)
    logits = torch.randn(2, 3, 3, 4, generator=generator, dtype=torch.float64, requires_grad=True)
    label = torch.randint(-2, 3, (2, 3, 4), generator=generator).clamp(min=0)
    loss = BorderWeightedCrossEntropy(average=average, ignore_index=2)
    assert torch.autograd.gradcheck(lambda x: loss(x, label), logits)


@pytest.mark.parametrize("average", ["sum", "voxels", "weights"])
def test_where_nothing_counts_the_loss_is_zero_and_so_is_its_gradient(average: str) -> None:
    logits = EVEN.clone().requires_grad_()
    loss = BorderWeightedCrossEntropy(ignore_index=7, average=average)(logits, torch.full_like(GAP, 7))
    loss.backward()
    assert loss.item() == 0
    assert not logits.grad.any()


def test_ignored_voxels_weigh_nothing() -> None:
    label = torch.tensor([[1, 0, 1, 9]])
    logits = torch.randn(1, 2, 4, dtype=torch.float64)
    loss = BorderWeightedCrossEntropy(ignore_index=9)
    torch.testing.assert_close(loss(logits, label), BorderWeightedCrossEntropy()(logits[..., :3], GAP))
    assert loss.weights(label)[0, 3] == 0


def test_bf16_logits_are_summed_in_float32() -> None:
    logits = torch.zeros(1, 2, 256, 256, dtype=torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        loss = BorderWeightedCrossEntropy()(logits, torch.zeros(1, 256, 256, dtype=torch.int64))
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(math.log(2), rel=1e-6)


def test_slips_are_named() -> None:
    with pytest.raises(ShapeError, match=r"shape \(1, 3\), got \(1, 1, 3\)"):
        BorderWeightedCrossEntropy()(EVEN, GAP[:, None])
    with pytest.raises(RecipeError, match="2 class weights, got 3"):
        BorderWeightedCrossEntropy(class_weights=(1.0, 2.0, 3.0))(EVEN, GAP)
    with pytest.raises(RecipeError, match="'mean'"):
        BorderWeightedCrossEntropy(average="mean")
    for slip in ({"sigma": 0.0}, {"w0": -1.0}, {"spacing": (1.0, 0.0)}):
        with pytest.raises(RecipeError, match="w0 of 0 or more, sigma and spacing above 0"):
            BorderWeightedCrossEntropy(**slip)
