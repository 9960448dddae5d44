from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from written_cases import blocks, msd, noise, volume

from univox.data.dataset import read_case_image, read_case_label
from univox.data.layouts import open_dataset
from univox.errors import DatasetError, LabelError


def test_a_case_is_read_with_the_channels_and_classes_of_its_dataset(tmp_path: Path) -> None:
    dataset = open_dataset(msd(tmp_path), classes="back")
    case = dataset.case("b")
    image, label = read_case_image(dataset, case), read_case_label(dataset, case)
    assert image.channel_names == ("MRI",)
    # The affine is RAS+, so the canonical array is the stored one with its axes reversed.
    assert np.array_equal(image.array[0], noise(1).T)
    assert np.array_equal(label.array, (blocks(shift=1).T == 2).astype(np.uint8))
    assert label.array.dtype == np.uint8
    assert np.array_equal(image.affine, label.affine)


def test_several_files_are_the_channels_in_the_order_of_the_dataset(tmp_path: Path) -> None:
    for seed, part in enumerate(("T2", "T1")):
        volume(tmp_path / f"subject-1-{part}.nii", noise(seed))
    volume(tmp_path / "subject-1-label.nii", blocks((0, 10, 150, 250)))
    dataset = open_dataset(tmp_path)
    image = read_case_image(dataset, dataset.cases[0])
    assert image.channel_names == ("T1", "T2")
    assert np.array_equal(image.array, np.stack([noise(1).T, noise(0).T]))


def test_an_undeclared_code_names_its_file(tmp_path: Path) -> None:
    msd(tmp_path)
    volume(tmp_path / "labelsTr" / "a.nii.gz", blocks((0, 1, 7)))
    dataset = open_dataset(tmp_path)
    with pytest.raises(LabelError, match=r"a\.nii\.gz: expected the declared codes 0, 1, 2, got the undeclared 7"):
        read_case_label(dataset, dataset.case("a"))


def test_what_a_case_lacks_is_said(tmp_path: Path) -> None:
    msd(tmp_path)
    (tmp_path / "labelsTr" / "a.nii.gz").unlink()
    volume(tmp_path / "imagesTr" / "b.nii.gz", np.stack([noise(0), noise(1)], -1))
    dataset = open_dataset(tmp_path)
    assert [case.name for case in dataset.labelled] == ["b", "c"]
    with pytest.raises(DatasetError, match="a label for a"):
        read_case_label(dataset, dataset.case("a"))
    with pytest.raises(DatasetError, match=r"1 channels \(MRI\) in b, got 2"):
        read_case_image(dataset, dataset.case("b"))
    with pytest.raises(DatasetError, match="the name 'z'"):
        dataset.case("z")
