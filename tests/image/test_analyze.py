from __future__ import annotations

import nibabel
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from univox.errors import FileError, LabelError
from univox.image import read_geometry, read_image, read_label, write_image, write_label
from univox.image.analyze import analyze_dtype


def save(path, array, spacing=(2.0, 3.0, 4.0)):
    plain = nibabel.AnalyzeImage(array, np.diag([*spacing, 1.0]))
    plain.header.set_data_dtype(array.dtype)
    nibabel.save(plain, path)
    return path


def volume(shape=(3, 4, 5), dtype="int16"):
    return np.arange(np.prod(shape)).reshape(shape).astype(dtype)


def test_the_stored_order_is_kept(tmp_path):
    image = read_image(save(tmp_path / "case.hdr", volume()))
    assert np.array_equal(image.array[0], volume().T)
    assert image.spacing_mm == (4.0, 3.0, 2.0)
    assert not image.stored.oriented
    assert image.stored.format == "analyze"


def test_a_unit_fourth_axis_is_no_channel_and_is_written_back(tmp_path):
    path = save(tmp_path / "case.img", volume((3, 4, 5, 1)))
    image = read_image(path)
    assert image.array.shape == (1, 5, 4, 3)
    write_label(tmp_path / "label.hdr", image.array[0] % 4 * 50, like=image)
    label = nibabel.load(tmp_path / "label.hdr")
    assert "Nifti" not in type(label).__name__
    assert label.shape == (3, 4, 5, 1)
    assert label.get_data_dtype() == np.uint8
    assert np.array_equal(np.asanyarray(label.dataobj)[..., 0], volume() % 4 * 50)
    assert np.array_equal(label.affine, nibabel.load(path).affine)


@settings(deadline=None, max_examples=25)
@given(
    dtype=st.sampled_from(["uint8", "int8", "int16", "uint16", "int32", "uint32", "float32", "float64"]),
    channels=st.integers(1, 3),
)
def test_write_then_read_is_the_identity(tmp_path_factory, dtype, channels):
    folder = tmp_path_factory.mktemp("analyze")
    shape = (3, 4, 5, channels) if channels > 1 else (3, 4, 5)
    image = read_image(save(folder / "first.hdr", volume(shape, analyze_dtype(np.dtype(dtype)))))
    write_image(folder / "second.hdr", image)
    again = read_image(folder / "second.img")
    assert again.array.dtype == image.array.dtype
    assert np.array_equal(again.array, image.array)
    assert np.array_equal(again.affine, image.affine)
    assert again.stored.format == "analyze"


@pytest.mark.parametrize(
    ("dtype", "held"),
    [
        ("uint8", "uint8"),
        ("int8", "int16"),
        ("uint16", "int32"),
        ("uint32", "float64"),
        ("float16", "float32"),
        ("int64", "float64"),
    ],
)
def test_types_that_analyze_lacks_become_larger(dtype, held):
    assert analyze_dtype(np.dtype(dtype)) == np.dtype(held)


def test_codes_that_no_type_holds_are_refused(tmp_path):
    image = read_image(save(tmp_path / "case.hdr", volume()))
    with pytest.raises(LabelError, match="values from 0 to 4294967296"):
        write_label(tmp_path / "label.hdr", np.full((5, 4, 3), 2**32) * (np.arange(3) > 0), like=image)


def test_the_scale_factor_of_spm_is_applied(tmp_path):
    plain = nibabel.Spm99AnalyzeImage(volume(), np.diag([2.0, 3, 4, 1]))
    nibabel.save(plain, tmp_path / "case.hdr")
    raw = bytearray((tmp_path / "case.hdr").read_bytes())
    np.ndarray((), nibabel.spm99analyze.header_dtype, raw)["scl_slope"] = 0.25
    (tmp_path / "case.hdr").write_bytes(raw)
    image = read_image(tmp_path / "case.hdr")
    assert image.array.dtype == np.float32
    assert np.array_equal(image.array[0].T, volume() * 0.25)


def test_an_analyze_label_can_be_written_as_nifti(tmp_path):
    image = read_image(save(tmp_path / "case.hdr", volume()))
    write_label(tmp_path / "label.nii.gz", image.array[0], like=image)
    label = nibabel.load(tmp_path / "label.nii.gz")
    assert (label.header["sform_code"], label.header["qform_code"]) == (0, 0)
    assert np.array_equal(np.asanyarray(label.dataobj), volume())
    assert np.array_equal(read_label(tmp_path / "label.nii.gz").affine, image.affine)


def test_geometry_and_broken_headers(tmp_path):
    path = save(tmp_path / "case.hdr", volume())
    assert read_geometry(path).spatial_shape == (5, 4, 3)
    path.write_text("not a header " * 40)
    with pytest.raises(FileError, match=r"case\.hdr: expected an Analyze or NIfTI header"):
        read_image(path)
