"""Data named by their bytes: the same files in any order make the same fingerprint, one changed byte another."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tiny_dataset import label_codes, tiny_dataset, write_nifti

from univox.judging.evaluate import evaluate
from univox.judging.provenance import fingerprint, here


def test_the_fingerprint_is_that_of_the_lines_which_sha256sum_would_give(tmp_path: Path) -> None:
    dataset = tiny_dataset(tmp_path / "data", "a", "b")
    for name in "ab":
        write_nifti(tmp_path / "p" / f"{name}.nii.gz", label_codes(shift=1))
    facts = here(evaluate(tmp_path / "p", dataset).results)
    lines = "".join(
        f"{case.name} .gz:{hashlib.sha256(case.label.read_bytes()).hexdigest()}\n"
        for case in dataset.cases
        if case.label
    )
    assert facts["labels judged by"] == f"2 cases, sha256 {hashlib.sha256(lines.encode()).hexdigest()}"
    assert facts["labels judged by"] != facts["predictions judged"]
    write_nifti(tmp_path / "p" / "a.nii.gz", label_codes(shift=2))
    again = here(evaluate(tmp_path / "p", dataset).results)
    assert again["labels judged by"] == facts["labels judged by"]
    assert again["predictions judged"] != facts["predictions judged"]
    assert "torch 2" in facts["libraries"]


def test_a_name_is_part_of_it_and_one_case_is_one() -> None:
    assert fingerprint({"a": ["x"]}) != fingerprint({"b": ["x"]})
    assert fingerprint({"a": ["x"]}).startswith("1 case, sha256 ")
