"""Nothing of the voxels that nobody labelled reaches the weights, or a validation's figure."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from univox.data.cache import PreparedCase
from univox.data.classes import NOT_ANNOTATED
from univox.data.source import DatasetSource
from univox.errors import RecipeError
from univox.image import read_label, write_label
from univox.losses import LOSSES
from univox.recipes.catalog import load_recipe
from univox.training.decisions import loss_of
from univox.training.log import read_log
from univox.training.request import TrainRequest
from univox.training.run import train
from univox.training.validation import Validator

IGNORED = "7,9,-3"


def sparse_copy(dataset: Path, folder: Path, codes: Callable[[tuple[int, ...]], np.ndarray]) -> DatasetSource:
    """Copy a dataset of which one plane in three is annotated; the rest holds other codes."""
    shutil.copytree(dataset, folder / dataset.name)
    for path in sorted((folder / dataset.name / "labelsTr").iterdir()):
        label = read_label(path)
        array = codes(label.array.shape).astype(np.int16)
        array[::3] = label.array[::3]
        write_label(path, array, like=label)
    return DatasetSource(path=folder / dataset.name, ignore=IGNORED)


@pytest.mark.parametrize("loss", ["dice-cross-entropy", "lovasz-focal", "border-cross-entropy"])
def test_garbage_where_nobody_labelled_changes_no_bit_of_the_weights(
    tiny_dataset: Path, tiny_request: Callable[..., TrainRequest], tmp_path: Path, loss: str
) -> None:
    garbage = np.random.default_rng(0)
    sources = [
        sparse_copy(tiny_dataset, tmp_path / "plain", lambda shape: np.full(shape, 9)),
        sparse_copy(tiny_dataset, tmp_path / "garbage", lambda shape: garbage.choice([7, 9, -3], shape)),
    ]
    models: list[Path] = []
    for number, source in enumerate(sources):
        request = tiny_request(f"model_{number}", datasets=(source,), iterations=4)
        models.append(train(request.model_copy(update={"overrides": (*request.overrides, f"loss.name={loss}")})).model)
    # A checkpoint also holds how long the run took.
    weights = [
        {p.relative_to(model): p.read_bytes() for p in model.rglob("*.safetensors") if p.stem != "checkpoint"}
        for model in models
    ]
    assert weights[0]
    assert weights[0] == weights[1]
    dice = [[e["dice"] for e in read_log(m / "run" / "log.jsonl") if e["event"] == "validation"] for m in models]
    assert dice[0]
    assert dice[0] == dice[1]


def test_labels_that_are_annotated_change_the_weights(
    tiny_dataset: Path, tiny_request: Callable[..., TrainRequest], tmp_path: Path
) -> None:
    source = sparse_copy(tiny_dataset, tmp_path / "a", lambda shape: np.full(shape, 9))
    first = train(tiny_request("first", datasets=(source,), iterations=2)).model
    for path in sorted((source.path / "labelsTr").iterdir()):
        label = read_label(path)
        write_label(path, np.where(label.array == 1, 0, label.array) + (label.array == 0), like=label)
    second = train(tiny_request("second", datasets=(source,), iterations=2)).model
    assert (first / "shared.safetensors").read_bytes() != (second / "shared.safetensors").read_bytes()


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_of_a_recipe_leaves_them_out(name: str, tiny_dataset: Path) -> None:
    recipe = load_recipe("univox", (f"loss.name={name}", "loss.arguments={}"))
    torch.manual_seed(0)
    label = torch.randint(0, 3, (2, 6, 6, 6))
    label[:, 2:] = NOT_ANNOTATED
    logits = torch.randn(2, 3, 6, 6, 6, requires_grad=True)
    loss = loss_of(recipe, DatasetSource(path=tiny_dataset, ignore="9").open())
    loss((logits, logits[:, :, ::2, ::2, ::2]), label).backward()
    assert logits.grad is not None
    assert logits.grad[:, :, :2].abs().sum() > 0
    assert logits.grad[:, :, 2:].abs().max() == 0


def test_a_recipe_that_leaves_out_another_index_is_refused(tiny_dataset: Path) -> None:
    sparse, whole = (DatasetSource(path=tiny_dataset, ignore=code).open() for code in ("9", None))
    recipe = load_recipe("univox", ("loss.arguments={ignore_index: 5}",))
    with pytest.raises(RecipeError, match="ignore_index 255"):
        loss_of(recipe, sparse)
    loss_of(recipe, whole)


def test_validation_counts_what_somebody_labelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    label = np.array([[1, 1, 0, NOT_ANNOTATED, NOT_ANNOTATED]], np.uint8)

    class Case:
        def image(self) -> np.ndarray:
            return np.zeros((1, *label.shape), np.float32)

        def label(self) -> np.ndarray:
            return label

    def answers(self: Validator, network: object, image: torch.Tensor) -> torch.Tensor:
        foreground = torch.tensor([[1.0, 0.0, 0.0, 1.0, 1.0]])
        return torch.stack([1 - foreground, foreground])

    monkeypatch.setattr(Validator, "_probabilities", answers)
    recipe = load_recipe("univox")
    cases: list[PreparedCase] = [Case()]  # pyright: ignore[reportAssignmentType]
    validator = Validator(cases, ("rest", "spot"), (1, 5), recipe.inference, False, torch.device("cpu"))
    assert validator.score(torch.nn.Identity()).dice == {"spot": pytest.approx(2 / 3)}
