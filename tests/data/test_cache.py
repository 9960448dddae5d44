from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from toy_dataset import write_case, write_dataset

from univox.data import cache
from univox.data.cache import PreparedCase, default_cache_dir, entry_name, prepare_cases
from univox.data.case import Case
from univox.data.classes import Classes
from univox.data.dataset import Dataset, read_case_image, read_case_label
from univox.data.plan import Plan, make_plan
from univox.data.preprocess import prepare_image, prepare_label
from univox.data.preprocess_settings import Preprocessing
from univox.errors import DatasetError, FileError


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return write_dataset(tmp_path / "toy")


@pytest.fixture
def plan(dataset: Dataset) -> Plan:
    return make_plan(dataset, dataset.cases, preprocessing=Preprocessing())


def files(folder: Path) -> dict[str, tuple[int, bytes]]:
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes()) for path in found}


def test_a_prepared_case_is_what_preparation_gives(dataset: Dataset, plan: Plan, tmp_path: Path) -> None:
    prepared = prepare_cases(dataset, dataset.cases, plan, cache_dir=tmp_path / "cache")
    assert [case.name for case in prepared] == [case.name for case in dataset.cases]
    for case, entry in zip(dataset.cases, prepared, strict=True):
        image, geometry = prepare_image(read_case_image(dataset, case), plan.preprocessing)
        label = prepare_label(read_case_label(dataset, case).array, geometry, 3)
        assert entry.geometry == geometry
        np.testing.assert_array_equal(entry.image(), image)
        np.testing.assert_array_equal(entry.label(), label)
        for index in (1, 2):
            np.testing.assert_array_equal(entry.foreground(index), np.flatnonzero(label == index))
        for array in (entry.image(), entry.label()):
            assert isinstance(array, np.memmap)
            assert not array.flags.writeable
        assert entry.foreground(0).size == entry.foreground(3).size == 0


def test_processes_prepare_the_same_bytes(dataset: Dataset, plan: Plan, tmp_path: Path) -> None:
    progress: list[tuple[int, int]] = []
    prepare_cases(dataset, dataset.cases, plan, cache_dir=tmp_path / "one")
    prepare_cases(
        dataset,
        dataset.cases[::-1],
        plan,
        cache_dir=tmp_path / "two",
        jobs=2,
        on_progress=lambda done, total: progress.append((done, total)),
    )
    assert progress[-1] == (4, 4)
    one, two = files(tmp_path / "one"), files(tmp_path / "two")
    assert {name: content for name, (_, content) in one.items()} == {
        name: content for name, (_, content) in two.items()
    }


def test_many_voxels_of_a_class_are_drawn_from_once_and_for_all(dataset: Dataset, tmp_path: Path) -> None:
    case = write_case(tmp_path, "large", shape=(40, 40, 40))
    plan = make_plan(dataset, [case], preprocessing=Preprocessing())
    first, again = (prepare_cases(dataset, [case], plan, cache_dir=tmp_path / name)[0] for name in ("a", "b"))
    indices = first.foreground(1)
    assert len(indices) == 10_000
    assert (np.diff(indices) > 0).all()
    assert (first.label().ravel()[indices] == 1).all()
    np.testing.assert_array_equal(again.foreground(1), indices)
    np.testing.assert_array_equal(first.foreground(2), np.flatnonzero(first.label() == 2))
    # Spread over the whole class, not its first ten thousand.
    places = np.searchsorted(np.flatnonzero(first.label() == 1), indices)
    assert abs(places.mean() / places.max() - 0.5) < 0.05


def test_what_is_there_is_used(dataset: Dataset, plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # An interrupted preparation: two cases are there, two are not.
    prepare_cases(dataset, dataset.cases[:2], plan, cache_dir=tmp_path / "cache")
    before = files(tmp_path / "cache")
    made: list[str] = []

    def counted(dataset: Dataset, case: Case):
        made.append(case.name)
        return read_case_image(dataset, case)

    monkeypatch.setattr(cache, "read_case_image", counted)
    prepare_cases(dataset, dataset.cases, plan, cache_dir=tmp_path / "cache")
    assert made == ["case_2", "case_3"]
    assert before.items() <= files(tmp_path / "cache").items()


def truncate(folder: Path) -> None:
    with (folder / "image.npy").open("rb+") as stream:
        stream.truncate(1000)


def empty(folder: Path) -> None:
    (folder / "label.npy").write_bytes(b"")


def pickled(folder: Path) -> None:
    np.save(folder / "image.npy", np.array([{}], dtype=object), allow_pickle=True)


def wrong_shape(folder: Path) -> None:
    np.save(folder / "label.npy", np.zeros((2, 2, 2), dtype=np.uint8))


def wrong_type(folder: Path) -> None:
    image = np.load(folder / "image.npy")
    np.save(folder / "image.npy", image.astype(np.float64))


def no_indices(folder: Path) -> None:
    (folder / "foreground.npy").unlink()


def half_a_description(folder: Path) -> None:
    text = (folder / "case.json").read_text()
    (folder / "case.json").write_text(text[: len(text) // 2])


def another_description(folder: Path) -> None:
    (folder / "case.json").write_text("[1]")


@pytest.mark.parametrize(
    "damage",
    [truncate, empty, pickled, wrong_shape, wrong_type, no_indices, half_a_description, another_description],
)
def test_a_damaged_entry_is_made_anew(
    damage: Callable[[Path], None], dataset: Dataset, plan: Plan, tmp_path: Path
) -> None:
    (entry,) = prepare_cases(dataset, dataset.cases[:1], plan, cache_dir=tmp_path / "cache")
    whole = {name: content for name, (_, content) in files(entry.folder).items()}
    damage(entry.folder)
    assert prepare_cases(dataset, dataset.cases[:1], plan, cache_dir=tmp_path / "cache") == [entry]
    assert {name: content for name, (_, content) in files(entry.folder).items()} == whole
    assert list((tmp_path / "cache").iterdir()) == [entry.folder]


def test_another_process_may_be_faster(
    dataset: Dataset, plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, case = tmp_path / "cache", dataset.cases[0]

    def overtaken(dataset: Dataset, case: Case):
        monkeypatch.setattr(cache, "read_case_image", read_case_image)
        prepare_cases(dataset, [case], plan, cache_dir=folder)
        return read_case_image(dataset, case)

    monkeypatch.setattr(cache, "read_case_image", overtaken)
    (entry,) = prepare_cases(dataset, [case], plan, cache_dir=folder)
    np.testing.assert_array_equal(entry.image(), prepare_cases(dataset, [case], plan, cache_dir=folder)[0].image())
    assert list(folder.iterdir()) == [entry.folder]


def test_what_killed_processes_left_is_removed_in_time(dataset: Dataset, plan: Plan, tmp_path: Path) -> None:
    old, young = tmp_path / "cache" / ".partial-old", tmp_path / "cache" / ".partial-young"
    for folder in (old, young):
        folder.mkdir(parents=True)
    os.utime(old, (time.time() - 2 * 24 * 3600,) * 2)
    prepare_cases(dataset, dataset.cases[:1], plan, cache_dir=tmp_path / "cache")
    assert (old.exists(), young.exists()) == (False, True)


def test_an_entry_is_named_by_what_it_is_made_of(dataset: Dataset, plan: Plan, tmp_path: Path) -> None:
    case, settings = dataset.cases[0], plan.preprocessing
    name = entry_name(case, settings, dataset.classes)
    copied = write_case(tmp_path / "elsewhere", "other", shape=(12, 14, 10), seed=0)
    for old, new in zip((*case.images, case.label), (*copied.images, copied.label), strict=True):
        new.write_bytes(old.read_bytes())
    assert entry_name(copied, settings, dataset.classes) == name
    renamed = Classes.of({0: "background", 1: "trunk", 2: "hat"})
    assert entry_name(case, settings, renamed) == name
    others = {
        entry_name(case, settings.model_copy(update={"clip": "none"}), dataset.classes),
        entry_name(case, settings, dataset.classes.select("body=1,2")),
        entry_name(case, settings, dataset.classes.select("cap=2;body=1")),
        entry_name(dataclasses.replace(case, label=dataset.cases[1].label), settings, dataset.classes),
        entry_name(dataclasses.replace(case, images=case.images * 2), settings, dataset.classes),
        entry_name(dataset.cases[1], settings, dataset.classes),
    }
    assert len(others | {name}) == 7


@pytest.mark.parametrize(
    ("header", "text", "voxels"),
    [
        ("a.hdr", "header", "a.img"),
        ("a.img", "voxels", "a.hdr"),
        ("a.mhd", "ObjectType = Image\nElementDataFile = other name.raw\n", "other name.raw"),
        ("a.nrrd", "NRRD0004\ndata file: beside.raw\n", "beside.raw"),
    ],
)
def test_voxels_in_a_file_of_their_own_count(header: str, text: str, voxels: str, plan: Plan, tmp_path: Path) -> None:
    (tmp_path / header).write_text(text)
    case, classes = Case("a", (tmp_path / header,), None), Classes.of({1: "body"})
    names: set[str] = set()
    for content in ("one", "two"):
        (tmp_path / voxels).write_text(content)
        names.add(entry_name(case, plan.preprocessing, classes))
    assert len(names) == 2


def test_bad_cases_are_named_and_good_ones_kept(dataset: Dataset, plan: Plan, tmp_path: Path) -> None:
    nib.save(nib.Nifti1Image(np.full((10, 14, 12), np.nan, np.float32), np.eye(4)), dataset.cases[0].images[0])
    dataset.cases[2].images[0].unlink()
    with pytest.raises(DatasetError, match=r"2 of 4 .*case_0 \(.*finite.*case_2 \(case_2\.nii\.gz: expected"):
        prepare_cases(dataset, dataset.cases, plan, cache_dir=tmp_path / "cache")
    names = {entry_name(dataset.cases[i], plan.preprocessing, dataset.classes) for i in (1, 3)}
    assert {path.name for path in (tmp_path / "cache").iterdir()} == names


def test_a_folder_that_cannot_be_made_is_named(dataset: Dataset, plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="expected to write prepared cases here"):
        prepare_cases(dataset, dataset.cases, plan, cache_dir=tmp_path / "file" / "cache")


@pytest.mark.parametrize(
    ("platform", "expected"),
    [
        ("linux", ".cache/univox"),
        ("darwin", "Library/Caches/univox"),
        ("win32", "AppData/Local/univox/Cache"),
    ],
)
def test_the_platform_says_where(platform: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache.sys, "platform", platform)
    assert default_cache_dir() == Path.home() / expected


def test_objects_keep_their_numbers_beside_the_class_map(dataset: Dataset, plan: Plan, tmp_path: Path) -> None:
    prepared: dict[str, PreparedCase] = {}
    for borders in ("none", "background", "class"):
        numbered = dataclasses.replace(dataset, classes=Classes.of_instances(borders=borders))
        (prepared[borders],) = prepare_cases(numbered, dataset.cases[:1], plan, cache_dir=tmp_path / "cache")
    numbers = [entry.instances() for entry in prepared.values()]
    labels = {borders: np.asarray(entry.label()) for borders, entry in prepared.items()}
    for array in numbers:
        assert array is not None
        assert set(np.unique(array)) == {0, 1, 2}
        np.testing.assert_array_equal(array > 0, labels["none"] > 0)
    np.testing.assert_array_equal(labels["class"] == 1, labels["background"] == 1)
    np.testing.assert_array_equal(labels["class"] > 0, labels["none"] > 0)
    assert (labels["class"] == 2).any()
    assert prepare_cases(dataset, dataset.cases[:1], plan, cache_dir=tmp_path / "cache")[0].instances() is None


def test_a_prepared_case_without_labels_of_a_class(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path / "toy")
    merged = dataclasses.replace(dataset, classes=Classes.of({0: "background", 1: "body", 2: "cap", 9: "none"}))
    plan = make_plan(merged, merged.cases, preprocessing=Preprocessing())
    entry: PreparedCase = prepare_cases(merged, merged.cases[:1], plan, cache_dir=tmp_path / "cache")[0]
    assert entry.foreground(3).size == 0
    assert entry.foreground(2).size > 0


def test_a_full_disk_is_named_and_leaves_nothing(
    dataset: Dataset, plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache.np, "save", full)
    with pytest.raises(DatasetError, match="to write prepared cases here, got No space left on device"):
        prepare_cases(dataset, dataset.cases[:1], plan, cache_dir=tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []
