from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import univox.image
from univox.errors import FileError, GeometryError, LabelError, ShapeError
from univox.image import (
    IMAGE_SUFFIXES,
    WRITABLE_SUFFIXES,
    Image,
    image_stem,
    image_suffix,
    read_geometry,
    read_image,
    read_label,
    write_image,
    write_label,
)


def picture():
    return np.arange(20, dtype=np.uint8).reshape(1, 4, 5)


@pytest.mark.parametrize("suffix", IMAGE_SUFFIXES)
def test_suffix_and_stem_join_to_the_name(suffix):
    assert image_suffix(f"a/b.c/case.v2{suffix.upper()}") == suffix
    assert image_stem(f"a/b.c/case.v2{suffix}") == "case.v2"


@pytest.mark.parametrize("name", ["case", "case.gz", "case.dcm", ".png", "nii.gz.txt"])
def test_unknown_suffixes_are_refused_everywhere(tmp_path, name):
    image = Image.from_array(picture())
    path = tmp_path / name
    path.write_bytes(b"something")
    for use in (
        image_suffix,
        read_image,
        read_label,
        read_geometry,
        lambda path: write_image(path, image),
        lambda path: write_label(path, picture()[0], like=image),
    ):
        with pytest.raises(FileError, match="a file that ends in") as caught:
            use(path)
        assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize("suffix", WRITABLE_SUFFIXES)
def test_every_format_writes_a_label_like_every_other(tmp_path, suffix):
    sources = [Image.from_array(picture(), spacing_mm=(1, 1))]
    for source in (s for s in WRITABLE_SUFFIXES if s != ".img"):
        write_image(tmp_path / f"source{source}", sources[0])
        sources.append(read_image(tmp_path / f"source{source}"))
    for image in sources:
        write_label(tmp_path / f"label{suffix}", picture()[0] > 9, like=image)
        label = read_label(tmp_path / f"label{suffix}")
        assert label.array.dtype == np.uint8
        assert np.array_equal(label.array, picture()[0] > 9)
        assert label.spacing_mm == (1.0, 1.0)


@pytest.mark.parametrize("suffix", [s for s in WRITABLE_SUFFIXES if s != ".png"])
def test_volumes_pass_through_every_format(tmp_path, suffix):
    image = Image.from_array(np.arange(60, dtype=np.int16).reshape(1, 3, 4, 5), spacing_mm=(3, 2, 0.5))
    write_image(tmp_path / f"case{suffix}", image)
    once = read_image(tmp_path / f"case{suffix}")
    write_image(tmp_path / "case.nii.gz", once)
    for again in (once, read_image(tmp_path / "case.nii.gz")):
        assert np.array_equal(again.array, image.array)
        assert again.array.dtype == np.int16
        assert np.array_equal(again.affine, image.affine)


def test_several_files_are_channels_of_one_image(tmp_path):
    paths = [tmp_path / f"case_000{index}.nii.gz" for index in range(3)]
    for index, path in enumerate(paths):
        write_image(path, Image.from_array(np.full((1, 3, 4, 5), index, np.int16), spacing_mm=(3, 2, 1)))
    image = read_image(paths, channel_names=("T1", "T2", "FLAIR"))
    assert image.channel_names == ("T1", "T2", "FLAIR")
    assert image.array[:, 0, 0, 0].tolist() == [0, 1, 2]
    assert read_image([str(path) for path in paths]).channel_names == ("channel_0", "channel_1", "channel_2")
    with pytest.raises(ShapeError, match="2 channels"):
        read_image(paths, channel_names=("T1", "T2"))


def test_channels_of_different_grids_are_refused(tmp_path):
    for name, shape, spacing in (("a", (3, 4, 5), 1), ("b", (3, 4, 6), 1), ("c", (3, 4, 5), 1.1)):
        write_image(tmp_path / f"{name}.mha", Image.from_array(np.zeros((1, *shape)), spacing_mm=(spacing,) * 3))
    with pytest.raises(GeometryError, match=r"b\.mha: expected the grid of a\.mha.*shapes 3 x 4 x 5"):
        read_image([tmp_path / "a.mha", tmp_path / "b.mha"])
    with pytest.raises(GeometryError, match=r"c\.mha: .*spacings 1 x 1 x 1 and 1\.1"):
        read_image([tmp_path / "a.mha", tmp_path / "c.mha"])


def test_a_label_of_another_shape_is_refused(tmp_path):
    image = Image.from_array(picture())
    with pytest.raises(GeometryError, match="shape 4 x 5, that of its image, got 5 x 4"):
        write_label(tmp_path / "label.png", picture()[0].T, like=image)


def test_a_label_of_floats_is_refused(tmp_path):
    with pytest.raises(LabelError, match="float64"):
        write_label(tmp_path / "label.png", picture()[0] / 2, like=Image.from_array(picture()))


@pytest.mark.parametrize(
    ("values", "dtype"),
    [((0, 255), "uint8"), ((-1, 5), "int16"), ((0, 40000), "uint16"), ((0, 70000), "int32"), ((0, 2**40), "int64")],
)
def test_labels_take_the_smallest_type(tmp_path, values, dtype):
    label = np.array([values, values])
    write_label(tmp_path / "label.nii", label, like=Image.from_array(np.zeros((1, 2, 2))))
    again = read_label(tmp_path / "label.nii").array
    assert again.dtype == dtype
    assert np.array_equal(again, label)


@pytest.mark.parametrize("suffix", WRITABLE_SUFFIXES)
def test_a_failed_write_leaves_the_old_file_or_none(tmp_path, suffix, monkeypatch):
    image = Image.from_array(picture())
    path = tmp_path / f"case{suffix}"
    write_image(path, image)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(FileError, match="No space left"):
        write_image(path, image)
    after = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert after.items() <= before.items()
    if len(before) == 1:
        assert after == before


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "case.nii.gz").mkdir()
    with pytest.raises(FileError, match="a folder"):
        read_image(tmp_path / "case.nii.gz")


def test_the_package_lists_what_it_gives():
    assert univox.image.__all__ == sorted(
        univox.image.__all__, key=lambda name: (not name.isupper(), name[0].islower(), name)
    )
    assert all(hasattr(univox.image, name) for name in univox.image.__all__)


def test_importing_loads_no_image_library():
    heavy = ("torch", "scipy", "nibabel", "SimpleITK", "tifffile", "PIL")
    code = f"import sys, univox.image; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.home())
    assert done.stdout.strip() == "[]"
