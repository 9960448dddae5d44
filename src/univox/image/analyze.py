"""Analyze 7.5 headers (.hdr beside .img): sizes and spacing, no orientation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from univox.image.image import StoredGrid
from univox.types import SpacingMM

if TYPE_CHECKING:
    from nibabel.spm99analyze import Spm99AnalyzeHeader

INTEGER_DTYPES = ("uint8", "int16", "int32")
FLOAT_DTYPES = ("float32", "float64")
GRID_FIELDS = ("pixdim", "origin")


def parse_analyze_header(block: bytes) -> Spm99AnalyzeHeader | None:
    """Parse the first bytes of a .hdr file; None where they are no Analyze header.

    The SPM form is used: it reads the scale factor that SPM keeps in a field Analyze leaves unused.
    """
    from nibabel.spm99analyze import Spm99AnalyzeHeader

    if not Spm99AnalyzeHeader.may_contain_header(block):
        return None
    return Spm99AnalyzeHeader(block[: Spm99AnalyzeHeader.sizeof_hdr], check=False)


def make_analyze_header(shape: tuple[int, ...], dtype: np.dtype, grid: StoredGrid, spacing_mm: SpacingMM) -> bytes:
    """Lay out the 348 bytes of an Analyze header.

    Args:
        shape: As written, first axis fastest.
        dtype: One that Analyze knows (`analyze_dtype`).
        grid: What the header fields are copied from.
        spacing_mm: Used where `grid` did not come from an Analyze file.
    """
    from nibabel.spm99analyze import Spm99AnalyzeHeader

    header = Spm99AnalyzeHeader(endianness="<")
    header.set_data_shape(shape)
    header.set_data_dtype(dtype)
    header["pixdim"][1 : 1 + len(spacing_mm)] = spacing_mm
    for name, value in grid.header.items():
        if name in GRID_FIELDS:
            header[name] = value
    return bytes(header.binaryblock)


def analyze_dtype(dtype: np.dtype) -> np.dtype:
    """Give the smallest type that Analyze knows and that holds the values of `dtype`.

    64-bit integers become float64, exact up to 2**53.

    >>> analyze_dtype(np.dtype("uint16"))
    dtype('int32')
    """
    names = INTEGER_DTYPES + FLOAT_DTYPES if dtype.kind in "iu" else FLOAT_DTYPES
    return np.dtype(next(name for name in names if np.can_cast(dtype, name, "safe")))
