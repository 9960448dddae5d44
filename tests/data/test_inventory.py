from __future__ import annotations

from pathlib import Path

import pytest

from univox.data.inventory import label_folder, listed_path, paired, some
from univox.errors import DatasetError


def test_pairs_are_by_name_and_nothing_is_lost() -> None:
    images = {name: (Path(f"{name}.nii"),) for name in "cab"}
    labels = {name: Path(f"{name}_label.nii") for name in "bdc"}
    cases, orphans = paired(images, labels)
    assert [(case.name, case.label) for case in cases] == [("a", None), ("b", labels["b"]), ("c", labels["c"])]
    assert orphans == (labels["d"],)


@pytest.mark.parametrize("text", ["./x/a.nii", "x/a.nii", ".\\x\\a.nii"])
def test_listed_paths_use_either_slash(text: str) -> None:
    assert listed_path(Path("root"), text) == Path("root/x/a.nii")


def test_the_usual_folder_need_not_be_there_but_the_wanted_one_must(tmp_path: Path) -> None:
    assert label_folder(tmp_path, None, "labelsTr") == tmp_path / "labelsTr"
    (tmp_path / "mine").mkdir()
    assert label_folder(tmp_path, "mine", "labelsTr") == tmp_path / "mine"
    with pytest.raises(DatasetError, match="the folders mine; remedy: choose one of these with --labels"):
        label_folder(tmp_path, "yours", "labelsTr")


def test_many_names_are_cut_short() -> None:
    assert some(["a", "b"], most=2) == "a, b"
    assert some(["a", "b", "c", "d"], most=2) == "a, b and 2 more"
