"""A composition of models, ready to predict as one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from univox.errors import ModelError
from univox.image import Image
from univox.inference.cascade import CascadePredictor
from univox.inference.case_predictor import CasePredictor
from univox.inference.ensemble import EnsemblePredictor
from univox.inference.predictor import Prediction, Predictor
from univox.model.composition import Cascade, Composition, read_composition
from univox.types import PathLike


class ComposedModel:
    """An ensemble or a cascade of models of one domain.

    Args:
        path: The composition's folder.
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".
        settings: What to change of every member's inference settings, by name.
        trusted: Allow a network from outside univox; its import runs foreign code.

    Attributes:
        path: The folder.
        composition: How the members join.

    Raises:
        ModelError: The folder is incomplete or altered, or its members do not fit together.
        RecipeError: A setting that does not exist, or a value that does not fit.
        DeviceError: The device is not there.
    """

    def __init__(
        self,
        path: PathLike,
        *,
        device: str | torch.device = "auto",
        settings: Mapping[str, Any] | None = None,
        trusted: bool = False,
    ) -> None:
        self.path = Path(path)
        self.composition, stored = read_composition(path)
        members = [Predictor(each, device=device, settings=settings, trusted=trusted) for each in stored]
        self._predictor = _joined(self.path, self.composition, members)

    @property
    def domains(self) -> tuple[str, ...]:
        """Name of the one domain."""
        return (self._predictor.domain.name,)

    def domain(self, name: str | None = None) -> CasePredictor:
        """Give what predicts.

        Args:
            name: Of the one domain; may be left out.

        Raises:
            ModelError: There is no such domain.
        """
        if name is not None and name not in self.domains:
            raise ModelError(
                expected=f"the domain {self.domains[0]}", got=repr(name), remedy="leave --domain out", path=self.path
            )
        return self._predictor

    def predict(self, image: Image, *, probabilities: bool = False, uncertainty: bool = False) -> Prediction:
        """Segment one image: see `CasePredictor.predict`."""
        return self._predictor.predict(image, probabilities=probabilities, uncertainty=uncertainty)


def _joined(path: Path, composition: Composition, members: list[Predictor]) -> CasePredictor:
    if isinstance(composition, Cascade):
        return CascadePredictor(path, members[0], members[1], composition.region)
    return EnsemblePredictor(path, members)
