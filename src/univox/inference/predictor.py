"""From an image to its label, with a trained model."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import ValidationError
from torch import nn

from univox.data.preprocess import CaseGeometry, prepare_image
from univox.data.preprocess_settings import Preprocessing
from univox.data.restore import restore_all_probabilities, restore_entropy, restore_probabilities
from univox.data.window import count_windows
from univox.errors import ModelError, RecipeError, ShapeError
from univox.image import Image
from univox.inference.device import pick_device
from univox.inference.fitting import misfit
from univox.inference.postprocessed import postprocessed
from univox.inference.slicewise import decided, slicewise
from univox.inference.sliding_window import sliding_window
from univox.model.folder import StoredModel, read_model
from univox.networks.blocks.sizes import SizeRule, size_rule
from univox.networks.memory_order import channels_last
from univox.recipes.inference_settings import InferenceSettings
from univox.types import PathLike, SpacingMM


@dataclass(frozen=True)
class Prediction:
    """What a network says of one image, on the image's whole canonical grid.

    Attributes:
        label: Class indices (*spatial), 0 is background; after post-processing, where the domain has any.
        codes: The same in the codes of the dataset that the network was trained on.
        probabilities: (K, *spatial), float32, at the domain's temperature; None where they were not asked for.
            They are the network's own, as is `uncertainty`: where post-processing changed a label, another class may be
            likeliest.
        seconds: Wall time, preparation included.
        uncertainty: (*spatial), float32: the entropy of the probabilities over its largest value, log K. From 0, one
            class is certain, to 1, all are equally likely; 0 also outside the box that the network saw, which is
            background by rule. None where it was not asked for.
    """

    label: NDArray[np.unsignedinteger]
    codes: NDArray[np.integer]
    probabilities: NDArray[np.float32] | None
    seconds: float
    uncertainty: NDArray[np.float32] | None = None


class Predictor:
    """A model that is loaded and ready to predict.

    Args:
        model: A model folder, or one that was read.
        domain: Its name; may be left out where the model has one.
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".
        settings: What to change of the model's own inference settings, by name.
        trusted: Allow a network from outside univox; its import runs foreign code.
        network: The domain's, with its weights, where it is built already; it is moved to the device.

    Attributes:
        domain: What the model says of this dataset.
        classes: Names and codes.
        settings: With the changes applied.
        temperature: Of the probabilities; 1 where the domain has none. Labels do not hang on it.
        postprocessing: Of the labels; None where the domain has none, or `settings` leave it out.
        window_size: Voxels per axis of a window.
        votes_size: Voxels per axis that a window gives probabilities of: the same, less an unpadded network's margins.

    Raises:
        ModelError: The folder is incomplete, altered, or has no such domain.
        RecipeError: A setting that does not exist, or a value that does not fit.
        ShapeError: A window that the network cannot take.
        DeviceError: The device is not there.
    """

    def __init__(
        self,
        model: PathLike | StoredModel,
        *,
        domain: str | None = None,
        device: str | torch.device = "auto",
        settings: Mapping[str, Any] | InferenceSettings | None = None,
        trusted: bool = False,
        network: nn.Module | None = None,
    ) -> None:
        self.model = model if isinstance(model, StoredModel) else read_model(model)
        self.domain = self.model.domain(domain)
        self.classes = self.domain.label_classes
        self.settings = changed_settings(self.domain.inference, settings)
        self.temperature = self.domain.temperature
        self.postprocessing = self.domain.postprocessing if self.settings.postprocessing else None
        self.preprocessing = _preprocessing(self.model, self.domain.preprocessing)
        self.device = pick_device(device)
        if network is None:
            network = self.model.build(self.domain.name, trusted=trusted)
        sizes = size_rule(network, self.domain.spatial_dims)
        self.window_size = self._window_size(sizes)
        self.votes_size = sizes.inner(self.window_size)
        self.network = channels_last(network).to(self.device)

    @property
    def path(self) -> Path:
        """The model folder."""
        return self.model.path

    def predict(self, image: Image, *, probabilities: bool = False, uncertainty: bool = False) -> Prediction:
        """Segment one image.

        Args:
            image: As read, with the channels that the model was trained on, in that order. A model of 2-D images
                takes a volume slice by slice, across each of the axes `settings.slice_axes`.
            probabilities: Give the probability of every class too (much memory for many classes).
            uncertainty: Give the entropy of every voxel too (a few maps of memory).

        Raises:
            ModelError: The image has other channels or axes than the model's.
            DatasetError: An intensity is not finite.
        """
        started = time.perf_counter()
        if (self.domain.spatial_dims, image.spatial_dims) == (2, 3):
            return self._predict_slices(image, probabilities=probabilities, uncertainty=uncertainty)
        error = misfit(self.domain, image)
        if error is not None:
            raise error
        prediction = self.predict_prepared(
            *prepare_image(image, self.preprocessing), probabilities=probabilities, uncertainty=uncertainty
        )
        return dataclasses.replace(prediction, seconds=time.perf_counter() - started)

    def _predict_slices(self, volume: Image, *, probabilities: bool, uncertainty: bool) -> Prediction:
        started = time.perf_counter()

        def of_slice(image: Image) -> NDArray[np.float32]:
            found = self.predict(image, probabilities=True).probabilities
            assert found is not None  # it was asked for
            return found

        fused = slicewise(of_slice, volume, self.settings.slice_axes)
        label, entropy = decided(fused)
        # What was chosen holds for slices: it is done to those across the first axis, as if each came alone.
        axis = self.settings.slice_axes[0]
        spacing_mm = tuple(edge for other, edge in enumerate(volume.spacing_mm) if other != axis)
        slices = [self._postprocessed(part, spacing_mm) for part in np.moveaxis(label, axis, 0)]
        label = np.stack(slices, axis)
        return Prediction(
            label=label,
            codes=self.classes.to_codes(label),
            probabilities=fused if probabilities else None,
            seconds=time.perf_counter() - started,
            uncertainty=entropy if uncertainty else None,
        )

    def predict_prepared(
        self,
        prepared: NDArray[np.float32],
        geometry: CaseGeometry,
        *,
        probabilities: bool = False,
        uncertainty: bool = False,
    ) -> Prediction:
        """Segment an image that was prepared by this domain's `preprocessing`.

        Args:
            prepared: (C, *spatial), as `prepare_image` gives it; left as it is.
            geometry: How it lies in its image.
            probabilities: See `predict`.
            uncertainty: See `predict`.
        """
        started = time.perf_counter()
        votes, temperature = self.votes(prepared), self.temperature
        label = self._postprocessed(restore_probabilities(votes, geometry), geometry.image_spacing_mm)
        everything = restore_all_probabilities(votes, geometry, temperature=temperature) if probabilities else None
        entropy = restore_entropy(votes, geometry, temperature=temperature) if uncertainty else None
        return Prediction(
            label=label,
            codes=self.classes.to_codes(label),
            probabilities=everything,
            seconds=time.perf_counter() - started,
            uncertainty=entropy,
        )

    def votes(self, prepared: NDArray[np.float32]) -> NDArray[np.float32]:
        """Give the network's own probabilities, blended over the windows, before any temperature.

        Args:
            prepared: See `predict_prepared`.

        Returns:
            (K, *spatial), on the grid of `prepared`.
        """
        return sliding_window(
            self.network,
            torch.from_numpy(prepared),
            window_size=self.window_size,
            num_classes=self.classes.num_classes,
            settings=self.settings,
            standardize_windows=self.preprocessing.normalization.scope == "patch",
            device=self.device,
        ).numpy()

    def number_of_windows(self, prepared_shape: Sequence[int]) -> int:
        """Count the windows that `predict_prepared` looks at.

        Args:
            prepared_shape: Voxels per axis of the prepared image; one smaller than a window is surrounded with zeros.
        """
        shape = tuple(max(pair) for pair in zip(prepared_shape, self.votes_size, strict=True))
        return count_windows(shape, self.votes_size, self.settings.steps(self.votes_size))

    def _postprocessed(self, label: NDArray[np.unsignedinteger], spacing_mm: SpacingMM) -> NDArray[np.unsignedinteger]:
        if self.postprocessing is None:
            return label
        return postprocessed(label, self.postprocessing.steps, self.classes.names, spacing_mm)

    def _window_size(self, rule: SizeRule) -> tuple[int, ...]:
        size = self.settings.window_size
        if size == "auto":
            size = tuple(self.domain.plan.get("patch_size", ()))
        if len(size) != self.domain.spatial_dims:
            raise ShapeError(
                expected=f"a window of {self.domain.spatial_dims} edges",
                got=str(list(size)),
                remedy="give one edge per axis as inference.window_size",
            )
        rule.check_shape(size)
        return size


def changed_settings(
    stored: Mapping[str, Any], changes: Mapping[str, Any] | InferenceSettings | None
) -> InferenceSettings:
    """Give a domain's inference settings with what was asked for in their place.

    Args:
        stored: `Domain.inference`.
        changes: By name; whole settings take the place of all.

    Raises:
        RecipeError: A setting that does not exist, or a value that does not fit.
    """
    if isinstance(changes, InferenceSettings):
        return changes
    merged = {**stored, **(changes or {})}
    if changes and changes.get("overlap") is not None and changes.get("step") is None:
        # The stored step would win over the overlap that is asked for.
        merged["step"] = None
    try:
        return InferenceSettings.model_validate(merged)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise RecipeError(
            expected=f"a valid inference setting '{place}'",
            got=f"{first.get('input')!r} ({first['msg'].lower()})",
            remedy=f"the settings are {', '.join(InferenceSettings.model_fields)}",
        ) from error


def _preprocessing(model: StoredModel, values: Mapping[str, Any]) -> Preprocessing:
    try:
        return Preprocessing.model_validate(values)
    except ValidationError as error:
        raise ModelError(
            expected="valid preprocessing settings in domain.json",
            got=error.errors()[0]["msg"].lower(),
            remedy="use the univox version named in model.json, or train the model again",
            path=model.path,
        ) from error
