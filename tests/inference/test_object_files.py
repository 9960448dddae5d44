from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from univox.data.classes import Classes
from univox.image import Image, read_label, write_label
from univox.inference.case_output import Outcome
from univox.inference.object_files import instances_path, number_files
from univox.inference.objects import ObjectSettings

GRAY = Classes.of({0: "rest", 200: "cell"})


def many_cells(dims: int) -> np.ndarray:
    """More cells than 8 bits count, each of two voxels."""
    label = np.zeros((2,) * (dims - 2) + (40, 60), np.uint8)
    label[..., ::2, ::3] = label[..., ::2, 1::3] = 1
    return label


@pytest.mark.parametrize(("suffix", "dims"), [(".png", 2), (".tif", 2), (".tif", 3), (".nii.gz", 3)])
@pytest.mark.parametrize("codes", ["dataset", "index"])
def test_objects_are_numbered_in_the_format_and_on_the_grid_of_the_label(
    tmp_path: Path, suffix: str, dims: int, codes: str
) -> None:
    label = many_cells(dims)
    like = Image.from_array(np.zeros((1, *label.shape)), spacing_mm=(0.5,) * dims)
    path = tmp_path / f"cells{suffix}"
    write_label(path, GRAY.to_codes(label) if codes == "dataset" else label, like=like)
    (done,) = number_files([Outcome("cells", "written", path, 1.0)], GRAY, ObjectSettings(), codes=codes)
    assert (done.status, done.path) == ("written", path)
    written, stored = read_label(instances_path(path)), read_label(path)
    np.testing.assert_array_equal(written.array > 0, label > 0)
    assert written.array.max() == 20 * 20
    assert written.spacing_mm == stored.spacing_mm
    record = json.loads((tmp_path / "instances" / "objects.json").read_text())
    assert record == {"borders": "none", "split_touching": False, "min_size": 1, "split_depth": 1.0}


def test_a_bad_label_does_not_cost_the_good_one(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.png", tmp_path / "bad.png"
    write_label(good, many_cells(2) * 200, like=Image.from_array(np.zeros((1, 40, 60))))
    bad.write_bytes(b"no picture")
    failed = Outcome("gone", "failed", tmp_path / "gone.png", 0.0, "why")
    outcomes = [Outcome("bad", "written", bad, 0.0), failed, Outcome("good", "present", good, 0.0)]
    after = number_files(outcomes, GRAY, ObjectSettings())
    assert [outcome.status for outcome in after] == ["failed", "failed", "present"]
    assert "bad.png" in after[0].message
    assert after[1] == failed
    assert instances_path(good).is_file()
    assert number_files([], GRAY, ObjectSettings()) == []
