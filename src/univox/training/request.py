"""What was asked of a run: all that is needed to start it, or to start it again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from univox.atomic import write_json
from univox.data.source import DatasetSource
from univox.errors import CheckpointError, DatasetError


class TrainRequest(BaseModel):
    """One training run, as asked for.

    Args:
        datasets: What to train on, and how each is read. Several train one network.
        output: The model folder to make; the run's own files go to its `run` subfolder.
        recipe: A shipped recipe's name, or a YAML file.
        overrides: "section.field=value" assignments on the recipe.
        budget_seconds: Time for the whole command; none: `iterations`.
        iterations: Length of the run; none: the recipe's.
        holdout: Share of the subjects kept out as test cases, in [0, 1); of datasets whose source names none.
        validation: Share of the rest that chooses the best weights, in [0, 1); at most `MOST_VALIDATION` cases.
        seed: Fixes the split, the weights and every random number.
        init_from: Weights to begin with instead of random ones: a model folder, a .safetensors file, or a torch state
            dict (.pt, .pth); see `transfer`. A resumed run does not read them again.
        init_part: What is taken of them: the whole network, or its encoder.
        freeze: A part that training leaves as it is, to the last bit, its normalization's statistics included.
        skip_bad_cases: Go on without the cases that `univox check` calls errors.
        jobs: Processes that prepare cases.
        workers: Threads that prepare batches; none: what the machine has to spare.
        device: "auto", "cpu", "cuda" or "mps".
        cache: Folder of prepared cases; none: the user's cache folder.
        tensorboard: Also write TensorBoard events.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    datasets: Annotated[tuple[DatasetSource, ...], Field(min_length=1)]
    output: Path
    recipe: str = "univox"
    overrides: tuple[str, ...] = ()
    budget_seconds: float | None = None
    iterations: int | None = None
    holdout: float = 0.0
    validation: float = 0.1
    seed: int = 0
    init_from: Path | None = None
    init_part: Literal["network", "encoder"] = "network"
    freeze: Literal["encoder"] | None = None
    skip_bad_cases: bool = False
    jobs: int = 2
    workers: int | None = None
    device: str = "auto"
    cache: Path | None = None
    tensorboard: bool = False

    @property
    def dataset(self) -> DatasetSource:
        """The only dataset.

        Raises:
            DatasetError: There are several.
        """
        if len(self.datasets) != 1:
            raise DatasetError(
                expected="one dataset",
                got=", ".join(str(source.path) for source in self.datasets),
                remedy="name one of them",
            )
        [only] = self.datasets
        return only

    @property
    def run_folder(self) -> Path:
        """Where the run keeps its log and checkpoints."""
        return self.output / "run"

    def write(self) -> None:
        """Keep the request in the run folder, with absolute paths."""
        fixed = self.model_copy(
            update={
                "datasets": tuple(source.resolved() for source in self.datasets),
                "output": self.output.resolve(),
                "recipe": _absolute(self.recipe),
                "init_from": None if self.init_from is None else self.init_from.resolve(),
                "cache": None if self.cache is None else self.cache.resolve(),
            }
        )
        write_json(self.run_folder / "request.json", fixed.model_dump(mode="json"))

    @classmethod
    def read(cls, output: Path) -> TrainRequest:
        """Read the request of the run in a model folder.

        Raises:
            CheckpointError: There is no run there, or its record is broken.
        """
        path = output / "run" / "request.json"
        try:
            return cls.model_validate_json(path.read_text(encoding="utf-8")).model_copy(update={"output": output})
        except (OSError, ValidationError) as error:
            raise CheckpointError(
                expected="a run to resume",
                got="none" if isinstance(error, OSError) else "a broken record of it",
                remedy="start one with `univox train DATASET -o MODEL`",
                path=path,
            ) from error


def _absolute(recipe: str) -> str:
    return str(Path(recipe).resolve()) if recipe.endswith((".yaml", ".yml")) else recipe
