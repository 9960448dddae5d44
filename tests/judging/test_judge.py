"""A judgement names the domain that predicted, and shows the curves of no other run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from univox.data.layouts import open_dataset
from univox.inference import Input, load, predict_files
from univox.inference.record import write_record
from univox.judging.judge import REPORT, judge
from univox.model.folder import read_model

DOMAINS = {
    "brain": {
        "codes": (0, 1),
        "provenance": {"by": "train", "dataset": "iseg", "split": {"train": ["a", "b"]}, "iterations": 4},
    },
    "ball": {"codes": (0, 1), "provenance": {"by": "extend", "dataset": "Ball", "seconds": 2.5}},
}


@pytest.mark.parametrize(
    ("name", "trained", "training"),
    [
        ("brain", "iseg, 2 cases, seed 3", "4 iterations in - s"),
        ("ball", "Ball, 0 cases, seed 3", "- iterations in 2.5 s"),
    ],
)
def test_the_domain_that_predicted_is_named(
    write_model_of: Callable[..., Path], tiny_dataset: Path, tmp_path: Path, name: str, trained: str, training: str
) -> None:
    model = write_model_of(DOMAINS, provenance={"seed": 3})
    dataset = open_dataset(tiny_dataset)
    predictor = load(model, device="cpu").domain(name)
    outcomes = predict_files(predictor, [Input(c.name, c.images) for c in dataset.labelled[:2]], tmp_path / "out")
    write_record(tmp_path / "out", predictor, outcomes)
    (model / "run").mkdir()
    (model / "run" / "log.jsonl").write_text(json.dumps({"event": "iteration", "iteration": 1, "loss": 0.5}) + "\n")

    def judged() -> dict[str, str]:
        judge(tmp_path / "out", dataset, tmp_path / "judged")
        return json.loads((tmp_path / "judged/metrics.json").read_text())["provenance"]

    made = judged()
    assert ('<h2 id="training">' in (tmp_path / "judged" / REPORT).read_text()) == (name == "brain")
    (model / "extensions/ball").mkdir(parents=True)
    shutil.copy(model / "run/log.jsonl", model / "extensions/ball")
    judged()
    assert '<h2 id="training">' in (tmp_path / "judged" / REPORT).read_text()
    stored = read_model(model)
    assert made["domain"] == name
    assert (made["trained on"], made["training"]) == (trained, training)
    assert made["network"] == f"residual-unet, {stored.num_parameters(name):,} parameters"
    shutil.rmtree(model)
    assert "cannot be read" in judged()["model"]
