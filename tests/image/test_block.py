from __future__ import annotations

import gzip

import numpy as np
import pytest

from univox.errors import FileError
from univox.image.block import read_block, write_block


def array():
    return np.arange(24, dtype=np.int16).reshape(2, 3, 4)


@pytest.mark.parametrize("name", ["block.img", "block.gz"])
def test_the_first_axis_runs_fastest(tmp_path, name):
    path = tmp_path / name
    write_block(path, b"head", array())
    content = path.read_bytes() if name.endswith("img") else gzip.decompress(path.read_bytes())
    assert content[:4] == b"head"
    assert np.array_equal(np.frombuffer(content[4:], np.int16), array().ravel(order="F"))
    assert np.array_equal(read_block(path, 4, (2, 3, 4), np.dtype("int16")), array())


def test_the_byte_order_of_the_file_is_left_behind(tmp_path):
    write_block(tmp_path / "block", b"", array().astype(">i2"))
    again = read_block(tmp_path / "block", 0, (2, 3, 4), np.dtype(">i2"))
    assert again.dtype.isnative
    assert np.array_equal(again, array())


def test_gzip_holds_neither_name_nor_time(tmp_path):
    write_block(tmp_path / "block.gz", b"", array())
    head = (tmp_path / "block.gz").read_bytes()[:8]
    assert head[3] == 0  # no flags, so no name
    assert head[4:8] == bytes(4)  # no time


@pytest.mark.parametrize("name", ["block", "block.gz"])
@pytest.mark.parametrize("shape", [(2, 3, 5), (2, 3, 4, 10**12)])
def test_a_short_file_is_said_to_be_short(tmp_path, name, shape):
    write_block(tmp_path / name, b"", array())
    with pytest.raises(FileError, match="bytes of voxels"):
        read_block(tmp_path / name, 0, shape, np.dtype("int16"))


def test_the_checksum_counts_even_behind_bytes_that_nobody_needs(tmp_path):
    path = tmp_path / "block.gz"
    write_block(path, b"", array())
    longer = gzip.compress(gzip.decompress(path.read_bytes()) + b"and more")
    path.write_bytes(longer)
    assert np.array_equal(read_block(path, 0, (2, 3, 4), np.dtype("int16")), array())
    path.write_bytes(longer[:-8] + bytes(8))
    with pytest.raises(OSError, match="CRC"):
        read_block(path, 0, (2, 3, 4), np.dtype("int16"))
