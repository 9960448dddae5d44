"""MetaImage (.mha, .mhd) and NRRD (.nrrd) through SimpleITK, from its LPS to RAS+."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from univox.atomic import written_atomically
from univox.errors import FileError
from univox.image.affine import (
    Affine,
    Orientation,
    check_affine,
    itk_to_ras,
    orientation_of,
    ras_to_itk,
)
from univox.image.guard import reading, writing
from univox.image.image import StoredGrid

IMAGE_IO = {".nrrd": "NrrdImageIO", ".mha": "MetaImageIO", ".mhd": "MetaImageIO"}
COMPRESSION_LEVEL = 4


def read_itk(path: Path) -> tuple[NDArray, StoredGrid]:
    """Read channels (C, *stored axes) and their grid.

    Raises:
        FileError: The file is missing, damaged, or holds complex numbers or more than three spatial axes.
        GeometryError: The header describes no grid.
    """
    import SimpleITK

    kind = _kind(path)
    with reading(path, kind):
        reader = _reader(path)
        grid, num_channels = _grid(reader, path)
        # Rows of the C++ array are (t, k, j, i, component); stored order is (i, j, k).
        array = SimpleITK.GetArrayFromImage(reader.Execute())
        if reader.GetNumberOfComponents() > 1:
            array = np.moveaxis(array, -1, 0)
        array = array.reshape((num_channels, *reversed(grid.shape)))
        return array.transpose(0, *range(len(grid.shape), 0, -1)), grid


def read_itk_grid(path: Path) -> tuple[StoredGrid, int]:
    """Read the header only: the grid and the number of channels.

    Raises:
        FileError, GeometryError: As `read_itk`.
    """
    with reading(path, _kind(path)):
        return _grid(_reader(path), path)


def write_itk(path: Path, array: NDArray, grid: StoredGrid) -> None:
    """Write (C, *canonical axes) on `grid`, compressed.

    For .mhd the voxels go to a file of their own beside it; an old header goes before them, so that no
    header ever stands beside the voxels of another file.

    Raises:
        FileError: The file cannot be written, or cannot hold the array.
    """
    with writing(path, _kind(path)):
        if grid.format not in ("nifti", "analyze", "itk"):
            grid = grid.in_column_order()
        image = _itk_image(grid.orientation.to_stored(array), grid)
        if path.suffix.lower() != ".mhd":
            with written_atomically(path) as partial:
                _write(image, partial)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".partial-") as folder:
            header = Path(folder) / path.name
            _write(image, header)
            (voxels,) = (file for file in Path(folder).iterdir() if file != header)
            path.unlink(missing_ok=True)
            _move(voxels, path.parent / voxels.name)
            _move(header, path)


def _kind(path: Path) -> str:
    return "NRRD" if path.suffix.lower() == ".nrrd" else "MetaImage"


def _reader(path: Path) -> Any:
    import SimpleITK

    SimpleITK.ProcessObject.SetGlobalWarningDisplay(False)  # its C++ warnings pass Python by
    reader = SimpleITK.ImageFileReader()
    reader.SetImageIO(IMAGE_IO[path.suffix.lower()])
    reader.SetFileName(str(path))
    reader.ReadImageInformation()
    return reader


def _grid(reader: Any, path: Path) -> tuple[StoredGrid, int]:
    shape = tuple(int(size) for size in reader.GetSize())
    dims, components = len(shape), int(reader.GetNumberOfComponents())
    if dims not in (2, 3, 4) or (dims == 4 and shape[3] > 1 and components > 1):
        raise FileError(
            expected="2 or 3 spatial axes and at most one of channels",
            got=f"{dims} axes and {components} components",
            remedy="split the file, one volume or one set of channels each",
            path=path,
        )
    if _is_complex(reader):
        raise FileError(
            expected="real numbers",
            got="complex numbers",
            remedy="convert the image to magnitudes in float32",
            path=path,
        )
    num_channels = components * (shape[3] if dims == 4 else 1)
    spatial = min(dims, 3)
    facts: dict[str, object] = {
        "spacing": tuple(reader.GetSpacing()[:spatial]),
        "direction": _leading_square(reader.GetDirection(), dims, spatial),
        "origin": tuple(reader.GetOrigin()[:spatial]),
    }
    affine = _affine(facts, spatial)
    check_affine(affine, path)
    orientation = orientation_of(affine) if spatial == 3 else Orientation.column_order(2)
    return StoredGrid("itk", shape[:3], affine, orientation, spatial == 3, facts), num_channels


def _is_complex(reader: Any) -> bool:
    import SimpleITK

    return "complex" in SimpleITK.GetPixelIDValueAsString(reader.GetPixelID())


def _leading_square(direction: tuple[float, ...], dims: int, kept: int) -> tuple[float, ...]:
    return tuple(np.reshape(direction, (dims, dims))[:kept, :kept].ravel().tolist())


def _affine(facts: dict[str, Any], dims: int) -> Affine:
    if dims == 3:
        return itk_to_ras(facts["spacing"], facts["direction"], facts["origin"])
    affine = np.eye(3)
    # Pictures have no orientation: x is the column, y the row, whatever the direction says.
    affine[:2] = [[0.0, facts["spacing"][1], facts["origin"][1]], [facts["spacing"][0], 0.0, facts["origin"][0]]]
    return affine


def _itk_image(stored: NDArray, grid: StoredGrid) -> Any:
    import SimpleITK

    if stored.dtype == bool:
        stored = stored.astype(np.uint8)
    elif stored.dtype == np.float16:
        stored = stored.astype(np.float32)
    is_vector = stored.shape[0] > 1
    rows = stored.transpose(*range(stored.ndim - 1, 0, -1), 0)
    rows = np.ascontiguousarray(rows if is_vector else rows[..., 0])
    image = SimpleITK.GetImageFromArray(rows, isVector=is_vector)
    spacing, direction, origin = _itk_geometry(grid)
    image.SetSpacing(spacing)
    image.SetDirection(direction)
    image.SetOrigin(origin)
    return image


def _itk_geometry(grid: StoredGrid) -> tuple[Any, Any, Any]:
    if grid.format == "itk":
        return grid.header["spacing"], grid.header["direction"], grid.header["origin"]
    if len(grid.shape) == 3:
        return ras_to_itk(grid.affine)
    affine = grid.exact_affine  # (row, column) to (y, x)
    return (
        (float(affine[1, 1]), float(affine[0, 0])),
        (1.0, 0.0, 0.0, 1.0),
        (float(affine[1, 2]), float(affine[0, 2])),
    )


def _write(image: Any, path: Path) -> None:
    import SimpleITK

    writer = SimpleITK.ImageFileWriter()
    writer.SetImageIO(IMAGE_IO[path.suffix.lower()])
    writer.SetFileName(str(path))
    writer.UseCompressionOn()
    writer.SetCompressionLevel(COMPRESSION_LEVEL)
    writer.Execute(image)


def _move(source: Path, target: Path) -> None:
    with written_atomically(target) as partial:
        source.replace(partial)
