"""Steps that make a mask whole: hand-worked pieces, and closing against a ball that is slid over."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from univox.image.morphology import closed, components, filled, largest_component, without_small

MASKS = arrays(bool, st.tuples(*[st.integers(1, 7)] * 3))
SPACINGS = st.tuples(*[st.sampled_from([0.5, 1.0, 2.5])] * 3)


def ball(radius_mm: float, spacing_mm: tuple[float, ...]) -> np.ndarray:
    reach = [int(radius_mm // edge) for edge in spacing_mm]
    grid = np.meshgrid(*(np.arange(-r, r + 1) * e for r, e in zip(reach, spacing_mm, strict=True)), indexing="ij")
    return sum(axis**2 for axis in grid) <= radius_mm**2


@settings(deadline=None)
@given(mask=MASKS, spacing=SPACINGS, radius=st.sampled_from([0.0, 1.1, 2.6]))
def test_closing_is_growing_and_shrinking_by_a_ball(
    mask: np.ndarray, spacing: tuple[float, ...], radius: float
) -> None:
    width = 8
    padded = np.pad(mask, width)
    grown = ndimage.binary_dilation(padded, ball(radius, spacing))
    shrunk = ndimage.binary_erosion(grown, ball(radius, spacing))
    expected = shrunk[(slice(width, -width),) * 3]
    assert np.array_equal(closed(mask, radius, spacing), expected)


def test_pieces_hang_together_by_their_corners() -> None:
    diagonal = np.eye(3, dtype=bool)
    assert components(diagonal)[1].tolist() == [3]
    apart = np.array([[1, 0, 1], [0, 0, 1], [1, 0, 0]], bool)
    assert components(apart)[1].tolist() == [1, 2, 1]
    assert largest_component(apart).astype(int).tolist() == [[0, 0, 1], [0, 0, 1], [0, 0, 0]]
    assert without_small(apart, 2).tolist() == largest_component(apart).tolist()


@settings(deadline=None)
@given(mask=MASKS, least=st.integers(1, 9))
def test_small_pieces_go_and_the_largest_is_the_last_to_stay(mask: np.ndarray, least: int) -> None:
    kept = without_small(mask, least)
    sizes = components(mask)[1]
    assert kept.sum() == sizes[sizes >= least].sum()
    assert not (kept & ~mask).any()
    largest = largest_component(mask)
    assert largest.sum() == (sizes.max() if sizes.size else 0)
    assert without_small(mask, 1).tolist() == mask.tolist()


def test_only_what_is_enclosed_is_filled() -> None:
    ring = np.ones((5, 5), bool)
    ring[2, 2] = False
    assert filled(ring).all()
    ring[2, 3:] = False
    assert not filled(ring)[2, 2]


@pytest.mark.parametrize("step", [largest_component, filled, lambda mask: closed(mask, 2.0, (1.0, 1.0))])
def test_nothing_stays_nothing(step: object) -> None:
    assert not step(np.zeros((3, 4), bool)).any()  # type: ignore[operator]
