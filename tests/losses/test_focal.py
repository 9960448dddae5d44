from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from univox.errors import RecipeError, ShapeError
from univox.losses.cross_entropy import CrossEntropy
from univox.losses.focal import Focal

# Four voxels, three classes, worked by hand.
PROBABILITIES = torch.tensor([(0.7, 0.2, 0.1), (0.1, 0.8, 0.1), (0.3, 0.4, 0.3), (0.6, 0.3, 0.1)], dtype=torch.float64)
LOGITS = PROBABILITIES.log().T[None]
LABEL = torch.tensor([[0, 1, 0, 0]])
PER_VOXEL = (0.03210074, 0.00892574, 0.58994667, 0.08173210)


def close(value: float) -> object:
    return pytest.approx(value, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("detached", [False, True])
def test_worked_example(detached: bool) -> None:
    assert Focal(detached=detached)(LOGITS, LABEL).item() == close(0.17817631523233038)
    for voxel, wanted in enumerate(PER_VOXEL):
        alone = Focal(detached=detached)(LOGITS[..., [voxel]], LABEL[:, [voxel]])
        assert alone.item() == pytest.approx(wanted, abs=5e-9)


@settings(deadline=None, max_examples=20)
@given(
    seed=st.integers(0, 2**31),
    weights=st.sampled_from([None, (1.0, 2.0, 0.5)]),
    ignore=st.sampled_from([None, 1]),
    detached=st.booleans(),
)
def test_of_gamma_zero_it_is_the_cross_entropy_and_its_gradient(
    seed: int, weights: tuple[float, ...] | None, ignore: int | None, detached: bool
) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(2, 3, 2, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    label = torch.randint(0, 3, (2, 2, 3), generator=generator)
    focal = Focal(gamma=0, detached=detached, class_weights=weights, ignore_index=ignore)(logits, label)
    wanted = CrossEntropy(class_weights=weights, ignore_index=ignore)(logits, label)
    torch.testing.assert_close(focal, wanted, rtol=1e-13, atol=0)
    slopes = [torch.autograd.grad(loss, logits)[0] for loss in (focal, wanted)]
    torch.testing.assert_close(slopes[0], slopes[1], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0, 3.5])
@pytest.mark.parametrize("arguments", [{}, {"class_weights": (1.0, 2.0, 0.5)}, {"ignore_index": 1}])
def test_gradient_is_the_numerical_one(gamma: float, arguments: dict[str, object]) -> None:
    generator = torch.Generator().manual_seed(3)
    logits = torch.randn(2, 3, 2, 2, generator=generator, dtype=torch.float64, requires_grad=True)
    label = torch.randint(0, 3, (2, 2, 2), generator=generator)
    assert torch.autograd.gradcheck(lambda x: Focal(gamma=gamma, **arguments)(x, label), logits)


def test_detached_it_has_the_gradient_of_a_weighted_cross_entropy() -> None:
    logits = LOGITS.clone().requires_grad_()
    (slope,) = torch.autograd.grad(Focal(detached=True)(logits, LABEL), logits)
    doubt = 1 - PROBABILITIES.gather(1, LABEL.T).T
    (wanted,) = torch.autograd.grad(CrossEntropy()(logits, LABEL, doubt**2), logits)
    torch.testing.assert_close(slope, wanted, rtol=1e-12, atol=1e-15)
    (whole,) = torch.autograd.grad(Focal()(logits, LABEL), logits)
    assert not torch.allclose(slope, whole)


def test_a_class_weight_is_that_of_the_true_class_and_the_mean_is_over_voxels() -> None:
    loss = Focal(class_weights=(2.0, 0.5, 9.0))(LOGITS, LABEL)
    wanted = (2 * PER_VOXEL[0] + 0.5 * PER_VOXEL[1] + 2 * PER_VOXEL[2] + 2 * PER_VOXEL[3]) / 4
    assert loss.item() == pytest.approx(wanted, abs=2e-8)


@pytest.mark.parametrize("weights", [None, (1.0, 1.0, 1.0)])
def test_ignored_voxels_count_neither_above_nor_below(weights: tuple[float, ...] | None) -> None:
    label = torch.tensor([[0, 255, 0, 0]])
    loss = Focal(class_weights=weights, ignore_index=255)(LOGITS, label)
    assert loss.item() == pytest.approx((PER_VOXEL[0] + PER_VOXEL[2] + PER_VOXEL[3]) / 3, abs=5e-9)


def test_where_nothing_counts_the_loss_is_zero_and_so_is_its_gradient() -> None:
    logits = LOGITS.clone().requires_grad_()
    loss = Focal(ignore_index=7)(logits, torch.full_like(LABEL, 7))
    loss.backward()
    assert loss.item() == 0
    assert not logits.grad.any()


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("margin", [30.0, 200.0, 1e4])
def test_certain_voxels_have_finite_gradients(gamma: float, margin: float) -> None:
    # Right: 1 - p rounds to 0, where the root has no slope. Wrong: p rounds to 0, where the logarithm is infinite.
    logits = torch.tensor([[[margin, margin], [0.0, 0.0]]], requires_grad=True)
    loss = Focal(gamma=gamma)(logits, torch.tensor([[0, 1]]))
    loss.backward()
    assert loss.item() == pytest.approx(margin / 2)
    torch.testing.assert_close(logits.grad, torch.tensor([[[0.0, 0.5], [0.0, -0.5]]]))


def test_bf16_logits_are_summed_in_float32() -> None:
    logits = torch.zeros(1, 2, 256, 256, dtype=torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        loss = Focal()(logits, torch.zeros(1, 256, 256, dtype=torch.int64))
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(math.log(2) / 4, rel=1e-6)


def test_slips_are_named() -> None:
    with pytest.raises(ShapeError, match=r"shape \(1, 4\), got \(1, 1, 4\)"):
        Focal()(LOGITS, LABEL[:, None])
    with pytest.raises(RecipeError, match="3 class weights, got 2"):
        Focal(class_weights=(1.0, 2.0))(LOGITS, LABEL)
    with pytest.raises(RecipeError, match="gamma of 0 or more, got -1"):
        Focal(gamma=-1)
