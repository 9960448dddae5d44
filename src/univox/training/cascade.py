"""Two runs one after the other: a network finds a region, another learns to segment inside it."""

from __future__ import annotations

import shutil
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from univox.atomic import write_json
from univox.data.crop_to_region import crop_to_region
from univox.data.region import Region
from univox.data.source import DatasetSource
from univox.errors import CheckpointError
from univox.model.composition import Cascade, member_of, write_composition
from univox.model.folder import read_model
from univox.training.observer import Observer
from univox.training.request import TrainRequest
from univox.training.run import finish_run

STAGES = ("stages/region", "stages/inside")
CROPPED = "stages/cropped"
REQUEST = "cascade.json"


class CascadeRequest(BaseModel):
    """A cascade, as asked for.

    Attributes:
        whole: What both stages have in common (dataset, split, seed, effort of each stage), and the second's recipe.
            `output` is the folder of both.
        region_classes: Selection of the classes that the first stage learns, as in `open_dataset`: "whole=1,2".
        region_recipe: Of the first stage, a name or a file.
        region_overrides: "section.field=value" assignments on it.
        region: How the first stage's segmentation becomes a box.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    whole: TrainRequest
    region_classes: str
    region_recipe: str = "univox"
    region_overrides: tuple[str, ...] = ()
    region: Region = Region()

    @property
    def first(self) -> TrainRequest:
        """The run that learns the region."""
        source = self.whole.dataset.model_copy(update={"classes": self.region_classes})
        changes = {
            "datasets": (source,),
            "output": self.whole.output / STAGES[0],
            "recipe": self.region_recipe,
            "overrides": self.region_overrides,
        }
        return self.whole.model_copy(update=changes)

    def second(self, split: dict[str, list[str]]) -> TrainRequest:
        """Give the run that learns inside the region, on the first one's sides.

        Args:
            split: Names of the cases that train, validate and are kept out.
        """
        source = DatasetSource(
            path=self.whole.output / CROPPED,
            layout="msd",
            test_cases=tuple(split["test"]),
            validation_cases=tuple(split["validation"]),
            training_cases=(*split["train"], *split["validation"]),
        )
        changes = {"datasets": (source,), "output": self.whole.output / STAGES[1], "holdout": 0.0, "validation": 0.0}
        return self.whole.model_copy(update=changes)


def train_cascade(request: CascadeRequest, *, resume: bool = False, observer: Observer | None = None) -> Path:
    """Train both stages and join them: the folder then predicts as one model.

    The first stage is trained on whole images with the region's classes. The second is trained on the images cropped to
    the box around the labelled region, with the margin that prediction leaves around the one that is found.

    Args:
        request: What is asked.
        resume: Go on where a run was interrupted; a stage that is done is not done again.
        observer: Hears of both runs.

    Returns:
        The folder.

    Raises:
        CheckpointError: A cascade is there and `resume` is false.
        DatasetError: The dataset cannot be read, holds no volumes, or has no such class.
        RecipeError: A recipe names something unknown.

    Source: the two stages of Aswathy and Vinod Chandra, Scientific Reports 12, 2022 (lungs, then what ails them).
    """
    observer, output = observer or Observer(), request.whole.output
    if (output / REQUEST).exists() and not resume:
        raise CheckpointError(
            expected="a new folder for the cascade",
            got="one that holds a cascade",
            remedy="--resume continues it, or choose another -o",
            path=output,
        )
    dataset, regions = request.whole.dataset.open(), request.first.dataset.open()
    request.region.indices(regions.classes.names)
    write_json(output / REQUEST, request.model_dump(mode="json"))
    observer.stage(f"stage 1 of 2: {', '.join(regions.classes.names[1:])}")
    finish_run(request.first, observer)
    split = read_model(output / STAGES[0]).domain().split
    cropped = output / CROPPED
    if not (output / STAGES[1] / "model.json").exists() and not cropped.exists():
        observer.stage(f"cropping {dataset.name} to the region")
        names = [name for part in ("train", "validation", "test") for name in split[part]]
        crop_to_region(
            dataset, regions, cropped, region=request.region, cases=sorted(names), on_progress=observer.advance
        )
    observer.stage(f"stage 2 of 2: {', '.join(dataset.classes.names[1:])}")
    finish_run(request.second(split), observer)
    members = tuple(member_of(output, stage) for stage in STAGES)
    write_composition(output, Cascade(members=members, region=request.region))
    shutil.rmtree(cropped, ignore_errors=True)
    return output


def read_cascade_request(output: Path) -> CascadeRequest:
    """Read what was asked of the cascade in a folder.

    Raises:
        CheckpointError: There is none, or its record is broken.
    """
    path = output / REQUEST
    try:
        return CascadeRequest.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise CheckpointError(
            expected="a cascade to resume",
            got="none" if isinstance(error, OSError) else "a broken record of it",
            remedy="start one with `univox cascade DATASET -o MODEL`",
            path=path,
        ) from error
