"""Every choice of a run, as one value that a YAML file holds."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from univox.data.patch_settings import Augmentation, PatchSampling
from univox.data.patch_size import PatchSizes
from univox.data.preprocess_settings import Preprocessing
from univox.recipes.inference_settings import InferenceSettings

Decay = Annotated[float, Field(ge=0, lt=1)]


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

    Attributes:
        name: `sgd` with momentum, `adam`, or `adamw`. Weight decay is the coupled L2 of the publications in
            `adam` and `sgd`, decoupled in `adamw`.
        lr: Learning rate, which the schedule multiplies.
        weight_decay: Share of a weight in its gradient (coupled), or lost per update and learning rate.
        weight_decay_on: `kernels` leaves biases and normalization out of the decay.
        momentum: Of `sgd`.
        nesterov: Whether the momentum of `sgd` looks ahead.
        betas: Of `adam` and `adamw`: what the averages of the gradient and of its square keep per update.
        epsilon: Of `adam` and `adamw`: added to the root of the averaged square.
        gradient_clip: Largest norm of the whole gradient; none leaves it as it is.
    """

    name: Literal["adam", "adamw", "sgd"] = "adamw"
    lr: float = Field(default=3e-3, gt=0)
    weight_decay: float = Field(default=1e-2, ge=0)
    weight_decay_on: Literal["kernels", "all"] = "kernels"
    momentum: float = Field(default=0.9, ge=0, lt=1)
    nesterov: bool = False
    betas: tuple[Decay, Decay] = (0.9, 0.999)
    epsilon: float = Field(default=1e-8, gt=0)
    gradient_clip: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _momentum_to_look_ahead_by(self) -> Optimizer:
        if self.nesterov and (self.name != "sgd" or self.momentum == 0):
            raise ValueError("nesterov needs the name sgd and a momentum above 0")
        return self


class Schedule(Section):
    """How the learning rate moves over the run: a factor on the optimizer's.

    `constant`, `cosine` and `polynomial` are spread over the run, however long it is: over the iterations, or
    what a budget buys. `steps` and `plateau` count iterations: a short run may end before they act, and its end
    ends them too.

    Attributes:
        name: `constant`; `cosine`, half a cosine from 1 down to `final`; `polynomial`,
            (1 - share of the run) ** `power`, down to `final`; `steps`, multiplied by `factor` every `every`
            iterations; `plateau`, multiplied by `factor` whenever the average training loss stops to fall.
        warmup: Share of the run over which the factor first rises from 0 to 1; with any name.
        final: Where `cosine` and `polynomial` end.
        power: Of `polynomial`; 1 is a straight line, 0.9 that of nnU-Net.
        factor: What `steps` and `plateau` multiply by.
        every: Iterations between two `steps`.
        iterations_per_epoch: Iterations whose mean loss `plateau` takes as one value.
        average: Of `plateau`: `mean` of the last `window` epochs, known once there are as many; or `exponential`
            over all epochs, the newest with the weight 2 / (`window` + 1).
        window: Epochs of that average.
        patience: Epochs over which `plateau` compares: the average now with that of `patience` epochs ago, and not
            before `patience` epochs have passed since the last change.
        threshold: By how much it must have fallen.
        lowest: `plateau` ends the run when the learning rate itself (not the factor) falls below this.

    Source: `plateau`: Huang et al., MICCAI 2019 (3D U2-Net). The paper has an exponential moving average, 30 epochs
        of 250 batches, 5e-4, a fifth, an end at 1e-8; how its average weighs and that 30 is both its window and the
        patience is inferred. The released code has the mean of 20 epochs of 300 batches, compared every epoch
        (patience 1), 1e-4, a half; it goes on for one more epoch below 1e-8.

    >>> Schedule(name="plateau", warmup=0, average="exponential", window=30, patience=30).threshold
    0.0005
    """

    name: Literal["constant", "cosine", "polynomial", "steps", "plateau"] = "cosine"
    warmup: float = Field(default=0.05, ge=0, lt=1)
    final: float = Field(default=0.0, ge=0, le=1)
    power: float = Field(default=0.9, gt=0)
    factor: float = Field(default=0.1, gt=0, lt=1)
    every: int = Field(default=20_000, ge=1)
    iterations_per_epoch: int = Field(default=250, ge=1)
    average: Literal["exponential", "mean"] = "exponential"
    window: int = Field(default=30, ge=1)
    patience: int = Field(default=30, ge=1)
    threshold: float = Field(default=5e-4, ge=0)
    lowest: float = Field(default=1e-8, ge=0)


class Training(Section):
    """The loop: its length where no budget is given, validation, averaging, precision.

    Attributes:
        iterations: Updates of the run.
        validations: How often held-out cases are scored, evenly over the run.
        validation_overlap: Overlap of windows in these validations; none takes the step or overlap of `inference`.
        weight_average: Decay per iteration of an exponential moving average of the weights, which is what is
            validated and kept; 0 keeps the weights themselves.
        kept_every: Keep the weights of every so many iterations as run/weights-NNNNNN.safetensors (cyclic
            checkpoints: one at the end of each cycle); none keeps none. They are those that a validation at that
            moment would see. `univox train DATASET --init-from MODEL/run/weights-009000.safetensors` starts
            another run from one of them.
        precision: Of the updates: `auto` takes bfloat16 where the machine computes in it.
    """

    iterations: int = Field(default=4000, ge=1)
    validations: int = Field(default=10, ge=1)
    validation_overlap: float | None = Field(default=None, ge=0, lt=1)
    weight_average: float = Field(default=0.0, ge=0, lt=1)
    kept_every: int | None = Field(default=None, ge=1)
    precision: Literal["auto", "fp32", "bf16"] = "auto"


class Domains(Section):
    """How several datasets train one network; a run of one dataset does not ask.

    Attributes:
        share: `trunk`: all but what the network calls a dataset's own (input, normalization, output, deep
            supervision; of separable networks the channel-wise convolutions too). `nothing`: each dataset trains a
            network by itself.
        turns: Whose batch an iteration takes. `round-robin`: each dataset in turn; `proportional`: as often as it
            has training cases; `sqrt`: by the root of that number.
        signal: What an iteration does to the shared weights. `plain`: its gradient, as it is; `equal`: the gradient
            scaled to the norm 1, so that a dataset with a larger loss does not outvote the others.
    """

    share: Literal["trunk", "nothing"] = "trunk"
    turns: Literal["round-robin", "proportional", "sqrt"] = "round-robin"
    signal: Literal["plain", "equal"] = "plain"


class PublishedFigure(Section):
    """What a publication prints of this system: `what` was measured, on which dataset, and `where` it stands."""

    what: str
    dataset: str
    value: float
    where: str


class MeasuredFigure(Section):
    """What this project measured with the recipe, the command that made it, and the kind of machine."""

    what: str
    dataset: str
    value: float
    command: str
    machine: str


class Recipe(Section):
    """A run's choices. What is `auto` the plan decides; what is stated wins.

    `published` and `measured` are figures to compare with; they change nothing.

    `augmentation: none` sets every probability to 0.
    """

    name: str
    title: str = ""
    source: str = ""
    year: int | None = None
    notes: tuple[str, ...] = ()
    published: tuple[PublishedFigure, ...] = ()
    measured: tuple[MeasuredFigure, ...] = ()
    preprocessing: Preprocessing = Field(default_factory=Preprocessing)
    patches: Patches = Field(default_factory=Patches)
    augmentation: Augmentation = Field(default_factory=Augmentation)
    network: Part
    loss: Part = Part(name="dice-cross-entropy")
    optimizer: Optimizer = Field(default_factory=Optimizer)
    schedule: Schedule = Field(default_factory=Schedule)
    training: Training = Field(default_factory=Training)
    domains: Domains = Field(default_factory=Domains)
    inference: InferenceSettings = Field(default_factory=InferenceSettings)

    @field_validator("augmentation", mode="before")
    @classmethod
    def _no_augmentation(cls, value: Any) -> Any:
        return Augmentation.none() if value == "none" else value

    @property
    def standardize_patches(self) -> bool:
        """Whether intensities are standardized patch by patch rather than case by case."""
        return self.preprocessing.normalization.scope == "patch"
