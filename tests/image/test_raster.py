from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from univox.errors import FileError, LabelError
from univox.image import Image, read_geometry, read_image, read_label, write_image, write_label


def gray(dtype="uint8"):
    return np.arange(20).reshape(4, 5).astype(dtype)


@settings(deadline=None, max_examples=25)
@given(dtype=st.sampled_from(["uint8", "uint16"]), channels=st.sampled_from([1, 3]), seed=st.integers(0, 99))
def test_write_then_read_is_the_identity(tmp_path_factory, dtype, channels, seed):
    path = tmp_path_factory.mktemp("png") / "case.png"
    array = np.random.default_rng(seed).integers(0, np.iinfo(dtype).max + 1, (channels, 4, 5)).astype(dtype)
    write_image(path, Image.from_array(array))
    again = read_image(path)
    assert again.array.dtype == array.dtype
    assert np.array_equal(again.array, array)
    assert again.spacing_mm == (1.0, 1.0)
    assert read_geometry(path).spatial_shape == (4, 5)
    assert read_geometry(path).num_channels == channels


def test_others_read_what_is_written(tmp_path):
    write_image(tmp_path / "gray.png", Image.from_array(gray("uint16")[None] * 3000))
    with Pillow.open(tmp_path / "gray.png") as picture:
        assert picture.mode == "I;16"
        assert np.array_equal(np.asarray(picture), gray("uint16") * 3000)


def test_16_bit_gray_is_read_whichever_way_pillow_opens_it(tmp_path, monkeypatch):
    write_image(tmp_path / "gray.png", Image.from_array(gray("uint16")[None] * 3000))
    opened = Pillow.open

    def as_older_pillow(path):
        picture = opened(path).convert("I")
        picture.format = "PNG"
        return picture

    monkeypatch.setattr(Pillow, "open", as_older_pillow)
    array = read_image(tmp_path / "gray.png").array
    assert array.dtype == np.uint16
    assert np.array_equal(array[0], gray("uint16") * 3000)


def test_an_opaque_alpha_channel_is_dropped(tmp_path):
    color = np.stack([gray(), gray() + 1, gray() + 2, np.full((4, 5), 255, np.uint8)], axis=-1)
    Pillow.fromarray(color).save(tmp_path / "color.png")
    image = read_image(tmp_path / "color.png")
    assert image.channel_names == ("red", "green", "blue")
    assert np.array_equal(image.array, np.moveaxis(color[..., :3], -1, 0))
    assert read_geometry(tmp_path / "color.png").num_channels == 3
    Pillow.fromarray(color[..., [0, 3]]).save(tmp_path / "gray.png")
    assert np.array_equal(read_image(tmp_path / "gray.png").array, gray()[None])
    assert read_geometry(tmp_path / "gray.png").num_channels == 1


def test_transparency_is_not_dropped_in_silence(tmp_path):
    color = np.full((4, 5, 4), 255, np.uint8)
    color[2, 2, 3] = 254
    Pillow.fromarray(color).save(tmp_path / "color.png")
    with pytest.raises(FileError, match=r"color\.png.*without transparency"):
        read_image(tmp_path / "color.png")


def test_a_palette_means_colors_in_an_image_and_indices_in_a_label(tmp_path):
    picture = Pillow.fromarray(gray() % 3).convert("P")
    picture.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    picture.putdata((gray() % 3).ravel().tolist())
    picture.save(tmp_path / "palette.png")
    label = read_label(tmp_path / "palette.png")
    assert np.array_equal(label.array, gray() % 3)
    image = read_image(tmp_path / "palette.png")
    colors = np.array([[10, 20, 30], [40, 50, 60], [70, 80, 90]])
    assert np.array_equal(image.array, np.moveaxis(colors[gray() % 3], -1, 0))
    assert read_geometry(tmp_path / "palette.png").num_channels == 3


def test_black_and_white_is_zero_and_one(tmp_path):
    Pillow.fromarray((gray() % 2).astype(bool)).save(tmp_path / "mask.png")
    assert np.array_equal(read_label(tmp_path / "mask.png").array, gray() % 2)


def test_a_gray_label_stored_as_color_is_a_label(tmp_path):
    Pillow.fromarray(np.stack([gray()] * 3, axis=-1)).save(tmp_path / "label.png")
    assert np.array_equal(read_label(tmp_path / "label.png").array, gray())
    Pillow.fromarray(np.stack([gray(), gray(), gray() + 1], axis=-1)).save(tmp_path / "color.png")
    with pytest.raises(LabelError, match="3 that differ"):
        read_label(tmp_path / "color.png")


@pytest.mark.parametrize("suffix", [".bmp", ".jpg", ".jpeg"])
def test_bmp_and_jpeg_are_read_only(tmp_path, suffix):
    path = tmp_path / f"case{suffix}"
    Pillow.fromarray(np.full((4, 5), 77, np.uint8)).save(path)
    image = read_image(path)
    assert np.array_equal(image.array, np.full((1, 4, 5), 77))
    with pytest.raises(FileError, match="can be written"):
        write_image(path, image)
    write_label(tmp_path / "label.png", gray() % 3, like=image)
    assert np.array_equal(read_label(tmp_path / "label.png").array, gray() % 3)


def test_print_colors_become_screen_colors(tmp_path):
    Pillow.new("CMYK", (5, 4)).save(tmp_path / "print.jpg")
    assert read_image(tmp_path / "print.jpg").array.min() == 255


def test_instances_need_16_bits_and_no_more(tmp_path):
    image = Image.from_array(gray()[None])
    for largest, dtype in ((255, np.uint8), (256, np.uint16), (65535, np.uint16)):
        label = gray("int64")
        label[0, 0] = largest
        write_label(tmp_path / "label.png", label, like=image)
        again = read_label(tmp_path / "label.png")
        assert again.array.dtype == dtype
        assert np.array_equal(again.array, label)
    with pytest.raises(LabelError, match="values from 0 to 65536"):
        write_label(tmp_path / "label.png", gray("int64") * 65536 // 19, like=image)


@pytest.mark.parametrize(
    "array",
    [gray("float32")[None], gray("int16")[None], np.zeros((2, 4, 5), np.uint8), np.zeros((1, 3, 4, 5), np.uint8)],
)
def test_what_png_cannot_hold_is_refused(tmp_path, array):
    with pytest.raises(FileError, match=r"case\.png.*1 or 3 channels"):
        write_image(tmp_path / "case.png", Image.from_array(array))
    assert not list(tmp_path.iterdir())


def test_broken_pictures_are_one_sentence(tmp_path):
    write_image(
        tmp_path / "whole.png", Image.from_array(np.random.default_rng(0).integers(0, 255, (3, 40, 40), "uint8"))
    )
    content = (tmp_path / "whole.png").read_bytes()
    broken = {"missing": None, "empty": b"", "text": b"no picture\n" * 9, "cut": content[:500], "tiny": content[:20]}
    for name, damaged in broken.items():
        path = tmp_path / f"{name}.png"
        if damaged is not None:
            path.write_bytes(damaged)
        with pytest.raises(FileError) as caught:
            read_image(path)
        assert str(caught.value).startswith(f"{path}: expected a")
        assert "\n" not in str(caught.value)


def test_a_picture_too_large_for_pillow_says_so(tmp_path):
    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 60000, 60000, 8, 0, 0, 0, 0))
    (tmp_path / "huge.png").write_bytes(b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", b"") + chunk(b"IEND", b""))
    with pytest.raises(FileError, match=r"huge\.png.*fewer pixels"):
        read_image(tmp_path / "huge.png")


def test_real_pictures(shared_data):
    folder = shared_data("nuclei_2d_dsb2018")
    name = min(path.name for path in (folder / "images").iterdir())
    image, label = read_image(folder / "images" / name), read_label(folder / "labels" / name)
    assert image.array.dtype == np.uint8
    assert image.num_channels == 3
    assert label.array.dtype == np.uint16
    assert label.spatial_shape == image.spatial_shape
    assert len(np.unique(label.array)) > 2

    section = min((shared_data("em_membrane_isbi2012") / "images").iterdir())
    assert read_image(section).array.shape == (1, 512, 512)

    for path in (shared_data("axon_myelin_sem") / "images").iterdir():
        assert read_image(path).spacing_mm == (1.0, 1.0)
