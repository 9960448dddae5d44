"""One door for every format: the suffix chooses the reader and the writer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from univox.errors import FileError, GeometryError, LabelError
from univox.image.analyze import INTEGER_DTYPES as ANALYZE_INTEGERS
from univox.image.image import (
    Geometry,
    Image,
    Label,
    StoredGrid,
    default_channel_names,
    grid_difference,
)
from univox.image.metaimage import read_itk, read_itk_grid, write_itk
from univox.image.nifti import read_nifti, read_nifti_grid, write_nifti
from univox.image.raster import read_picture, read_picture_grid, write_picture
from univox.image.tiff import read_tiff, read_tiff_grid, write_tiff
from univox.types import PathLike

VOLUME_INTEGERS = ("uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")
PICTURE_INTEGERS = ("uint8", "uint16", "int32", "uint32", "int64", "uint64")
WHOLE_TOLERANCE = 1e-3
"""A float label this near to a whole number is one: scale factors leave such remainders."""

Read = Callable[[Path], tuple[NDArray, StoredGrid]]
ReadGrid = Callable[[Path], tuple[StoredGrid, int]]
Write = Callable[[Path, NDArray, StoredGrid], None]


@dataclass(frozen=True)
class Format:
    """What can be done with a suffix.

    Args:
        read: File to channels (C, *stored axes) and grid.
        read_as_label: The same, where a palette means its indices.
        read_grid: The header only.
        write: Channels (C, *canonical axes) to file; None for formats that are only read.
        label_dtypes: Integer types for labels, the preferred first.
    """

    read: Read
    read_as_label: Read
    read_grid: ReadGrid
    write: Write | None
    label_dtypes: tuple[str, ...]


def _read_picture_label(path: Path) -> tuple[NDArray, StoredGrid]:
    return read_picture(path, as_label=True)


def _read_tiff_label(path: Path) -> tuple[NDArray, StoredGrid]:
    return read_tiff(path, as_label=True)


NIFTI = Format(read_nifti, read_nifti, read_nifti_grid, write_nifti, VOLUME_INTEGERS)
PAIR = replace(NIFTI, label_dtypes=ANALYZE_INTEGERS)
ITK = Format(read_itk, read_itk, read_itk_grid, write_itk, VOLUME_INTEGERS)
PNG = Format(read_picture, _read_picture_label, read_picture_grid, write_picture, ("uint8", "uint16"))
READ_ONLY_PICTURE = replace(PNG, write=None)
TIFF = Format(read_tiff, _read_tiff_label, read_tiff_grid, write_tiff, PICTURE_INTEGERS)

FORMATS: dict[str, Format] = {
    **dict.fromkeys((".nii.gz", ".nii"), NIFTI),
    **dict.fromkeys((".hdr", ".img"), PAIR),
    **dict.fromkeys((".nrrd", ".mha", ".mhd"), ITK),
    ".png": PNG,
    **dict.fromkeys((".tif", ".tiff"), TIFF),
    **dict.fromkeys((".bmp", ".jpg", ".jpeg"), READ_ONLY_PICTURE),
}
IMAGE_SUFFIXES: tuple[str, ...] = tuple(FORMATS)
"""Every suffix that can be read. A pair answers to .hdr and to .img."""
WRITABLE_SUFFIXES: tuple[str, ...] = tuple(suffix for suffix, kind in FORMATS.items() if kind.write)
"""Every suffix that can be written."""


def image_suffix(path: PathLike) -> str:
    """Suffix that decides the format, in lower case.

    Raises:
        FileError: The suffix is of no known format.

    >>> image_suffix("scan.v2.NII.GZ")
    '.nii.gz'
    """
    path = Path(path)
    name = path.name.lower()
    for suffix in IMAGE_SUFFIXES:
        if name.endswith(suffix) and name != suffix:
            return suffix
    raise FileError(
        expected=f"a file that ends in {', '.join(IMAGE_SUFFIXES)}",
        got=path.suffix or "no suffix",
        remedy="convert the file to one of these formats",
        path=path,
    )


def image_stem(path: PathLike) -> str:
    """Name of an image file without its suffix.

    Raises:
        FileError: The suffix is of no known format.

    >>> image_stem("cases/scan.v2.nii.gz")
    'scan.v2'
    """
    return Path(path).name[: -len(image_suffix(path))]


def read_image(paths: PathLike | Sequence[PathLike], *, channel_names: Sequence[str] | None = None) -> Image:
    """Read one image, turned to the canonical orientation.

    Args:
        paths: A file, or several whose channels are joined in this order.
        channel_names: One per channel; red, green, blue or numbers when left out.

    Returns:
        Its array has the type of the file, or float32 where the header scales the values.

    Raises:
        FileError: A file is missing or unreadable, or its format is unknown.
        GeometryError: A header describes no grid, or the files lie on different grids.
        ShapeError: `channel_names` has another length than the image has channels.
    """
    files = [Path(paths)] if isinstance(paths, str | Path) or not isinstance(paths, Sequence) else paths
    images = [_read_one(Path(file)) for file in files]
    first = images[0]
    for file, other in zip(files[1:], images[1:], strict=True):
        difference = grid_difference(first, other)
        if difference is not None:
            raise GeometryError(
                expected=f"the grid of {Path(files[0]).name}, which is a channel of the same case",
                got=difference,
                remedy="resample the channels to one grid",
                path=Path(file),
            )
    array = first.array if len(images) == 1 else np.concatenate([image.array for image in images])
    if channel_names is not None:
        names = tuple(channel_names)
    else:
        names = first.channel_names if len(images) == 1 else default_channel_names(len(array))
    return Image(array, first.affine, names, first.stored)


def read_label(path: PathLike) -> Label:
    """Read one label, turned to the canonical orientation.

    Whole numbers stored as floats are accepted, and gray stored as color.

    Raises:
        FileError: The file is missing or unreadable, or its format is unknown.
        GeometryError: The header describes no grid.
        LabelError: The file holds several volumes, or values that are not whole numbers.
    """
    path = Path(path)
    array, stored = _format(path).read_as_label(path)
    if array.shape[0] > 1 and not (array[1:] == array[:1]).all():
        raise LabelError(
            expected="one volume or one channel of class numbers",
            got=f"{array.shape[0]} that differ",
            remedy="join them into one map of class numbers",
            path=path,
        )
    array = _whole(stored.orientation.to_canonical(array[0]), path)
    return Label(np.ascontiguousarray(array), stored.canonical_affine, stored)


def read_geometry(path: PathLike) -> Geometry:
    """Read the grid and the number of channels from the header, without the voxels.

    Raises:
        FileError, GeometryError: As `read_image`.
    """
    stored, num_channels = _format(path).read_grid(Path(path))
    return Geometry(stored.canonical_affine, stored, num_channels)


def write_image(path: PathLike, image: Image) -> None:
    """Write an image on its stored grid, in the format of the suffix; atomically, and repeatable to the byte.

    Raises:
        FileError: The format is unknown or only read, cannot hold the array, or the disk refuses.
    """
    _writer(path)(Path(path), image.array, image.stored)


def write_label(path: PathLike, array: NDArray, *, like: Image | Label) -> None:
    """Write a label on the stored grid of its image: same shape, affine and orientation.

    Args:
        path: Its suffix chooses the format, which need not be that of the image.
        array: Canonical (D, H, W) or (H, W), integer or boolean.
        like: What the label belongs to.

    Raises:
        FileError: The format is unknown or only read, or the disk refuses.
        GeometryError: The array has another shape than `like`.
        LabelError: The values are not integers, or the format cannot hold them.
    """
    path = Path(path)
    if array.shape != like.spatial_shape:
        raise GeometryError(
            expected=f"a label of shape {' x '.join(map(str, like.spatial_shape))}, that of its image",
            got=" x ".join(map(str, array.shape)),
            remedy="restore the label to the grid of the image first",
            path=path,
        )
    writer = _writer(path)
    dtype = smallest_integer_dtype(array, _format(path).label_dtypes, path=path)
    writer(path, array.astype(dtype, copy=False)[None], like.stored)


def smallest_integer_dtype(
    array: NDArray, candidates: Sequence[str] = VOLUME_INTEGERS, *, path: Path | None = None
) -> np.dtype:
    """Pick the first of `candidates` that holds every value.

    Raises:
        LabelError: The values are not integers, or none holds them all.

    >>> smallest_integer_dtype(np.array([0, 300]))
    dtype('int16')
    """
    if array.dtype.kind not in "iub":
        raise LabelError(
            expected="an integer label array", got=str(array.dtype), remedy="convert it to integers", path=path
        )
    low, high = (int(array.min()), int(array.max())) if array.size else (0, 0)
    for name in candidates:
        limits = np.iinfo(name)
        if limits.min <= low and high <= limits.max:
            return np.dtype(name)
    raise LabelError(
        expected=f"values that fit one of {', '.join(candidates)}",
        got=f"values from {low} to {high}",
        remedy="write another format (.nii.gz for volumes, .tif for pictures)",
        path=path,
    )


def _format(path: PathLike) -> Format:
    return FORMATS[image_suffix(path)]


def _writer(path: PathLike) -> Write:
    path = Path(path)
    writer = _format(path).write
    if writer is None:
        raise FileError(
            expected=f"a format that can be written ({', '.join(WRITABLE_SUFFIXES)})",
            got=image_suffix(path),
            remedy="write .png, which loses nothing",
            path=path,
        )
    return writer


def _read_one(path: Path) -> Image:
    kind = _format(path)
    array, stored = kind.read(path)
    array = np.ascontiguousarray(stored.orientation.to_canonical(array))
    is_color = array.shape[0] == 3 and stored.format == "raster"
    names = ("red", "green", "blue") if is_color else default_channel_names(array.shape[0])
    return Image(array, stored.canonical_affine, names, stored)


def _whole(array: NDArray, path: Path) -> NDArray:
    if array.dtype.kind == "b":
        return array.astype(np.uint8)
    if array.dtype.kind in "iu":
        return array
    nearest = np.rint(array)
    off = ~np.isfinite(array)
    off |= np.abs(np.subtract(array, nearest, where=~off, out=np.zeros_like(array))) > WHOLE_TOLERANCE
    if off.any():
        raise LabelError(
            expected="whole numbers as class codes",
            got=f"{array[off].flat[0]:g} and {int(off.sum()) - 1} other values that are none",
            remedy="check that this is the label and not an image, or a label resampled without interpolation",
            path=path,
        )
    smallest = smallest_integer_dtype(np.array([nearest.min(), nearest.max()]).astype(np.int64))
    return nearest.astype(smallest)
