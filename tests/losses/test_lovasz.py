from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from univox.errors import RecipeError, ShapeError
from univox.losses.lovasz import LovaszSoftmax

LAWS = settings(deadline=None, max_examples=25)
seeds = st.integers(0, 2**31)

# Four voxels, three classes, worked by hand.
PROBABILITIES = torch.tensor([(0.7, 0.2, 0.1), (0.1, 0.8, 0.1), (0.3, 0.4, 0.3), (0.6, 0.3, 0.1)], dtype=torch.float64)
LOGITS = PROBABILITIES.log().T[None]
LABEL = torch.tensor([[0, 1, 0, 0]])


def jaccard_loss(wrong: frozenset[int], truth: frozenset[int]) -> float:
    """One minus the Jaccard index of the truth and what is predicted where exactly `wrong` is mistaken."""
    union = truth | wrong
    return 1 - len(truth - wrong) / len(union) if union else 0.0


def extension(errors: list[float], truth: frozenset[int]) -> float:
    """The Lovász extension as an integral of the set function over thresholds, without any order of voxels."""
    levels = sorted({0.0, *errors})
    steps = zip(itertools.pairwise(levels), levels[1:], strict=True)
    sets = ((high - low, frozenset(i for i, m in enumerate(errors) if m >= level)) for (low, high), level in steps)
    return sum(width * jaccard_loss(wrong, truth) for width, wrong in sets)


def reference(probabilities: np.ndarray, label: np.ndarray, *, classes: str) -> float:
    """Of (P, K) probabilities and (P,) labels."""
    losses = []
    for index in range(probabilities.shape[1]):
        truth = frozenset(np.flatnonzero(label == index).tolist())
        if truth or classes == "all":
            column = probabilities[:, index]
            losses.append(extension(np.where(label == index, 1 - column, column).tolist(), truth))
    return sum(losses) / max(len(losses), 1)


def random_case(seed: int, *shape: int, classes: int = 3) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(shape[0], classes, *shape[1:], generator=generator, dtype=torch.float64)
    return logits, torch.randint(0, classes, shape, generator=generator)


def test_worked_example() -> None:
    assert LovaszSoftmax()(LOGITS, LABEL).item() == pytest.approx(0.3916666666666667, rel=1e-12)
    assert LovaszSoftmax(classes="all")(LOGITS, LABEL).item() == pytest.approx(0.3611111111111111, rel=1e-12)


@pytest.mark.parametrize(("index", "value"), [(0, 0.4666666666666667), (1, 0.3166666666666667), (2, 0.3)])
def test_the_reference_meets_the_worked_example_class_by_class(index: int, value: float) -> None:
    truth = frozenset(np.flatnonzero(LABEL[0] == index).tolist())
    column = PROBABILITIES[:, index].numpy()
    errors = np.where(LABEL[0] == index, 1 - column, column).tolist()
    assert extension(errors, truth) == pytest.approx(value, rel=1e-12)


@LAWS
@given(seed=seeds, classes=st.sampled_from(["present", "all"]), voxels=st.integers(1, 9))
def test_it_is_the_extension_of_the_jaccard_loss(seed: int, classes: str, voxels: int) -> None:
    logits, label = random_case(seed, 1, voxels)
    probabilities = torch.softmax(logits, 1)[0].T.numpy()
    wanted = reference(probabilities, label[0].numpy(), classes=classes)
    assert LovaszSoftmax(classes=classes)(logits, label).item() == pytest.approx(wanted, rel=1e-12)


@LAWS
@given(seed=seeds)
def test_it_is_the_largest_of_all_orders(seed: int) -> None:
    """The Jaccard loss is submodular, so its extension is the maximum over orders of the telescoping sum."""
    logits, label = random_case(seed, 1, 5, classes=2)
    errors = torch.where(label[0] == 1, 1 - torch.softmax(logits, 1)[0, 1], torch.softmax(logits, 1)[0, 1]).tolist()
    truth = frozenset(np.flatnonzero(label[0] == 1).tolist())

    def along(order: tuple[int, ...]) -> float:
        values = [jaccard_loss(frozenset(order[:k]), truth) for k in range(len(order) + 1)]
        return sum(errors[i] * (values[k + 1] - values[k]) for k, i in enumerate(order))

    largest = max(along(order) for order in itertools.permutations(range(5)))
    assert extension(errors, truth) == pytest.approx(largest, rel=1e-12)


@LAWS
@given(truth=st.lists(st.integers(0, 2), min_size=6, max_size=6), said=st.lists(st.integers(0, 2), min_size=6))
def test_of_certain_probabilities_it_is_one_minus_the_mean_jaccard_index(truth: list[int], said: list[int]) -> None:
    label, prediction = torch.tensor([truth]), torch.tensor([said[:6]])
    logits = functional.one_hot(prediction, 3).movedim(-1, 1).double() * 2000
    jaccard = [
        ((label == c) & (prediction == c)).sum() / ((label == c) | (prediction == c)).sum()
        for c in range(3)
        if (label == c).any()
    ]
    loss = LovaszSoftmax()(logits, label)
    assert loss.item() == pytest.approx(1 - torch.stack(jaccard).mean().item(), abs=1e-6)


@LAWS
@given(seed=seeds, classes=st.sampled_from(["present", "all"]), batch=st.booleans())
def test_the_order_of_voxels_does_not_matter_nor_does_that_of_ties(seed: int, classes: str, batch: bool) -> None:
    logits, label = random_case(seed, 2, 12)
    logits = logits.round()  # so that many errors are equal
    order = torch.randperm(12, generator=torch.Generator().manual_seed(seed))
    loss = LovaszSoftmax(classes=classes, batch=batch)
    torch.testing.assert_close(loss(logits[..., order], label[:, order]), loss(logits, label), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("classes", ["present", "all"])
def test_batch_is_one_set_of_voxels_and_cases_are_a_mean(classes: str) -> None:
    logits, label = random_case(0, 2, 3, 4)
    label[0][label[0] == 2] = 0  # a class that one case lacks
    joined = LovaszSoftmax(classes=classes)(torch.cat(list(logits), -1)[None], torch.cat(list(label), -1)[None])
    torch.testing.assert_close(LovaszSoftmax(classes=classes)(logits, label), joined)
    loss = LovaszSoftmax(classes=classes, batch=False)
    alone = [loss(logits[[index]], label[[index]]) for index in range(2)]
    torch.testing.assert_close(loss(logits, label), (alone[0] + alone[1]) / 2)
    assert not torch.isclose(loss(logits, label), joined)


@pytest.mark.parametrize("batch", [True, False])
@pytest.mark.parametrize("classes", ["present", "all"])
def test_ignored_voxels_are_as_if_cut_away(batch: bool, classes: str) -> None:
    logits, label = random_case(1, 2, 10)
    cut = LovaszSoftmax(classes=classes, batch=batch)(logits[..., 3:], label[:, 3:])
    label[:, :3] = 255
    logits.requires_grad_()
    loss = LovaszSoftmax(classes=classes, batch=batch, ignore_index=255)(logits, label)
    torch.testing.assert_close(loss, cut)
    loss.backward()
    assert not logits.grad[..., :3].any()
    assert logits.grad[..., 3:].any()


@pytest.mark.parametrize("batch", [True, False])
@pytest.mark.parametrize("classes", ["present", "all"])
def test_of_nothing_it_is_zero_and_keeps_the_graph(batch: bool, classes: str) -> None:
    logits = random_case(2, 2, 4)[0].requires_grad_()
    loss = LovaszSoftmax(classes=classes, batch=batch, ignore_index=9)(logits, torch.full((2, 4), 9))
    loss.backward()
    assert loss.item() == 0
    assert logits.grad is not None
    assert not logits.grad.any()


def test_a_case_without_a_counted_voxel_costs_nothing() -> None:
    logits, label = random_case(3, 2, 6)
    label[1] = 9
    loss = LovaszSoftmax(batch=False, ignore_index=9)
    torch.testing.assert_close(loss(logits, label), loss(logits[:1], label[:1]) / 2)


@pytest.mark.parametrize("arguments", [{}, {"classes": "all"}, {"batch": False}, {"ignore_index": 1}])
def test_gradient_is_the_numerical_one_away_from_ties(arguments: dict[str, object]) -> None:
    logits, label = random_case(4, 2, 2, 3)
    assert torch.autograd.gradcheck(lambda x: LovaszSoftmax(**arguments)(x, label), logits.requires_grad_())


def test_slopes_keep_their_digits_over_a_million_voxels() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(1, 2, 1_000_000, generator=generator, requires_grad=True)
    label = torch.randint(0, 2, (1, 1_000_000), generator=generator)
    (slope,) = torch.autograd.grad(LovaszSoftmax()(logits, label), logits)
    exact = logits.detach().double().requires_grad_()
    (wanted,) = torch.autograd.grad(LovaszSoftmax()(exact, label), exact)
    torch.testing.assert_close(slope.double(), wanted, rtol=1e-3, atol=1e-3 * wanted.abs().max().item())


@pytest.mark.parametrize("classes", ["present", "all"])
def test_equal_and_certain_voxels_have_finite_gradients(classes: str) -> None:
    logits = torch.tensor([[[1e4, 1e4, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]], requires_grad=True)
    loss = LovaszSoftmax(classes=classes)(logits, torch.tensor([[0, 1, 0, 1]]))
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(logits.grad).all()


def test_bf16_logits_are_summed_in_float32() -> None:
    # One voxel in 2^16 is of the class: bf16 would not see it among the others.
    label = torch.zeros(1, 256, 256, dtype=torch.int64)
    label[0, 0, 0] = 1
    logits = torch.zeros(1, 2, 256, 256, dtype=torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        loss = LovaszSoftmax()(logits, label)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(0.5, rel=1e-5)


def test_slips_are_named() -> None:
    with pytest.raises(ShapeError, match=r"shape \(1, 4\), got \(1, 1, 4\)"):
        LovaszSoftmax()(LOGITS, LABEL[:, None])
    with pytest.raises(RecipeError, match="classes of present, all, got 'some'"):
        LovaszSoftmax(classes="some")
