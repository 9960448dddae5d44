from __future__ import annotations

import gzip

import nibabel
import numpy as np
import pytest
from axis_orders import all_orders, ras_affine, rotation
from hypothesis import given, settings
from hypothesis import strategies as st

from univox.errors import FileError, GeometryError, LabelError
from univox.image import (
    Image,
    Label,
    read_geometry,
    read_image,
    read_label,
    world_aligned,
    write_image,
    write_label,
)

DTYPES = ("uint8", "int8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64")


def save(path, array, affine=None, **header):
    """Write with plain nibabel, header fields set afterwards so that it cannot mend them."""
    array = np.asarray(array)
    image = nibabel.Nifti1Image(array, np.eye(4) if affine is None else affine, dtype=array.dtype)
    nibabel.save(image, path)
    if header:
        raw = bytearray(path.read_bytes())
        block = np.ndarray((), nibabel.nifti1.header_dtype, raw)
        for name, value in header.items():
            block[name] = value
        path.write_bytes(raw)
    return path


def volume(shape=(3, 4, 5), dtype="int16"):
    return np.arange(np.prod(shape)).reshape(shape).astype(dtype)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".hdr"])
@settings(deadline=None, max_examples=25)
@given(dtype=st.sampled_from(DTYPES), channels=st.integers(1, 3), seed=st.integers(0, 999))
def test_write_then_read_is_the_identity(tmp_path_factory, suffix, dtype, channels, seed):
    path = tmp_path_factory.mktemp("nifti") / f"case{suffix}"
    bits = np.random.default_rng(seed).integers(0, 256, (channels, 3, 4, 5 * np.dtype(dtype).itemsize))
    array = bits.astype(np.uint8).view(dtype) if "float" not in dtype else bits.astype(dtype) / 7
    affine = ras_affine((0.8, 1.25, 3.0), (-12.5, 40.25, 7.0), rotation(0.1, 0.2, -0.1))[:, [2, 1, 0, 3]]
    image = Image.from_array(array, affine=affine)
    write_image(path, image)
    again = read_image(path)
    assert again.array.dtype == array.dtype
    assert np.array_equal(again.array, array)
    assert np.array_equal(again.affine, image.affine)
    assert again.spacing_mm == image.spacing_mm


def test_all_48_orders_are_one_case(tmp_path):
    array = volume((3, 4, 5, 2), "float32")
    affine = ras_affine((0.8, 1.25, 3.0), (-12.55, 40.25, 7.1), rotation(0.1, 0.2, -0.1))
    cases = {
        (image.array.tobytes(), image.affine.tobytes(), image.spacing_mm, image.spatial_shape)
        for index, (stored, matrix) in enumerate(all_orders(array, affine))
        for image in [read_image(save(tmp_path / f"{index}.nii", stored, matrix))]
    }
    assert len(cases) == 1


def test_a_canonical_voxel_is_where_nibabel_puts_it(tmp_path):
    affine = ras_affine((2.0, 3.0, 4.0), (10, 20, 30), np.eye(3))[:, [1, 2, 0, 3]]
    affine[:, 0] *= -1
    stored = volume()
    image = read_image(save(tmp_path / "case.nii", stored, affine))
    for index in np.ndindex(stored.shape):
        d, h, w = np.rint(np.linalg.solve(image.affine, affine @ [*index, 1]))[:3].astype(int)
        assert image.array[0, d, h, w] == stored[index]


def test_a_label_like_its_image_is_on_its_grid_for_others_too(tmp_path):
    affine = ras_affine((0.8, 1.25, 3.0), (-12.3, 40.7, 7.0), rotation(0.3, 0.2, -0.1))
    for index, (stored, matrix) in enumerate(all_orders(volume(), affine)):
        path = tmp_path / f"{index}.nii.gz"
        plain = nibabel.Nifti1Image(stored, None)
        plain.set_sform(matrix, 2)
        plain.set_qform(matrix, 3)
        plain.header.set_xyzt_units("mm", "sec")
        nibabel.save(plain, path)
        image = read_image(path)
        write_label(tmp_path / "label.nii.gz", image.array[0] % 3, like=image)
        label = nibabel.load(tmp_path / "label.nii.gz")
        assert label.get_data_dtype() == np.uint8
        assert np.array_equal(np.asanyarray(label.dataobj), stored % 3)
        for name in ("sform_code", "qform_code", "srow_x", "srow_y", "srow_z", "quatern_b", "quatern_c"):
            assert np.array_equal(label.header[name], plain.header[name]), name
        assert np.array_equal(label.header["pixdim"][:4], plain.header["pixdim"][:4])
        assert label.header["xyzt_units"] == plain.header["xyzt_units"]
        assert np.array_equal(read_label(tmp_path / "label.nii.gz").array, image.array[0] % 3)


def test_a_label_of_many_channels_has_none_and_one_of_a_unit_axis_keeps_it(tmp_path):
    for shape, written in (((3, 4, 5, 2), (3, 4, 5)), ((3, 4, 5, 1), (3, 4, 5, 1)), ((3, 4, 1), (3, 4, 1))):
        image = read_image(save(tmp_path / "image.nii", volume(shape)))
        write_label(tmp_path / "label.nii", np.zeros(image.spatial_shape, int), like=image)
        assert nibabel.load(tmp_path / "label.nii").shape == written


def test_scale_factors_are_applied_in_single_precision(tmp_path):
    path = save(tmp_path / "case.nii", volume(), scl_slope=0.5, scl_inter=-10)
    image = read_image(path)
    assert image.array.dtype == np.float32
    assert np.array_equal(image.array[0].T, volume() * 0.5 - 10)
    # Large integers are scaled before they are rounded.
    large = read_image(save(tmp_path / "large.nii", volume(dtype="int32") + 2**30, scl_inter=-(2**30)))
    assert np.array_equal(large.array[0].T, volume())


def test_scale_factors_that_say_nothing_keep_the_type(tmp_path):
    for slope in (0.0, 1.0, np.nan):
        image = read_image(save(tmp_path / "case.nii", volume(), scl_slope=slope, scl_inter=0))
        assert image.array.dtype == np.int16


def test_a_scaled_label_of_whole_numbers_is_a_label(tmp_path):
    codes = volume() % 4
    path = save(tmp_path / "label.nii", (codes * 85).astype(np.uint8), scl_slope=1 / 85)
    label = read_label(path)
    assert label.array.dtype == np.uint8
    assert np.array_equal(label.array.T, codes)
    floats = read_label(save(tmp_path / "float.nii", codes.astype(np.float64)))
    assert np.array_equal(floats.array, label.array)


@pytest.mark.parametrize("wrong", [0.5, np.nan, np.inf, 1.01])
def test_a_label_of_other_numbers_is_none(tmp_path, wrong):
    array = volume(dtype="float32")
    array[1, 2, 3] = wrong
    with pytest.raises(LabelError, match=r"label\.nii.*whole numbers"):
        read_label(save(tmp_path / "label.nii", array))


def test_a_label_of_several_volumes_is_none(tmp_path):
    with pytest.raises(LabelError, match="one volume"):
        read_label(save(tmp_path / "label.nii", volume((3, 4, 5, 2))))
    assert read_label(save(tmp_path / "one.nii", volume((3, 4, 5, 1)))).array.shape == (5, 4, 3)


def test_no_orientation_keeps_the_order(tmp_path):
    array = volume()
    path = save(tmp_path / "case.nii", array, np.diag([-2.0, 3, 4, 1]), sform_code=0, qform_code=0)
    image = read_image(path)
    assert np.array_equal(image.array[0], array.T)
    assert image.spacing_mm == (4.0, 3.0, 2.0)
    assert not image.stored.oriented
    write_label(tmp_path / "label.nii", image.array[0], like=image)
    assert nibabel.load(tmp_path / "label.nii").header["sform_code"] == 0
    assert np.array_equal(read_label(tmp_path / "label.nii").array, array.T)


def test_qform_counts_where_there_is_no_sform(tmp_path):
    affine = ras_affine((2, 3, 4), (1, 2, 3), rotation(0.2, 0.1, 0.3))
    plain = nibabel.Nifti1Image(volume(), None)
    plain.set_qform(affine, 1)
    plain.set_sform(None, 0)
    nibabel.save(plain, tmp_path / "q.nii")
    by_sform = read_image(save(tmp_path / "s.nii", volume(), affine))
    by_qform = read_image(tmp_path / "q.nii")
    assert world_aligned(by_qform, by_sform)
    assert by_qform.spacing_mm == by_sform.spacing_mm == (4, 3, 2)


@pytest.mark.parametrize(("unit", "scale"), [(0, 1), (1, 1000), (2, 1), (3, 0.001), (8 + 3, 0.001)])
def test_lengths_become_mm(tmp_path, unit, scale):
    image = read_image(save(tmp_path / "case.nii", volume(), np.diag([2.0, 3, 4, 1]), xyzt_units=unit))
    assert image.spacing_mm == pytest.approx((4 * scale, 3 * scale, 2 * scale))


def test_axes_behind_the_third(tmp_path):
    image = read_image(save(tmp_path / "vector.nii", volume((3, 4, 5, 1, 2))))
    assert image.array.shape == (2, 5, 4, 3)
    assert np.array_equal(image.array[1].T, volume((3, 4, 5, 1, 2))[:, :, :, 0, 1])
    with pytest.raises(FileError, match="3 x 4 x 5 x 2 x 2"):
        read_image(save(tmp_path / "both.nii", volume((3, 4, 5, 2, 2))))


def test_color_voxels_are_channels(tmp_path):
    color = np.zeros((3, 4, 5), [("R", "u1"), ("G", "u1"), ("B", "u1")])
    color["G"] = volume()
    path = tmp_path / "color.nii"
    nibabel.save(nibabel.Nifti1Image(color, np.eye(4)), path)
    image = read_image(path)
    assert image.num_channels == read_geometry(path).num_channels == 3
    assert np.array_equal(image.array[1].T, volume())
    assert not image.array[[0, 2]].any()


def test_several_color_volumes_are_refused(tmp_path):
    color = np.zeros((3, 4, 5, 2), [("R", "u1"), ("G", "u1"), ("B", "u1")])
    nibabel.save(nibabel.Nifti1Image(color, np.eye(4)), tmp_path / "color.nii")
    with pytest.raises(FileError, match="3 x 4 x 5 x 2"):
        read_image(tmp_path / "color.nii")


def test_an_offset_inside_the_header_means_right_behind_it(tmp_path):
    image = read_image(save(tmp_path / "case.nii", volume(), vox_offset=0))
    assert np.array_equal(image.array[0].T, volume())


def test_an_axis_too_long_for_the_header_is_refused(tmp_path):
    image = Image.from_array(np.zeros((1, 1, 1, 40000), np.uint8))
    with pytest.raises(FileError, match=r"long\.nii: expected an image that a NIfTI file can hold"):
        write_image(tmp_path / "long.nii", image)
    assert not list(tmp_path.iterdir())


def test_big_endian_and_nifti2_are_read_and_their_labels_written(tmp_path):
    affine = ras_affine((2, 3, 4), (1, 2, 3), np.eye(3))
    big = nibabel.Nifti1Image(volume(), affine, nibabel.Nifti1Header(endianness=">"), dtype="int16")
    two = nibabel.Nifti2Image(volume(), affine)
    for name, plain in (("big", big), ("two", two)):
        nibabel.save(plain, tmp_path / f"{name}.nii.gz")
        image = read_image(tmp_path / f"{name}.nii.gz")
        assert image.array.dtype.isnative
        assert np.array_equal(image.array[0].T, volume())
        write_label(tmp_path / "label.nii.gz", image.array[0], like=image)
        label = nibabel.load(tmp_path / "label.nii.gz")
        assert type(label) is (nibabel.Nifti2Image if name == "two" else nibabel.Nifti1Image)
        assert np.array_equal(label.affine, affine)
        assert np.array_equal(np.asanyarray(label.dataobj), volume())


def test_a_two_dimensional_file_is_a_picture(tmp_path):
    image = Image.from_array(volume((1, 4, 5)), spacing_mm=(2.0, 0.5))
    write_image(tmp_path / "picture.nii", image)
    again = read_image(tmp_path / "picture.nii")
    assert (again.spatial_dims, again.spacing_mm) == (2, (2.0, 0.5))
    assert np.array_equal(again.array, image.array)
    with pytest.raises(FileError, match="one channel for a 2-D NIfTI"):
        write_image(tmp_path / "color.nii", Image.from_array(volume((3, 4, 5))))


def test_a_sheared_grid_has_no_quaternion(tmp_path):
    affine = np.array([[0.0, 0, 1, 0], [0, 1, 0.2, 0], [1, 0, 0, 0], [0, 0, 0, 1]])
    image = Image.from_array(volume((1, 3, 4, 5)), affine=affine)
    write_image(tmp_path / "sheared.nii", image)
    assert nibabel.load(tmp_path / "sheared.nii").header["qform_code"] == 0
    assert np.array_equal(read_image(tmp_path / "sheared.nii").affine, image.affine)


def test_what_nifti_lacks_becomes_what_it_has(tmp_path):
    for dtype, written in ((bool, np.uint8), (np.float16, np.float32)):
        array = (volume((1, 3, 4, 5)) % 2).astype(dtype)
        write_image(tmp_path / "case.nii", Image.from_array(array))
        again = read_image(tmp_path / "case.nii").array
        assert again.dtype == written
        assert np.array_equal(again, array)


def test_the_same_content_gives_the_same_bytes(tmp_path):
    image = Image.from_array(volume((1, 3, 4, 5)))
    write_image(tmp_path / "one.nii.gz", image)
    write_image(tmp_path / "two.nii.gz", image)
    assert (tmp_path / "one.nii.gz").read_bytes() == (tmp_path / "two.nii.gz").read_bytes()


def test_an_array_that_was_read_can_be_written_to(tmp_path):
    image = read_image(save(tmp_path / "case.nii.gz", volume()))
    image.array[...] += 1
    assert np.array_equal(image.array[0].T, volume() + 1)


def test_geometry_needs_only_the_header(tmp_path):
    path = save(tmp_path / "case.nii", volume((3, 4, 5, 2)), np.diag([2.0, 3, 4, 1]))
    image = read_image(path)
    path.write_bytes(path.read_bytes()[:352])
    geometry = read_geometry(path)
    assert (geometry.spatial_shape, geometry.spacing_mm, geometry.num_channels) == ((5, 4, 3), (4, 3, 2), 2)
    assert np.array_equal(geometry.affine, image.affine)


@pytest.mark.parametrize(
    ("header", "error", "words"),
    [
        ({"srow_x": (np.nan, 0, 0, 0)}, GeometryError, "not finite"),
        ({"srow_x": (0, 0, 0, 0)}, GeometryError, "zero length"),
        ({"pixdim": (1, 1, 0, 1, 1, 1, 1, 1)}, GeometryError, "spacing above zero"),
        ({"pixdim": (1, 1, np.nan, 1, 1, 1, 1, 1)}, GeometryError, "spacing above zero"),
        ({"sform_code": 0, "qform_code": 1, "quatern_b": 9}, FileError, "quaternion|refuses"),
        ({"dim": (3, 3, -4, 5, 1, 1, 1, 1)}, FileError, "spatial axes"),
        ({"dim": (1, 3, 1, 1, 1, 1, 1, 1)}, FileError, "spatial axes"),
        ({"dim": (3, 3, 4, 500, 1, 1, 1, 1)}, FileError, "bytes of voxels"),
        ({"datatype": 999}, FileError, "readable NIfTI"),
        ({"scl_slope": 1, "scl_inter": np.inf}, FileError, "intercept"),
        ({"magic": b"nope"}, FileError, "something else"),
    ],
)
def test_a_broken_header_is_one_sentence(tmp_path, header, error, words):
    path = save(tmp_path / "case.nii", volume(), **header)
    with pytest.raises(error, match=words) as caught:
        read_image(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_broken_files_are_one_sentence(tmp_path):
    whole = tmp_path / "whole.nii.gz"
    write_image(whole, Image.from_array(np.random.default_rng(0).normal(size=(1, 20, 20, 20))))
    packed = whole.read_bytes()
    broken = {
        "missing": None,
        "empty": b"",
        "text": b"this is no image\n" * 50,
        "zipped_text": gzip.compress(b"this is no image\n" * 50),
        "half": packed[: len(packed) // 2],
        "no_checksum": packed[:-6],
        "flipped": packed[:-500] + bytes(byte ^ 255 for byte in packed[-500:]),
        "short_header": gzip.compress(gzip.decompress(packed)[:300]),
    }
    for name, content in broken.items():
        path = tmp_path / f"{name}.nii.gz"
        if content is not None:
            path.write_bytes(content)
        for read in (read_image, read_label):
            with pytest.raises(FileError) as caught:
                read(path)
            assert str(caught.value).startswith(f"{path}: expected ")
            assert "\n" not in str(caught.value)


def test_complex_numbers_are_refused(tmp_path):
    with pytest.raises(FileError, match="complex64"):
        read_image(save(tmp_path / "case.nii", volume(dtype="complex64")))


def test_a_pair_needs_both_files(tmp_path):
    write_image(tmp_path / "case.hdr", Image.from_array(volume((1, 3, 4, 5))))
    assert np.array_equal(read_image(tmp_path / "case.img").array, volume((1, 3, 4, 5)))
    assert np.array_equal(np.asanyarray(nibabel.load(tmp_path / "case.hdr").dataobj).T, volume())
    (tmp_path / "case.img").unlink()
    with pytest.raises(FileError, match=r"case\.img: expected a voxel file, got no such file"):
        read_image(tmp_path / "case.hdr")
    (tmp_path / "case.hdr").unlink()
    with pytest.raises(FileError, match=r"case\.img.*no such file"):
        read_image(tmp_path / "case.img")


def test_real_volumes(shared_data):
    cord = shared_data("spinal_cord_mri") / "imagesTr" / "sct_t2w.nii.gz"
    image = read_image(cord)
    assert nibabel.aff2axcodes(nibabel.load(cord).affine) == ("P", "S", "R")
    straight = nibabel.as_closest_canonical(nibabel.load(cord))
    assert np.array_equal(image.array[0].T, np.asanyarray(straight.dataobj))
    assert np.allclose(image.affine[:, [2, 1, 0, 3]], straight.affine, atol=1e-3)

    tumor = shared_data("brain_tumour_flair_t1c") / "imagesTr" / "brats_2013_pat0002_1.nii.gz"
    image = read_image(tumor, channel_names=("FLAIR", "T1c"))
    straight = nibabel.as_closest_canonical(nibabel.load(tumor))
    assert image.array.dtype == np.float32
    assert np.allclose(image.array.T, straight.get_fdata(), rtol=1e-6, atol=1e-6)

    label = read_label(shared_data("hippocampus_mri") / "labelsTr" / "hippocampus_001.nii.gz")
    assert isinstance(label, Label)
    assert set(np.unique(label.array)) == {0, 1, 2}


def test_a_real_case_in_every_order_is_one_case(shared_data, tmp_path):
    source = nibabel.load(shared_data("spinal_cord_mri") / "imagesTr" / "sct_t2w.nii.gz")
    array = np.asanyarray(source.dataobj)[:20, :18, :16]
    cases = {
        (image.array.tobytes(), image.affine.tobytes(), image.spacing_mm)
        for stored, matrix in all_orders(array, source.affine)
        for image in [read_image(save(tmp_path / "case.nii", stored, matrix))]
    }
    assert len(cases) == 1
