"""Pictures: PNG, and read-only BMP and JPEG; gray, color, 16-bit, palette."""

from __future__ import annotations

import contextlib
import struct
import warnings
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from univox.atomic import written_atomically
from univox.errors import FileError
from univox.image.affine import Orientation, affine_from_spacing
from univox.image.guard import reading, writing
from univox.image.image import StoredGrid

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
GRAY_MODES = ("1", "L", "I", "F", "I;16", "I;16L", "I;16B", "I;16N")


def read_picture(path: Path, *, as_label: bool = False) -> tuple[NDArray, StoredGrid]:
    """Read channels (C, H, W) and their grid.

    The resolution in the file is not used: it is that of a screen or a printer.

    Args:
        path: A PNG, BMP or JPEG file.
        as_label: Give the indices of a palette, not its colors.

    Raises:
        FileError: The file is missing, damaged, too large, or partly transparent.
    """
    with reading(path, "picture"):
        if _is_deep_color(path):
            array = _read_deep_color(path)
        else:
            with opened_picture(path) as picture:
                array = _pixels(picture, as_label=as_label)
        if array.ndim == 2:
            array = array[..., None]
        array = without_alpha(np.moveaxis(array, -1, 0), path)
        return array, picture_grid(array.shape[1:])


def read_picture_grid(path: Path) -> tuple[StoredGrid, int]:
    """Read the header only: the grid and the number of channels.

    Raises:
        FileError: The file is missing or damaged.
    """
    with reading(path, "picture"), opened_picture(path) as picture:
        gray = picture.mode in (*GRAY_MODES, "LA")
        return picture_grid((picture.height, picture.width)), 1 if gray else 3


def write_picture(path: Path, array: NDArray, grid: StoredGrid) -> None:
    """Write (C, H, W) as PNG: 8 or 16 bits, gray or color.

    Raises:
        FileError: The file cannot be written, or PNG cannot hold the array.
    """
    del grid  # PNG has no word for it
    array = array.astype(np.uint8) if array.dtype == bool else array
    if array.ndim != 3 or array.shape[0] not in (1, 3) or array.dtype.name not in ("uint8", "uint16"):
        raise FileError(
            expected="1 or 3 channels (C, H, W) of uint8 or uint16",
            got=f"{array.dtype} of shape {' x '.join(map(str, array.shape))}",
            remedy="write .tif, or convert the values",
            path=path,
        )
    pixels = np.ascontiguousarray(np.moveaxis(array, 0, -1))
    with writing(path, "PNG"), written_atomically(path) as partial:
        if array.shape[0] == 3 and array.dtype == np.uint16:
            _write_deep_color(partial, pixels)
            return
        from PIL import Image

        Image.fromarray(pixels if array.shape[0] == 3 else pixels[..., 0]).save(partial, format="PNG")


def picture_grid(shape: tuple[int, ...], spacing_mm: tuple[float, ...] | None = None) -> StoredGrid:
    """Grid of pages, rows and columns without orientation; 1 mm where no spacing is known."""
    affine = affine_from_spacing(spacing_mm or (1.0,) * len(shape))
    return StoredGrid("raster", tuple(shape), affine, Orientation.identity(len(shape)), oriented=False)


def without_alpha(array: NDArray, path: Path) -> NDArray:
    """Drop an alpha channel, the last of two or four, that is opaque everywhere.

    Raises:
        FileError: Some pixel is transparent, so that dropping it would change the picture.
    """
    if array.shape[0] not in (2, 4):
        return array
    opaque = 1.0 if array.dtype.kind == "f" else np.iinfo(array.dtype).max
    if (array[-1] == opaque).all():
        return array[:-1]
    raise FileError(
        expected="a picture without transparency",
        got="an alpha channel that is not opaque everywhere",
        remedy="flatten the picture onto a background",
        path=path,
    )


@contextlib.contextmanager
def opened_picture(path: Path) -> Generator[Picture, None, None]:
    """Open with pillow, without its warning about size.

    Raises:
        FileError: The picture is so large that pillow refuses it.
    """
    from PIL import Image

    with warnings.catch_warnings():
        # Microscopy is larger than what pillow warns of; it still refuses what is twice as large.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            with Image.open(path) as picture:
                yield picture
        except Image.DecompressionBombError as error:
            raise FileError(
                expected="a picture of fewer pixels",
                got="one that pillow refuses for its size",
                remedy="store it as .tif, or cut it into tiles",
                path=path,
            ) from error


def _pixels(picture: Picture, *, as_label: bool) -> NDArray:
    """Pixels (H, W) or (H, W, C), whatever the mode."""
    mode = picture.mode
    if mode == "1":
        return np.array(picture, dtype=np.uint8)
    if mode == "I" and picture.format == "PNG":  # how older pillow opens 16-bit gray
        return np.array(picture).astype(np.uint16)
    if mode == "P" and not as_label:
        picture = picture.convert("RGBA" if "transparency" in picture.info else "RGB")
    elif mode not in (*GRAY_MODES, "P", "LA", "RGB", "RGBA"):
        picture = picture.convert("RGB")
    array = np.array(picture)
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def _is_deep_color(path: Path) -> bool:
    """Whether a PNG holds 16-bit color, which pillow would cut to 8 bits in silence."""
    with path.open("rb") as stream:
        head = stream.read(26)
    if len(head) < 26 or not head.startswith(PNG_SIGNATURE):
        return False
    depth, color_type = struct.unpack_from("BB", head, 24)
    return depth == 16 and color_type in (2, 4, 6)


def _read_deep_color(path: Path) -> NDArray:
    import SimpleITK

    return SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path), imageIO="PNGImageIO"))


def _write_deep_color(path: Path, pixels: NDArray) -> None:
    import SimpleITK

    image = SimpleITK.GetImageFromArray(pixels, isVector=True)
    SimpleITK.WriteImage(image, str(path), imageIO="PNGImageIO")
