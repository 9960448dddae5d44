"""Pictures that show the right slice the right way up."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image as Pillow

from univox.errors import ShapeError
from univox.judging.overlays import (
    ANATOMICAL,
    most_disagreement,
    overlays,
    plane_of,
    windowed,
)
from univox.judging.palette import class_color


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Pillow.open(io.BytesIO(png)).convert("RGB")).astype(int)


def is_color(picture: np.ndarray, color: str) -> np.ndarray:
    wanted = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
    return np.abs(picture - wanted).sum(axis=-1) < 60


def block(shape: tuple[int, ...], *slices: slice) -> np.ndarray:
    array = np.zeros(shape, np.uint8)
    array[slices] = 1
    return array


def test_the_slice_with_most_errors_is_shown() -> None:
    label = block((9, 9, 9), slice(1, 8), slice(1, 8), slice(1, 8))
    prediction = label.copy()
    prediction[6, 1:8, 2] = 0
    assert most_disagreement(label, prediction)[0] == 6
    assert most_disagreement(label, prediction)[2] == 2


def test_without_errors_the_largest_area_else_the_middle() -> None:
    label = block((9, 4), slice(6, 8), slice(0, 2))
    label[6, 2] = 1
    assert most_disagreement(label, label)[0] == 6
    empty = np.zeros((9, 4), np.uint8)
    assert most_disagreement(empty, empty) in {(4, 1), (4, 2)}


@pytest.mark.parametrize(
    ("index", "top", "left"),
    [
        # Where the head, the nose and the person's right hand are in (D, H, W) = (2, 1, 0 of RAS+).
        (0, "front", "right"),
        (1, "head", "right"),
        (2, "head", "front"),
    ],
)
def test_anatomy_is_upright_and_seen_as_radiologists_do(index: int, top: str, left: str) -> None:
    volume = np.zeros((5, 5, 5), dtype=object)
    volume[2, 2, 2] = "middle"
    volume[4, 2, 2], volume[2, 4, 2], volume[2, 2, 4] = "head", "front", "right"
    plane = plane_of(ANATOMICAL[index], volume, (2, 2, 2), (slice(0, 5),) * 3)
    assert (plane[0, 2], plane[2, 0]) == (top, left)


def test_windowing_spans_the_bulk_and_survives_odd_values() -> None:
    ramp = np.arange(1000.0)
    shown = windowed(ramp)
    assert (shown.min(), shown.max()) == (0.0, 1.0)
    np.testing.assert_allclose(shown, np.clip((ramp - 5.99) / 988.02, 0, 1), atol=1e-12)
    np.testing.assert_allclose(windowed(ramp * 7 + 3), shown, atol=1e-12)
    ramp[:2] = np.nan, np.inf
    assert np.isfinite(windowed(ramp)).all()
    assert windowed(np.full((3, 3), 7)).max() == 0.0
    assert windowed(np.full((3, 3), np.nan)).max() == 0.0
    sparse = np.zeros(10_000, np.uint8)
    sparse[0] = 9
    assert windowed(sparse)[0] == 1.0


def test_contours_lie_where_the_masks_end() -> None:
    # 20 x 20 pixels, the label fills rows 4..15 and columns 4..15: the margin shows all of it.
    label = block((20, 20), slice(4, 16), slice(4, 16))
    (picture,) = overlays(np.zeros((1, 20, 20)), label, label * 0, spacing_mm=(1.0, 1.0), oriented=False)
    shown = pixels(picture.png)
    assert shown.shape[:2] == (picture.height, picture.width) == (460, 460)
    rows, columns = np.nonzero(is_color(shown, class_color(0)))
    for found in (rows, columns):
        assert found.min() == pytest.approx(4 / 20 * 460, abs=3)
        assert found.max() == pytest.approx(16 / 20 * 460, abs=3)
    assert not is_color(shown, class_color(0))[120:340, 120:340].any()


def test_the_prediction_is_dashed_and_a_mask_at_the_edge_is_closed() -> None:
    prediction = block((20, 20), slice(0, 20), slice(0, 20))
    image = np.zeros((1, 20, 20))
    drawn = [
        is_color(pixels(overlays(image, *pair, spacing_mm=(1.0, 1.0), oriented=False)[0].png), class_color(0)).sum()
        for pair in ((prediction, prediction * 0), (prediction * 0, prediction))
    ]
    assert 0.3 * drawn[0] < drawn[1] < 0.9 * drawn[0]


def test_spacing_sets_the_aspect_and_titles_count_from_one() -> None:
    label = block((10, 20, 30), slice(0, 10), slice(0, 20), slice(0, 30))
    pictures = overlays(label[None], label, label * 0, spacing_mm=(4.0, 1.0, 2.0), oriented=True)
    assert [picture.title.split(",")[0] for picture in pictures] == ["axial", "coronal", "sagittal"]
    assert pictures[0].title.endswith("of 10")
    # Planes in mm: 20 x 60, 40 x 60, 40 x 20 (rows x columns).
    assert [round(p.width / p.height, 1) for p in pictures] == [3.0, 1.5, 0.5]
    stored = overlays(label[None], label, label * 0, spacing_mm=(4.0, 1.0, 2.0), oriented=False)
    assert [picture.title.split(",")[0] for picture in stored] == ["page", "row", "column"]


def test_three_channels_in_2d_are_color() -> None:
    image = np.zeros((3, 30, 30))
    image[0, :, 15:] = 1.0
    nothing = np.zeros((30, 30), np.uint8)
    (picture,) = overlays(image, nothing, nothing, spacing_mm=(1.0, 1.0), oriented=False)
    shown = pixels(picture.png)
    assert shown[200, 400].tolist() == [255, 0, 0]
    assert shown[200, 50].tolist() == [0, 0, 0]


def test_arrays_of_different_grids_are_refused() -> None:
    label = np.zeros((4, 5), np.uint8)
    with pytest.raises(ShapeError, match=r"image's grid of \(4, 6\)"):
        overlays(np.zeros((1, 4, 6)), label, label, spacing_mm=(1.0, 1.0), oriented=False)
