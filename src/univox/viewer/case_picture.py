"""One case as a picture: three planes side by side, with the contours of label and prediction."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image as Raster

from univox.errors import GeometryError
from univox.image import read_image, read_label, world_aligned
from univox.judging.overlays import overlays


def case_picture(image_path: Path, label_path: Path | None, prediction_path: Path | None) -> bytes:
    """Draw a case; the label is a solid line, the prediction a dashed one.

    Args:
        image_path: Any readable image.
        label_path: Its label, if any.
        prediction_path: Its prediction, if any.

    Returns:
        A PNG.

    Raises:
        GeometryError: A label or prediction lies on another grid than the image.
    """
    image = read_image(image_path)
    maps: list[np.ndarray] = []
    for path in (label_path, prediction_path):
        if path is None:
            maps.append(np.zeros(image.spatial_shape, np.uint8))
            continue
        label = read_label(path)
        if not world_aligned(label, image):
            raise GeometryError(
                expected=f"the grid of {image_path.name}, {list(image.spatial_shape)}",
                got=f"{list(label.spatial_shape)}",
                remedy="give the label and prediction of this image",
                path=path,
            )
        maps.append(ranked(label.array))
    pictures = overlays(
        image.array,
        maps[0],
        maps[1],
        spacing_mm=image.spacing_mm,
        oriented=image.spatial_dims == 3,
    )
    return side_by_side([picture.png for picture in pictures])


def ranked(codes: np.ndarray) -> np.ndarray:
    """Give codes as 0, 1, 2, ... in their order, background 0 staying 0.

    >>> ranked(np.array([0, 150, 10, 150])).tolist()
    [0, 2, 1, 2]
    """
    known = np.unique(np.append(codes, 0))
    return np.searchsorted(known, codes).astype(np.int64)


def side_by_side(pngs: list[bytes]) -> bytes:
    """Join pictures from left to right on black."""
    opened = [Raster.open(io.BytesIO(png)).convert("RGB") for png in pngs]
    sheet = Raster.new("RGB", (sum(p.width for p in opened), max(p.height for p in opened)))
    left = 0
    for picture in opened:
        sheet.paste(picture, (left, 0))
        left += picture.width
    stream = io.BytesIO()
    sheet.save(stream, format="PNG")
    return stream.getvalue()
