"""What a model folder says of its network and of each dataset that the network knows."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
)

from univox.data.classes import Classes
from univox.errors import ModelError
from univox.model.postprocessing import Postprocessing
from univox.model.temperature_scaling import TemperatureScaling

# A domain's name is the name of its folder: letters and digits of any script, never a way out of the model.
DOMAIN_NAME = re.compile(r"\w[\w .+()-]{0,99}")
UNLAWFUL = re.compile(r"[^\w .+()-]+")

PositiveInt = Annotated[int, Field(ge=1)]


def _lawful(name: str) -> str:
    if not DOMAIN_NAME.fullmatch(name):
        raise ValueError("a name begins with a letter or digit and is a plain folder name")
    return name


class NetworkSpec(BaseModel):
    """All that is needed to build a network, without its weights.

    Attributes:
        name: As in `univox.networks.registry`.
        in_channels: Image channels (of the first domain).
        num_classes: Classes, background included (of the first domain).
        spatial_dims: 2 or 3.
        arguments: What else the network is built with; plain values.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    in_channels: PositiveInt
    num_classes: PositiveInt
    spatial_dims: PositiveInt
    arguments: dict[str, Any] = Field(default_factory=dict)


class Domain(BaseModel):
    """One dataset as a model knows it: the content of `domain.json`.

    Attributes:
        name: The folder under `domains/`.
        channel_names: In the order of the network's input.
        classes: `Classes.to_json()`: names, and the codes of the dataset's files.
        spatial_dims: 2 or 3.
        plan: What was measured on the training cases.
        preprocessing: Resolved settings; nothing is `auto`.
        inference: `InferenceSettings` as plain values.
        validation: Measured figures: `mean_dice`, `dice` (a value per class), `iteration`; empty where
            nothing was measured.
        calibration: How far its probabilities can be believed; None where nobody fitted a temperature. Then the file
            has no such field, so that whoever does not know it can read the rest.
        postprocessing: What is done to its label maps; None, and no such field either, where nothing was chosen.
        provenance: How the model came to know it: `dataset`, `layout`, `split` (names per part), `by` (`train`,
            `extend`), `finished`, and what else the verb tells.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, AfterValidator(_lawful)]
    channel_names: tuple[str, ...] = Field(min_length=1)
    classes: dict[str, Any]
    spatial_dims: PositiveInt
    plan: dict[str, Any] = Field(default_factory=dict)
    preprocessing: dict[str, Any] = Field(default_factory=dict)
    inference: dict[str, Any] = Field(default_factory=dict)
    validation: dict[str, Any] = Field(default_factory=dict)
    calibration: TemperatureScaling | None = None
    postprocessing: Postprocessing | None = None
    provenance: dict[str, Any] = Field(default_factory=dict)

    @property
    def temperature(self) -> float:
        """Of its probabilities; 1, which leaves them as they are, where none was fitted."""
        return 1.0 if self.calibration is None else self.calibration.temperature

    @property
    def split(self) -> dict[str, list[str]]:
        """Names of the cases in `train`, `validation` and `test`; empty where that is not known."""
        return dict(self.provenance.get("split", {}))

    @property
    def label_classes(self) -> Classes:
        """The classes as a value, which turns indices into the dataset's codes."""
        return Classes.from_json(self.classes)

    @model_serializer(mode="wrap")
    def _without_what_is_not_there(self, values_of: SerializerFunctionWrapHandler) -> dict[str, Any]:
        values = values_of(self)
        for name in ("calibration", "postprocessing"):
            if values.get(name, ...) is None:
                del values[name]
        return values


def check_domain_name(name: str) -> str:
    """Give a name back that may be a domain's.

    Raises:
        ModelError: It may not.

    >>> check_domain_name("spinal cord")
    'spinal cord'
    """
    if not DOMAIN_NAME.fullmatch(name):
        raise ModelError(
            expected="a name that begins with a letter or digit and is a plain folder name",
            got=repr(name[:80]),
            remedy="give another --name",
        )
    return name


def domain_name(text: str) -> str:
    """Make a lawful domain name, hence a folder name, of any dataset's name.

    Raises:
        ModelError: Nothing of it is left.

    >>> domain_name("Task04 Hippocampus"), domain_name("../brain/T1*")
    ('Task04 Hippocampus', 'brain-T1')
    """
    name = UNLAWFUL.sub("-", text).strip(" .-+()")[:100].rstrip(" .-")
    if not DOMAIN_NAME.fullmatch(name):
        raise ModelError(
            expected="a dataset name with at least one letter or digit",
            got=repr(text),
            remedy="rename the dataset's folder, or give it a name in its dataset.json",
        )
    return name
