"""The box that one segmentation hands to the next."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from univox.data.region import Region
from univox.errors import DatasetError

NAMES = ("background", "organ", "tumor")


@settings(deadline=None)
@given(
    label=arrays(np.uint8, (6, 7, 5), elements=st.integers(0, 2)),
    spacing=st.tuples(*[st.sampled_from([0.7, 1.0, 3.0])] * 3),
    margin=st.sampled_from([0.0, 1.5, 100.0]),
)
def test_the_box_holds_the_region_and_its_margin(label: np.ndarray, spacing: tuple[float, ...], margin: float) -> None:
    region = Region(margin_mm=margin)
    mask, box = region.mask(label, NAMES, spacing), region.box(label, NAMES, spacing)
    for axis, ((start, stop), size, edge) in enumerate(zip(box, label.shape, spacing, strict=True)):
        inside = np.flatnonzero(np.moveaxis(mask, axis, 0).reshape(size, -1).any(axis=1))
        assert 0 <= start < stop <= size
        if inside.size:
            assert start == 0 or (inside[0] - start) * edge >= margin > (inside[0] - start - 1) * edge
            assert stop == size or (stop - 1 - inside[-1]) * edge >= margin


def test_a_region_is_the_large_pieces_of_the_classes_named() -> None:
    label = np.zeros((1, 12), int)
    label[0, 0:3], label[0, 4:6], label[0, 8] = 2, 1, 1
    spacing = (1.0, 1.0)
    whole = Region(least_piece=1, closing_mm=0, fill=False)
    assert np.flatnonzero(whole.mask(label, NAMES, spacing)).tolist() == [0, 1, 2]
    organ = whole.model_copy(update={"classes": ("organ",)})
    assert np.flatnonzero(organ.mask(label, NAMES, spacing)).tolist() == [4, 5]
    both = organ.model_copy(update={"least_piece": 0.5})
    assert np.flatnonzero(both.mask(label, NAMES, spacing)).tolist() == [4, 5, 8]
    everything = organ.model_copy(update={"least_piece": 0, "closing_mm": 1.5})
    assert np.flatnonzero(everything.mask(label, NAMES, spacing)).tolist() == [4, 5, 6, 7, 8]


def test_without_a_region_nothing_is_cut() -> None:
    assert Region().box(np.zeros((4, 5), int), NAMES, (1.0, 1.0)) == ((0, 4), (0, 5))


def test_a_class_that_is_not_there_is_named() -> None:
    with pytest.raises(DatasetError, match="the classes organ, tumor, got lung"):
        Region(classes=("lung",)).mask(np.zeros((2, 2), int), NAMES, (1.0, 1.0))
