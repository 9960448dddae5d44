"""The voxel block of a NIfTI or Analyze file, gzip or plain: bytes to array and back."""

from __future__ import annotations

import contextlib
import gzip
import io
import math
from collections.abc import Generator
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from univox.atomic import written_atomically
from univox.errors import FileError

GZIP_LEVEL = 4
# Deflate cannot shrink data by more than this; a header that asks for more is wrong.
GZIP_LIMIT = 1040
CHUNK = 1 << 20


def is_gzip(path: Path) -> bool:
    """Whether the name says gzip."""
    return path.name.lower().endswith(".gz")


@contextlib.contextmanager
def opened(path: Path) -> Generator[BinaryIO, None, None]:
    """Open for reading, through gzip where the name says so."""
    with gzip.open(path, "rb") if is_gzip(path) else path.open("rb") as stream:
        yield cast("BinaryIO", stream)


def read_block(path: Path, offset: int, shape: tuple[int, ...], dtype: np.dtype) -> NDArray:
    """Read the voxels behind `offset`, first axis fastest.

    Returns:
        A writable array in the byte order of this machine.

    Raises:
        FileError: The file is shorter than its header says.
    """
    size = math.prod(shape) * dtype.itemsize
    on_disk = path.stat().st_size
    read = 0
    if offset + size <= on_disk * (GZIP_LIMIT if is_gzip(path) else 1):
        buffer = bytearray(size)
        with opened(path) as stream:
            stream.seek(offset)
            read = cast("io.BufferedReader", stream).readinto(buffer)
            while is_gzip(path) and stream.read(CHUNK):
                pass  # on to the end, where the checksum stands
        if read == size:
            array = np.frombuffer(buffer, dtype).reshape(shape, order="F")
            return array if dtype.isnative else array.astype(dtype.newbyteorder("="))
    raise FileError(
        expected=f"{size} bytes of voxels, as its header says",
        got="fewer",
        remedy="copy the file again from its source, or leave this case out",
        path=path,
    )


def write_block(path: Path, header: bytes, array: NDArray) -> None:
    """Write `header` and the voxels, first axis fastest, atomically; the same content gives the same bytes.

    Raises:
        FileError: The file cannot be written.
    """
    voxels = np.ascontiguousarray(array.T)
    with written_atomically(path) as partial, partial.open("wb") as stream:
        if is_gzip(path):
            # Neither name nor time go into the file.
            with gzip.GzipFile("", "wb", GZIP_LEVEL, stream, mtime=0) as packed:
                packed.write(header)
                packed.write(voxels.data)
        else:
            stream.write(header)
            stream.write(voxels.data)
