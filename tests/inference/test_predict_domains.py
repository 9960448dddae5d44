"""All domains at once: the same labels as one by one, each case read once."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from univox.errors import DatasetError, FileError
from univox.inference import LoadedModel, Predictor, find_inputs, load, predict_domains, predict_files
from univox.inference.domain_inputs import find_domain_inputs, select_domain_inputs
from univox.inference.predict_domains import DomainOutcome, by_domain

SET = {
    "crop": "none",
    "spacing_mm": "none",
    "clip": "none",
    "normalization": {"scope": "set", "mean": (90.0,), "sd": (40.0,)},
}
DOMAINS: dict[str, dict[str, Any]] = {
    "brain": {"channel_names": ("T1", "T2"), "codes": (0, 1, 2, 3)},
    "spleen": {"channel_names": ("CT",), "codes": (0, 7), "provenance": {"split": {"test": ["b"]}}},
    "liver": {"channel_names": ("CT",)},
    "bone": {"channel_names": ("CT",), "preprocessing": SET, "provenance": {"split": {"test": ["c", "elsewhere"]}}},
}
ONE_CHANNEL = ("spleen", "liver", "bone")


@pytest.fixture
def model(write_model_of: Callable[..., Path]) -> Path:
    return write_model_of(DOMAINS)


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    """Two channels as files, one case of one channel, one of two in a 4-D file, one of three."""
    folder = tmp_path / "in"
    folder.mkdir()
    rng = np.random.default_rng(0)

    def save(name: str, *channels: int) -> None:
        array = rng.gamma(2.0, 50.0, (9, 8, 10, *channels)).astype(np.float32)
        nib.save(nib.Nifti1Image(array, np.diag([1.0, 1.5, 1.0, 1.0])), folder / f"{name}.nii.gz")

    for name in ("a-T1", "a-T2", "b", "c"):
        save(name)
    save("d", 2)
    save("e", 3)
    return folder


def run(loaded: LoadedModel, folder: Path, output: Path, **options: Any) -> list[DomainOutcome]:
    return predict_domains(loaded, find_domain_inputs([folder], loaded.stored.domains), output, **options)


def labels(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.nii.gz")}


def test_the_labels_are_those_of_each_domain_alone(model: Path, inputs: Path, tmp_path: Path) -> None:
    loaded = load(model, device="cpu")
    outcomes = by_domain(run(loaded, inputs, tmp_path / "all", save_probabilities=True, uncertainty=True))
    assert {name: [o.name for o in done] for name, done in outcomes.items()} == {
        "brain": ["a", "d"],
        **{name: ["b", "c"] for name in ONE_CHANNEL},
    }
    for name, done in outcomes.items():
        alone = Predictor(model, domain=name, device="cpu")
        cases = {outcome.name for outcome in done}
        found = [one for one in find_inputs([inputs], alone.domain.channel_names) if one.name in cases]
        predict_files(alone, found, tmp_path / name, save_probabilities=True, uncertainty=True)
        for part in (".", "probabilities", "uncertainty"):
            assert labels(tmp_path / "all" / name / part) == labels(tmp_path / name / part) != {}


def test_what_fits_no_domain_is_one_failure_and_the_rest_is_done(model: Path, inputs: Path, tmp_path: Path) -> None:
    (inputs / "f.nii.gz").write_bytes(b"no image")
    heard: list[DomainOutcome] = []
    outcomes = run(load(model, device="cpu"), inputs, tmp_path / "out", on_case=heard.append)
    assert heard == outcomes
    failed = {one.outcome.name: one for one in outcomes if one.outcome.status == "failed"}
    assert failed.keys() == {"e", "f"}
    assert failed["e"].domains == ()
    assert "got a 3-D one with 3 channels" in failed["e"].outcome.message
    assert "brain (2 channels: T1, T2;" in failed["e"].outcome.message
    assert failed["f"].domains == tuple(DOMAINS)
    assert "f.nii.gz" in failed["f"].outcome.message
    written = [one for one in outcomes if one.outcome.status == "written"]
    assert len(written) == 2 + 2 * len(ONE_CHANNEL)


def test_a_case_is_read_once_and_prepared_once_per_preprocessing(
    model: Path, inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = import_module("univox.inference.predict_domains")
    calls = dict.fromkeys(("read_image", "prepare_image"), 0)

    def counted(name: str) -> Callable[..., Any]:
        original = getattr(module, name)

        def call(*args: Any) -> Any:
            calls[name] += 1
            return original(*args)

        return call

    for name in calls:
        monkeypatch.setattr(module, name, counted(name))
    run(load(model, device="cpu"), inputs, tmp_path / "out")
    # a, b, c, d, e; and a and d for brain, b and c twice: spleen and liver are prepared alike, bone is not.
    assert calls == {"read_image": 5, "prepare_image": 6}


def test_finished_labels_are_left_alone_unless_asked(model: Path, inputs: Path, tmp_path: Path) -> None:
    loaded, out = load(model, device="cpu"), tmp_path / "out"
    run(loaded, inputs, out)
    (out / "liver/b.nii.gz").unlink()
    before = labels(out / "spleen")
    again = run(loaded, inputs, out)
    assert [one.domains for one in again if one.outcome.status == "written"] == [("liver",)]
    assert [one.outcome.name for one in again if one.outcome.status == "failed"] == ["e"]
    assert labels(out / "spleen") == before
    assert not [one for one in run(loaded, inputs, out, overwrite=True) if one.outcome.status == "present"]


def test_a_channel_of_a_case_is_no_case_of_another_domain(model: Path, inputs: Path) -> None:
    found = find_domain_inputs([inputs], load(model, device="cpu").stored.domains)
    assert [entry.name for entry in found["brain"]] == ["a", "b", "c", "d", "e"]
    for name in ONE_CHANNEL:
        assert [entry.name for entry in found[name]] == ["b", "c", "d", "e"]


def test_test_cases_are_each_domains_own(model: Path, inputs: Path) -> None:
    domains = load(model, device="cpu").stored.domains
    found = find_domain_inputs([inputs], domains)

    def chosen(wanted: str | None) -> dict[str, list[str]]:
        kept = select_domain_inputs(found, wanted, domains)
        return {name: [entry.name for entry in entries] for name, entries in kept.items() if entries}

    assert chosen("test") == {"spleen": ["b"], "bone": ["c"]}
    assert chosen("a,b") == {"brain": ["a", "b"], **{name: ["b"] for name in ONE_CHANNEL}}
    assert select_domain_inputs(found, None, domains) == found
    with pytest.raises(DatasetError, match="got none of the validation cases of any domain"):
        chosen("validation")
    with pytest.raises(DatasetError, match="got z;"):
        chosen("a,z")


def test_an_output_never_replaces_an_input(model: Path, inputs: Path) -> None:
    (inputs.parent / "spleen").symlink_to(inputs)
    with pytest.raises(FileError, match="replace its own input"):
        run(load(model, device="cpu"), inputs, inputs.parent, overwrite=True)
