"""Every choice of a run, as one value that a YAML file holds."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from univox.data.patch_settings import Augmentation, PatchSampling
from univox.data.patch_size import PatchSizes
from univox.data.preprocess_settings import Preprocessing
from univox.recipes.inference_settings import InferenceSettings


class Section(BaseModel):
    """A part of a recipe: frozen, and strict about names so that a slip is an error, not a default."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Part(Section):
    """A network or a loss by name, with its arguments.

    An argument whose value is `auto` takes the plan's value of that name (`strides: auto`).
    """

    name: str
    arguments: dict[str, Any] = Field(default_factory=dict)


class Patches(PatchSizes):
    """What one batch is made of, and where its patches lie."""

    sampling: PatchSampling = Field(default_factory=PatchSampling)


class Optimizer(Section):
    """The rule of an update.

    `weight_decay_on: kernels` leaves biases and normalization out of the decay.
    `gradient_clip` is the largest norm of the whole gradient; none leaves it as it is.
    """

    name: Literal["adam", "adamw", "sgd"] = "adamw"
    lr: float = Field(default=3e-3, gt=0)
    weight_decay: float = Field(default=1e-2, ge=0)
    weight_decay_on: Literal["kernels", "all"] = "kernels"
    momentum: float = Field(default=0.9, ge=0, lt=1)
    gradient_clip: float | None = Field(default=None, gt=0)


class Schedule(Section):
    """How the learning rate moves over the run; `warmup` is a share of its iterations."""

    name: Literal["constant", "cosine"] = "cosine"
    warmup: float = Field(default=0.05, ge=0, lt=1)
    final: float = Field(default=0.0, ge=0, le=1)


class Training(Section):
    """The loop: its length where no budget is given, validation, averaging, precision.

    `weight_average` is the decay per iteration of an exponential moving average of the weights, which is
    what is validated and kept; 0 keeps the weights themselves. `validation_overlap` is the overlap of windows
    in these validations; none takes the step or overlap of `inference`.
    """

    iterations: int = Field(default=4000, ge=1)
    validations: int = Field(default=10, ge=1)
    validation_overlap: float | None = Field(default=None, ge=0, lt=1)
    weight_average: float = Field(default=0.0, ge=0, lt=1)
    precision: Literal["auto", "fp32", "bf16"] = "auto"


class Recipe(Section):
    """A run's choices. What is `auto` the plan decides; what is stated wins.

    `augmentation: none` sets every probability to 0.
    """

    name: str
    title: str = ""
    source: str = ""
    year: int | None = None
    notes: tuple[str, ...] = ()
    preprocessing: Preprocessing = Field(default_factory=Preprocessing)
    patches: Patches = Field(default_factory=Patches)
    augmentation: Augmentation = Field(default_factory=Augmentation)
    network: Part
    loss: Part = Part(name="dice-cross-entropy")
    optimizer: Optimizer = Field(default_factory=Optimizer)
    schedule: Schedule = Field(default_factory=Schedule)
    training: Training = Field(default_factory=Training)
    inference: InferenceSettings = Field(default_factory=InferenceSettings)

    @field_validator("augmentation", mode="before")
    @classmethod
    def _no_augmentation(cls, value: Any) -> Any:
        return Augmentation.none() if value == "none" else value

    @property
    def standardize_patches(self) -> bool:
        """Whether intensities are standardized patch by patch rather than case by case."""
        return self.preprocessing.normalization.scope == "patch"
