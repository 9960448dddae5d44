"""NIfTI-1 and NIfTI-2 files (.nii, .nii.gz, .hdr/.img), and Analyze through the same door.

nibabel knows the headers. The voxels are read and written here, because nibabel mends a broken header in
silence (a zero spacing becomes 1 mm) and scales to double precision.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from univox.errors import FileError, GeometryError
from univox.image.affine import (
    Affine,
    Orientation,
    affine_from_spacing,
    check_affine,
    orientation_of,
    spacing_of,
    turned_affine,
)
from univox.image.analyze import GRID_FIELDS, analyze_dtype, make_analyze_header, parse_analyze_header
from univox.image.block import opened, read_block, write_block
from univox.image.guard import reading, writing
from univox.image.image import StoredGrid

GEOMETRY_FIELDS = (
    *("pixdim", "xyzt_units", "dim_info", "qform_code", "sform_code"),
    *("quatern_b", "quatern_c", "quatern_d", "qoffset_x", "qoffset_y", "qoffset_z"),
    *("srow_x", "srow_y", "srow_z"),
)
MM_PER_UNIT = {1: 1000.0, 3: 0.001}
"""By the spatial part of xyzt_units: meters and microns; all else is mm."""
LONGEST_HEADER = 540


@dataclass(frozen=True)
class _Parsed:
    """A header taken apart: how the voxels lie, and where."""

    header: Any
    data_path: Path
    offset: int
    shape: tuple[int, ...]
    dtype: np.dtype
    grid: StoredGrid
    num_channels: int


def read_nifti(path: Path) -> tuple[NDArray, StoredGrid]:
    """Read channels (C, *stored axes) with the scale factors applied, and their grid.

    Raises:
        FileError: The file is missing, damaged, or holds complex numbers or several time series.
        GeometryError: The header describes no grid.
    """
    with reading(path, "NIfTI or Analyze"):
        parsed = _parse(path)
        with reading(parsed.data_path, "voxel"):
            array = read_block(parsed.data_path, parsed.offset, parsed.shape, parsed.dtype)
        slope, inter = parsed.header.get_slope_inter()
        array = _channels_first(array, parsed)
        if slope is None or (slope == 1 and not inter):
            return array, parsed.grid
        return _scaled(array, slope, inter or 0.0), parsed.grid


def read_nifti_grid(path: Path) -> tuple[StoredGrid, int]:
    """Read the header only: the grid and the number of channels.

    Raises:
        FileError, GeometryError: As `read_nifti`.
    """
    with reading(path, "NIfTI or Analyze"):
        parsed = _parse(path)
        return parsed.grid, parsed.num_channels


def write_nifti(path: Path, array: NDArray, grid: StoredGrid) -> None:
    """Write (C, *canonical axes) on `grid`, without scale factors.

    A pair is written voxels first, and an old header goes before them, so that no header ever stands
    beside the voxels of another file.

    Raises:
        FileError: The file cannot be written, or cannot hold the array.
    """
    with writing(path, "NIfTI"):
        if grid.format not in ("nifti", "analyze", "itk"):
            grid = grid.in_column_order()
        stored = np.moveaxis(grid.orientation.to_stored(array), 0, -1)
        stored = stored.reshape(_written_shape(stored.shape, grid))
        pair = pair_paths(path)
        if pair is None:
            stored = _held(stored)
            write_block(path, _header_block(stored, grid, single=True), stored)
            return
        header_path, data_path = pair
        if grid.format == "analyze":
            stored = stored.astype(analyze_dtype(stored.dtype), copy=False)
            block = make_analyze_header(stored.shape, stored.dtype, grid, _stored_spacing(grid))
        else:
            stored = _held(stored)
            block = _header_block(stored, grid, single=False)
        header_path.unlink(missing_ok=True)
        write_block(data_path, b"", stored)
        write_block(header_path, block, np.empty(0, np.uint8))


def pair_paths(path: Path) -> tuple[Path, Path] | None:
    """Header and voxel file of a pair, whichever of the two is named; None for a single file."""
    if path.suffix.lower() not in (".hdr", ".img"):
        return None
    upper = path.suffix.isupper()
    header, data = (".HDR", ".IMG") if upper else (".hdr", ".img")
    return path.with_suffix(header), path.with_suffix(data)


def _parse(path: Path) -> _Parsed:
    header_path, data_path = pair_paths(path) or (path, path)
    with reading(header_path, "header"), opened(header_path) as stream:
        block = stream.read(LONGEST_HEADER)
    header, kind = _header_of(block, header_path, pair=header_path != data_path)
    full_shape = tuple(int(size) for size in header.get_data_shape())
    spatial, num_channels = _split_shape(full_shape, path)
    dtype = header.get_data_dtype()
    if dtype.kind == "c" or (dtype.kind == "f" and dtype.itemsize > 8):
        raise FileError(
            expected="real numbers of at most 64 bits",
            got=str(dtype),
            remedy="convert the image to magnitudes in float32",
            path=path,
        )
    if dtype.names is not None:
        if num_channels > 1:
            raise _unknown_axes(full_shape, path)
        num_channels = len(dtype.names)
    offset = int(header["vox_offset"])
    if header_path == data_path and offset < header.sizeof_hdr:
        offset = header.sizeof_hdr + 4
    facts: dict[str, object] = {name: np.array(header[name]) for name in _facts_of(kind)}
    if kind == "nifti":
        facts["version"] = 1 if header.sizeof_hdr == 348 else 2
    facts["trailing_axes"] = len(full_shape) - len(spatial) if num_channels == 1 else 0
    grid = _grid(header, kind, spatial, facts, path)
    return _Parsed(header, data_path, offset, full_shape, dtype, grid, num_channels)


def _header_of(block: bytes, path: Path, *, pair: bool) -> tuple[Any, str]:
    from nibabel.nifti1 import Nifti1Header
    from nibabel.nifti2 import Nifti2Header

    for kind in (Nifti1Header, Nifti2Header):
        if kind.may_contain_header(block):
            return kind(block[: kind.sizeof_hdr], check=False), "nifti"
    header = parse_analyze_header(block) if pair else None
    if header is not None:
        return header, "analyze"
    raise FileError(
        expected="an Analyze or NIfTI header" if pair else "a NIfTI file",
        got="something else under that name",
        remedy="check what the file is, and give it its own suffix",
        path=path,
    )


def _split_shape(shape: tuple[int, ...], path: Path) -> tuple[tuple[int, ...], int]:
    """Spatial sizes and channels: the axes behind the third, of which one may be longer than 1."""
    channels = [size for size in shape[3:] if size != 1]
    if len(shape) < 2 or min(shape) < 1 or len(channels) > 1:
        raise _unknown_axes(shape, path)
    return shape[:3], channels[0] if channels else 1


def _unknown_axes(shape: tuple[int, ...], path: Path) -> FileError:
    return FileError(
        expected="2 or 3 spatial axes and at most one of channels",
        got=f"shape {' x '.join(map(str, shape)) or 'of no axes'}",
        remedy="split the file, one volume or one set of channels each",
        path=path,
    )


def _facts_of(kind: str) -> tuple[str, ...]:
    return GEOMETRY_FIELDS if kind == "nifti" else GRID_FIELDS


def _grid(header: Any, kind: str, shape: tuple[int, ...], facts: dict[str, object], path: Path) -> StoredGrid:
    dims = len(shape)
    zooms = np.abs(np.asarray(header["pixdim"], dtype=np.float64)[1 : dims + 1])
    if not (np.isfinite(zooms).all() and (zooms > 0).all()):
        raise GeometryError(
            expected="a spacing above zero on every axis",
            got=f"{' x '.join(f'{edge:g}' for edge in zooms)} in the header",
            remedy="mend pixdim with the spacing of the scan",
            path=path,
        )
    affine = _oriented_affine(header) if kind == "nifti" and dims == 3 else None
    oriented = affine is not None
    if affine is None:
        turn = Orientation.column_order(dims)
        affine = turned_affine(affine_from_spacing(zooms[::-1].tolist()), shape[::-1], turn)
    if kind == "nifti":
        affine[:dims] *= MM_PER_UNIT.get(int(header["xyzt_units"]) & 7, 1.0)
    check_affine(affine, path)
    orientation = orientation_of(affine) if oriented else Orientation.column_order(dims)
    return StoredGrid(kind, shape, affine, orientation, oriented, facts)


def _oriented_affine(header: Any) -> Affine | None:
    """Sform, else qform; None where the header gives neither a code."""
    if header["sform_code"] != 0:
        return header.get_sform()
    if header["qform_code"] != 0:
        return header.get_qform()
    return None


def _channels_first(array: NDArray, parsed: _Parsed) -> NDArray:
    spatial = parsed.grid.shape
    if array.dtype.names is not None:
        array = np.stack([array[name] for name in array.dtype.names], axis=-1)
    # Axes of length 1 only are dropped, so first-axis-fastest order costs no copy.
    array = array.reshape((*spatial, parsed.num_channels), order="F")
    return np.moveaxis(array, -1, 0)


def _scaled(array: NDArray, slope: float, inter: float) -> NDArray[np.float32]:
    # Small types are exact in single precision; large ones would lose digits before the scale shrinks them.
    wide = array.dtype.itemsize > 2 and array.dtype != np.float32
    scaled = array.astype(np.float64 if wide else np.float32)
    scaled *= slope
    scaled += inter
    return scaled.astype(np.float32, copy=False)


def _written_shape(shape: tuple[int, ...], grid: StoredGrid) -> tuple[int, ...]:
    """Axes as they are written: no channel axis for one channel, save where the file had such axes."""
    *spatial, num_channels = shape
    if num_channels > 1:
        if len(spatial) == 2:
            raise FileError(
                expected="one channel for a 2-D NIfTI file",
                got=f"{num_channels}",
                remedy="write .tif or .png, which hold channels of a picture",
            )
        return shape
    trailing = grid.header.get("trailing_axes", 0)
    return (*spatial, *(1,) * (trailing if isinstance(trailing, int) else 0))


def _held(array: NDArray) -> NDArray:
    if array.dtype == bool:
        return array.astype(np.uint8)
    return array.astype(np.float32) if array.dtype == np.float16 else array


def _stored_spacing(grid: StoredGrid) -> tuple[float, ...]:
    return spacing_of(grid.affine)


def _header_block(array: NDArray, grid: StoredGrid, *, single: bool) -> bytes:
    """Lay out a little-endian NIfTI header with its (empty) extension mark."""
    from nibabel import nifti1, nifti2

    kinds: tuple[Any, Any] = (
        (nifti2.Nifti2PairHeader, nifti2.Nifti2Header)
        if grid.header.get("version") == 2
        else (nifti1.Nifti1PairHeader, nifti1.Nifti1Header)
    )
    header = kinds[single](endianness="<")
    header.set_data_shape(array.shape)
    header.set_data_dtype(array.dtype)
    if grid.format == "nifti":
        for name in GEOMETRY_FIELDS:
            header[name] = grid.header[name]
    else:
        _set_geometry(header, grid)
    header["scl_slope"], header["scl_inter"] = 1.0, 0.0
    header["vox_offset"] = header.sizeof_hdr + 4 if single else 0
    return bytes(header.binaryblock) + b"\0\0\0\0"


def _set_geometry(header: Any, grid: StoredGrid) -> None:
    dims = len(grid.shape)
    header["pixdim"][1 : dims + 1] = _stored_spacing(grid)
    header.set_xyzt_units("mm")
    if not grid.oriented or dims == 2:
        return
    header.set_sform(grid.affine, code=1)
    cosines = grid.affine[:3, :3] / np.linalg.norm(grid.affine[:3, :3], axis=0)
    if np.allclose(cosines.T @ cosines, np.eye(3), atol=1e-4):  # a quaternion holds no shear
        header.set_qform(grid.affine, code=1)
