from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

from univox.data.layouts import open_dataset
from univox.model.folder import read_model
from univox.studies.demonstration import demonstrate

DATA = Path(str(resources.files("univox"))) / "demo_data"


def test_the_shipped_data_are_48_cases_with_12_kept_out() -> None:
    dataset = open_dataset(DATA / "hippocampus_mri")
    held_out = json.loads((DATA / "split.json").read_text())["test"]
    assert (len(dataset.labelled), len(set(held_out))) == (48, 12)
    assert set(held_out) < {case.name for case in dataset.labelled}
    assert "CC-BY-SA 4.0" in (DATA / "README.md").read_text()


def test_a_short_demonstration_goes_the_whole_way(tmp_path: Path) -> None:
    shown = demonstrate(tmp_path, budget_seconds=5.0)
    assert set(shown.dice) == {"Anterior", "Posterior"}
    assert 0.0 <= shown.mean_dice <= 1.0
    assert shown.report.is_file()
    split = read_model(tmp_path / "model").domain().split
    judged = json.loads((tmp_path / "evaluation" / "metrics.json").read_text())["cases"]
    assert len(judged) == 12
    assert not set(split["test"]) & {*split["train"], *split["validation"]}
