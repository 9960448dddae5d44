from __future__ import annotations

from pathlib import Path

import pytest

from univox.data.table import is_table, read_table
from univox.errors import DatasetError


def table(root: Path, text: str, *files: str) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).touch()
    path = root / "cases.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_one_image_per_row_relative_to_the_table(tmp_path: Path) -> None:
    path = table(tmp_path, "image,label,age\nx/b.nii.gz,y/b.nii,7\nx/a.png,,9\n", "x/b.nii.gz", "y/b.nii", "x/a.png")
    assert is_table(path)
    inventory = read_table(path)
    assert [(case.name, case.images, case.label) for case in inventory.cases] == [
        ("a", (tmp_path / "x/a.png",), None),
        ("b", (tmp_path / "x/b.nii.gz",), tmp_path / "y/b.nii"),
    ]
    assert inventory.channel_names is None
    assert inventory.name == "cases"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_column_per_channel_under_its_name(tmp_path: Path, delimiter: str) -> None:
    rows = [["T1", "T2", "label", "case", "subject", "site"], ["a1.nii", "a2.nii", "al.nii", "A", "anna", "x.y"]]
    text = "﻿" + "\n".join(delimiter.join(row) for row in rows)
    inventory = read_table(table(tmp_path, text, "a1.nii", "a2.nii", "al.nii"))
    case = inventory.cases[0]
    assert (case.name, case.subject, len(case.images)) == ("A", "anna", 2)
    assert inventory.channel_names == ("T1", "T2")


def test_numbered_images_in_numeric_order(tmp_path: Path) -> None:
    names = [f"image_{number}" for number in (10, 2, 0)]
    path = table(
        tmp_path,
        ",".join(names) + ",label\nten.png,two.png,zero.png,l.png\n",
        *("ten.png", "two.png", "zero.png", "l.png"),
    )
    assert [file.name for file in read_table(path).cases[0].images] == ["zero.png", "two.png", "ten.png"]


def test_files_of_one_name_are_told_apart_by_their_folder(tmp_path: Path) -> None:
    path = table(tmp_path, "image,label\np1/t1.nii,\np2/t1.nii,\n", "p1/t1.nii", "p2/t1.nii")
    assert [case.name for case in read_table(path).cases] == ["p1", "p2"]


def test_rows_whose_files_are_missing_are_findings(tmp_path: Path) -> None:
    text = "case,image,label\na,a.png,gone.png\nb,gone.png,b.png\nc,,\n"
    inventory = read_table(table(tmp_path, text, "a.png", "b.png"))
    assert [(case.name, case.label) for case in inventory.cases] == [("a", None)]
    assert [(f.case, f.kind) for f in inventory.findings] == [
        ("a", "missing-label"),
        ("b", "missing-image"),
        ("c", "missing-image"),
    ]


def test_another_column_of_labels(tmp_path: Path) -> None:
    path = table(tmp_path, "image,label,rater2\na.png,l.png,r.png\n", "a.png", "l.png", "r.png")
    assert read_table(path, labels="rater2").cases[0].label == tmp_path / "r.png"
    with pytest.raises(DatasetError, match="a column rater3 of labels"):
        read_table(path, labels="rater3")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("image,label\n", "no row"),
        ("age,label\n7,a.png\n", "a column image"),
        ("case,image,label\na,x.png,\na,y.png,\n", "a in 2 rows"),
    ],
)
def test_tables_that_cannot_be_read(tmp_path: Path, text: str, complaint: str) -> None:
    path = table(tmp_path, text)
    with pytest.raises(DatasetError, match=complaint):
        read_table(path)


def test_a_table_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(b"\xff\xfe\x00")
    assert not is_table(tmp_path / "x.csv")
    with pytest.raises(DatasetError, match="UTF-8"):
        read_table(tmp_path / "x.csv")
    assert not is_table(tmp_path)
