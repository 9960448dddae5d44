"""A model of one domain or several, ready to predict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from univox.errors import ModelError
from univox.image import Image
from univox.inference.composed_model import ComposedModel
from univox.inference.device import pick_device
from univox.inference.fitting import channels
from univox.inference.predictor import Prediction, Predictor, changed_settings
from univox.model.composition import is_composition
from univox.model.domain import Domain
from univox.model.folder import StoredModel, read_model
from univox.networks.sharing import SharedNetworks
from univox.types import PathLike

NAMED_CLASSES = 6
"""Classes of a domain that a sentence names; of more it gives the number."""


class LoadedModel:
    """A model whose domains predict one by one, each network built when its domain is first used.

    What the domains share lies in memory once: the networks hold it as the very same tensors. So whoever changes one
    network's shared weights in place changes them for all.

    Args:
        model: A model folder, or one that was read.
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".
        settings: What to change of every domain's inference settings, by name.
        trusted: Allow a network from outside univox; its import runs foreign code.

    Attributes:
        stored: What the folder says.

    Raises:
        ModelError: The folder is incomplete or altered.
        RecipeError: A setting that does not exist, or a value that does not fit.
        DeviceError: The device is not there.
    """

    def __init__(
        self,
        model: PathLike | StoredModel,
        *,
        device: str | torch.device = "auto",
        settings: Mapping[str, Any] | None = None,
        trusted: bool = False,
    ) -> None:
        self.stored = model if isinstance(model, StoredModel) else read_model(model)
        domains = self.stored.domains.items()
        self._settings = {name: changed_settings(domain.inference, settings) for name, domain in domains}
        self._device = pick_device(device)
        self._trusted = trusted
        self._predictors: dict[str, Predictor] = {}

    @property
    def domains(self) -> tuple[str, ...]:
        """Names of the domains, in the order in which the model came to know them."""
        return tuple(self.stored.domains)

    def domain(self, name: str | None = None) -> Predictor:
        """Give a domain's predictor, always the same one.

        Args:
            name: May be left out where the model has one domain.

        Raises:
            ModelError: There is no such domain, or several and none is named; weights that do not fit the network.
            ShapeError: A window that the network cannot take.
        """
        if name is None and len(self.domains) > 1:
            known = ", ".join(map(described, self.stored.domains.values()))
            raise ModelError(
                expected=f"one of this model's domains to be named: {known}",
                got="none named",
                remedy="--domain NAME or --all-domains, in Python .domain(NAME)",
                path=self.stored.path,
            )
        chosen = self.stored.domain(name).name
        if chosen not in self._predictors:
            self._predictors[chosen] = self._load(chosen)
        return self._predictors[chosen]

    def predict(self, image: Image, *, probabilities: bool = False, uncertainty: bool = False) -> Prediction:
        """Segment one image with a model of one domain.

        Args:
            image: As read, with the channels that the model was trained on, in that order.
            probabilities: Give the probability of every class too (much memory for many classes).
            uncertainty: Give the entropy of every voxel too.

        Raises:
            ModelError: The model has several domains, or the image has other channels or axes than the model's.
            DatasetError: An intensity is not finite.
        """
        return self.domain().predict(image, probabilities=probabilities, uncertainty=uncertainty)

    def _load(self, name: str) -> Predictor:
        network = self.stored.build(name, trusted=self._trusted)
        for known, predictor in self._predictors.items():
            # From here on it holds the shared tensors that the first domain's network moved to the device.
            SharedNetworks({known: predictor.network, name: network})
            break
        return Predictor(self.stored, domain=name, device=self._device, settings=self._settings[name], network=network)


def load(
    model: PathLike,
    *,
    device: str | torch.device = "auto",
    settings: Mapping[str, Any] | None = None,
    trusted: bool = False,
) -> LoadedModel | ComposedModel:
    """Load a model folder for prediction: `load(MODEL).predict(image)`, or `load(MODEL).domain(NAME).predict(image)`.

    A folder of several models that predict as one (an ensemble of folds, a cascade) predicts in the same way.

    Args:
        model: The folder.
        device: "auto", "cpu", "cuda" or "mps".
        settings: What to change of every domain's inference settings, by name.
        trusted: Allow a network from outside univox; its import runs foreign code.

    Raises:
        ModelError: The folder is incomplete or altered.
    """
    kind = ComposedModel if is_composition(model) else LoadedModel
    return kind(model, device=device, settings=settings, trusted=trusted)


def described(domain: Domain) -> str:
    """Say what a domain takes and finds.

    >>> from univox.data.classes import Classes
    >>> classes = Classes.of({10: "CSF"}).to_json()
    >>> described(Domain(name="brain", channel_names=("T1", "T2"), classes=classes, spatial_dims=3))
    'brain (2 channels: T1, T2; classes: background, CSF)'
    """
    names = domain.label_classes.names
    shown = ", ".join(names[:NAMED_CLASSES])
    if len(names) > NAMED_CLASSES:
        shown += f" and {len(names) - NAMED_CLASSES} more"
    count = channels(len(domain.channel_names))
    return f"{domain.name} ({count}: {', '.join(domain.channel_names)}; classes: {shown})"
