"""The command line on a model of several domains."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from typer.testing import CliRunner

from univox.cli.main import app
from univox.errors import UnivoxError
from univox.inference.record import read_record
from univox.model.folder import read_model

DOMAINS = {
    "brain": {"channel_names": ("T1", "T2")},
    "spleen": {
        "channel_names": ("CT",),
        "codes": (0, 7),
        "validation": {"mean_dice": 0.625, "dice": {"class 7": 0.625}},
        "provenance": {"by": "extend", "like": "brain", "finished": "2026-11-21", "split": {"test": ["b"]}},
    },
    "liver": {"channel_names": ("CT",), "codes": (0, 3)},
}


def run(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


@pytest.fixture
def model(write_model_of: Callable[..., Path]) -> Path:
    return write_model_of(DOMAINS)


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name, channels in {"a": (2,), "b": (), "c": ()}.items():
        array = rng.gamma(2.0, 50.0, (8, 9, 8, *channels)).astype(np.float32)
        nib.save(nib.Nifti1Image(array, np.eye(4)), folder / f"{name}.nii.gz")
    return folder


def test_without_a_domain_the_model_says_which_it_has_before_any_work(model: Path, tmp_path: Path) -> None:
    words = r"brain \(2 channels: T1, T2; .* spleen \(1 channel: CT; classes: class 0, class 7\).*--all-domains"
    with pytest.raises(UnivoxError, match=words):
        run("predict", model, tmp_path / "absent", "-o", tmp_path / "out")
    with pytest.raises(UnivoxError, match="either --domain or --all-domains"):
        run("predict", model, tmp_path, "-o", tmp_path / "out", "--domain", "liver", "--all-domains")
    assert not (tmp_path / "out").exists()


def test_all_domains_give_what_each_gives_by_name(model: Path, inputs: Path, tmp_path: Path) -> None:
    status, output = run("predict", model, inputs, "-o", tmp_path / "all", "--all-domains")
    assert (status, "5 written" in output, "spleen b written" in output) == (0, True, True)
    for domain, cases in {"brain": "a", "spleen": "bc", "liver": "bc"}.items():
        files = [inputs / f"{case}.nii.gz" for case in cases]
        status, _ = run("predict", model, *files, "-o", tmp_path / domain, "--domain", domain)
        assert status == 0
        for case in cases:
            both = [
                (folder / f"{case}.nii.gz").read_bytes() for folder in (tmp_path / domain, tmp_path / "all" / domain)
            ]
            assert both[0] == both[1]
        for folder in (tmp_path / domain, tmp_path / "all" / domain):
            record = read_record(folder)
            assert record is not None
            assert (record.domain, record.cases, record.model) == (domain, tuple(cases), model.resolve())


def test_a_case_that_fits_no_domain_fails_alone(
    write_model_of: Callable[..., Path], inputs: Path, tmp_path: Path
) -> None:
    model = write_model_of({name: DOMAINS[name] for name in ("spleen", "liver")})
    status, output = run("predict", model, inputs, "-o", tmp_path / "out", "--all-domains")
    assert (status, "4 written" in output, "1 failed" in output) == (3, True, True)
    assert "got a 3-D one with 2 channels" in output


def test_test_cases_are_those_of_the_domain(model: Path, inputs: Path, tmp_path: Path) -> None:
    options = ("--cases", "test", "--domain", "spleen")
    assert "1 written" in run("predict", model, inputs, "-o", tmp_path / "one", *options)[1]
    assert "1 written" in run("predict", model, inputs, "-o", tmp_path / "all", "--cases", "test", "--all-domains")[1]
    assert [path.name for path in (tmp_path / "all").glob("*/*.nii.gz")] == ["b.nii.gz"]


def test_info_counts_and_tells_the_lineage(model: Path) -> None:
    stored = read_model(model)
    status, output = run("info", model)
    assert status == 0
    for name, record in stored.manifest.domains.items():
        assert name in output
        assert f"{record.parameters:,}" in output
    assert f"{stored.manifest.shared.parameters:,}" in output
    assert stored.manifest.shared.sha256 in output
    assert "2. spleen: extend on spleen (cases: 1 test), began like brain, finished 2026-11-21" in output
    assert "spleen: channels CT; classes class 0 = 0, class 7 = 7 (Dice 0.625)" in output
    values = json.loads(run("info", model, "--json")[1])
    assert values["counted"]["domains"]["spleen"]["mean_dice"] == 0.625
    assert values["counted"]["shared"]["num_bytes"] == (model / "shared.safetensors").stat().st_size
    assert values["domain"]["brain"]["channel_names"] == ["T1", "T2"]
