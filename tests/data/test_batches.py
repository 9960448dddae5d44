from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from array_case import ArrayCase, random_case

from univox.data.batches import Batch, Batches
from univox.data.patch_settings import Augmentation, PatchSampling
from univox.data.patches import cut
from univox.data.standardize import standardize
from univox.errors import DatasetError, RecipeError, ShapeError

EVERYTHING = Augmentation(
    **{name: 0.6 for name in Augmentation.model_fields if name.endswith("_probability")}, mirror_axes=(0, 1)
)


def supply(**changes: object) -> Batches:
    options: dict = {
        "cases": [random_case(seed) for seed in range(5)],
        "patch_size": (8, 6, 7),
        "batch_size": 3,
        "num_classes": 3,
        "augmentation": EVERYTHING,
        "seed": 11,
    }
    return Batches(**(options | changes))


def same(one: Batch, other: Batch) -> bool:
    arrays = torch.equal(one.image, other.image) and torch.equal(one.label, other.label)
    return arrays and (one.names, one.windows) == (other.names, other.windows)


def test_a_batch_is_a_function_of_seed_and_iteration() -> None:
    fresh, used = supply(), supply()
    for iteration in (0, 3, 1):
        used.batch(iteration)
    assert same(fresh.batch(7), used.batch(7))
    assert same(used.batch(7), used.batch(7))
    assert not torch.equal(used.batch(7).image, used.batch(8).image)
    assert not torch.equal(used.batch(7).image, supply(seed=12).batch(7).image)


def test_items_of_a_batch_are_drawn_apart() -> None:
    draws = supply(cases=[random_case(0)], sampling=PatchSampling(foreground_share=0.0)).draw(0)
    assert len({draw.window for draw in draws}) == len({draw.spatial for draw in draws}) == 3


def test_the_number_of_threads_changes_no_bit() -> None:
    # Torch splits work beyond 32,768 elements among its threads.
    big = supply(
        cases=[random_case(0, shape=(40, 40, 40), num_channels=1)],
        patch_size=(33, 33, 33),
        batch_size=1,
        standardize_patches=True,
    )
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = [big.batch(iteration) for iteration in range(2)]
        torch.set_num_threads(2)
        assert all(same(batch, big.batch(iteration)) for iteration, batch in enumerate(one))
    finally:
        torch.set_num_threads(before)


def test_shapes_types_and_labels() -> None:
    batch = supply().batch(0)
    assert batch.image.shape == (3, 2, 8, 6, 7)
    assert batch.label.shape == (3, 8, 6, 7)
    assert (batch.image.dtype, batch.label.dtype) == (torch.float32, torch.int64)
    assert torch.isfinite(batch.image).all()
    assert set(batch.label.unique().tolist()) <= {0, 1, 2}
    assert len(batch.names) == len(batch.windows) == 3


def test_without_augmentation_patches_are_crops() -> None:
    plain = supply(augmentation=Augmentation.none())
    cases = {case.name: case for case in plain.cases}
    batch = plain.batch(4)
    for image, label, name, window in zip(batch.image, batch.label, batch.names, batch.windows, strict=True):
        np.testing.assert_array_equal(image, cases[name].image()[(slice(None), *window.slices)])
        np.testing.assert_array_equal(label, cases[name].label()[window.slices])


def test_intensity_augmentation_leaves_labels_and_places_alone() -> None:
    loud = dict.fromkeys(("noise", "blur", "brightness", "contrast", "low_resolution", "gamma"), 1.0)
    update = {f"{name}_probability": value for name, value in loud.items()}
    plain = supply(augmentation=Augmentation.none()).batch(2)
    changed = supply(augmentation=Augmentation.none().model_copy(update=update)).batch(2)
    assert torch.equal(plain.label, changed.label)
    assert plain.windows == changed.windows
    assert not torch.equal(plain.image, changed.image)


def test_each_case_is_seen_once_per_epoch() -> None:
    batches = supply()
    names = [name for iteration in range(5) for name in batches.batch(iteration).names]
    assert Counter(names[:5]) == Counter(names[5:10]) == Counter(names[10:]) == Counter(c.name for c in batches.cases)


def test_foreground_patches_are_centered_on_foreground() -> None:
    sampling = PatchSampling(foreground_share=1.0)
    batches = supply(sampling=sampling, augmentation=Augmentation.none(), patch_size=(3, 3, 3))
    found: list[int] = []
    for batch in map(batches.batch, range(40)):
        assert (batch.label.flatten(1) > 0).any(dim=1).all()
        for label, window in zip(batch.label, batch.windows, strict=True):
            # At the border the window has been moved in; elsewhere the voxel is its center.
            if all(low > 0 and high < n for low, high, n in zip(window.start, window.stop, (12, 14, 13), strict=True)):
                found.append(int(label[1, 1, 1]))
    assert set(found) == {1, 2}
    assert len(found) > 20


def test_foreground_share_counts_the_first_items() -> None:
    cases = [random_case(seed, shape=(30, 30, 30)) for seed in range(3)]
    for case in cases:
        case.label()[...] = 0
        case.label()[4:6, 4:6, 4:6] = 2
    batches = supply(cases=cases, patch_size=(2, 2, 2), augmentation=Augmentation.none())
    for iteration in range(10):
        label = batches.batch(iteration).label
        assert (label[0] == 2).any()
        assert (label[1:] == 2).float().mean() < 0.5


def test_a_case_without_foreground_gives_patches_anywhere() -> None:
    empty = ArrayCase("empty", np.ones((1, 5, 5, 5), np.float32), np.zeros((5, 5, 5), np.uint8))
    batch = supply(cases=[empty], patch_size=(4, 4, 4)).batch(0)
    assert batch.label.max() == 0


def test_small_images_are_padded_with_the_stated_values() -> None:
    case = ArrayCase("small", np.ones((1, 3, 4), np.float32), np.ones((3, 4), np.uint8))
    sampling = PatchSampling(padding_value=-5.0, padding_label=-100)
    batches = supply(cases=[case], patch_size=(6, 4), sampling=sampling, augmentation=Augmentation.none())
    batch = batches.batch(0)
    for image, label, window in zip(batch.image, batch.label, batch.windows, strict=True):
        np.testing.assert_array_equal(image, cut(case.image(), window, fill=-5.0, dtype=np.float32))
        assert Counter(label.flatten().tolist()) == {1: 12, -100: 12}


def inner_voxels(batches: Batches, count: int) -> set[int]:
    """Numbers of the voxels that lie inside the margins of patches, of cases that number their voxels."""
    rows, columns = (slice(width, edge - width) for width, edge in zip((2, 1), (6, 5), strict=True))
    images = torch.cat([batches.batch(iteration).image for iteration in range(count)])
    return set(images[..., rows, columns].flatten().int().tolist())


def test_what_an_unpadded_network_gives_logits_of_reaches_every_voxel() -> None:
    numbers = np.arange(1, 49, dtype=np.float32).reshape(1, 6, 8)
    case = ArrayCase("numbered", numbers, np.zeros((6, 8), np.uint8))
    arguments = {"cases": [case], "patch_size": (6, 5), "augmentation": Augmentation.none()}
    assert inner_voxels(supply(**arguments, margin=(2, 1)), 60) == set(range(1, 49))
    # Without being told, patches stay in the image, and its border is never learned from.
    assert not inner_voxels(supply(**arguments), 60) & set(range(1, 9))


def test_foreground_lies_inside_the_margin() -> None:
    label = np.zeros((6, 8), np.uint8)
    label[0, 0] = 1
    case = ArrayCase("corner", np.ones((1, 6, 8), np.float32), label)
    sampling = PatchSampling(foreground_share=1.0, padding_label=9)
    batches = supply(
        cases=[case], patch_size=(6, 5), margin=(2, 1), sampling=sampling, augmentation=Augmentation.none()
    )
    batch = batches.batch(0)
    assert (batch.label[:, 2:4, 1:4] == 1).flatten(1).any(1).all()
    assert (batch.label[:, :2] == 9).all()


def test_two_dimensions_by_the_same_code() -> None:
    cases = [random_case(seed, shape=(20, 22)) for seed in range(3)]
    batch = supply(cases=cases, patch_size=(16, 12), spacing_mm=(0.5, 0.7)).batch(1)
    assert batch.image.shape == (3, 2, 16, 12)
    assert same(batch, supply(cases=cases, patch_size=(16, 12), spacing_mm=(0.5, 0.7)).batch(1))


def test_standardization_comes_last() -> None:
    plain, standard = supply().batch(5), supply(standardize_patches=True).batch(5)
    assert torch.equal(standard.image, standardize(plain.image))
    assert torch.equal(standard.label, plain.label)


def test_a_draw_replays() -> None:
    batches = supply()
    draws, batch = batches.draw(9), batches.batch(9)
    for item in (2, 0, 1):
        image, label = supply().patch(draws[item])
        assert torch.equal(image, batch.image[item])
        assert torch.equal(label, batch.label[item])
    assert draws == supply().draw(9)


def test_read_only_memory_maps_are_read_and_left_as_they_are(tmp_path: Path) -> None:
    source = random_case(0)
    np.save(tmp_path / "image.npy", source.image())
    np.save(tmp_path / "label.npy", source.label())
    mapped = ArrayCase(
        source.name,
        np.load(tmp_path / "image.npy", mmap_mode="r"),
        np.load(tmp_path / "label.npy", mmap_mode="r"),
    )
    assert same(supply(cases=[mapped]).batch(3), supply(cases=[source]).batch(3))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"patch_size": (8,)}, "2 or 3 edges"),
        ({"patch_size": (8, 0, 8)}, "at least 1"),
        ({"batch_size": 0}, "at least 1"),
        ({"spacing_mm": (1.0, 1.0)}, "3 positive voxel edges"),
        ({"spacing_mm": (1.0, 0.0, 1.0)}, "3 positive voxel edges"),
        ({"seed": -1}, "at least 0"),
        ({"patch_size": (8, 8), "augmentation": Augmentation(mirror_axes=(2,))}, "mirror axes below 2"),
        (
            {"patch_size": (8, 8), "augmentation": Augmentation(rotation_degrees=(1, 2, 3))},
            "one rotation angle",
        ),
    ],
)
def test_contradictions_are_named(wrong: dict, words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        supply(**wrong)


def test_no_cases_and_cases_of_another_dimension_are_refused() -> None:
    with pytest.raises(DatasetError, match="at least one case"):
        supply(cases=[])
    with pytest.raises(ShapeError, match="2 spatial axes, got 3 in case case-"):
        supply(patch_size=(8, 8)).batch(0)
