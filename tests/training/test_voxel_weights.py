from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from univox.atomic import write_json
from univox.data.batches import Batch, Batches
from univox.data.cache import PreparedCase
from univox.data.instance_borders import between_instances
from univox.data.patch_settings import Augmentation, PatchSampling
from univox.data.preprocess import CaseGeometry
from univox.data.window import Window
from univox.losses.border_weights import border_weights
from univox.losses.registry import build_loss
from univox.training.step import Step
from univox.training.voxel_weights import voxel_weights


def cells() -> np.ndarray:
    """Two cells that touch, and a third."""
    numbers = np.zeros((24, 20), np.int32)
    numbers[3:12, 2:9], numbers[3:12, 9:16], numbers[15:21, 5:14] = 4, 9, 1
    return numbers


@pytest.fixture
def case(tmp_path: Path) -> PreparedCase:
    numbers = cells()
    label = ((numbers > 0) & ~between_instances(numbers)).astype(np.uint8)
    image = np.random.default_rng(0).standard_normal((1, *label.shape)).astype(np.float32)
    for name, array in (("image", image), ("label", label), ("instances", numbers)):
        np.save(tmp_path / f"{name}.npy", array)
    np.save(tmp_path / "foreground.npy", np.flatnonzero(label))
    write_json(tmp_path / "case.json", {})
    box = tuple((0, size) for size in label.shape)
    return PreparedCase("a", tmp_path, CaseGeometry(label.shape, box, label.shape, (1.0, 1.0)), (int(label.sum()),))


def weights_files(case: PreparedCase) -> dict[str, tuple[int, bytes]]:
    return {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in case.folder.glob("weights-*.npy")}


def test_the_map_is_that_of_the_numbered_cells_and_made_once(case: PreparedCase) -> None:
    loss = build_loss("border-cross-entropy", w0=10.0, sigma=5.0)
    weights = voxel_weights(loss, [case])
    assert weights is not None
    label = case.label().astype(int)
    expected = border_weights(label, instances=cells() * label)
    np.testing.assert_array_equal(weights(case), expected.astype(np.float32))
    # Between the touching cells d1 = 1, d2 = 2: the gap is two voxels wide.
    balance = label.size / (2 * (label == 0).sum())
    assert weights(case)[7, 8] == pytest.approx(balance + 8.35270211411272)
    made = weights_files(case)
    assert len(made) == 1
    voxel_weights(loss, [case])
    assert weights_files(case) == made
    voxel_weights(build_loss("border-cross-entropy", w0=5.0), [case])
    assert len(weights_files(case)) == 2
    (path,) = (case.folder / name for name in made)
    path.write_bytes(path.read_bytes()[:-8])
    voxel_weights(loss, [case])
    assert path.read_bytes() == made[path.name][1]


def test_of_a_class_map_the_cells_are_components_and_other_losses_have_no_map(case: PreparedCase) -> None:
    (case.folder / "instances.npy").unlink()
    weights = voxel_weights(build_loss("border-cross-entropy"), [case])
    assert weights is not None
    np.testing.assert_array_equal(weights(case), border_weights(case.label().astype(int)).astype(np.float32))
    assert voxel_weights(build_loss("cross-entropy"), [case]) is None


@pytest.mark.parametrize("rotation", [0.0, 1.0])
def test_a_patch_takes_its_part_of_the_map_along(case: PreparedCase, rotation: float) -> None:
    augmentation = Augmentation.none().model_copy(
        update={"mirror_axes": (0, 1), "rotation_probability": rotation, "rotation_degrees": 90.0}
    )
    # A map that is the image: wherever a patch lies, and however it is turned, they agree.
    batches = Batches(
        cases=[case],
        patch_size=(12, 8),
        batch_size=8,
        num_classes=2,
        sampling=PatchSampling(padding_value=1.0),
        augmentation=augmentation,
        weights=lambda one: one.image()[0],
    )
    batch = batches.batch(0)
    assert batch.weights is not None
    assert batch.weights.std() > 0.5
    np.testing.assert_array_equal(batch.weights, batch.image[:, 0])
    assert Batches(cases=[case], patch_size=(12, 8), batch_size=1, num_classes=2).batch(0).weights is None


def test_the_step_hands_the_weights_to_the_loss() -> None:
    network = nn.Conv2d(1, 2, 1)
    image, label = torch.randn(1, 1, 4, 4), torch.randint(0, 2, (1, 4, 4))
    weights = torch.rand(1, 4, 4)
    loss = build_loss("border-cross-entropy")
    expected = (nn.functional.cross_entropy(network(image), label, reduction="none") * weights).mean().item()
    step = Step(network, loss, torch.optim.SGD(network.parameters(), lr=0.1), torch.device("cpu"), "fp32", None, 0)
    batch = Batch(image, label, ("a",), (Window((0, 0), (4, 4)),), weights)
    assert step(batch, 0, learning_rate=0.1) == pytest.approx(expected)
