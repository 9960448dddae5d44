"""Volumes as slices, from the command line: a 2-D network trained on them segments whole volumes."""

from __future__ import annotations

from pathlib import Path

import nibabel
from typer.testing import CliRunner

from univox.cli.main import app
from univox.model.folder import read_model

TINY = [
    *("--set", "patches.patch_size=[8, 8]", "--set", "patches.batch_size=2", "--set", "patches.levels=2"),
    *("--set", "network.arguments={strides: [[2, 2], [2, 2]], widths: [8, 8]}"),
]


def run(*words: object) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_slices_train_a_network_that_takes_volumes(tiny_dataset: Path, tmp_path: Path) -> None:
    told = run("slices", tiny_dataset, "-o", tmp_path / "slices")
    assert f"univox train {tmp_path / 'slices'} --classes" in told
    names = ["--classes", "ball=1", "--cache", tmp_path / "cache", "--jobs", 1, "--holdout", 0.3]
    run("train", tmp_path / "slices", "-o", tmp_path / "model", "--iterations", 2, *names, *TINY)
    split = read_model(tmp_path / "model").domain().split
    volumes = {part: {name.rsplit("_axis", 1)[0] for name in cases} for part, cases in split.items()}
    assert volumes["test"]
    assert not volumes["test"] & (volumes["train"] | volumes["validation"])
    scan = tiny_dataset / "imagesTr" / "ball_00.nii.gz"
    run("predict", tmp_path / "model", scan, "--slices", "0,1,2", "-o", tmp_path / "out")
    written, stored = nibabel.load(tmp_path / "out" / scan.name), nibabel.load(scan)
    assert written.shape == stored.shape
    assert (written.affine == stored.affine).all()
