from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from univox.data.patch_size import (
    PatchSizes,
    ideal_edges,
    plan_batch_size,
    plan_patch_size,
    plan_strides,
    total_strides,
)
from univox.errors import RecipeError

shapes = st.one_of(
    st.tuples(*[st.integers(1, 300)] * 3),
    st.tuples(*[st.integers(1, 900)] * 2),
)


@settings(deadline=None, max_examples=100)
@given(shape=shapes, data=st.data(), voxels=st.sampled_from([4096, 49_152, 65_536]))
def test_a_patch_keeps_every_bound(shape: tuple[int, ...], data: st.DataObject, voxels: int) -> None:
    multiples = tuple(data.draw(st.sampled_from([1, 2, 4, 8])) for _ in shape)
    largest = [math.ceil(size / step) * step for size, step in zip(shape, multiples, strict=True)]
    patch = plan_patch_size(shape, multiples, voxels)
    for edge, step, most in zip(patch, multiples, largest, strict=True):
        assert edge % step == 0
        assert step <= edge <= most
    assert math.prod(patch) <= 1.1 * voxels or patch == multiples
    # Enlarging every axis that can still grow would leave the budget: the patch is no smaller than need be.
    grown = [min(edge + 2 * step, most) for edge, step, most in zip(patch, multiples, largest, strict=True)]
    assert math.prod(grown) > voxels or grown == largest


@settings(deadline=None, max_examples=25)
@given(shape=st.tuples(*[st.integers(10, 200)] * 3), order=st.permutations(range(3)))
def test_a_patch_follows_the_axes(shape: tuple[int, ...], order: list[int]) -> None:
    patch = plan_patch_size(shape, (4, 4, 4), 49_152)
    turned = plan_patch_size(tuple(shape[axis] for axis in order), (4, 4, 4), 49_152)
    assert sorted(turned) == sorted(patch)


def test_no_box_within_the_budget_is_more_like_the_shape() -> None:
    shape, voxels = (60, 150, 97), 49_152
    scale = (voxels / math.prod(shape)) ** (1 / 3)

    def unlikeness(box: tuple[int, ...]) -> float:
        pairs = zip(box, shape, strict=True)
        return sum(math.log(edge / (size * scale)) ** 2 for edge, size in pairs)

    boxes = itertools.product(range(4, 61, 4), range(4, 153, 4), range(4, 101, 4))
    best = min((box for box in boxes if math.prod(box) <= 1.1 * voxels), key=unlikeness)
    assert plan_patch_size(shape, (4, 4, 4), voxels) == best


@pytest.mark.parametrize(
    ("shape", "multiples", "voxels", "patch"),
    [
        ((36, 50, 35), (8, 8, 8), 49_152, (32, 48, 32)),
        ((512, 512), (32, 32), 65_536, (256, 256)),
        ((20, 30, 20), (8, 8, 8), 49_152, (24, 32, 24)),
        ((1, 1, 1), (8, 8, 8), 49_152, (8, 8, 8)),
        ((200, 200, 200), (64, 64, 64), 49_152, (64, 64, 64)),
        ((100, 100, 100), (8, 8, 8), 49_152, (32, 40, 40)),
    ],
)
def test_patches_worked_by_hand(
    shape: tuple[int, ...], multiples: tuple[int, ...], voxels: int, patch: tuple[int, ...]
) -> None:
    assert plan_patch_size(shape, multiples, voxels) == patch


@settings(deadline=None, max_examples=100)
@given(
    edges=st.tuples(*[st.floats(2, 300)] * 3),
    spacing=st.tuples(*[st.floats(0.2, 8)] * 3),
    levels=st.integers(0, 6),
)
def test_strides_leave_four_voxels_and_approach_cubes(
    edges: tuple[float, ...], spacing: tuple[float, ...], levels: int
) -> None:
    strides = plan_strides(edges, spacing, levels)
    assert len(strides) <= levels
    assert all(2 in level and set(level) <= {1, 2} for level in strides)
    total = total_strides(strides, 3)
    for edge, factor in zip(edges, total, strict=True):
        assert factor == 1 or edge / factor >= 3.5
    if all(edge >= 256 for edge in edges):
        before = max(spacing) / min(spacing)
        after = [edge_mm * factor for edge_mm, factor in zip(spacing, total, strict=True)]
        assert max(after) / min(after) <= max(before, 2)


@pytest.mark.parametrize(
    ("edges", "spacing", "levels", "strides"),
    [
        ((64, 64, 64), (1, 1, 1), 3, ((2, 2, 2),) * 3),
        ((64, 64, 64), (1, 1, 1), 9, ((2, 2, 2),) * 4),
        ((64, 64, 64), (1, 1, 1), 0, ()),
        # Twice as thick: the plane goes first, then all are cubes.
        ((64, 64, 64), (2, 1, 1), 2, ((1, 2, 2), (2, 2, 2))),
        # The fine plane is used up; thick slices no longer wait for it.
        ((32, 8, 8), (4, 1, 1), 3, ((1, 2, 2), (2, 1, 1), (2, 1, 1))),
        # 15 becomes 16, 13 does not become 16 but 12.
        ((15, 13, 64), (1, 1, 1), 2, ((2, 2, 2), (2, 1, 2))),
        ((6, 6), (1, 1), 3, ()),
        ((256, 256), (1, 1), 7, ((2, 2),) * 6),
    ],
)
def test_strides_worked_by_hand(
    edges: tuple[float, ...], spacing: tuple[float, ...], levels: int, strides: tuple[tuple[int, ...], ...]
) -> None:
    assert plan_strides(edges, spacing, levels) == strides


@given(shape=shapes, voxels=st.sampled_from([4096, 65_536]))
def test_ideal_edges_keep_the_aspect_ratio(shape: tuple[int, ...], voxels: int) -> None:
    edges = ideal_edges(shape, voxels)
    assert math.isclose(math.prod(edges), min(voxels, math.prod(shape)), rel_tol=1e-9)
    assert len({round(edge / size, 9) for edge, size in zip(edges, shape, strict=True)}) == 1


def test_batches_fill_one_budget() -> None:
    assert plan_batch_size((32, 32, 32)) == 12
    assert plan_batch_size((256, 256)) == 8
    assert plan_batch_size((512, 512)) == 2


def test_stated_sizes() -> None:
    assert PatchSizes(patch_size=32).edges(3) == (32, 32, 32)
    assert PatchSizes(patch_size=(64, 48)).edges(2) == (64, 48)
    assert PatchSizes().edges(3) is None
    assert (PatchSizes().voxels(3), PatchSizes(patch_voxels=99).voxels(3)) == (49_152, 99)
    with pytest.raises(RecipeError, match="3 edges"):
        PatchSizes(patch_size=(64, 48)).edges(3)
    with pytest.raises(ValidationError):
        PatchSizes(patch_size=0)
