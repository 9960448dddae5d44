"""Two models one after the other: the first finds the region, the second segments inside it."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from univox.data.crop import box_slices
from univox.data.region import Region
from univox.errors import ModelError
from univox.image import Image, image_box
from univox.inference.case_predictor import CasePredictor
from univox.inference.predictor import Prediction
from univox.types import PathLike


class CascadePredictor:
    """Segments inside the box that a first model points out; all around it is background.

    Args:
        path: The composition's folder.
        first: Finds the region.
        second: Segments inside it, by its own preprocessing.
        region: How the first one's segmentation becomes a box; where it finds nothing the second sees the whole image.

    Attributes:
        domain, classes, settings: The second's.

    Raises:
        ModelError: The two take other channels.
        DatasetError: The region is of a class that the first does not know.
    """

    def __init__(self, path: PathLike, first: CasePredictor, second: CasePredictor, region: Region) -> None:
        if first.domain.channel_names != second.domain.channel_names:
            raise ModelError(
                expected="two models that take the same channels",
                got=f"{', '.join(first.domain.channel_names)} and {', '.join(second.domain.channel_names)}",
                remedy="train both on the same images",
                path=Path(path),
            )
        region.indices(first.classes.names)
        self.path, self.first, self.second, self.region = Path(path), first, second, region
        self.domain, self.classes, self.settings = second.domain, second.classes, second.settings

    def predict(self, image: Image, *, probabilities: bool = False, uncertainty: bool = False) -> Prediction:
        """Segment one image.

        Args:
            image: As read, with the channels that both models were trained on, in that order.
            probabilities: Give the second model's probability of every class too; outside the box background is 1.
            uncertainty: Give its entropy of every voxel too; 0 outside the box.

        Raises:
            ModelError: The image has other channels or axes than the models'.
            DatasetError: An intensity is not finite.
        """
        started = time.perf_counter()
        coarse = self.first.predict(image).label
        box = self.region.box(coarse, self.first.classes.names, image.spacing_mm)
        inside = self.second.predict(image_box(image, box), probabilities=probabilities, uncertainty=uncertainty)
        where = box_slices(box)
        label = np.zeros(image.spatial_shape, inside.label.dtype)
        label[where] = inside.label
        everything, entropy = None, None
        if inside.probabilities is not None:
            everything = np.zeros((self.classes.num_classes, *image.spatial_shape), np.float32)
            everything[0] = 1
            everything[(slice(None), *where)] = inside.probabilities
        if inside.uncertainty is not None:
            entropy = np.zeros(image.spatial_shape, np.float32)
            entropy[where] = inside.uncertainty
        return Prediction(
            label=label,
            codes=self.classes.to_codes(label),
            probabilities=everything,
            uncertainty=entropy,
            seconds=time.perf_counter() - started,
        )
