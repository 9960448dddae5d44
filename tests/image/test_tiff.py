from __future__ import annotations

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from univox.errors import FileError
from univox.image import Image, read_geometry, read_image, read_label, write_image, write_label

DTYPES = ("uint8", "int8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64")


def stack(shape=(3, 4, 5), dtype="uint8"):
    return np.arange(np.prod(shape)).reshape(shape).astype(dtype)


@settings(deadline=None, max_examples=40)
@given(
    dtype=st.sampled_from(DTYPES),
    channels=st.integers(1, 4),
    shape=st.sampled_from([(4, 5), (3, 4, 5), (1, 4, 5)]),
    spacing=st.sampled_from([1.0, 0.000123, 2.5, 0.3333]),
)
def test_write_then_read_is_the_identity(tmp_path_factory, dtype, channels, shape, spacing):
    path = tmp_path_factory.mktemp("tiff") / "case.tif"
    array = (stack((channels, *shape), "float64") / 7).astype(dtype)
    image = Image.from_array(array, spacing_mm=(2 * spacing, spacing, spacing)[-len(shape) :])
    write_image(path, image)
    again, geometry = read_image(path), read_geometry(path)
    assert again.array.dtype == array.dtype
    assert np.array_equal(again.array, array)
    assert again.spacing_mm == geometry.spacing_mm == image.spacing_mm
    assert (geometry.spatial_shape, geometry.num_channels) == (shape, channels)


def test_pages_of_any_writer_are_a_volume(tmp_path):
    pages = [Pillow.fromarray(page) for page in stack()]
    pages[0].save(tmp_path / "case.tif", save_all=True, append_images=pages[1:])
    image = read_image(tmp_path / "case.tif")
    assert np.array_equal(image.array[0], stack())
    assert image.spatial_dims == 3
    assert not image.stored.oriented


def test_compression_that_tifffile_lacks_is_left_to_pillow(tmp_path):
    for name, array in (("gray", stack()), ("color", stack((3, 4, 5, 3)))):
        pages = [Pillow.fromarray(page) for page in array]
        path = tmp_path / f"{name}.tif"
        pages[0].save(path, save_all=True, append_images=pages[1:], compression="tiff_lzw")
        image = read_image(path)
        assert np.array_equal(image.array, array[None] if name == "gray" else np.moveaxis(array, -1, 0))
        assert read_geometry(path).spatial_shape == image.spatial_shape


def test_others_read_what_is_written(tmp_path):
    write_image(tmp_path / "color.tif", Image.from_array(np.moveaxis(stack((4, 5, 3)), -1, 0)))
    with Pillow.open(tmp_path / "color.tif") as picture:
        assert np.array_equal(np.asarray(picture), stack((4, 5, 3)))
    write_image(tmp_path / "stack.tif", Image.from_array(stack()[None]))
    with Pillow.open(tmp_path / "stack.tif") as picture:
        assert picture.n_frames == 3


def test_imagej_states_its_spacing(tmp_path):
    tifffile.imwrite(
        tmp_path / "case.tif",
        stack((3, 2, 4, 5), "uint16"),
        imagej=True,
        resolution=(4.0, 2.0),
        metadata={"axes": "ZCYX", "spacing": 3.0, "unit": "um"},
    )
    image = read_image(tmp_path / "case.tif")
    assert image.spacing_mm == (0.003, 0.0005, 0.00025)
    assert np.array_equal(image.array[1], stack((3, 2, 4, 5))[:, 1])
    assert read_geometry(tmp_path / "case.tif").num_channels == 2


def test_ome_states_its_spacing(tmp_path):
    tifffile.imwrite(
        tmp_path / "case.ome.tif",
        stack(),
        ome=True,
        metadata={
            "axes": "ZYX",
            **{"PhysicalSizeX": 0.5, "PhysicalSizeY": 0.25, "PhysicalSizeZ": 2.0, "PhysicalSizeZUnit": "mm"},
        },
    )
    assert read_image(tmp_path / "case.ome.tif").spacing_mm == (2.0, 0.00025, 0.0005)


@pytest.mark.parametrize(("unit", "spacing"), [("CENTIMETER", (0.05, 0.1)), ("INCH", (1.0, 1.0)), ("NONE", (1.0, 1.0))])
def test_a_resolution_counts_where_it_is_not_for_print(tmp_path, unit, spacing):
    tifffile.imwrite(tmp_path / "case.tif", stack()[0], resolution=(100, 200), resolutionunit=unit, metadata=None)
    assert read_image(tmp_path / "case.tif").spacing_mm == spacing


def test_alpha_is_dropped_where_opaque_and_a_fourth_channel_stays(tmp_path):
    color = stack((4, 5, 4))
    color[..., 3] = 255
    tifffile.imwrite(tmp_path / "alpha.tif", color, photometric="rgb", extrasamples=["unassalpha"])
    assert np.array_equal(read_image(tmp_path / "alpha.tif").array, np.moveaxis(color[..., :3], -1, 0))
    assert read_geometry(tmp_path / "alpha.tif").num_channels == 3
    color[0, 0, 3] = 0
    tifffile.imwrite(tmp_path / "alpha.tif", color, photometric="rgb", extrasamples=["unassalpha"])
    with pytest.raises(FileError, match="transparency"):
        read_image(tmp_path / "alpha.tif")
    tifffile.imwrite(tmp_path / "four.tif", color, photometric="rgb", extrasamples=["unspecified"])
    assert read_image(tmp_path / "four.tif").num_channels == 4


def test_a_palette_means_colors_in_an_image_and_indices_in_a_label(tmp_path):
    colormap = np.zeros((3, 256), np.uint16)
    colormap[:, 1] = (10 << 8, 20 << 8, 30 << 8)
    path = tmp_path / "palette.tif"
    tifffile.imwrite(path, stack()[0] % 2, photometric="palette", colormap=colormap)
    assert np.array_equal(read_label(path).array, stack()[0] % 2)
    image = read_image(path)
    assert np.array_equal(image.array, (stack()[0] % 2) * np.array([10, 20, 30])[:, None, None])
    assert read_geometry(path).num_channels == 3


def test_a_label_takes_the_spacing_of_its_image(tmp_path):
    image = Image.from_array(stack()[None], spacing_mm=(3, 2, 2))
    write_label(tmp_path / "label.tif", stack(dtype="int64") * 1000, like=image)
    label = read_label(tmp_path / "label.tif")
    assert label.array.dtype == np.uint16
    assert np.array_equal(label.array, stack(dtype="int64") * 1000)
    assert label.spacing_mm == (3, 2, 2)


def test_a_stack_becomes_nifti_and_comes_back(tmp_path):
    write_image(tmp_path / "case.tif", Image.from_array(stack()[None], spacing_mm=(3, 2, 1)))
    image = read_image(tmp_path / "case.tif")
    write_image(tmp_path / "case.nii.gz", image)
    again = read_image(tmp_path / "case.nii.gz")
    assert np.array_equal(again.array, image.array)
    assert np.array_equal(again.affine, image.affine)
    assert not again.stored.oriented


def test_the_same_content_gives_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        write_image(tmp_path / f"{name}.tif", Image.from_array(stack()[None], spacing_mm=(3, 2, 1)))
    assert (tmp_path / "one.tif").read_bytes() == (tmp_path / "two.tif").read_bytes()


@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_the_byte_order_of_the_file_is_left_behind(tmp_path, byteorder):
    tifffile.imwrite(tmp_path / "case.tif", stack(dtype="uint16"), byteorder=byteorder, photometric="minisblack")
    image = read_image(tmp_path / "case.tif")
    assert image.array.dtype.isnative
    assert np.array_equal(image.array[0], stack())


def test_pages_that_form_no_volume_are_refused(tmp_path):
    with tifffile.TiffWriter(tmp_path / "sizes.tif") as writer:
        writer.write(stack()[0])
        writer.write(stack((6, 7)))
    with pytest.raises(FileError, match=r"sizes\.tif.*2 sets of pages"):
        read_image(tmp_path / "sizes.tif")
    tifffile.imwrite(tmp_path / "time.tif", stack((2, 3, 4, 5)), imagej=True, metadata={"axes": "TZYX"})
    with pytest.raises(FileError, match="axes TZYX"):
        read_geometry(tmp_path / "time.tif")


def test_broken_files_are_one_sentence(tmp_path):
    write_image(tmp_path / "whole.tif", Image.from_array(np.random.default_rng(0).normal(size=(1, 3, 40, 40))))
    content = (tmp_path / "whole.tif").read_bytes()
    broken = {"missing": None, "empty": b"", "text": b"no picture\n" * 9, "cut": content[:5000], "tiny": content[:9]}
    for name, damaged in broken.items():
        path = tmp_path / f"{name}.tif"
        if damaged is not None:
            path.write_bytes(damaged)
        with pytest.raises(FileError) as caught:
            read_image(path)
        assert str(caught.value).startswith(f"{path}: expected a")
        assert "\n" not in str(caught.value)
    tifffile.imwrite(tmp_path / "complex.tif", stack(dtype="complex64"), photometric="minisblack")
    with pytest.raises(FileError, match="real numbers"):
        read_image(tmp_path / "complex.tif")


def test_black_and_white_is_zero_and_one(tmp_path):
    tifffile.imwrite(tmp_path / "mask.tif", stack() % 2 == 1)
    assert np.array_equal(read_label(tmp_path / "mask.tif").array, stack() % 2)
    write_image(tmp_path / "again.tif", Image.from_array((stack() % 2 == 1)[None]))
    assert np.array_equal(read_label(tmp_path / "again.tif").array, stack() % 2)
