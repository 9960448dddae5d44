"""What is done to an image before a network sees it, as a section of a recipe."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

PositiveFloat = Annotated[float, Field(gt=0, allow_inf_nan=False)]
FiniteFloat = Annotated[float, Field(allow_inf_nan=False)]
Percent = Annotated[float, Field(ge=0, le=100)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Percentiles(_Section):
    """Clip each channel to percentiles of the case itself.

    Attributes:
        low, high: In percent; 0 and 100 leave the image as it is.
        over: The voxels whose percentiles are taken: all of the cropped image, or those that are not zero.
    """

    low: Percent = 0.5
    high: Percent = 99.5
    over: Literal["image", "nonzero"] = "nonzero"

    @model_validator(mode="after")
    def _ordered(self) -> Percentiles:
        if self.low >= self.high:
            raise ValueError("low must lie below high")
        return self


class Values(_Section):
    """Clip to stated intensities, one pair per channel (for CT in Hounsfield units)."""

    low: tuple[FiniteFloat, ...]
    high: tuple[FiniteFloat, ...]

    @model_validator(mode="after")
    def _ordered(self) -> Values:
        if len(self.low) != len(self.high):
            raise ValueError("low and high need one value per channel each")
        if any(low >= high for low, high in zip(self.low, self.high, strict=True)):
            raise ValueError("low must lie below high in every channel")
        return self


class Normalization(_Section):
    """How intensities get a common scale: (x - mean) / sd, per channel.

    Attributes:
        scope: Where mean and sd come from. `case`: the image at hand; `set`: the training set, measured by
            the plan; `patch`: each patch by itself, when it is cut (preparation then leaves intensities as
            they are); `none`: intensities stay.
        over: The voxels that count: `image` (all of the crop), `nonzero`, or, for scope `set`,
            `foreground` (what the labels mark).
        mean, sd: Per channel, for scope `set`; left out, the plan measures them.
    """

    scope: Literal["auto", "none", "patch", "case", "set"] = "auto"
    over: Literal["auto", "image", "nonzero", "foreground"] = "auto"
    mean: tuple[FiniteFloat, ...] | None = None
    sd: tuple[PositiveFloat, ...] | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Normalization:
        if (self.mean is None) != (self.sd is None):
            raise ValueError("mean and sd are given together or not at all")
        if self.mean is not None and self.scope != "set":
            raise ValueError("mean and sd belong to scope 'set'")
        if self.mean is not None and self.sd is not None and len(self.mean) != len(self.sd):
            raise ValueError("mean and sd need one value per channel each")
        if self.over == "foreground" and self.scope not in ("auto", "set"):
            raise ValueError("a new case has no foreground yet: over 'foreground' needs scope 'set'")
        if self.over in ("image", "nonzero") and self.scope == "set":
            raise ValueError("scope 'set' is measured over 'foreground'")
        return self

    @property
    def resolved(self) -> bool:
        """Whether nothing is left to the plan."""
        if self.scope == "set":
            return self.mean is not None
        return self.scope in ("none", "patch") or (self.scope == "case" and self.over != "auto")


class Preprocessing(_Section):
    """Crop, spacing, clip and normalization; what is `auto` the plan decides.

    Attributes:
        crop: The box that is kept: of what is not zero in any channel, in the first channel, or everything.
        spacing_mm: Voxel edges to resample to, array order; `median` of the training set, or `none`: each
            case keeps its own.
        clip: Limits of intensity, before normalization.
        normalization: The common scale.

    >>> Preprocessing().resolved
    False
    >>> Preprocessing(crop="none", spacing_mm="none", clip="none",
    ...               normalization=Normalization(scope="patch")).resolved
    True
    """

    crop: Literal["auto", "nonzero", "nonzero-first-channel", "none"] = "auto"
    spacing_mm: Literal["auto", "median", "none"] | tuple[PositiveFloat, ...] = "auto"
    clip: Literal["auto", "none"] | Percentiles | Values = "auto"
    normalization: Normalization = Field(default_factory=Normalization)

    @property
    def resolved(self) -> bool:
        """Whether nothing is left to the plan, so that a case can be prepared."""
        decided = self.crop != "auto" and self.clip != "auto" and self.spacing_mm not in ("auto", "median")
        return decided and self.normalization.resolved
