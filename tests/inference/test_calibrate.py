"""A temperature fitted and stored: what changes, what does not, and what is refused."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import torch

from univox.data.dataset import Dataset
from univox.data.layouts import open_dataset
from univox.errors import DatasetError, GeometryError, ModelError, UnivoxError
from univox.image import read_image, read_label
from univox.inference import Predictor
from univox.inference.calibrate import calibrate, measure
from univox.inference.unseen_cases import unseen_cases
from univox.metrics import measure_calibration, normalized_entropy, tempered
from univox.model.folder import read_model
from univox.model.pack import export_pack, read_pack

SPLIT = {"train": ["a", "b"], "validation": ["c", "d"], "test": ["e"]}


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """Five volumes of noise, and labels that say nothing of them: an over-confident network must become cautious."""
    folder = tmp_path / "Task97_Noise"
    random = np.random.default_rng(0)
    for part in ("imagesTr", "labelsTr"):
        (folder / part).mkdir(parents=True)
    for name in "abcde":
        image = random.gamma(2.0, 50.0, (10, 9, 11)).astype(np.float32) + 1
        label = random.choice([0, 10, 250], image.shape).astype(np.uint8)
        nib.save(nib.Nifti1Image(image, np.eye(4)), folder / "imagesTr" / f"{name}.nii.gz")
        nib.save(nib.Nifti1Image(label, np.eye(4)), folder / "labelsTr" / f"{name}.nii.gz")
    listed = [{"image": f"./imagesTr/{n}.nii.gz", "label": f"./labelsTr/{n}.nii.gz"} for n in "abcde"]
    labels = {"0": "background", "10": "CSF", "250": "WM"}
    about = {"name": "Noise", "modality": {"0": "MRI"}, "labels": labels, "training": listed, "test": []}
    (folder / "dataset.json").write_text(json.dumps(about))
    return open_dataset(folder)


@pytest.fixture
def model(write_small_model: Callable[..., Path]) -> Path:
    return write_small_model(provenance={"split": SPLIT})


def hashes(model: Path) -> dict[str, str]:
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in model.rglob("*.safetensors")}


def voxels(model: Path, dataset: Dataset, names: str) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities as they are put out, and class indices, of all voxels of some cases."""
    predictor = Predictor(model, device="cpu")
    found = []
    for name in names:
        case = dataset.case(name)
        assert case.label is not None
        probabilities = predictor.predict(read_image(case.images), probabilities=True).probabilities
        assert probabilities is not None
        found.append((probabilities.reshape(3, -1), predictor.classes.to_index(read_label(case.label).array).ravel()))
    return np.concatenate([one for one, _ in found], axis=1), np.concatenate([other for _, other in found])


def test_the_fit_serves_what_prediction_puts_out_and_changes_no_weight(model: Path, dataset: Dataset) -> None:
    before, weights = voxels(model, dataset, "cd"), hashes(model)
    image = read_image(dataset.case("e").images)
    label = Predictor(model, device="cpu").predict(image).label
    done = calibrate(model, dataset, device="cpu")
    scaling = done.scaling
    assert read_model(model).domain().calibration == scaling
    assert hashes(model) == weights
    assert scaling.cases == ("c", "d")
    assert scaling.temperature > 1.5
    assert scaling.surroundings == scaling.whole  # the foreground is everywhere
    assert scaling.whole.voxels == 2 * 10 * 9 * 11
    # The figures are those of the probabilities as they come out before and after.
    after = voxels(model, dataset, "cd")
    np.testing.assert_allclose(after[0], tempered(before[0], scaling.temperature), atol=1e-6)
    for (probabilities, truth), nll, ece in (
        (before, scaling.whole.nll_before, scaling.whole.ece_before),
        (after, scaling.whole.nll_after, scaling.whole.ece_after),
    ):
        of_truth = np.take_along_axis(probabilities.astype(float), truth[None].astype(int), 0)
        assert nll == pytest.approx(-np.log(of_truth).mean(), rel=1e-4)
        assert ece == pytest.approx(measure_calibration(probabilities, truth).expected_error, abs=1e-4)
    assert scaling.whole.nll_after < scaling.whole.nll_before
    assert scaling.whole.ece_after < scaling.whole.ece_before / 2
    warm = Predictor(model, device="cpu").predict(image, probabilities=True, uncertainty=True)
    np.testing.assert_array_equal(warm.label, label)
    assert warm.probabilities is not None
    np.testing.assert_allclose(warm.uncertainty, normalized_entropy(warm.probabilities), atol=2e-5)


def test_fitting_again_begins_at_the_networks_own_probabilities(model: Path, dataset: Dataset) -> None:
    first = calibrate(model, dataset, device="cpu")
    assert calibrate(model, dataset, device="cpu") == first


def test_measuring_stores_nothing_and_sees_what_is_stored(model: Path, dataset: Dataset) -> None:
    before = (model / "domains/small/domain.json").read_bytes()
    heard: list[tuple[str, int, int]] = []
    plain = measure(model, dataset, device="cpu", on_case=lambda *case: heard.append(case))
    assert heard == [("e", 1, 1)]
    assert plain.scaling.temperature == 1.0
    assert plain.scaling.whole.nll_before == plain.scaling.whole.nll_after
    assert (model / "domains/small/domain.json").read_bytes() == before
    fitted = calibrate(model, dataset, device="cpu").scaling
    again = measure(model, dataset, device="cpu").scaling
    assert (again.cases, again.temperature) == (("e",), fitted.temperature)
    assert again.whole.nll_before == plain.scaling.whole.nll_before
    assert again.whole.nll_after < again.whole.nll_before


def test_a_pack_carries_the_temperature_and_names_only_if_asked(
    write_model_of: Callable[..., Path], dataset: Dataset, tmp_path: Path
) -> None:
    preprocessing = {"crop": "none", "spacing_mm": "none", "clip": "none", "normalization": {"scope": "none"}}
    model = write_model_of({"brain": {"provenance": {"split": SPLIT}, "preprocessing": preprocessing}, "spleen": {}})
    scaling = calibrate(model, dataset, domain="brain", device="cpu").scaling
    stored = read_model(model)
    assert (stored.domain("brain").calibration, stored.domain("spleen").calibration) == (scaling, None)
    assert "calibration" not in json.loads((model / "domains/spleen/domain.json").read_text())
    export_pack(model, "brain", tmp_path / "brain.univox")
    assert read_pack(tmp_path / "brain.univox").domain.calibration == scaling
    export_pack(model, "brain", tmp_path / "nameless.univox", case_names=False)
    nameless = read_pack(tmp_path / "nameless.univox").domain.calibration
    assert nameless == scaling.model_copy(update={"cases": ()})


@pytest.mark.parametrize(
    ("split", "cases", "words"),
    [
        ({"train": ["a"], "validation": []}, "validation", "expected validation cases that the domain small recorded"),
        ({}, "validation", "got none; remedy: name labelled cases that it was not trained on"),
        (SPLIT, ["c", "b", "a"], "was not trained on, got b, a, of its training cases"),
        (SPLIT, ["c", "z"], "cases with a label in Noise, got z"),
        (SPLIT, [], "was not trained on, got none"),
        (SPLIT, "test", "got the test cases; remedy: leave them to judge the model"),
    ],
)
def test_cases_that_cannot_serve_are_refused(
    write_small_model: Callable[..., Path], dataset: Dataset, split: dict[str, list[str]], cases: Any, words: str
) -> None:
    model = write_small_model(provenance={"split": split})
    with pytest.raises(DatasetError, match=words):
        calibrate(model, dataset, cases=cases, device="cpu")
    assert read_model(model).domain().calibration is None


def test_named_cases_serve_once_each(model: Path, dataset: Dataset) -> None:
    domain = read_model(model).domain()
    assert [case.name for case in unseen_cases(domain, dataset, ["e", "c", "e"])] == ["e", "c"]


def rewrite(path: Path, change: Callable[[np.ndarray], np.ndarray]) -> None:
    stored = nib.load(path)
    nib.save(nib.Nifti1Image(change(np.asarray(stored.dataobj)), stored.affine), path)


def with_nan(array: np.ndarray) -> np.ndarray:
    array[2, 2, 2] = np.nan
    return array


@pytest.mark.parametrize(
    ("part", "change", "error", "words"),
    [
        ("imagesTr", with_nan, DatasetError, "c.nii.gz: expected finite intensities"),
        ("labelsTr", lambda label: label + 3, UnivoxError, "c.nii.gz: expected the declared codes 0, 10, 250"),
        ("labelsTr", lambda label: label[1:], GeometryError, "a label on the grid of its image"),
        ("imagesTr", lambda image: np.stack([image, image], -1), DatasetError, "1 channels"),
    ],
)
def test_a_case_that_is_unsound_is_one_sentence_with_its_file(
    model: Path,
    dataset: Dataset,
    part: str,
    change: Callable[[np.ndarray], np.ndarray],
    error: type[UnivoxError],
    words: str,
) -> None:
    rewrite(dataset.root / part / "c.nii.gz", change)
    with pytest.raises(error, match=words):
        calibrate(model, dataset, device="cpu")


def test_a_network_without_numbers_is_refused(model: Path, dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "univox.inference.predictor.sliding_window", lambda *_, **__: torch.full((3, 10, 9, 11), float("nan"))
    )
    with pytest.raises(ModelError, match="probabilities for every voxel of c, got some that are no numbers"):
        calibrate(model, dataset, device="cpu")
