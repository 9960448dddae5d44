"""What was asked of an extension."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from univox.errors import CheckpointError, RecipeError
from univox.model.stored import EXTENSIONS
from univox.training.request import TrainRequest

ANY, NONE = "any", "none"


class ExtendRequest(TrainRequest):
    """One extension, as asked for: a training request of one dataset on top of a model.

    Args:
        model: The model folder to extend. `output` is the same folder, or for `finetune-all` another.
        name: Of the new domain; the dataset's, once that is known.
        like: The domain whose own weights the new one begins with; `any`: the most similar, found by a short trial
            of each; `none`: random weights.
        trusted: Allow a model whose network is not univox's own; its import runs foreign code.
        mode: `own` trains the new domain's own weights alone. `finetune-all` trains the shared ones too, and so
            changes what every older domain puts out.
    """

    model: Path
    name: str = ""
    like: str = ANY
    trusted: bool = False
    mode: Literal["own", "finetune-all"] = "own"

    @property
    def run_folder(self) -> Path:
        """Where the extension keeps its log and checkpoints."""
        return self.output / EXTENSIONS / self.name

    def as_begun(self) -> ExtendRequest:
        """Give the request that an earlier try kept, for the folders of now; without one this request.

        Raises:
            CheckpointError: The record is broken.
        """
        path = self.run_folder / "request.json"
        if not path.exists():
            return self
        try:
            kept = ExtendRequest.model_validate_json(path.read_text(encoding="utf-8"))
        except (OSError, ValidationError) as error:
            raise CheckpointError(
                expected="the record of an extension",
                got="a broken one",
                remedy="--overwrite begins it anew",
                path=path,
            ) from error
        return kept.model_copy(update={"model": self.model, "output": self.output})

    def checked(self) -> ExtendRequest:
        """Give the request, unless it would overwrite what it must not.

        Raises:
            RecipeError: Its output and its mode contradict each other.
        """
        same = self.output.resolve() == self.model.resolve()
        if self.mode == "own" and not same:
            raise RecipeError(
                expected="an extension in its model's own folder",
                got=f"the output {self.output}",
                remedy="copy the model first, or leave --output out",
            )
        if self.mode == "finetune-all" and same:
            raise RecipeError(
                expected="another folder for a network whose shared weights change",
                got="the model's own",
                remedy="give --output NEW_MODEL: the model itself is never overwritten",
            )
        return self
