from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from univox.errors import RecipeError, ShapeError
from univox.losses.cross_entropy import CrossEntropy

# Four voxels, three classes.
PROBABILITIES = torch.tensor([(0.7, 0.2, 0.1), (0.1, 0.8, 0.1), (0.3, 0.4, 0.3), (0.6, 0.3, 0.1)], dtype=torch.float64)
LOGITS = PROBABILITIES.log().T[None]
LABEL = torch.tensor([[0, 1, 0, 0]])
VOXEL_WEIGHTS = torch.tensor([[1.0, 0.5, 2.0, 0.0]], dtype=torch.float64)


def exactly(loss: Tensor, value: float) -> bool:
    return loss.item() == pytest.approx(value, rel=1e-12)


def test_worked_example_mean() -> None:
    assert exactly(CrossEntropy()(LOGITS, LABEL), 0.5736542308362172)


@pytest.mark.parametrize(
    ("average", "value"),
    [("sum", 2.8761923282477095), ("voxels", 0.7190480820619274), ("weights", 0.8217692366422027)],
)
def test_worked_example_of_voxel_weights(average: str, value: float) -> None:
    assert exactly(CrossEntropy(average=average)(LOGITS, LABEL, VOXEL_WEIGHTS), value)


@pytest.mark.parametrize(("average", "divisor"), [("sum", 1.0), ("voxels", 4.0), ("weights", 3 * 2.0 + 0.5)])
def test_a_class_weight_is_that_of_the_true_class(average: str, divisor: float) -> None:
    loss = CrossEntropy(class_weights=(2.0, 0.5, 9.0), average=average)(LOGITS, LABEL)
    wanted = -(2 * math.log(0.7) + 0.5 * math.log(0.8) + 2 * math.log(0.3) + 2 * math.log(0.6))
    assert exactly(loss, wanted / divisor)


@pytest.mark.parametrize("weights", [None, (1.0, 1.0, 1.0)])
@pytest.mark.parametrize(("average", "divisor"), [("sum", 1), ("voxels", 3), ("weights", 3)])
def test_ignored_voxels_count_in_no_term(weights: tuple[float, ...] | None, average: str, divisor: int) -> None:
    label = torch.tensor([[0, 255, 0, 0]])
    loss = CrossEntropy(class_weights=weights, ignore_index=255, average=average)(LOGITS, label)
    assert exactly(loss, -(math.log(0.7) + math.log(0.3) + math.log(0.6)) / divisor)


@pytest.mark.parametrize("average", ["sum", "voxels", "weights"])
@pytest.mark.parametrize("weights", [None, (1.0, 2.0, 3.0)])
def test_where_nothing_counts_the_loss_is_zero_and_so_is_its_gradient(
    weights: tuple[float, ...] | None, average: str
) -> None:
    logits = LOGITS.clone().requires_grad_()
    label = torch.full_like(LABEL, 7)
    loss = CrossEntropy(class_weights=weights, ignore_index=7, average=average)(logits, label)
    loss.backward()
    assert loss.item() == 0
    assert not logits.grad.any()


def test_class_and_voxel_weights_multiply() -> None:
    loss = CrossEntropy(class_weights=(2.0, 4.0, 1.0), average="sum")(LOGITS, LABEL, VOXEL_WEIGHTS)
    wanted = -(2 * 1 * math.log(0.7) + 4 * 0.5 * math.log(0.8) + 2 * 2 * math.log(0.3))
    assert exactly(loss, wanted)


@pytest.mark.parametrize("arguments", [{}, {"class_weights": (1.0, 2.0, 0.5)}, {"ignore_index": 1}])
def test_gradient_is_the_numerical_one(arguments: dict[str, object]) -> None:
    logits = torch.randn(2, 3, 2, 2, dtype=torch.float64, requires_grad=True)
    label = torch.randint(0, 3, (2, 2, 2))
    assert torch.autograd.gradcheck(lambda x: CrossEntropy(**arguments)(x, label), logits)


def test_bf16_logits_are_summed_in_float32() -> None:
    # 2^16 equal voxels: a sum in bf16 would stick at 256 times the first term.
    logits = torch.zeros(1, 2, 256, 256, dtype=torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        loss = CrossEntropy()(logits, torch.zeros(1, 256, 256, dtype=torch.int64))
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(math.log(2), rel=1e-6)


def test_slips_are_named() -> None:
    with pytest.raises(ShapeError, match=r"shape \(1, 4\), got \(1, 1, 4\)"):
        CrossEntropy()(LOGITS, LABEL[:, None])
    with pytest.raises(RecipeError, match="3 class weights, got 2"):
        CrossEntropy(class_weights=(1.0, 2.0))(LOGITS, LABEL)
    with pytest.raises(RecipeError, match="'mean'"):
        CrossEntropy(average="mean")
