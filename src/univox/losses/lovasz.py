"""Lovász-Softmax: the Jaccard index of every class, extended to probabilities and made a loss."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor, nn

from univox.errors import RecipeError
from univox.losses.precision import check_label_shape, full_precision

Classes = Literal["present", "all"]


class LovaszSoftmax(nn.Module):
    """Mean over classes of the Lovász extension of the Jaccard loss, at the errors of the probabilities.

    The error m of a voxel for class c is 1 - p(c) where the label is c, p(c) elsewhere. Where every p is 0 or 1, the
    loss of a class is one minus its Jaccard index; between, it is the extension of that set function which is linear
    on every ordering of the errors, and convex.

    Args:
        classes: "present": the mean is over classes that the label holds; "all": over all, and a class that the
            label lacks costs its largest probability.
        batch: Whether the voxels of the whole batch are one set; otherwise each case is one, and the mean is over
            cases. In both a set without a voxel that counts costs 0.
        ignore_index: A label whose voxels are left out of every set.

    Shape:
        logits (B, K, *spatial), label (B, *spatial) int64 -> scalar

    Raises:
        RecipeError: Unknown classes.
        ShapeError: At call, for a label that is not on the grid of the logits.

    Source: Berman, Triki, Blaschko, CVPR 2018. The released code of the 3D U2-Net (MICCAI 2019) takes all classes of
        the whole batch; its paper does not say.
    """

    def __init__(self, *, classes: Classes = "present", batch: bool = True, ignore_index: int | None = None) -> None:
        super().__init__()
        if classes not in get_args(Classes):
            raise RecipeError(
                expected=f"classes of {', '.join(get_args(Classes))}", got=repr(classes), remedy="choose one of them"
            )
        self.classes, self.batch, self.ignore_index = classes, batch, ignore_index

    def forward(self, logits: Tensor, label: Tensor) -> Tensor:
        """Compute the loss in float32 at least."""
        check_label_shape(logits, label)
        probabilities = torch.softmax(full_precision(logits), dim=1).flatten(2)
        label = label.flatten(1)
        if self.batch:
            return self._of_set(probabilities.movedim(1, 0).flatten(1), label.flatten())
        pairs = zip(probabilities, label, strict=True)
        return torch.stack([self._of_set(case, truth) for case, truth in pairs]).mean()

    def _of_set(self, probabilities: Tensor, label: Tensor) -> Tensor:
        """Compute the loss of (K, P) probabilities and (P,) labels."""
        if self.ignore_index is not None:
            counted = label != self.ignore_index
            probabilities, label = probabilities[:, counted], label[counted]
        truth = label == torch.arange(len(probabilities), device=label.device)[:, None]
        errors = torch.where(truth, 1 - probabilities, probabilities)
        losses = (errors * _slopes(errors.detach(), truth)).sum(1)
        if self.classes == "all":
            return losses.mean()
        present = truth.any(1)
        return (losses * present).sum() / present.sum().clamp(min=1)


def _slopes(errors: Tensor, truth: Tensor) -> Tensor:
    """The slope of the extension along each error; it is constant as long as their order is.

    Along descending errors, with G voxels of the class and g of them among the first k, the set of the first k voxels
    has the Jaccard loss 1 - (G - g) / (G + k - g). What voxel k adds is 1 / (G + k - g) if it is of the class, and
    (G - g) / ((G + k - g) (G + k - g - 1)) if not: the differences in closed form, since subtracting two shares of a
    million voxels would leave float32 one digit of them.

    Shape:
        errors (K, P), truth (K, P) boolean -> (K, P)
    """
    # Stable, so that a resumed run meets the same order of ties.
    order = errors.argsort(dim=1, descending=True, stable=True)
    ranked = truth.gather(1, order)
    found = ranked.cumsum(1, dtype=torch.int64)
    size = ranked.sum(1, keepdim=True)
    union = (size + torch.arange(1, errors.shape[1] + 1, device=errors.device) - found).to(errors.dtype)
    missed = (size - found).to(errors.dtype)
    # Of an absent class the first voxel makes the whole difference, 0 / 0 above.
    added = torch.where(union > 1, missed / (union * (union - 1)).clamp(min=1), 1)
    return torch.empty_like(errors).scatter_(1, order, torch.where(ranked, 1 / union, added))
