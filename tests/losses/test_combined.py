from __future__ import annotations

import pytest
import torch

from univox.losses.combined import DiceCrossEntropy, LovaszFocal
from univox.losses.cross_entropy import CrossEntropy
from univox.losses.dice import SoftDice
from univox.losses.focal import Focal
from univox.losses.lovasz import LovaszSoftmax

LOGITS = torch.randn(2, 3, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
LABEL = torch.randint(0, 3, (2, 4, 4), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("dice", "cross_entropy"), [(1.0, 1.0), (0.25, 3.0), (0.0, 1.0)])
def test_it_is_the_weighted_sum_of_its_parts(dice: float, cross_entropy: float) -> None:
    loss = DiceCrossEntropy(dice_weight=dice, cross_entropy_weight=cross_entropy)(LOGITS, LABEL)
    parts = dice * SoftDice()(LOGITS, LABEL) + cross_entropy * CrossEntropy()(LOGITS, LABEL)
    torch.testing.assert_close(loss, parts)


def test_arguments_reach_their_part() -> None:
    weights = (1.0, 2.0, 3.0)
    arguments = {"batch": False, "background": True, "smooth": 1.0, "ignore_index": 2}
    loss = DiceCrossEntropy(class_weights=weights, **arguments)(LOGITS, LABEL)
    parts = SoftDice(**arguments)(LOGITS, LABEL)
    parts = parts + CrossEntropy(class_weights=weights, ignore_index=2)(LOGITS, LABEL)
    torch.testing.assert_close(loss, parts)


@pytest.mark.parametrize(("classes", "value"), [("all", 0.5392874263434415), ("present", 0.5698429818989971)])
@pytest.mark.parametrize("detached", [False, True])
def test_worked_example_of_lovasz_and_focal(classes: str, value: float, detached: bool) -> None:
    rows = [(0.7, 0.2, 0.1), (0.1, 0.8, 0.1), (0.3, 0.4, 0.3), (0.6, 0.3, 0.1)]
    logits = torch.tensor(rows, dtype=torch.float64).log().T[None]
    loss = LovaszFocal(classes=classes, detached=detached)(logits, torch.tensor([[0, 1, 0, 0]]))
    assert loss.item() == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(("lovasz", "focal"), [(1.0, 1.0), (0.25, 3.0), (0.0, 1.0)])
def test_lovasz_and_focal_are_weighed_and_get_their_arguments(lovasz: float, focal: float) -> None:
    of_lovasz = {"classes": "all", "batch": False, "ignore_index": 2}
    of_focal = {"gamma": 1.5, "detached": True, "class_weights": (1.0, 2.0, 3.0), "ignore_index": 2}
    logits = LOGITS.clone().requires_grad_()
    loss = LovaszFocal(lovasz_weight=lovasz, focal_weight=focal, **(of_lovasz | of_focal))(logits, LABEL)
    parts = lovasz * LovaszSoftmax(**of_lovasz)(logits, LABEL) + focal * Focal(**of_focal)(logits, LABEL)
    torch.testing.assert_close(loss, parts)
    slopes = [torch.autograd.grad(value, logits)[0] for value in (loss, parts)]
    torch.testing.assert_close(slopes[0], slopes[1])
