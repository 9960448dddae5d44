"""`univox calibrate`, and what predict and info make of it."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
from typer.testing import CliRunner

from univox.cli.main import app
from univox.model.folder import read_model

TINY = [
    *("--set", "patches.patch_size=[8, 8, 8]"),
    *("--set", "patches.batch_size=2"),
    *("--set", "network.arguments={strides: [[2, 2, 2], [2, 2, 2]], widths: [8, 8], detail_channels: 4}"),
    *("--jobs", "1"),
]


def run(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


@pytest.fixture(scope="module")
def model(tiny_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("calibrate")
    arguments = ["train", tiny_dataset, "-o", folder / "model", "--iterations", 20, "--holdout", 0.25]
    status, _ = run(*arguments, "--validation", 0.2, "--cache", folder / "cache", *TINY)
    assert status == 0
    assert "no temperature fitted" in run("info", folder / "model")[1]
    return folder / "model"


def test_fitted_stored_shown_and_used(model: Path, tiny_dataset: Path, tmp_path: Path) -> None:
    status, output = run("calibrate", model, tiny_dataset)
    assert status == 0
    calibration = read_model(model).domain().calibration
    assert calibration is not None
    assert f"temperature {calibration.temperature:.4f} on 1 case, stored in {model}" in output
    assert "fitted on few cases" in output
    assert f"temperature {calibration.temperature:.3f} (calibration error" in run("info", model)[1]
    about = json.loads(run("info", model, "--json")[1])
    [domain] = about["domain"].values()
    assert domain["calibration"]["temperature"] == calibration.temperature
    status, output = run("calibrate", model, tiny_dataset, "--cases", "test", "--measure-only")
    assert (status, "on 2 cases, as it is; nothing stored" in output) == (0, True)
    assert read_model(model).domain().calibration == calibration
    image = tiny_dataset / "imagesTr" / "ball_00.nii.gz"
    status, _ = run("predict", model, image, "-o", tmp_path, "--uncertainty", "--save-probabilities")
    assert status == 0
    entropy = np.asarray(nibabel.load(tmp_path / "uncertainty" / "ball_00.nii.gz").dataobj)
    shares = np.asarray(nibabel.load(tmp_path / "probabilities" / "ball_00.nii.gz").dataobj, dtype=float)
    logs = np.log2(np.maximum(shares, 1e-300))
    np.testing.assert_allclose(entropy, -(shares * logs).sum(-1), atol=1e-4)  # two classes: bits
    np.testing.assert_array_equal(np.asarray(nibabel.load(tmp_path / "ball_00.nii.gz").dataobj), shares.argmax(-1))


def test_all_domains_write_it_too(model: Path, tiny_dataset: Path, tmp_path: Path) -> None:
    image = tiny_dataset / "imagesTr" / "ball_00.nii.gz"
    assert run("predict", model, image, "-o", tmp_path, "--all-domains", "--uncertainty")[0] == 0
    assert [path.name for path in tmp_path.glob("*/uncertainty/*")] == ["ball_00.nii.gz"]
