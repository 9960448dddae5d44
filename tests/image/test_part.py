from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest
from axis_orders import all_orders, ras_affine, rotation

from univox.errors import ShapeError
from univox.image import Image, image_part, read_image, write_image

WHOLE = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)


def world(path: Path, transform: str = "affine") -> dict[int, tuple[float, ...]]:
    """Where plain nibabel puts each value of a file."""
    image = nibabel.load(path)
    affine = image.affine if transform == "affine" else image.header.get_qform()
    array = np.asarray(image.dataobj)
    index = np.vstack([np.indices(array.shape).reshape(3, -1), np.ones(array.size)])
    return {int(v): tuple(p) for v, p in zip(array.ravel(), (affine @ index)[:3].T.tolist(), strict=True)}


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_every_voxel_stays_where_it_was_in_all_48_orders(tmp_path: Path, axis: int) -> None:
    # Binary fractions, so that the header holds every sum and the places are equal to the last bit.
    affine = ras_affine((0.5, 0.75, 3.0), (-12.25, 40.5, 7.125), np.eye(3))
    for number, (array, turned) in enumerate(all_orders(WHOLE, affine)):
        path = tmp_path / f"{number}.nii"
        nibabel.save(nibabel.Nifti1Image(array, turned), path)
        image = read_image(path)
        size = image.spatial_shape[axis]
        found: dict[int, tuple[float, ...]] = {}
        for name, (start, stop) in {"first": (0, size - 1), "last": (size - 1, size)}.items():
            write_image(tmp_path / f"{name}.nii", image_part(image, axis, start, stop))
            assert read_image(tmp_path / f"{name}.nii").stored.orientation == image.stored.orientation
            found |= world(tmp_path / f"{name}.nii")
        assert found == world(path)


def test_an_oblique_image_keeps_both_transforms_in_its_own_units(tmp_path: Path) -> None:
    mirrored = ras_affine((0.8, 1.25, 3.0), (-12.5, 40.3, 7.0), rotation(0.3, -0.2, 0.4) @ np.diag([1, 1, -1]))
    other = ras_affine((0.8, 1.25, 3.0), (1.0, 2.0, 3.0), rotation(-0.1, 0.5, 0.2) @ np.diag([1, 1, -1]))
    for axis in range(3):
        whole = nibabel.Nifti1Image(WHOLE, mirrored)
        whole.set_qform(other, 1)
        whole.header.set_xyzt_units("micron")
        nibabel.save(whole, tmp_path / "whole.nii")
        part = image_part(read_image(tmp_path / "whole.nii"), axis, 1, 3)
        write_image(tmp_path / "part.nii", part)
        for transform in ("affine", "qform"):
            there, here = (world(tmp_path / name, transform) for name in ("whole.nii", "part.nii"))
            assert len(here) == 2 * WHOLE.size // part.stored.orientation.shape_to_canonical(WHOLE.shape)[axis]
            for value, place in here.items():
                assert place == pytest.approx(there[value], abs=2e-5)


def test_a_file_without_a_place_in_the_body_begins_again_at_zero(tmp_path: Path) -> None:
    plain = nibabel.Nifti1Image(WHOLE, None)
    plain.header.set_zooms((1, 2, 3))
    nibabel.save(plain, tmp_path / "plain.nii")
    image = read_image(tmp_path / "plain.nii")
    write_image(tmp_path / "part.nii", image_part(image, 0, 4, 6))
    again = read_image(tmp_path / "part.nii")
    assert np.array_equal(again.array, image.array[:, 4:])
    assert again.spacing_mm == image.spacing_mm
    assert not again.stored.oriented


def test_an_image_that_was_never_a_file_has_parts(tmp_path: Path) -> None:
    image = Image.from_array(np.stack([WHOLE, WHOLE + 200]), spacing_mm=(4, 2, 1))
    write_image(tmp_path / "part.nii.gz", image_part(image, 1, 2, 5))
    again = read_image(tmp_path / "part.nii.gz")
    assert np.array_equal(again.array, image.array[:, :, 2:5])
    assert np.array_equal(again.affine @ [0, 0, 0, 1], image.affine @ [0, 2, 0, 1])


@pytest.mark.parametrize("part", [(3, 0, 1), (-1, 0, 1), (0, 2, 2), (0, 0, 5), (0, -1, 2)])
def test_a_part_that_is_none_is_refused(part: tuple[int, int, int]) -> None:
    with pytest.raises(ShapeError, match="4 x 5 x 6"):
        image_part(Image.from_array(WHOLE[None]), *part)
