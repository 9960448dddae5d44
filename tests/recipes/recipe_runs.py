"""Short runs of recipes from the command line: train, predict, and what must hold of any such run."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

from univox.cli.main import app
from univox.data.layouts import open_dataset
from univox.image import read_image, read_label
from univox.networks import NETWORKS
from univox.recipes.catalog import load_recipe, recipe_names

ITERATIONS = 20


@dataclass(frozen=True)
class Small:
    """What of a recipe is changed for a run of seconds.

    Args:
        patch: The one that stands in for the recipe's.
        lighter: Assignments that make the network, or the batch of 2, lighter; none where it runs as the recipe has it.
        reason: Why they are needed.
    """

    patch: tuple[int, ...]
    lighter: tuple[str, ...] = ()
    reason: str = ""


def recipes_of(spatial_dims: int) -> list[str]:
    """The recipes whose network is published (or made) for that many axes."""
    return [
        name
        for name in recipe_names()
        if NETWORKS[load_recipe(name).network.name].forms[0].spatial_dims == spatial_dims
    ]


def run(*arguments: object) -> None:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output


def train_and_predict(
    recipe: str, dataset: Path, folder: Path, *, patch: Sequence[int], lighter: Sequence[str], cache: Path
) -> None:
    """Train a recipe for a few iterations and predict one case, by the command line; check all that is left.

    The batch, validations and steps between windows are small too: they change how long it takes, not what runs.
    """
    changes = [
        f"patches.patch_size={list(patch)}",
        "patches.batch_size=2",
        "training.validations=1",
        "training.validation_overlap=0.0",
        "inference.step=null",
        "inference.overlap=0.0",
        *lighter,
    ]
    flags = [word for change in changes for word in ("--set", change)]
    length = ["--iterations", ITERATIONS, "--validation", 0.2, "--jobs", 1, "--workers", 0, "--cache", cache]
    run("train", dataset, "--recipe", recipe, "-o", folder / "model", *length, *flags)
    losses = check_log(folder / "model" / "run" / "log.jsonl")
    assert len(set(losses[-5:])) > 1, f"the loss stands still at {losses[-1]}"
    check_prediction(dataset, folder)
    # A wide network's checkpoint is hundreds of megabytes.
    shutil.rmtree(folder)


def check_log(log: Path) -> list[float]:
    events = [json.loads(line) for line in log.read_text().splitlines()]
    iterations = [event for event in events if event["event"] == "iteration"]
    assert [event["iteration"] for event in iterations] == list(range(1, ITERATIONS + 1))
    assert sum(event["event"] == "validation" for event in events) == 1
    losses = [event["loss"] for event in iterations]
    assert all(math.isfinite(loss) and loss != 0 for loss in losses)
    return losses


def check_prediction(dataset: Path, folder: Path) -> None:
    opened = open_dataset(dataset)
    image = opened.cases[0].images[0]
    run("predict", folder / "model", image, "-o", folder / "predictions")
    (written,) = (path for path in (folder / "predictions").iterdir() if path.name == image.name)
    label = read_label(written)
    assert label.array.shape == read_image(image).array.shape[1:]
    assert set(label.array.ravel().tolist()) <= set(opened.classes.codes)
