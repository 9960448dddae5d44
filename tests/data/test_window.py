from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from univox.data.window import Window, count_windows, regular_grid
from univox.errors import ShapeError


@pytest.mark.parametrize("box", [(100, 116, 148), (97, 113, 145), (148, 100, 116)])
@pytest.mark.parametrize(("step", "count"), [(4, 11_880), (8, 1_920), (16, 378), (32, 80)])
def test_published_patch_counts(box: tuple[int, ...], step: int, count: int) -> None:
    assert len(regular_grid(box, (32, 32, 32), step)) == count
    assert count_windows(box, (32, 32, 32), step) == count


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_windows_are_counted_as_one_counts_places_by_hand(data: st.DataObject) -> None:
    dims = data.draw(st.integers(1, 3))
    size = [data.draw(st.integers(1, 6)) for _ in range(dims)]
    shape = [edge + data.draw(st.integers(0, 9)) for edge in size]
    step = [data.draw(st.integers(1, edge)) for edge in size]
    # Every place of the image is tried: does a window begin here?
    begins = [
        sum(at + p <= n and (at % s == 0 or at + p == n) for at in range(n))
        for n, p, s in zip(shape, size, step, strict=True)
    ]
    assert count_windows(shape, size, step) == np.prod(begins)


def test_last_window_is_flush_and_raster_order() -> None:
    windows = regular_grid((5, 7), (4, 4), (1, 2))
    assert [window.start for window in windows] == [(0, 0), (0, 2), (0, 3), (1, 0), (1, 2), (1, 3)]
    assert windows[-1].stop == (5, 7)


@settings(deadline=None, max_examples=50)
@given(data=st.data())
def test_grid_covers_every_voxel_with_distinct_inner_windows(data: st.DataObject) -> None:
    dims = data.draw(st.integers(1, 3))
    size = [data.draw(st.integers(1, 6)) for _ in range(dims)]
    shape = [edge + data.draw(st.integers(0, 9)) for edge in size]
    step = [data.draw(st.integers(1, edge)) for edge in size]
    windows = regular_grid(shape, size, step)
    visits = np.zeros(shape, dtype=int)
    for window in windows:
        assert all(low >= 0 and high <= n for low, high, n in zip(window.start, window.stop, shape, strict=True))
        visits[window.slices] += 1
    assert visits.min() >= 1
    assert len(set(windows)) == len(windows)
    assert len(windows) == np.prod([-(-(n - p) // s) + 1 for n, p, s in zip(shape, size, step, strict=True)])


@pytest.mark.parametrize(
    ("shape", "size", "step", "words"),
    [
        ((31, 40), (32, 32), 8, r"1 to 31 voxels on axis 0, got 32"),
        ((40, 40), (32, 32), 33, r"step of 1 to 32 voxels on axis 0, got 33"),
        ((40, 40), (32, 32), (8, 0), r"axis 1, got 0"),
        ((40, 40), (32, 0), 8, r"axis 1, got 0"),
        ((40, 40), (32,), 8, r"each of 2 axes"),
        ((40, 40), (32, 32), (8, 8, 8), r"each of 2 axes"),
    ],
)
def test_misfits_are_named(shape: tuple, size: tuple, step: int | tuple, words: str) -> None:
    with pytest.raises(ShapeError, match=words):
        regular_grid(shape, size, step)


def test_window_geometry() -> None:
    window = Window((2, -1), (3, 4))
    assert window.stop == (5, 3)
    assert np.arange(10)[window.slices[0]].tolist() == [2, 3, 4]
