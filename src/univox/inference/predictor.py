"""From an image to its label, with a trained model."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import ValidationError

from univox.data.preprocess import prepare_image, restore_all_probabilities, restore_probabilities
from univox.data.preprocess_settings import Preprocessing
from univox.errors import ModelError, RecipeError, ShapeError
from univox.image import Image
from univox.inference.device import pick_device
from univox.inference.sliding_window import sliding_window
from univox.model.folder import StoredModel, read_model
from univox.networks.blocks.sizes import SizeRule, size_rule
from univox.networks.memory_order import channels_last
from univox.recipes.inference_settings import InferenceSettings
from univox.types import PathLike


@dataclass(frozen=True)
class Prediction:
    """What a network says of one image, on the image's whole canonical grid.

    Attributes:
        label: Class indices (*spatial), 0 is background.
        codes: The same in the codes of the dataset that the network was trained on.
        probabilities: (K, *spatial), float32; None where they were not asked for.
        seconds: Wall time, preparation included.
    """

    label: NDArray[np.unsignedinteger]
    codes: NDArray[np.integer]
    probabilities: NDArray[np.float32] | None
    seconds: float


class Predictor:
    """A model that is loaded and ready to predict.

    Args:
        model: A model folder, or one that was read.
        domain: Its name; may be left out where the model has one.
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".
        settings: What to change of the model's own inference settings, by name.
        trusted: Allow a network from outside univox; its import runs foreign code.

    Attributes:
        domain: What the model says of this dataset.
        classes: Names and codes.
        settings: With the changes applied.
        window_size: Voxels per axis of a window.

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
    ) -> None:
        self.model = model if isinstance(model, StoredModel) else read_model(model)
        self.domain = self.model.domain(domain)
        self.classes = self.domain.label_classes
        self.settings = _settings(self.domain.inference, settings)
        self.preprocessing = _preprocessing(self.model, self.domain.preprocessing)
        self.device = pick_device(device)
        network = self.model.build(self.domain.name, trusted=trusted)
        self.window_size = self._window_size(size_rule(network, self.domain.spatial_dims))
        self.network = channels_last(network).to(self.device)

    def predict(self, image: Image, *, probabilities: bool = False) -> Prediction:
        """Segment one image.

        Args:
            image: As read, with the channels that the model was trained on, in that order.
            probabilities: Give the probability of every class too (much memory for many classes).

        Raises:
            ModelError: The image has other channels or axes than the model's.
            DatasetError: An intensity is not finite.
        """
        started = time.perf_counter()
        self._check(image)
        prepared, geometry = prepare_image(image, self.preprocessing)
        votes = sliding_window(
            self.network,
            torch.from_numpy(prepared),
            window_size=self.window_size,
            num_classes=self.classes.num_classes,
            settings=self.settings,
            standardize_windows=self.preprocessing.normalization.scope == "patch",
            device=self.device,
        ).numpy()
        label = restore_probabilities(votes, geometry)
        return Prediction(
            label=label,
            codes=self.classes.to_codes(label),
            probabilities=restore_all_probabilities(votes, geometry) if probabilities else None,
            seconds=time.perf_counter() - started,
        )

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

    def _check(self, image: Image) -> None:
        names = self.domain.channel_names
        if image.spatial_dims != self.domain.spatial_dims:
            raise ModelError(
                expected=f"a {self.domain.spatial_dims}-D image",
                got=f"a {image.spatial_dims}-D one of shape {list(image.spatial_shape)}",
                remedy="use a model that was trained on such images",
            )
        if image.num_channels != len(names):
            raise ModelError(
                expected=f"an image with {_channels(len(names))}: {', '.join(names)}",
                got=_channels(image.num_channels),
                remedy="give one 4-D file, or one file per channel named CASE_0000, CASE_0001 in this order",
            )


def load(
    model: PathLike,
    domain: str | None = None,
    device: str | torch.device = "auto",
    *,
    settings: Mapping[str, Any] | None = None,
    trusted: bool = False,
) -> Predictor:
    """Load a model folder for prediction.

    Args:
        model: The folder.
        domain: Its name; may be left out where the model has one.
        device: "auto", "cpu", "cuda" or "mps".
        settings: What to change of the model's inference settings, by name.
        trusted: Allow a network from outside univox; its import runs foreign code.

    Raises:
        ModelError: The folder is incomplete, altered, or has no such domain.
    """
    return Predictor(model, domain=domain, device=device, settings=settings, trusted=trusted)


def _channels(count: int) -> str:
    return f"{count} channel" if count == 1 else f"{count} channels"


def _settings(stored: Mapping[str, Any], changes: Mapping[str, Any] | InferenceSettings | None) -> InferenceSettings:
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
