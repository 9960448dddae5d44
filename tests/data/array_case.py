"""A prepared case held in memory, for tests of patches and batches."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from univox.data.classes import NOT_ANNOTATED


class ArrayCase:
    def __init__(self, name: str, image: npt.NDArray[np.float32], label: npt.NDArray[np.uint8]) -> None:
        self.name = name
        self._image = image
        self._label = label

    def image(self) -> npt.NDArray[np.float32]:
        return self._image

    def label(self) -> npt.NDArray[np.uint8]:
        return self._label

    def foreground(self, class_index: int) -> npt.NDArray[np.int64]:
        return np.flatnonzero(self._label == class_index)

    def annotated(self) -> npt.NDArray[np.int64] | None:
        known = self._label != NOT_ANNOTATED
        return None if known.all() else np.flatnonzero(known)


def random_case(
    seed: int, *, shape: tuple[int, ...] = (12, 14, 13), num_channels: int = 2, num_classes: int = 3
) -> ArrayCase:
    """Noise for an image; a label with a small share of each class."""
    rng = np.random.default_rng(seed)
    image = rng.standard_normal((num_channels, *shape)).astype(np.float32)
    label = rng.choice(num_classes, size=shape, p=[0.9, *[0.1 / (num_classes - 1)] * (num_classes - 1)])
    return ArrayCase(f"case-{seed}", image, label.astype(np.uint8))
