from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from univox.errors import ShapeError
from univox.losses.dice import SoftDice

LAWS = settings(deadline=None, max_examples=25)
labels = st.lists(st.integers(0, 2), min_size=8, max_size=8).map(lambda codes: torch.tensor(codes).view(2, 2, 2))


def certain(label: Tensor, num_classes: int = 3) -> Tensor:
    """Logits whose softmax is the label itself."""
    return functional.one_hot(label, num_classes).movedim(-1, 1).double() * 200 - 100


@LAWS
@given(label=labels, batch=st.booleans(), background=st.booleans(), smooth=st.sampled_from([1e-5, 1.0]))
def test_of_a_label_with_itself_it_is_zero(label: Tensor, batch: bool, background: bool, smooth: float) -> None:
    loss = SoftDice(batch=batch, background=background, smooth=smooth)(certain(label), label)
    assert abs(loss.item()) < 1e-12


@LAWS
@given(label=labels, background=st.booleans())
def test_of_disjoint_labels_it_is_one(label: Tensor, background: bool) -> None:
    loss = SoftDice(background=background, smooth=1e-12)(certain((label + 1) % 3), label)
    present = [
        index for index in range(0 if background else 1, 3) if ((label == index) | (label == (index + 2) % 3)).any()
    ]
    absent = (3 if background else 2) - len(present)
    assert loss.item() == pytest.approx(1 - absent / (3 if background else 2), abs=1e-9)


# Two cases of two voxels, two classes; foreground probabilities by hand.
FOREGROUND = torch.tensor([[0.8, 0.4], [0.2, 0.6]], dtype=torch.float64)
LOGITS = torch.stack([1 - FOREGROUND, FOREGROUND], dim=1).log()
LABEL = torch.tensor([[1, 0], [0, 1]])


def test_by_hand_over_the_batch_and_case_by_case() -> None:
    over_batch = SoftDice(batch=True, smooth=0.0)(LOGITS, LABEL)
    assert over_batch.item() == pytest.approx(1 - 2 * (0.8 + 0.6) / (2.0 + 2))
    by_case = SoftDice(batch=False, smooth=0.0)(LOGITS, LABEL)
    assert by_case.item() == pytest.approx(1 - (1.6 / 2.2 + 1.2 / 1.8) / 2)


def test_by_hand_with_background_and_smoothing() -> None:
    loss = SoftDice(background=True, smooth=1.0)(LOGITS, LABEL)
    foreground, background = (2 * 1.4 + 1) / (4 + 1), (2 * (0.6 + 0.8) + 1) / (4 + 1)
    assert loss.item() == pytest.approx(1 - (foreground + background) / 2)


def test_by_hand_with_a_squared_denominator() -> None:
    squares = 0.8**2 + 0.4**2 + 0.2**2 + 0.6**2
    over_batch = SoftDice(squared=True, smooth=0.0)(LOGITS, LABEL)
    assert over_batch.item() == pytest.approx(1 - 2 * (0.8 + 0.6) / (squares + 2), rel=1e-12)
    by_case = SoftDice(squared=True, smooth=1.0, batch=False)(LOGITS, LABEL)
    first, second = (1.6 + 1) / (0.8**2 + 0.4**2 + 1 + 1), (1.2 + 1) / (0.2**2 + 0.6**2 + 1 + 1)
    assert by_case.item() == pytest.approx(1 - (first + second) / 2, rel=1e-12)


@LAWS
@given(label=labels, said=labels, batch=st.booleans())
def test_of_certain_probabilities_the_squares_change_nothing(label: Tensor, said: Tensor, batch: bool) -> None:
    plain, squared = (SoftDice(squared=squared, batch=batch)(certain(said), label) for squared in (False, True))
    torch.testing.assert_close(plain, squared)


def test_the_squared_gradient_is_the_published_one() -> None:
    """The derivative of 2 sum p g / (sum p^2 + sum g^2) by p, as V-Net prints it."""
    foreground = FOREGROUND.clone().requires_grad_()
    logits = torch.stack([1 - foreground, foreground], dim=1).log()
    SoftDice(squared=True, smooth=0.0)(logits, LABEL).backward()
    size = (FOREGROUND**2).sum() + LABEL.sum()
    overlap = (FOREGROUND * LABEL).sum()
    wanted = 2 * (LABEL * size - 2 * FOREGROUND * overlap) / size**2
    torch.testing.assert_close(foreground.grad, -wanted)


def test_ignored_voxels_count_nowhere() -> None:
    label = torch.tensor([[1, 9], [0, 1]])
    loss = SoftDice(smooth=0.0, ignore_index=9)(LOGITS, label)
    assert loss.item() == pytest.approx(1 - 2 * (0.8 + 0.6) / (1.6 + 2))
    moved = LOGITS.clone()
    moved[0, :, 1] = torch.tensor([5.0, -5.0])
    assert SoftDice(smooth=0.0, ignore_index=9)(moved, label) == loss
    squared = SoftDice(smooth=0.0, squared=True, ignore_index=9)(moved, label)
    assert squared.item() == pytest.approx(1 - 2 * (0.8 + 0.6) / (0.8**2 + 0.2**2 + 0.6**2 + 2))


@pytest.mark.parametrize("batch", [True, False])
@pytest.mark.parametrize("ignore_index", [None, 1])
@pytest.mark.parametrize("squared", [False, True])
def test_gradient_is_the_numerical_one(batch: bool, ignore_index: int | None, squared: bool) -> None:
    logits = torch.randn(2, 3, 2, 2, dtype=torch.float64, requires_grad=True)
    label = torch.randint(0, 3, (2, 2, 2))
    loss = SoftDice(batch=batch, ignore_index=ignore_index, background=True, squared=squared)
    assert torch.autograd.gradcheck(lambda x: loss(x, label), logits)


def test_bf16_logits_are_summed_in_float32() -> None:
    logits = torch.zeros(1, 2, 256, 256, dtype=torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        loss = SoftDice()(logits, torch.ones(1, 256, 256, dtype=torch.int64))
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(1 / 3, rel=1e-5)


def test_a_label_off_the_grid_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"shape \(2, 2\), got \(2, 3\)"):
        SoftDice()(LOGITS, torch.zeros(2, 3, dtype=torch.int64))
