from __future__ import annotations

import pytest
import torch

from univox.losses.combined import DiceCrossEntropy
from univox.losses.cross_entropy import CrossEntropy
from univox.losses.dice import SoftDice

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
