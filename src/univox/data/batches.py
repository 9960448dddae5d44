"""Batches of training patches, each a pure function of the seed and the iteration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch

from univox.data.augment_intensity import IntensityDraw, apply_intensity, draw_intensity
from univox.data.augment_spatial import SpatialDraw, draw_spatial, take_weighted_patch
from univox.data.patch_settings import Augmentation, PatchSampling
from univox.data.patches import (
    PatchCase,
    case_at,
    centered_window,
    drawn_voxel,
    foreground_voxel,
    is_foreground_item,
    uniform_window,
)
from univox.data.standardize import standardize
from univox.data.window import Window
from univox.errors import DatasetError, RecipeError, ShapeError

_ITEM_STREAM = 0


@dataclass(frozen=True, eq=False)
class Batch:
    """Patches ready for a network.

    Args:
        image: float32, (B, C, *patch).
        label: Class indices, int64, (B, *patch); `univox.data.classes.NOT_ANNOTATED` where nobody labelled.
        names: The case of each patch.
        windows: Where each patch lies in its prepared case.
        weights: What each voxel weighs in the loss, float32, (B, *patch); none leaves it to the loss.
    """

    image: torch.Tensor
    label: torch.Tensor
    names: tuple[str, ...]
    windows: tuple[Window, ...]
    weights: torch.Tensor | None = None


@dataclass(frozen=True)
class PatchDraw:
    """Everything that is random about one patch; the same draw gives the same patch.

    Args:
        case_index: Which of the cases.
        window: Where in it.
        spatial: How it is turned, scaled, bent and mirrored.
        intensity: What is done to its intensities.
    """

    case_index: int
    window: Window
    spatial: SpatialDraw
    intensity: IntensityDraw


@dataclass(frozen=True)
class _CaseFacts:
    """What a draw needs to know of a case; read once."""

    num_channels: int
    shape: tuple[int, ...]
    classes: tuple[int, ...]
    annotated: np.ndarray | None


@dataclass(frozen=True, eq=False, kw_only=True)
class Batches:
    """A supply of random, augmented patches from prepared cases.

    Cases are visited in shuffled epochs, each once per epoch. The random numbers of a patch depend on
    seed, iteration and its place in the batch alone, so batches may be made in any order, by any
    number of threads, and again.

    A patch that is not centered on foreground lies anywhere; in a case that is annotated in part it is centered on an
    annotated voxel, for there is nothing to learn from a patch without one.

    Args:
        cases: Prepared cases, all of one spacing and with the same channels.
        patch_size: Voxels per axis, array order, 2-D or 3-D.
        batch_size: Patches in a batch.
        num_classes: Classes, background included.
        margin: Voxels on either side of a patch that an unpadded network gives no logits of; none, unless given.
            Patches are placed by what is left, so that every voxel of an image can be learned from; their margin may
            lie beyond it.
        spacing_mm: Voxel edges of the prepared cases; equal ones when left out.
        sampling: Where patches lie.
        augmentation: What is done to them at random.
        standardize_patches: Give each patch and channel mean 0 and deviation 1, after all else.
        seed: Of every random number.
        weights: Gives the map (*spatial) of what the voxels of a case weigh in the loss; none: none.

    Raises:
        DatasetError: There is no case.
        RecipeError: Settings that contradict each other, or a negative seed.
        ShapeError: At a draw, a case with another number of spatial axes.
    """

    cases: Sequence[PatchCase]
    patch_size: tuple[int, ...]
    batch_size: int
    num_classes: int
    margin: tuple[int, ...] = ()
    spacing_mm: tuple[float, ...] | None = None
    sampling: PatchSampling = field(default_factory=PatchSampling)
    augmentation: Augmentation = field(default_factory=Augmentation)
    standardize_patches: bool = False
    seed: int = 0
    weights: Callable[[PatchCase], npt.NDArray[np.float32]] | None = None
    _facts: dict[int, _CaseFacts] = field(init=False, repr=False, default_factory=dict[int, _CaseFacts])

    def __post_init__(self) -> None:
        if not self.cases:
            raise DatasetError(
                expected="at least one case to cut patches from",
                got="none",
                remedy="check that the training split holds labelled cases",
            )
        for expected, got, remedy in _contradictions(self):
            raise RecipeError(expected=expected, got=got, remedy=remedy)

    def batch(self, iteration: int) -> Batch:
        """The batch of an iteration, counted from 0."""
        draws = self.draw(iteration)
        patches = [self._patch(draw) for draw in draws]
        image = torch.stack([image for image, _, _ in patches])
        weights = [weight for _, _, weight in patches if weight is not None]
        return Batch(
            image=standardize(image) if self.standardize_patches else image,
            label=torch.stack([label for _, label, _ in patches]),
            names=tuple(self.cases[draw.case_index].name for draw in draws),
            windows=tuple(draw.window for draw in draws),
            weights=torch.stack(weights) if weights else None,
        )

    def draw(self, iteration: int) -> tuple[PatchDraw, ...]:
        """What is random about the batch of an iteration."""
        return tuple(self._draw_item(iteration, item) for item in range(self.batch_size))

    def patch(self, draw: PatchDraw) -> tuple[torch.Tensor, torch.Tensor]:
        """The patch of a draw before standardization: image (C, *patch), label (*patch)."""
        return self._patch(draw)[:2]

    def _patch(self, draw: PatchDraw) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        case = self.cases[draw.case_index]
        image, label, weights = take_weighted_patch(
            case.image(),
            case.label(),
            None if self.weights is None else self.weights(case),
            draw.window,
            draw.spatial,
            sampling=self.sampling,
            spacing_mm=self._spacing(),
        )
        return apply_intensity(image, draw.intensity, spacing_mm=self._spacing()), label, weights

    def _draw_item(self, iteration: int, item: int) -> PatchDraw:
        sequence = np.random.SeedSequence([self.seed, iteration, item], spawn_key=(_ITEM_STREAM,))
        rng = np.random.Generator(np.random.Philox(sequence))
        visit = iteration * self.batch_size + item
        case_index = case_at(visit, num_cases=len(self.cases), seed=self.seed)
        facts = self._case_facts(case_index)
        share = self.sampling.foreground_share
        margin = self.margin or (0,) * len(self.patch_size)
        inner = tuple(edge - 2 * width for edge, width in zip(self.patch_size, margin, strict=True))
        if is_foreground_item(item, share=share, batch_size=self.batch_size, rng=rng) and facts.classes:
            voxel = foreground_voxel(self.cases[case_index], facts.classes, facts.shape, rng)
            window = centered_window(voxel, facts.shape, inner)
        elif facts.annotated is not None:
            window = centered_window(drawn_voxel(facts.annotated, facts.shape, rng), facts.shape, inner)
        else:
            window = uniform_window(facts.shape, inner, rng)
        start = tuple(first - width for first, width in zip(window.start, margin, strict=True))
        spatial = draw_spatial(rng, self.augmentation, self._spacing())
        window = Window(start, self.patch_size)
        return PatchDraw(case_index, window, spatial, draw_intensity(rng, self.augmentation, facts.num_channels))

    def _spacing(self) -> tuple[float, ...]:
        return self.spacing_mm or (1.0,) * len(self.patch_size)

    def _case_facts(self, index: int) -> _CaseFacts:
        # Two threads may both read a case's facts: they find the same, so either may be kept.
        if index not in self._facts:
            case = self.cases[index]
            channels, *shape = case.image().shape
            if len(shape) != len(self.patch_size):
                raise ShapeError(
                    expected=f"a case with {len(self.patch_size)} spatial axes",
                    got=f"{len(shape)} in case {case.name}",
                    remedy="choose a patch size with one edge per axis of the cases",
                )
            present = tuple(c for c in range(1, self.num_classes) if len(case.foreground(c)))
            annotated = case.annotated()
            # A crop may have left nothing that is annotated: then such a patch lies anywhere.
            known = annotated if annotated is not None and annotated.size else None
            self._facts[index] = _CaseFacts(channels, tuple(shape), present, known)
        return self._facts[index]


def _contradictions(batches: Batches) -> list[tuple[str, str, str]]:
    """What is wrong with the settings: (expected, got, remedy) of each."""
    dims = len(batches.patch_size)
    spacing = batches.spacing_mm
    angles = batches.augmentation.rotation_degrees
    beyond = [axis for axis in batches.augmentation.mirror_axes if axis >= dims]
    found = [
        (
            dims not in (2, 3),
            "a patch size of 2 or 3 edges",
            f"{batches.patch_size}",
            "give one edge per axis",
        ),
        (
            min(batches.patch_size, default=0) < 1 or batches.batch_size < 1,
            "a patch size and a batch size of at least 1",
            f"{batches.patch_size} and {batches.batch_size}",
            "choose positive sizes",
        ),
        (
            spacing is not None and (len(spacing) != dims or min(spacing, default=0.0) <= 0.0),
            f"{dims} positive voxel edges in mm",
            f"{spacing}",
            "give the spacing of the prepared cases",
        ),
        (
            isinstance(angles, tuple) and dims != 3,
            "one rotation angle for a 2-D patch",
            f"{angles}",
            "set augmentation.rotation_degrees to a single number",
        ),
        (bool(beyond), f"mirror axes below {dims}", f"{beyond}", "name axes of the patch, counted from 0"),
        (batches.seed < 0, "a seed of at least 0", f"{batches.seed}", "choose a whole number from 0 up"),
    ]
    return [(expected, got, remedy) for wrong, expected, got, remedy in found if wrong]
