from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import nibabel
import numpy as np
import pytest
from typer.testing import CliRunner

from univox.cli.main import app
from univox.version import __version__

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
    folder = tmp_path_factory.mktemp("cli")
    arguments = ["train", tiny_dataset, "-o", folder / "model", "--iterations", 60, "--holdout", 0.25]
    status, output = run(*arguments, "--cache", folder / "cache", *TINY)
    assert status == 0
    assert "univox predict" in output
    return folder / "model"


def test_the_whole_way(model: Path, tiny_dataset: Path, tmp_path: Path) -> None:
    status, output = run("predict", model, tiny_dataset, "--cases", "test", "-o", tmp_path / "out")
    assert (status, "2 written" in output) == (0, True)
    status, output = run("evaluate", tmp_path / "out", tiny_dataset)
    assert status == 0
    assert "over 2 cases" in output
    figures = json.loads((tmp_path / "out-evaluation" / "metrics.json").read_text())
    assert len(figures["cases"]) == 2
    assert (tmp_path / "out-evaluation" / "report.html").stat().st_size > 10_000
    more = ("--instances", "--split-touching", "--min-size", 2)
    assert "2 there already" in run("predict", model, tiny_dataset, "--cases", "test", "-o", tmp_path / "out", *more)[1]
    labels = sorted((tmp_path / "out").glob("*.nii.gz"))
    for path in labels:
        numbered = nibabel.load(tmp_path / "out" / "instances" / path.name).get_fdata()
        assert not numbered[nibabel.load(path).get_fdata() == 0].any()
    assert len(labels) == 2


def test_a_finished_output_is_left_alone_unless_asked(model: Path, tiny_dataset: Path, tmp_path: Path) -> None:
    image = tiny_dataset / "imagesTr" / "ball_00.nii.gz"
    assert run("predict", model, image, "-o", tmp_path)[0] == 0
    written = tmp_path / "ball_00.nii.gz"
    written.write_bytes(b"mine")
    assert "1 there already" in run("predict", model, image, "-o", tmp_path)[1]
    assert written.read_bytes() == b"mine"
    assert "1 written" in run("predict", model, image, "-o", tmp_path, "--overwrite")[1]
    assert nibabel.load(written).shape == nibabel.load(image).shape


def test_a_bad_case_costs_the_good_one_nothing(model: Path, tiny_dataset: Path, tmp_path: Path) -> None:
    inputs = tmp_path / "in"
    inputs.mkdir()
    shutil.copy(tiny_dataset / "imagesTr" / "ball_01.nii.gz", inputs)
    (inputs / "empty.nii.gz").write_bytes(b"")
    status, output = run("predict", model, inputs, "-o", tmp_path / "out")
    assert status == 3
    assert "1 written" in output
    assert [path.name for path in sorted((tmp_path / "out").glob("*.nii.gz"))] == ["ball_01.nii.gz"]


def test_another_orientation_gives_the_same_labels(model: Path, tiny_dataset: Path, tmp_path: Path) -> None:
    image = nibabel.load(tiny_dataset / "imagesTr" / "ball_02.nii.gz")
    orientations = nibabel.orientations
    wanted = orientations.axcodes2ornt(("P", "S", "L"))
    turned = image.as_reoriented(orientations.ornt_transform(orientations.io_orientation(image.affine), wanted))
    nibabel.save(turned, tmp_path / "turned.nii.gz")
    run(
        "predict",
        model,
        tiny_dataset / "imagesTr" / "ball_02.nii.gz",
        tmp_path / "turned.nii.gz",
        "-o",
        tmp_path / "out",
    )
    plain, other = (nibabel.load(tmp_path / "out" / f"{name}.nii.gz") for name in ("ball_02", "turned"))
    assert nibabel.aff2axcodes(other.affine) == ("P", "S", "L")
    assert np.array_equal(nibabel.as_closest_canonical(other).dataobj, nibabel.as_closest_canonical(plain).dataobj)
    assert np.asarray(plain.dataobj).any()


def test_check_says_sound_and_what_is_not(tiny_dataset: Path, tmp_path: Path) -> None:
    status, output = run("check", tiny_dataset, "--jobs", 1)
    assert (status, "verdict: sound" in output) == (0, True)
    broken = tmp_path / "broken"
    shutil.copytree(tiny_dataset, broken)
    (broken / "labelsTr" / "ball_03.nii.gz").unlink()
    status, output = run("check", broken, "--json", "--jobs", 1)
    assert status == 2
    [finding] = [f for f in json.loads(output)["findings"] if f["severity"] == "error"]
    assert (finding["case"], finding["kind"]) == ("ball_03", "missing-label")
    assert run("check", tmp_path / "absent")[0] == 2


def test_networks_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    rows = json.loads(run("networks", "--json")[1])
    [row] = [row for row in rows if row["name"] == "nonlocal-unet" and not row["variant"]]
    assert (row["parameters"], row["verdict"]) == (1_821_124, "exact")
    assert "1,821,124" in run("networks")[1]


def test_recipes_are_listed_and_shown() -> None:
    assert "nonlocal-unet-2020" in run("recipes")[1]
    assert "step: 8" in run("recipes", "show", "nonlocal-unet-2020")[1]


def test_info_shows_the_card(model: Path) -> None:
    assert "Ball" in run("info", model)[1]
    assert json.loads(run("info", model, "--json")[1])["network"]["name"] == "residual-unet"


def test_plan_gives_a_reason_for_each_value(tiny_dataset: Path) -> None:
    plan = json.loads(run("plan", tiny_dataset, "--jobs", 1)[1])
    assert {"patch_size", "batch_size", "strides", "spacing_mm"} <= set(plan["reasons"])


def test_pictures_are_written(model: Path, tiny_dataset: Path, tmp_path: Path) -> None:
    case = [tiny_dataset / part / "ball_00.nii.gz" for part in ("imagesTr", "labelsTr")]
    assert run("view", case[0], case[1], "--label", case[1], "-o", tmp_path / "case.png")[0] == 0
    assert run("view", tiny_dataset, "--patches", "--count", 5, "-o", tmp_path / "patches.png")[0] == 0
    for name in ("case.png", "patches.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


def test_doctor_looks_at_the_machine() -> None:
    status, output = run("doctor")
    assert status == 0
    assert __version__ in output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["predict", "absent", "x.nii.gz", "-o", "out"], "model.json"),
        (["predict", "absent", "x.nii.gz", "-o", "out", "--min-size", "3"], "--instances"),
        (["train", "absent", "-o", "out"], "absent"),
        (["train", "x", "--budget", "5m", "--iterations", "3"], "both"),
        (["train"], "a dataset to train on"),
        (["train", "--resume", "-o", "out"], "a run to resume"),
        (["recipes", "show", "unet"], "recipes"),
    ],
)
def test_a_mistake_is_one_sentence_without_a_traceback(arguments: list[str], words: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "univox.cli.main", *arguments], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_the_next_command_reads_the_dataset_as_the_run_did(tmp_path: Path) -> None:
    from univox.cli.train import reading_flags
    from univox.data.source import DatasetSource

    plain = DatasetSource(path=tmp_path)
    assert reading_flags(plain) == ""
    chosen = plain.model_copy(update={"labels": "labelsTr_csf", "classes": "organ=1,2;tumour=3"})
    assert reading_flags(chosen) == " --classes 'organ=1,2;tumour=3' --labels labelsTr_csf"


def test_labels_judged_against_themselves_are_perfect(tiny_dataset: Path, tmp_path: Path) -> None:
    status, output = run("evaluate", tiny_dataset / "labelsTr", tiny_dataset, "-o", tmp_path / "out")
    assert status == 0
    assert "mean foreground Dice 1.000 over 8 cases" in output
