"""`univox postprocess`, and what predict, evaluate and info make of it."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
from typer.testing import CliRunner

from univox.cli.main import app
from univox.model.folder import read_model
from univox.model.postprocessing import ChosenStep, Postprocessing
from univox.model.store_domain import store_domain

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
    folder = tmp_path_factory.mktemp("postprocess")
    arguments = ["train", tiny_dataset, "-o", folder / "model", "--iterations", 4, "--holdout", 0.25]
    status, _ = run(*arguments, "--validation", 0.2, "--cache", folder / "cache", *TINY)
    assert status == 0
    return folder / "model"


def test_chosen_and_said_whatever_comes_of_it(model: Path, tiny_dataset: Path) -> None:
    status, output = run("postprocess", model, tiny_dataset)
    assert status == 0
    assert "taken where the class's mean Dice rises by more than 0.001 and falls in at most 10% of the cases" in output
    chosen = read_model(model).domain().postprocessing
    if chosen is None:
        assert f"nothing helps on 1 case: no post-processing is stored in {model}" in output
    else:
        assert f"stored in {model}, chosen on 1 case" in output
        assert all(str(step) in output for step in chosen.steps)


def test_without_a_dataset_there_is_nothing_to_choose_on(model: Path) -> None:
    with pytest.raises(Exception, match="expected the dataset that holds the cases, got none"):
        run("postprocess", model)


def test_applied_shown_left_out_and_removed(model: Path, tiny_dataset: Path, tmp_path: Path) -> None:
    stored = read_model(model)
    domain = stored.domain()
    name = domain.label_classes.names[1]
    # More than a whole image: nothing of the class is left, which is plain to see.
    step = ChosenStep(
        class_name=name, kind="least_ml", size=1e6, dice_before=0.5, dice_after=0.625, cases=4, better=3, worse=0
    )
    store_domain(stored, domain.model_copy(update={"postprocessing": Postprocessing(steps=(step,))}))
    assert f"post-processing: {step}" in run("info", model)[1]
    about = json.loads(run("info", model, "--json")[1])
    assert about["domain"][domain.name]["postprocessing"]["steps"][0]["dice_after"] == 0.625
    image = tiny_dataset / "imagesTr" / "ball_00.nii.gz"
    shares: dict[str, np.ndarray] = {}
    for folder, options in (("with", []), ("without", ["--no-postprocessing"]), ("all", ["--all-domains"])):
        assert run("predict", model, image, "-o", tmp_path / folder, "--save-probabilities", *options)[0] == 0
        home = tmp_path / folder / (domain.name if folder == "all" else "")
        shares[folder] = np.asarray(nibabel.load(home / "probabilities" / "ball_00.nii.gz").dataobj)
        label = np.asarray(nibabel.load(home / "ball_00.nii.gz").dataobj)
        likeliest = shares[folder].argmax(-1)
        np.testing.assert_array_equal(label, likeliest if folder == "without" else np.zeros_like(likeliest))
    np.testing.assert_array_equal(shares["with"], shares["without"])
    for folder, said in (("with", str(step)), ("without", "none")):
        assert run("evaluate", tmp_path / folder, tiny_dataset, "-o", tmp_path / "judged" / folder)[0] == 0
        provenance = json.loads((tmp_path / "judged" / folder / "metrics.json").read_text())["provenance"]
        assert provenance["post-processing"] == said
        report = (tmp_path / "judged" / folder / "report.html").read_text()
        assert (str(step) in report) == (folder == "with")
    assert f"removed from {model}: {step}" in run("postprocess", model, "--remove")[1]
    assert "there was no post-processing" in run("postprocess", model, "--remove")[1]
    assert "no post-processing" in run("info", model)[1]
