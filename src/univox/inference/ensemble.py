"""Several models of the same classes that vote: the mean of their probabilities."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from univox.data.preprocess import CaseGeometry, prepare_image
from univox.data.restore import restore_all_probabilities, restore_entropy, restore_probabilities
from univox.errors import ModelError
from univox.image import Image
from univox.inference.fitting import misfit
from univox.inference.predictor import Prediction, Predictor
from univox.types import PathLike


class EnsemblePredictor:
    """Averages what its members say of every voxel, each at temperature 1: what was fitted to one is not theirs.

    Nor is any member's post-processing: it was chosen for the labels of that one alone, so none is applied.

    Members that prepare an image alike (usual for folds of one dataset) are averaged on the prepared grid, at the cost
    of one restoration; where they differ, each is brought back to the image's own grid first, with every class in
    memory.

    Args:
        path: The composition's folder.
        members: At least one.

    Attributes:
        domain, classes, settings: The first member's; its split is that of one fold and says nothing of the others.

    Raises:
        ModelError: Members that know other channels or classes.
    """

    def __init__(self, path: PathLike, members: Sequence[Predictor]) -> None:
        first = members[0]
        for other in members[1:]:
            if _knows(other) != _knows(first):
                raise ModelError(
                    expected="members of the same channels and classes",
                    got=f"{_knows(first)} and {_knows(other)}",
                    remedy="join models of one dataset",
                    path=Path(path),
                )
        self.path, self.members = Path(path), tuple(members)
        self.domain = first.domain.model_copy(update={"provenance": {}, "calibration": None, "postprocessing": None})
        self.classes, self.settings = first.classes, first.settings

    def predict(self, image: Image, *, probabilities: bool = False, uncertainty: bool = False) -> Prediction:
        """Segment one image.

        Args:
            image: As read, with the channels that the members were trained on, in that order.
            probabilities: Give the mean probability of every class too.
            uncertainty: Give the entropy of the mean probabilities too: it also shows where members disagree.

        Raises:
            ModelError: The image has other channels or axes than the members'.
            DatasetError: An intensity is not finite.
        """
        started = time.perf_counter()
        error = misfit(self.domain, image)
        if error is not None:
            raise error
        votes, geometry = self._votes(image)
        label = restore_probabilities(votes, geometry)
        return Prediction(
            label=label,
            codes=self.classes.to_codes(label),
            probabilities=restore_all_probabilities(votes, geometry) if probabilities else None,
            uncertainty=restore_entropy(votes, geometry) if uncertainty else None,
            seconds=time.perf_counter() - started,
        )

    def _votes(self, image: Image) -> tuple[NDArray[np.float32], CaseGeometry]:
        """Give the mean of the members' votes, on the prepared grid where they share it, else on the image's."""
        alike = [[member for member in self.members if member.preprocessing == each] for each in self._preparations()]
        means: list[tuple[NDArray[np.float32], CaseGeometry]] = []
        for members in alike:
            prepared, geometry = prepare_image(image, members[0].preprocessing)
            total = members[0].votes(prepared)
            for member in members[1:]:
                total += member.votes(prepared)
            means.append((total / np.float32(len(self.members)), geometry))
        if len(means) == 1:
            return means[0]
        whole = np.zeros((self.classes.num_classes, *image.spatial_shape), np.float32)
        for members, (votes, geometry) in zip(alike, means, strict=True):
            # Restored as probabilities, which outside the box are the background's.
            share = np.float32(len(members) / len(self.members))
            whole += share * restore_all_probabilities(votes / share, geometry)
        shape = image.spatial_shape
        return whole, CaseGeometry(shape, tuple((0, size) for size in shape), shape, image.spacing_mm)

    def _preparations(self) -> list[object]:
        different: list[object] = []
        for member in self.members:
            if member.preprocessing not in different:
                different.append(member.preprocessing)
        return different


def _knows(predictor: Predictor) -> tuple[tuple[str, ...], tuple[str, ...], tuple[int, ...]]:
    return predictor.domain.channel_names, predictor.classes.names, predictor.classes.codes
