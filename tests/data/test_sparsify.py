"""Sparse copies: which slices stay, that nothing else does, and that the copy reads back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from written_cases import blocks, msd, noise, volume

from univox.data.check import check_dataset, verdict
from univox.data.classes import NOT_ANNOTATED
from univox.data.dataset import read_case_image, read_case_label
from univox.data.layouts import open_dataset
from univox.data.sparsify import Kept, sparse_label, sparsify, spread_slices
from univox.errors import DatasetError, GeometryError
from univox.image import write_label


@given(st.integers(1, 40), st.integers(1, 60), st.integers(0, 9))
def test_slices_are_spread_evenly_over_those_with_foreground(number: int, marked: int, before: int) -> None:
    label = np.zeros(before + marked + 3, np.uint8)
    label[before : before + marked] = 1
    [slices] = spread_slices(label, Kept(number=number), (0,)).values()
    assert len(set(slices)) == min(number, marked)
    assert all(label[position] == 1 for position in slices)
    gaps = np.diff(slices)
    assert gaps.size == 0 or gaps.max() - gaps.min() <= 1
    # The row begins and ends half a gap away from the first and last of them, within the rounding of a half.
    assert abs((slices[0] - before) - (before + marked - 1 - slices[-1])) <= 2


def test_a_share_is_of_the_slices_with_foreground() -> None:
    assert [Kept.parse("10%").of(slices) for slices in (3, 20, 56)] == [1, 2, 6]
    assert [Kept.parse("4").of(slices) for slices in (3, 20)] == [3, 4]
    for wrong in ("0", "-2", "0%", "101%", "ten", "", "nan%"):
        with pytest.raises(DatasetError, match="slices of each axis"):
            Kept.parse(wrong)


def test_the_copy_has_the_kept_slices_and_nothing_else(tmp_path: Path) -> None:
    dataset = open_dataset(msd(tmp_path / "whole"))
    done = sparsify(dataset, tmp_path / "sparse", kept=Kept(number=1), axes=(0, 2))
    copy = open_dataset(tmp_path / "sparse")
    assert copy.classes.names == dataset.classes.names
    assert copy.classes.ignored == (max(dataset.classes.codes) + 1,)
    assert verdict(check_dataset(copy)) == verdict(check_dataset(dataset))
    for each, case, old in zip(done, copy.labelled, dataset.labelled, strict=True):
        image, label = read_case_image(copy, case), read_case_label(copy, case)
        whole = read_case_label(dataset, old).array
        np.testing.assert_array_equal(image.array, read_case_image(dataset, old).array)
        np.testing.assert_allclose(image.affine, read_case_image(dataset, old).affine, atol=1e-5)
        stays = np.zeros(whole.shape, bool)
        [first], [second] = each.slices[0], each.slices[2]
        stays[first], stays[:, :, second] = True, True
        np.testing.assert_array_equal(label.array, np.where(stays, whole, NOT_ANNOTATED))
        assert each.share == pytest.approx(stays.mean(), abs=1e-6)
    told = json.loads((tmp_path / "sparse" / "dataset.json").read_text())
    assert told["sparsified"][done[0].name]["slices"] == {str(a): list(s) for a, s in done[0].slices.items()}


def test_what_nobody_labelled_stays_so_when_slices_are_taken_of_it(tmp_path: Path) -> None:
    dataset = open_dataset(msd(tmp_path / "whole"))
    sparsify(dataset, tmp_path / "once", kept=Kept(number=2), axes=(0,))
    once = open_dataset(tmp_path / "once")
    sparsify(once, tmp_path / "twice", kept=Kept(number=1), axes=(1,))
    twice = open_dataset(tmp_path / "twice")
    for case in twice.labelled:
        now, before = read_case_label(twice, case).array, read_case_label(once, once.case(case.name)).array
        known = now != NOT_ANNOTATED
        assert known.any()
        np.testing.assert_array_equal(now[known], before[known])


def test_masks_say_what_stays_and_under_them_anything_may_stand(tmp_path: Path) -> None:
    root = msd(tmp_path / "whole", ("a",))
    dataset = open_dataset(root)
    [case] = dataset.labelled
    assert case.label is not None
    whole = read_case_label(dataset, case)
    mask = np.random.default_rng(0).random(whole.array.shape) < 0.4
    (tmp_path / "masks").mkdir()
    write_label(tmp_path / "masks" / "a.nii.gz", mask, like=whole)
    sparsify(dataset, tmp_path / "plain", kept=tmp_path / "masks")
    garbage = np.random.default_rng(1).integers(0, 99, mask.shape)
    write_label(case.label, np.where(mask, whole.array, garbage), like=whole)
    [done] = sparsify(dataset, tmp_path / "garbage", kept=tmp_path / "masks")
    for name in ("plain", "garbage"):
        copy = open_dataset(tmp_path / name)
        found = read_case_label(copy, copy.labelled[0]).array
        np.testing.assert_array_equal(found, np.where(mask, whole.array, NOT_ANNOTATED))
    assert done.share == pytest.approx(mask.mean(), abs=1e-6)
    (tmp_path / "masks" / "a.nii.gz").rename(tmp_path / "masks" / "b.nii.gz")
    with pytest.raises(DatasetError, match="a mask named a"):
        sparsify(dataset, tmp_path / "none", kept=tmp_path / "masks")
    volume(tmp_path / "masks" / "a.nii.gz", np.ones((3, 3, 3), np.uint8))
    with pytest.raises(GeometryError, match="the mask of a"):
        sparsify(dataset, tmp_path / "none", kept=tmp_path / "masks")


def test_what_has_no_slices_is_one_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    volume(tmp_path / "bare" / "images" / "a.nii.gz", noise(1))
    volume(tmp_path / "bare" / "labels" / "a.nii.gz", np.zeros_like(blocks()))
    for axes, expected in (((0, 1, 2), "foreground in a"), ((3,), "axes of 0, 1 and 2"), ((), "axes of 0, 1 and 2")):
        with pytest.raises(DatasetError, match=expected):
            sparsify(open_dataset(tmp_path / "bare"), tmp_path / "out", kept=Kept(number=1), axes=axes)
        assert not (tmp_path / "out").exists()


def test_slices_of_a_plane_cross() -> None:
    label = np.arange(9).reshape(3, 3)
    assert sparse_label(label, {0: (0,), 1: (2,)}).tolist() == [[0, 1, 2], [255, 255, 5], [255, 255, 8]]
