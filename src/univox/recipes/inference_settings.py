"""How a network is applied to a whole image, as a section of a recipe."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
)

from univox.errors import RecipeError

PositiveInt = Annotated[int, Field(ge=1)]
Axis = Annotated[int, Field(ge=0, le=2)]


def _each_once(axes: tuple[int, ...]) -> tuple[int, ...]:
    """Refuse an axis that is named twice."""
    if len(set(axes)) < len(axes):
        raise ValueError(f"each axis once; got {axes}")
    return axes


class InferenceSettings(BaseModel):
    """Windows, their blending and precision.

    Attributes:
        window_size: Voxels per axis of a window; `auto` is the plan's patch size. A larger window is
            faster per voxel where it is a multiple of the network's size divisor.
        step: Voxels between windows, one for all axes or one per axis; it wins over `overlap`.
        overlap: Share of a window that its neighbor covers too, where no step is given.
        blend: Every vote of a window counts alike (`uniform`), or those near its center more (`gaussian`).
        windows_per_batch: Windows computed at once; `auto` fills a batch of the machine's size.
        precision: `auto` takes bfloat16 where the machine computes in it.
        mirror: Average over all mirrorings of each window too; 2 ** spatial_dims times the work.
        slice_axes: Of a 2-D network that is given a volume: slices lie across each of these axes (array order), and
            what they say is averaged.
        postprocessing: Apply what was chosen for the domain's label maps, if anything was. Written down only where it
            is off, so that whoever does not know it can read the rest.

    >>> InferenceSettings(step=8).steps((32, 32, 32)), InferenceSettings().steps((64, 96))
    ((8, 8, 8), (32, 48))
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    window_size: Literal["auto"] | tuple[PositiveInt, ...] = "auto"
    step: PositiveInt | tuple[PositiveInt, ...] | None = None
    overlap: float = Field(default=0.5, ge=0, lt=1)
    blend: Literal["uniform", "gaussian"] = "gaussian"
    windows_per_batch: Literal["auto"] | PositiveInt = "auto"
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    mirror: bool = False
    slice_axes: Annotated[tuple[Axis, ...], Field(min_length=1, max_length=3), AfterValidator(_each_once)] = (0,)
    postprocessing: bool = True

    def steps(self, window_size: tuple[int, ...]) -> tuple[int, ...]:
        """Give the voxels between windows, per axis.

        One step for all axes is cut to the window on axes where the window is thinner.

        Args:
            window_size: Voxels per axis of the window.

        Raises:
            RecipeError: Steps per axis that are of another length, or wider than the window.
        """
        if self.step is None:
            return tuple(max(1, round(edge * (1 - self.overlap))) for edge in window_size)
        if isinstance(self.step, int):
            return tuple(min(self.step, edge) for edge in window_size)
        fits = len(self.step) == len(window_size)
        if not fits or any(step > edge for step, edge in zip(self.step, window_size, strict=True)):
            raise RecipeError(
                expected=f"{len(window_size)} steps, none wider than the window {list(window_size)}",
                got=f"inference.step = {list(self.step)}",
                remedy="give smaller steps, or one number for all axes",
            )
        return self.step

    @model_serializer(mode="wrap")
    def _without_what_is_usual(self, values_of: SerializerFunctionWrapHandler) -> dict[str, Any]:
        values = values_of(self)
        if values.get("postprocessing") is True:
            del values["postprocessing"]
        return values
