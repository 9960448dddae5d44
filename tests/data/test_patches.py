from __future__ import annotations

import numpy as np
import pytest
from array_case import random_case
from hypothesis import given, settings
from hypothesis import strategies as st

from univox.data.patches import (
    case_at,
    centered_window,
    cut,
    foreground_voxel,
    is_foreground_item,
    uniform_window,
)
from univox.data.window import Window


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_cut_is_a_crop_of_the_padded_array(data: st.DataObject) -> None:
    shape = tuple(data.draw(st.integers(1, 5)) for _ in range(2))
    start = tuple(data.draw(st.integers(-9, 9)) for _ in range(2))
    size = tuple(data.draw(st.integers(1, 7)) for _ in range(2))
    array = np.arange(2 * np.prod(shape)).reshape(2, *shape)
    padded = np.pad(array, ((0, 0), (20, 20), (20, 20)), constant_values=-7)
    low = [20 + index for index in start]
    expected = padded[:, low[0] : low[0] + size[0], low[1] : low[1] + size[1]]
    patch = cut(array, Window(start, size), fill=-7, dtype=np.int64)
    np.testing.assert_array_equal(patch, expected)
    assert patch.flags.writeable
    assert not np.shares_memory(patch, array)


@pytest.mark.parametrize("num_cases", [1, 2, 7])
def test_each_epoch_visits_each_case_once(num_cases: int) -> None:
    visits = [case_at(visit, num_cases=num_cases, seed=3) for visit in range(num_cases * 12)]
    epochs = [visits[start : start + num_cases] for start in range(0, len(visits), num_cases)]
    assert all(sorted(epoch) == list(range(num_cases)) for epoch in epochs)
    if num_cases == 7:
        assert len({tuple(epoch) for epoch in epochs}) > 6
        assert epochs[0] != [case_at(visit, num_cases=7, seed=4) for visit in range(7)]


@pytest.mark.parametrize(("share", "batch_size", "always"), [(1 / 3, 6, 2), (1.0, 5, 5), (0.0, 4, 0)])
def test_whole_shares_are_exact_counts(share: float, batch_size: int, always: int) -> None:
    for seed in range(50):
        rng = np.random.default_rng(seed)
        chosen = [is_foreground_item(item, share=share, batch_size=batch_size, rng=rng) for item in range(batch_size)]
        assert chosen == [True] * always + [False] * (batch_size - always)


@pytest.mark.parametrize(("share", "batch_size"), [(1 / 3, 4), (0.4, 4), (0.1, 3)])
def test_the_expected_share_is_exact(share: float, batch_size: int) -> None:
    rng = np.random.default_rng(0)
    counts = [
        sum(is_foreground_item(item, share=share, batch_size=batch_size, rng=rng) for item in range(batch_size))
        for _ in range(6000)
    ]
    whole = int(share * batch_size)
    assert set(counts) == {whole, whole + 1}
    # Four standard errors of a Bernoulli mean, at most 1/2 / sqrt(n).
    assert np.mean(counts) == pytest.approx(share * batch_size, abs=4 * 0.5 / np.sqrt(6000))


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_windows_stay_in_the_image_or_hold_it(data: st.DataObject) -> None:
    shape = tuple(data.draw(st.integers(1, 9)) for _ in range(3))
    size = tuple(data.draw(st.integers(1, 9)) for _ in range(3))
    voxel = tuple(data.draw(st.integers(0, n - 1)) for n in shape)
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    centered = centered_window(voxel, shape, size)
    for window in (centered, uniform_window(shape, size, rng)):
        for low, high, n in zip(window.start, window.stop, shape, strict=True):
            assert (low >= 0 and high <= n) or (low <= 0 and high >= n)
    for low, high, n, p, v in zip(centered.start, centered.stop, shape, size, voxel, strict=True):
        assert low <= v < high
        if p // 2 <= v <= n - p + p // 2:
            assert v - low == p // 2


@pytest.mark.parametrize(("length", "edge"), [(7, 4), (4, 7)])
def test_uniform_windows_take_every_position_alike(length: int, edge: int) -> None:
    rng = np.random.default_rng(0)
    starts = [uniform_window((length,), (edge,), rng).start[0] for _ in range(4000)]
    places, counts = np.unique(starts, return_counts=True)
    assert places.tolist() == ([0, 1, 2, 3] if length > edge else [-3, -2, -1, 0])
    np.testing.assert_allclose(counts, 1000, atol=5 * np.sqrt(4000 * 0.25 * 0.75))


def test_foreground_voxels_are_drawn_evenly_over_classes_not_voxels() -> None:
    case = random_case(0)
    case.label()[...] = np.where(case.label() == 1, 0, case.label())
    case.label()[0, 0, 0] = 1
    rng = np.random.default_rng(1)
    voxels = [foreground_voxel(case, (1, 2), case.label().shape, rng) for _ in range(1000)]
    classes = np.array([case.label()[voxel] for voxel in voxels])
    assert set(classes.tolist()) == {1, 2}
    assert (classes == 1).mean() == pytest.approx(0.5, abs=5 * 0.5 / np.sqrt(1000))


@given(st.integers(1, 6), st.integers(-15, 15), st.integers(1, 20))
def test_the_mirror_image_goes_on_for_ever(length: int, start: int, size: int) -> None:
    array = np.arange(10.0, 10.0 + length)[np.newaxis]
    wide = np.pad(array, ((0, 0), (40, 40)), mode="reflect") if length > 1 else np.full((1, 81), 10.0)
    patch = cut(array, Window((start,), (size,)), fill="mirror", dtype=np.float32)
    np.testing.assert_array_equal(patch, wide[:, 40 + start : 40 + start + size])
