"""TIFF: one page is a picture, several are a volume (D = pages)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from univox.atomic import written_atomically
from univox.errors import FileError
from univox.image.guard import reading, writing
from univox.image.image import StoredGrid
from univox.image.raster import opened_picture, picture_grid, without_alpha

MM_PER_UNIT = {
    **dict.fromkeys(("micron", "microns", "um", "µm", "μm", "\\u00b5m"), 0.001),
    **dict.fromkeys(("nm", "nanometer"), 1e-6),
    **dict.fromkeys(("mm", "millimeter"), 1.0),
    **dict.fromkeys(("cm", "centimeter"), 10.0),
}
CENTIMETER = 3  # of the ResolutionUnit tag; inches (2) speak of printers
CHANNEL_AXES, PAGE_AXES = "CS", "ZIQT"
OME_SIZE = re.compile(r'PhysicalSize([XYZ])(Unit)?="([^"]*)"')


def read_tiff(path: Path, *, as_label: bool = False) -> tuple[NDArray, StoredGrid]:
    """Read channels (C, H, W) or (C, D, H, W) and their grid.

    Args:
        path: A .tif or .tiff file.
        as_label: Give the indices of a palette, not its colors.

    Raises:
        FileError: The file is missing, damaged, partly transparent, or its pages do not form one volume.
    """
    import tifffile

    with reading(path, "TIFF"), tifffile.TiffFile(path) as tiff:
        series, axes = _series(tiff, path)
        array = _pixels(tiff, series, path)
        page: Any = tiff.pages[0]
        if array.dtype.kind == "c":
            raise FileError(expected="real numbers", got=str(array.dtype), remedy="convert to magnitudes", path=path)
        array = array.reshape(_kept_shape(series))
        if _is_palette(page) and not as_label:
            array, axes = np.moveaxis((page.colormap >> 8).astype(np.uint8)[:, array], 0, -1), f"{axes}S"
        array = _channels_first(array, axes)
        if getattr(page, "extrasamples", ()) and page.extrasamples[-1] in (1, 2):
            array = without_alpha(array, path)
        return array, picture_grid(array.shape[1:], _spacing_mm(tiff, array.ndim - 1))


def read_tiff_grid(path: Path) -> tuple[StoredGrid, int]:
    """Read the tags only: the grid and the number of channels.

    Raises:
        FileError: The file is missing, damaged, or its pages do not form one volume.
    """
    import tifffile

    with reading(path, "TIFF"), tifffile.TiffFile(path) as tiff:
        series, axes = _series(tiff, path)
        sizes = dict(zip(axes, _kept_shape(series), strict=True))
        num_channels = next((sizes[axis] for axis in axes if axis in CHANNEL_AXES), 1)
        page: Any = tiff.pages[0]
        if getattr(page, "extrasamples", ()) and page.extrasamples[-1] in (1, 2):
            num_channels -= 1
        if _is_palette(page):
            num_channels = 3
        shape = tuple(size for axis, size in sizes.items() if axis not in CHANNEL_AXES)
        return picture_grid(shape, _spacing_mm(tiff, len(shape))), num_channels


def write_tiff(path: Path, array: NDArray, grid: StoredGrid) -> None:
    """Write (C, H, W) or (C, D, H, W), compressed, with the spacing in the tags.

    Raises:
        FileError: The file cannot be written, or TIFF cannot hold the array.
    """
    import tifffile

    array = array.astype(np.uint8) if array.dtype == bool else array
    spacing = tuple(float(edge) for edge in np.linalg.norm(grid.exact_affine[:-1, :-1], axis=0))
    axes = "ZYX" if array.ndim == 4 else "YX"
    is_color = array.shape[0] == 3 and array.dtype.name in ("uint8", "uint16")
    if is_color:
        array, axes = np.moveaxis(array, 0, -1), f"{axes}S"
    elif array.shape[0] == 1:
        array = array[0]
    else:
        axes = f"C{axes}"
    metadata: dict[str, Any] = {"axes": axes}
    resolution: dict[str, Any] = {}
    if spacing != (1.0,) * len(spacing):  # 1 mm also stands for unknown, which needs no words
        metadata |= {"spacing_mm": spacing}
        resolution = {"resolution": (10 / spacing[-1], 10 / spacing[-2]), "resolutionunit": CENTIMETER}
    with writing(path, "TIFF"), written_atomically(path) as partial:
        tifffile.imwrite(
            partial,
            np.ascontiguousarray(array),
            photometric="rgb" if is_color else "minisblack",
            compression="zlib",
            metadata=metadata,
            **resolution,
        )


def _series(tiff: Any, path: Path) -> tuple[Any, str]:
    """Give the one series of the file and its axes, those of length 1 that say nothing left out."""
    series = tiff.series[0]
    axes = "".join(axis for axis, _ in _kept(series))
    channels = sum(axis in CHANNEL_AXES for axis in axes)
    others = [axis for axis in axes if axis not in "YX" + CHANNEL_AXES]
    sound = "Y" in axes and "X" in axes and channels <= 1 and len(others) <= 1
    if len(tiff.series) == 1 and sound and all(axis in PAGE_AXES for axis in others):
        return series, axes
    raise FileError(
        expected="pages of one size that form one picture or volume",
        got=f"{len(tiff.series)} sets of pages, the first with axes {series.axes}",
        remedy="split the file, one picture or volume each",
        path=path,
    )


def _kept(series: Any) -> list[tuple[str, int]]:
    return [
        (axis, int(size)) for axis, size in zip(series.axes, series.shape, strict=True) if axis in "ZYX" or size != 1
    ]


def _kept_shape(series: Any) -> tuple[int, ...]:
    return tuple(size for _, size in _kept(series))


def _is_palette(page: Any) -> bool:
    return page.photometric == 3 and page.colormap is not None


def _pixels(tiff: Any, series: Any, path: Path) -> NDArray:
    """Decode all pages; pillow does where tifffile lacks the codec (LZW)."""
    if tiff.pages[0].compression in (1, 8, 32946):  # none, and the two numbers of deflate
        return series.asarray()
    from PIL import ImageSequence

    with opened_picture(path) as pages:
        array = np.stack([np.array(page) for page in ImageSequence.Iterator(pages)])
    return array.astype(series.dtype.newbyteorder("="), copy=False)


def _channels_first(array: NDArray, axes: str) -> NDArray:
    for position, axis in enumerate(axes):
        if axis in CHANNEL_AXES:
            return np.moveaxis(array, position, 0)
    return array[None]


def _spacing_mm(tiff: Any, dims: int) -> tuple[float, ...] | None:
    """Spacing where the file states one in a unit of length; None otherwise."""
    own = (tiff.shaped_metadata or ({},))[0].get("spacing_mm")
    if own is not None and len(own) == dims:
        return tuple(float(edge) for edge in own)
    found = _ome_spacing(tiff) or _tag_spacing(tiff)
    if found is None or not all(np.isfinite(edge) and edge > 0 for edge in found[-dims:]):
        return None
    return found[-dims:]


def _ome_spacing(tiff: Any) -> tuple[float, ...] | None:
    stated = {(axis, unit): value for axis, unit, value in OME_SIZE.findall(tiff.ome_metadata or "")}
    edges: list[float] = []
    for axis in "ZYX":
        scale = MM_PER_UNIT.get(stated.get((axis, "Unit"), "µm").lower())
        if scale is None or ((axis, "") not in stated and axis != "Z"):
            return None
        edges.append(float(stated.get((axis, ""), "1")) * scale)
    return tuple(edges)


def _tag_spacing(tiff: Any) -> tuple[float, ...] | None:
    imagej = tiff.imagej_metadata or {}
    tags = tiff.pages[0].tags
    if "XResolution" not in tags or "YResolution" not in tags:
        return None
    if tags.valueof("ResolutionUnit") == CENTIMETER:
        scale = 10.0
    else:
        scale = MM_PER_UNIT.get(str(imagej.get("unit", "")).lower())
    numerators = [tags.valueof(name) for name in ("YResolution", "XResolution")]
    if scale is None or any(top == 0 or bottom == 0 for top, bottom in numerators):
        return None
    rows, columns = (scale * bottom / top for top, bottom in numerators)
    depth = MM_PER_UNIT.get(str(imagej.get("unit", "")).lower(), scale) * float(imagej.get("spacing", 0))
    return (depth or rows, rows, columns)
