from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from univox.errors import GeometryError, LabelError, ShapeError
from univox.image import Image, Label, StoredGrid, grid_difference, world_aligned


def test_an_image_knows_its_grid():
    image = Image.from_array(np.zeros((2, 4, 5, 6)), spacing_mm=(3, 2, 1), channel_names=("T1", "T2"))
    assert (image.spatial_shape, image.spatial_dims, image.num_channels) == ((4, 5, 6), 3, 2)
    assert image.spacing_mm == (3.0, 2.0, 1.0)
    assert np.array_equal(image.affine @ [1, 1, 1, 1], [1, 2, 3, 1])


def test_a_picture_has_two_axes_and_unit_spacing_by_default():
    image = Image.from_array(np.zeros((3, 7, 8)))
    assert (image.spatial_shape, image.spatial_dims, image.spacing_mm) == ((7, 8), 2, (1.0, 1.0))
    assert not image.stored.oriented


def test_an_image_is_frozen():
    image = Image.from_array(np.zeros((1, 2, 3, 4)))
    with pytest.raises(dataclasses.FrozenInstanceError):
        image.affine = np.eye(4)


def test_column_order_moves_no_voxel():
    grid = StoredGrid.of_array(np.diag([2.0, 3.0, 4.0, 1.0])[[2, 1, 0, 3]], (5, 6, 7))
    turned = grid.in_column_order()
    assert turned.shape == (7, 6, 5)
    assert turned.spatial_shape == grid.spatial_shape
    assert np.array_equal(turned.exact_affine, grid.exact_affine)
    assert np.array_equal(turned.affine @ [1, 0, 0, 1], grid.affine @ [0, 0, 1, 1])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Image.from_array(np.zeros((1, 2, 3, 4)), channel_names=("a", "b")), "2 channels"),
        (lambda: Image.from_array(np.zeros((1, 2, 3, 4)), spacing_mm=(1, 1)), "4 x 4"),
        (lambda: Image.from_array(np.zeros((1, 5))), "2 or 3 spatial axes"),
        (lambda: Label.from_array(np.zeros((2, 3, 4, 5), int)), "2 or 3 spatial axes"),
    ],
)
def test_what_does_not_fit_is_refused(make, words):
    with pytest.raises(ShapeError, match=words):
        make()


def test_array_and_grid_stay_together():
    image = Image.from_array(np.zeros((1, 2, 3, 4)))
    with pytest.raises(ShapeError, match="spatial shape 2 x 3 x 4, got 2 x 3 x 5"):
        dataclasses.replace(image, array=np.zeros((1, 2, 3, 5)))


def test_a_label_holds_integers():
    with pytest.raises(LabelError, match="float64"):
        Label.from_array(np.zeros((2, 3, 4)))


def test_a_zero_spacing_is_refused():
    with pytest.raises(GeometryError, match="zero length"):
        Image.from_array(np.zeros((1, 2, 3, 4)), spacing_mm=(1, 0, 1))


def moved(shift: float, edge: float = 1.0) -> Image:
    affine = np.array([[0, 0, edge, shift], [0, 1.0, 0, 0], [1.0, 0, 0, 0], [0, 0, 0, 1]])
    return Image.from_array(np.zeros((1, 4, 5, 101)), affine=affine)


def test_alignment_is_to_a_thousandth_of_a_voxel():
    assert world_aligned(moved(0), moved(0.0009))
    assert grid_difference(moved(0), moved(0.0012)) == "positions that differ by up to 0.0012 mm"
    # An edge that is off by a hundred-thousandth is off by a thousandth after a hundred voxels.
    assert world_aligned(moved(0), moved(0, 1.000009))
    assert not world_aligned(moved(0), moved(0, 1.00002))


def test_differences_are_said_in_words():
    other = Image.from_array(np.zeros((1, 4, 5, 6)))
    assert grid_difference(moved(0), other) == "shapes 4 x 5 x 101 and 4 x 5 x 6"
    assert grid_difference(moved(0), moved(0, 1.5)) == "spacings 1 x 1 x 1 and 1 x 1 x 1.5 mm"


def test_a_label_can_be_compared_with_its_image():
    label = Label.from_array(np.zeros((4, 5, 6), np.uint8), spacing_mm=(1, 1, 2))
    image = Image.from_array(np.zeros((2, 4, 5, 6)), spacing_mm=(1, 1, 2))
    assert world_aligned(label, image)
    assert label.num_channels == 1
