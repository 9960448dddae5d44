from __future__ import annotations

import nibabel
import numpy as np
import pytest
import SimpleITK
from axis_orders import all_orders, ras_affine, rotation
from hypothesis import given, settings
from hypothesis import strategies as st

from univox.errors import FileError, UnivoxError
from univox.image import Image, read_geometry, read_image, read_label, world_aligned, write_image, write_label

SUFFIXES = (".nrrd", ".mha", ".mhd")
DTYPES = ("uint8", "int8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64")


def itk_image(array, affine):
    """SimpleITK image of an array stored (x, y, z[, c]) with a RAS affine, worked out by hand."""
    lps = np.diag([-1.0, -1, 1, 1]) @ affine
    spacing = np.sqrt((lps[:3, :3] ** 2).sum(axis=0))
    rows = np.ascontiguousarray(np.swapaxes(array, 0, 2))
    image = SimpleITK.GetImageFromArray(rows, isVector=array.ndim == 4)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((lps[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin(lps[:3, 3].tolist())
    return image


def volume(shape=(3, 4, 5), dtype="int16"):
    return np.arange(np.prod(shape)).reshape(shape).astype(dtype)


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(deadline=None, max_examples=25)
@given(dtype=st.sampled_from(DTYPES), channels=st.integers(1, 3), dims=st.integers(2, 3), seed=st.integers(0, 99))
def test_write_then_read_is_the_identity(tmp_path_factory, suffix, dtype, channels, dims, seed):
    path = tmp_path_factory.mktemp("itk") / f"case{suffix}"
    values = np.random.default_rng(seed).integers(0, 100, (channels, 3, 4, 5)[: dims + 1])
    array = values.astype(dtype) / 7 if "float" in dtype else values.astype(dtype)
    if dims == 3:
        affine = ras_affine((0.8, 1.25, 3.0), (-12.5, 40.25, 7.0), rotation(0.1, 0.2, -0.1))[:, [2, 1, 0, 3]]
        image = Image.from_array(array.astype(dtype), affine=affine)
    else:
        image = Image.from_array(array.astype(dtype), affine=[[0.5, 0, 7], [0, 2, -3], [0, 0, 1]])
    write_image(path, image)
    again = read_image(path)
    assert again.array.dtype == np.dtype(dtype)
    assert np.array_equal(again.array, image.array)
    assert np.array_equal(again.affine, image.affine)
    assert again.spacing_mm == image.spacing_mm


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("angles", [(0.0, 0.0, 0.0), (0.1, 0.2, -0.1)])
def test_all_48_orders_are_one_case(tmp_path, suffix, angles):
    affine = ras_affine((0.8, 1.25, 3.0), (-12.5, 40.25, 7.1), rotation(*angles))
    path = tmp_path / f"case{suffix}"
    cases = set()
    for stored, matrix in all_orders(volume((3, 4, 5, 2)), affine):
        SimpleITK.WriteImage(itk_image(stored, matrix), str(path))
        image = read_image(path)
        cases.add((image.array.tobytes(), image.affine.tobytes(), image.spacing_mm))
    assert len(cases) == 1


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_label_like_its_image_is_on_its_grid_for_simpleitk_too(tmp_path, suffix):
    affine = ras_affine((0.8, 1.25, 3.0), (-12.3, 40.7, 7.1), rotation(0.3, 0.2, -0.1))
    path, label_path = tmp_path / f"case{suffix}", tmp_path / f"label{suffix}"
    for stored, matrix in list(all_orders(volume(), affine))[::5]:
        SimpleITK.WriteImage(itk_image(stored, matrix), str(path))
        image = read_image(path)
        write_label(label_path, image.array[0] % 3, like=image)
        plain, label = SimpleITK.ReadImage(str(path)), SimpleITK.ReadImage(str(label_path))
        assert label.GetSize() == plain.GetSize()
        assert np.allclose(label.GetSpacing(), plain.GetSpacing(), rtol=0, atol=1e-12)
        assert np.allclose(label.GetDirection(), plain.GetDirection(), rtol=0, atol=1e-12)
        assert np.allclose(label.GetOrigin(), plain.GetOrigin(), rtol=0, atol=1e-12)
        assert np.array_equal(SimpleITK.GetArrayFromImage(label), stored.T % 3)
        assert label.GetPixelID() == SimpleITK.sitkUInt8
        assert world_aligned(read_label(label_path), image)


def test_nifti_and_metaimage_agree(tmp_path):
    affine = ras_affine((0.5, 1.25, 3.0), (-12.5, 40.25, 7.0), rotation(0.1, 0.2, -0.1))[:, [1, 2, 0, 3]]
    nibabel.save(nibabel.Nifti1Image(volume(), affine), tmp_path / "case.nii.gz")
    SimpleITK.WriteImage(itk_image(volume(), affine), str(tmp_path / "case.mha"))
    nifti, meta = read_image(tmp_path / "case.nii.gz"), read_image(tmp_path / "case.mha")
    assert np.array_equal(nifti.array, meta.array)
    assert world_aligned(nifti, meta)
    write_label(tmp_path / "label.nii.gz", meta.array[0], like=meta)
    write_label(tmp_path / "label.nrrd", nifti.array[0], like=nifti)
    assert np.allclose(nibabel.load(tmp_path / "label.nii.gz").affine, affine, atol=1e-5)
    assert np.array_equal(np.asanyarray(nibabel.load(tmp_path / "label.nii.gz").dataobj), volume())
    assert np.array_equal(read_label(tmp_path / "label.nrrd").array, nifti.array[0])
    assert world_aligned(read_label(tmp_path / "label.nrrd"), nifti)


def test_a_fourth_axis_holds_channels(tmp_path):
    series = SimpleITK.JoinSeries([itk_image(volume() + shift, np.eye(4)) for shift in (0, 7)])
    SimpleITK.WriteImage(series, str(tmp_path / "case.mha"))
    image = read_image(tmp_path / "case.mha")
    assert image.num_channels == read_geometry(tmp_path / "case.mha").num_channels == 2
    assert np.array_equal(image.array[1], image.array[0] + 7)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_same_content_gives_the_same_bytes_and_no_leftovers(tmp_path, suffix):
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        for _ in range(2):  # the second time over the first
            write_image(folder / f"case{suffix}", Image.from_array(volume((1, 3, 4, 5))))
    one, two = ({file.name: file.read_bytes() for file in (tmp_path / name).iterdir()} for name in ("one", "two"))
    assert one == two
    assert len(one) == (2 if suffix == ".mhd" else 1)


def test_geometry_needs_only_the_header(tmp_path):
    write_image(tmp_path / "case.mhd", Image.from_array(volume((2, 3, 4, 5)), spacing_mm=(3, 2, 1)))
    (tmp_path / "case.zraw").unlink()
    geometry = read_geometry(tmp_path / "case.mhd")
    assert (geometry.spatial_shape, geometry.spacing_mm, geometry.num_channels) == ((3, 4, 5), (3, 2, 1), 2)
    with pytest.raises(FileError, match=r"case\.mhd: expected a readable MetaImage"):
        read_image(tmp_path / "case.mhd")


def test_other_types_become_what_the_format_has(tmp_path):
    for dtype, written in ((bool, np.uint8), (np.float16, np.float32)):
        write_image(tmp_path / "case.mha", Image.from_array((volume((1, 3, 4, 5)) % 2).astype(dtype)))
        again = read_image(tmp_path / "case.mha").array
        assert again.dtype == written
        assert np.array_equal(again, volume((1, 3, 4, 5)) % 2)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_broken_files_are_one_sentence(tmp_path, suffix):
    write_image(tmp_path / f"whole{suffix}", Image.from_array(volume((1, 3, 4, 5))))
    content = (tmp_path / f"whole{suffix}").read_bytes()
    broken = {"empty": b"", "text": b"no image\n" * 40, "cut": content[: len(content) // 2], "missing": None}
    for name, damaged in broken.items():
        path = tmp_path / f"{name}{suffix}"
        if damaged is not None:
            path.write_bytes(damaged)
        with pytest.raises(FileError) as caught:
            read_image(path)
        assert str(caught.value).startswith(f"{path}: expected ")
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("line", "instead"),
    [("ElementSpacing", "0 1 1"), ("ElementSpacing", "nan 1 1"), ("TransformMatrix", "nan 0 0 0 1 0 0 0 1")],
)
def test_a_header_that_describes_no_grid_is_refused(tmp_path, line, instead):
    path = tmp_path / "case.mhd"
    write_image(path, Image.from_array(volume((1, 3, 4, 5))))
    lines = path.read_text().splitlines()
    path.write_text("\n".join(f"{line} = {instead}" if text.startswith(line) else text for text in lines) + "\n")
    with pytest.raises(UnivoxError, match=r"case\.mhd"):
        read_image(path)


def test_what_is_no_image_of_real_numbers_is_refused(tmp_path):
    SimpleITK.WriteImage(SimpleITK.Image([3, 4, 5], SimpleITK.sitkComplexFloat32), str(tmp_path / "c.nrrd"))
    with pytest.raises(FileError, match="real numbers"):
        read_image(tmp_path / "c.nrrd")
    SimpleITK.WriteImage(SimpleITK.Image([3, 4, 5, 2], SimpleITK.sitkVectorUInt8, 2), str(tmp_path / "v.mha"))
    with pytest.raises(FileError, match="4 axes and 2 components"):
        read_image(tmp_path / "v.mha")
