"""What is done to a domain's label maps after the network, and what that gained: chosen on validation cases."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0)]

StepKind = Literal["least_ml", "least_mm2", "largest", "fill"]
"""Keep pieces of at least a volume (3-D), of at least an area (2-D), the largest piece alone, or fill holes."""


class PostprocessingStep(BaseModel):
    """One thing that is done to one class.

    Attributes:
        class_name: Of the domain's classes; never the background.
        kind: What is done. A piece hangs together across faces, edges or corners; a hole is background alone.
        size: Of `least_ml` in mL, of `least_mm2` in mm2, so that it does not hang on the grid; None of the others.

    >>> str(PostprocessingStep(class_name="liver", kind="least_ml", size=0.5))
    'liver: pieces below 0.5 mL become background'
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    class_name: str
    kind: StepKind
    size: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None

    @model_validator(mode="after")
    def _sized(self) -> PostprocessingStep:
        if (self.size is None) == self.kind.startswith("least_"):
            raise ValueError("a least size has a size, and nothing else has one")
        return self

    def __str__(self) -> str:
        return f"{self.class_name}: {self.action}"

    @property
    def action(self) -> str:
        """What is done, in words."""
        if self.kind == "largest":
            return "all but the largest piece becomes background"
        if self.kind == "fill":
            return "holes of background are filled"
        return f"pieces below {self.size:g} {'mL' if self.kind == 'least_ml' else 'mm2'} become background"


class ChosenStep(PostprocessingStep):
    """A step, and what the cases said that chose it.

    Attributes:
        dice_before, dice_after: Mean Dice of the class over the cases, without the step and with it; a case in which
            neither label nor prediction has the class counts 1.
        cases: How many.
        better, worse: Of these, those whose Dice rose, and fell.
    """

    dice_before: Share
    dice_after: Share
    cases: Annotated[int, Field(ge=1)]
    better: Count
    worse: Count

    def __str__(self) -> str:
        return (
            f"{super().__str__()} (Dice {self.dice_before:.4f} before, {self.dice_after:.4f} after,"
            f" on {self.cases} case{'' if self.cases == 1 else 's'})"
        )


class Postprocessing(BaseModel):
    """A domain's steps: the field `postprocessing` of `domain.json`.

    Attributes:
        steps: In the order in which they were chosen. Pieces go before holes are filled, whatever the order.
        cases: Names of the cases that chose them; empty where they are not told.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: tuple[ChosenStep, ...] = Field(min_length=1)
    cases: tuple[str, ...] = ()
