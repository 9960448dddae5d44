"""Two cases of each: nothing is lost, nothing moves, and what a score on them means is written beside them."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
from written_cases import blocks, msd, noise, picture, volume

from univox.data.check import check_dataset, verdict
from univox.data.classes import NOT_ANNOTATED, Classes
from univox.data.dataset import read_case_image, read_case_label
from univox.data.divide import divide
from univox.data.layouts import open_dataset
from univox.errors import DatasetError, FileError, GeometryError, LabelError
from univox.image import world_aligned


def test_the_parts_are_the_whole_and_a_sound_dataset(tmp_path: Path) -> None:
    dataset = open_dataset(msd(tmp_path / "old", licence="CC0", description="Blocks."))
    done = divide(dataset, tmp_path / "new", share=0.3)
    assert [(each.name, each.kept_out) for each in done] == [(n, f"{n}_kept_out") for n in "abc"]
    # The stored 9 x 8 x 7 voxels of 1 mm are 7 x 8 x 9 on the canonical grid: axis 2 is the longest.
    assert {(each.axis, each.cut, each.size) for each in done} == {(2, 6, 9)}
    new = open_dataset(tmp_path / "new")
    assert (new.name, new.layout, new.classes, new.channel_names) == ("Toy", "msd", dataset.classes, ("MRI",))
    assert verdict([f for f in check_dataset(new) if f.severity == "error"]) == "sound"
    for case in dataset.cases:
        parts = [new.case(case.name), new.case(f"{case.name}_kept_out")]
        images = [read_case_image(new, part) for part in parts]
        labels = [read_case_label(new, part) for part in parts]
        assert all(world_aligned(*pair) for pair in zip(images, labels, strict=True))
        whole = read_case_image(dataset, case)
        assert np.array_equal(np.concatenate([image.array for image in images], 3), whole.array)
        assert images[0].array.dtype == whole.array.dtype
        assert np.array_equal(
            np.concatenate([label.array for label in labels], 2), read_case_label(dataset, case).array
        )
        assert np.array_equal(images[1].affine @ [0, 0, 0, 1], whole.affine @ [0, 0, 6, 1])
    told = json.loads((tmp_path / "new" / "dataset.json").read_text(encoding="utf-8"))
    assert "no measure of new subjects" in told["note"]
    assert (told["licence"], told["description"], told["numTraining"]) == ("CC0", "Blocks.", 6)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "old"]


def test_a_class_that_only_one_part_holds_is_told(tmp_path: Path) -> None:
    # Along stored x (canonical axis 2) both classes lie in one plane; along stored y (axis 1) in planes 1 and 2.
    dataset = open_dataset(msd(tmp_path / "old", names=("a",)))
    [by_x] = divide(dataset, tmp_path / "x", axis=2)
    assert (by_x.only_in_first, by_x.only_kept_out) == (("front", "back"), ())
    [by_y] = divide(dataset, tmp_path / "y", axis=1, share=0.75)
    assert (by_y.cut, by_y.only_in_first, by_y.only_kept_out) == (2, ("front",), ("back",))
    [by_z] = divide(dataset, tmp_path / "z", axis=0, share=5 / 7)
    assert (by_z.cut, by_z.only_in_first, by_z.only_kept_out) == (2, (), ())


def test_channels_of_several_files_and_codes_with_gaps(tmp_path: Path) -> None:
    old = tmp_path / "old"
    for seed, part in enumerate(("T2", "T1")):
        volume(old / f"subject-1-{part}.nii", noise(seed), affine=np.diag([-1.0, 2.0, 0.5, 1.0]))
    volume(old / "subject-1-label.nii", blocks((0, 10, 150, 250)), affine=np.diag([-1.0, 2.0, 0.5, 1.0]))
    dataset = open_dataset(old)
    [done] = divide(dataset, tmp_path / "new")
    assert (done.axis, done.cut) == (1, 6)  # 8 voxels of 2 mm
    new = open_dataset(tmp_path / "new")
    assert new.channel_names == ("T1", "T2")
    assert new.classes.codes == (0, 10, 150, 250)
    assert new.classes.names == dataset.classes.names
    whole = read_case_image(dataset, dataset.cases[0])
    part = read_case_image(new, new.case(done.kept_out))
    assert np.array_equal(part.array, whole.array[:, :, 6:])
    assert nibabel.load(new.case(done.name).images[0]).shape == (9, 6, 7, 2)


@pytest.mark.parametrize(
    ("selection", "codes"),
    [("both=1,2", (0, 1)), ("back=2;front=1", (0, 1, 2)), ("rest=0,1", (0, 1)), ("back", (0, 2))],
)
def test_selected_classes_keep_their_order(tmp_path: Path, selection: str, codes: tuple[int, ...]) -> None:
    dataset = open_dataset(msd(tmp_path / "old", names=("a",)), classes=selection)
    [done] = divide(dataset, tmp_path / "new")
    new = open_dataset(tmp_path / "new")
    assert (new.classes.names, new.classes.codes) == (dataset.classes.names, codes)
    parts = [read_case_label(new, new.case(name)).array for name in (done.name, done.kept_out)]
    assert np.array_equal(np.concatenate(parts, done.axis), read_case_label(dataset, dataset.cases[0]).array)


def test_numbered_objects_become_one_class(tmp_path: Path) -> None:
    old = msd(tmp_path / "old", names=("a",))
    dataset = dataclasses.replace(open_dataset(old), classes=Classes.of_instances("nucleus"))
    [done] = divide(dataset, tmp_path / "new", axis=0)
    assert open_dataset(tmp_path / "new").classes == Classes.of({0: "background", 1: "nucleus"})
    assert done.only_in_first == ("nucleus",)


def test_at_least_one_position_is_on_each_side(tmp_path: Path) -> None:
    dataset = open_dataset(msd(tmp_path / "old", names=("a",)))
    cuts = {share: divide(dataset, tmp_path / f"{share}", share=share, axis=0)[0].cut for share in (0.001, 0.5, 0.999)}
    assert cuts == {0.001: 6, 0.5: 3, 0.999: 1}


def test_what_cannot_be_divided_is_one_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    old = open_dataset(msd(tmp_path / "old"))
    divide(old, tmp_path / "new")
    with pytest.raises(FileError, match="a new folder"):
        divide(old, tmp_path / "new")
    with pytest.raises(DatasetError, match="got a_kept_out"):
        divide(open_dataset(tmp_path / "new"), tmp_path / "again")
    for values, words in (({"share": 1.0}, "between 0 and 1"), ({"axis": 3}, "axis 0, 1 or 2")):
        with pytest.raises(DatasetError, match=words):
            divide(old, tmp_path / "again", **values)
    picture(tmp_path / "flat/images/a.png", np.zeros((8, 8), np.uint8))
    picture(tmp_path / "flat/labels/a.png", np.eye(8, dtype=np.uint8))
    with pytest.raises(DatasetError, match="a dataset of volumes, got 2-D"):
        divide(open_dataset(tmp_path / "flat"), tmp_path / "again")
    volume(tmp_path / "old/labelsTr/c.nii.gz", blocks((0, 1, 7)))
    with pytest.raises(LabelError, match=r"c\.nii\.gz.*undeclared 7"):
        divide(old, tmp_path / "again")
    volume(tmp_path / "old/labelsTr/c.nii.gz", blocks(), affine=np.diag([2.0, 1.0, 1.0, 1.0]))
    with pytest.raises(GeometryError, match="label of c on the grid"):
        divide(old, tmp_path / "again")
    for kind in ("imagesTr", "labelsTr"):
        volume(tmp_path / "thin" / kind / "a.nii.gz", np.ones((1, 8, 8), np.uint8))
    with pytest.raises(DatasetError, match="two positions along axis 2"):
        divide(open_dataset(tmp_path / "thin"), tmp_path / "again", axis=2)
    for path in (tmp_path / "thin" / "labelsTr").iterdir():
        path.unlink()
    with pytest.raises(DatasetError, match="cases with labels"):
        divide(open_dataset(tmp_path / "thin"), tmp_path / "again")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["flat", "new", "old", "thin"]


def test_what_nobody_labelled_stays_so_in_both_parts(tmp_path: Path) -> None:
    volume(tmp_path / "imagesTr" / "a.nii.gz", noise(1))
    sparse = blocks()
    sparse[:, 5:] = 7
    volume(tmp_path / "labelsTr" / "a.nii.gz", sparse)
    dataset = open_dataset(tmp_path, ignore="7")
    divide(dataset, tmp_path / "halves", share=0.5, axis=0)
    halves = open_dataset(tmp_path / "halves")
    assert halves.classes.ignored == (3,)
    parts = [read_case_label(halves, halves.case(name)).array for name in ("a", "a_kept_out")]
    whole = read_case_label(dataset, dataset.case("a")).array
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    assert (whole == NOT_ANNOTATED).any()
