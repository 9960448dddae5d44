"""What every way of predicting a case has in common: one model, several that vote, or one after the other."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from univox.data.classes import Classes
from univox.image import Image
from univox.inference.predictor import Prediction
from univox.model.domain import Domain
from univox.recipes.inference_settings import InferenceSettings


class CasePredictor(Protocol):
    """Predicts a case for one domain.

    Attributes:
        path: The model folder.
        domain: What the model says of the dataset: its channels, its split.
        classes: Names and codes of what is predicted.
        settings: Of the windows; of several models those of the last.
    """

    @property
    def path(self) -> Path: ...  # noqa: D102 - the class tells

    @property
    def domain(self) -> Domain: ...  # noqa: D102 - the class tells

    @property
    def classes(self) -> Classes: ...  # noqa: D102 - the class tells

    @property
    def settings(self) -> InferenceSettings: ...  # noqa: D102 - the class tells

    def predict(self, image: Image, *, probabilities: bool = False, uncertainty: bool = False) -> Prediction:
        """Segment one image.

        Args:
            image: As read, with the channels that the model was trained on, in that order.
            probabilities: Give the probability of every class too.
            uncertainty: Give the entropy of every voxel too.

        Raises:
            ModelError: The image has other channels or axes than the model's.
            DatasetError: An intensity is not finite.
        """
        ...
