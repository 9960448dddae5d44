"""Post-processing chosen on cases, stored, and done by prediction: what changes, what does not, what is refused."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from univox.data.dataset import Dataset
from univox.data.layouts import open_dataset
from univox.errors import DatasetError
from univox.image import Image, read_image
from univox.inference import Predictor
from univox.inference.ensemble import EnsemblePredictor
from univox.inference.postprocess import postprocess, remove_postprocessing
from univox.inference.postprocessed import postprocessed
from univox.inference.predict_files import find_inputs, predict_files
from univox.inference.record import read_record, write_record
from univox.model.folder import read_model
from univox.model.pack import export_pack, read_pack
from univox.model.postprocessing import ChosenStep, Postprocessing, PostprocessingStep
from univox.model.store_domain import store_domain

NAMES = "abcde"
SPLIT = {"train": ["a", "b"], "validation": ["c", "d"], "test": ["e"]}
CODES = np.array([0, 10, 250])
SPACING = (2.0, 1.0, 0.5)


def image(name: str) -> np.ndarray:
    return np.random.default_rng(ord(name)).gamma(2.0, 50.0, (10, 9, 11)).astype(np.float32) + 1


def write_dataset(folder: Path, labels: dict[str, np.ndarray]) -> Dataset:
    for part in ("imagesTr", "labelsTr"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    affine = np.diag([*SPACING[::-1], 1.0])  # a file is (x, y, z), an array (z, y, x)
    for name in NAMES:
        nib.save(nib.Nifti1Image(image(name).T, affine), folder / "imagesTr" / f"{name}.nii.gz")
        codes = CODES[labels[name]].astype(np.uint8)
        nib.save(nib.Nifti1Image(codes.T, affine), folder / "labelsTr" / f"{name}.nii.gz")
    listed = [{"image": f"./imagesTr/{n}.nii.gz", "label": f"./labelsTr/{n}.nii.gz"} for n in NAMES]
    about = {"name": "Noise", "modality": {"0": "MRI"}, "labels": {"0": "background", "10": "CSF", "250": "WM"}}
    (folder / "dataset.json").write_text(json.dumps({**about, "training": listed, "test": []}))
    return open_dataset(folder)


@pytest.fixture
def model(write_small_model: Callable[..., Path]) -> Path:
    return write_small_model(provenance={"split": SPLIT})


@pytest.fixture
def dataset(tmp_path: Path, model: Path) -> Dataset:
    """Labels are what the network says, of its second class the largest piece alone: so that is what helps."""
    folder = tmp_path / "Task97_Noise"
    blank = dict.fromkeys(NAMES, np.zeros((10, 9, 11), np.uint8))
    write_dataset(folder, blank)
    predictor = Predictor(model, device="cpu")
    truth = {name: predictor.predict(read_image([folder / "imagesTr" / f"{name}.nii.gz"])).label for name in NAMES}
    step = PostprocessingStep(class_name="class 10", kind="largest")
    done = {
        name: postprocessed(label, [step], predictor.classes.names, SPACING).astype(np.uint8)
        for name, label in truth.items()
    }
    assert any((done[name] != truth[name]).any() for name in "cd")
    return write_dataset(folder, done)


def hashes(model: Path) -> dict[str, str]:
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in model.rglob("*.safetensors")}


def labelled(dataset: Dataset, name: str) -> Image:
    return read_image(dataset.case(name).images)


def test_what_is_chosen_is_done_by_prediction_and_changes_no_weight(model: Path, dataset: Dataset) -> None:
    weights, raw = hashes(model), Predictor(model, device="cpu").predict(labelled(dataset, "c"), probabilities=True)
    heard: list[tuple[str, int, int]] = []
    done = postprocess(model, dataset, device="cpu", on_case=lambda *case: heard.append(case))
    assert heard == [("c", 1, 2), ("d", 2, 2)]
    assert done.postprocessing is not None
    assert read_model(model).domain().postprocessing == done.postprocessing
    assert done.postprocessing.cases == done.cases == ("c", "d")
    step = done.postprocessing.steps[0]
    assert (step.class_name, step.cases, step.worse) == ("class 10", 2, 0)
    assert step.dice_after == 1.0 > step.dice_before
    assert hashes(model) == weights
    predictor = Predictor(model, device="cpu")
    prediction = predictor.predict(labelled(dataset, "c"), probabilities=True, uncertainty=True)
    assert (prediction.label != raw.label).any()
    expected = postprocessed(raw.label, done.postprocessing.steps, predictor.classes.names, SPACING)
    np.testing.assert_array_equal(prediction.label, expected)
    np.testing.assert_array_equal(prediction.codes, CODES[expected])
    np.testing.assert_array_equal(prediction.probabilities, raw.probabilities)
    off = Predictor(model, device="cpu", settings={"postprocessing": False}).predict(labelled(dataset, "c"))
    np.testing.assert_array_equal(off.label, raw.label)


def test_choosing_again_looks_at_the_networks_own_labels(model: Path, dataset: Dataset) -> None:
    assert postprocess(model, dataset, device="cpu") == postprocess(model, dataset, device="cpu")


def test_nothing_helps_and_an_earlier_choice_goes(model: Path, dataset: Dataset) -> None:
    before = (model / "domains/small/domain.json").read_bytes()
    postprocess(model, dataset, device="cpu")
    # Labels that are the raw predictions: every change of them would hurt.
    off = Predictor(model, device="cpu", settings={"postprocessing": False})
    raw = {name: off.predict(labelled(dataset, name)).label.astype(np.uint8) for name in NAMES}
    done = postprocess(model, write_dataset(dataset.root, raw), device="cpu")
    assert done.postprocessing is None
    assert done.choice.tried
    assert {step.dice_before for step in done.choice.tried} == {1.0}
    assert (model / "domains/small/domain.json").read_bytes() == before


def test_it_is_removed(model: Path, dataset: Dataset) -> None:
    before = (model / "domains/small/domain.json").read_bytes()
    assert remove_postprocessing(model) is None
    done = postprocess(model, dataset, device="cpu")
    assert remove_postprocessing(model) == done.postprocessing
    assert (model / "domains/small/domain.json").read_bytes() == before


def test_members_of_an_ensemble_do_not_apply_their_own(model: Path, dataset: Dataset, tmp_path: Path) -> None:
    raw = Predictor(model, device="cpu").predict(labelled(dataset, "c")).label
    postprocess(model, dataset, device="cpu")
    ensemble = EnsemblePredictor(tmp_path, [Predictor(model, device="cpu"), Predictor(model, device="cpu")])
    np.testing.assert_array_equal(ensemble.predict(labelled(dataset, "c")).label, raw)
    assert ensemble.domain.postprocessing is None


def test_the_folder_of_predictions_says_what_was_done(model: Path, dataset: Dataset, tmp_path: Path) -> None:
    done = postprocess(model, dataset, device="cpu")
    assert done.postprocessing is not None
    for folder, settings, said in (
        ("with", {}, tuple(map(str, done.postprocessing.steps))),
        ("without", {"postprocessing": False}, ()),
    ):
        predictor = Predictor(model, device="cpu", settings=settings)
        found = find_inputs([dataset.root], predictor.domain.channel_names)[:1]
        write_record(tmp_path / folder, predictor, predict_files(predictor, found, tmp_path / folder))
        record = read_record(tmp_path / folder)
        assert record is not None
        assert record.postprocessing == said


def test_a_pack_carries_it_and_names_only_if_asked(
    write_model_of: Callable[..., Path], dataset: Dataset, tmp_path: Path
) -> None:
    settings = {"crop": "none", "spacing_mm": "none", "clip": "none", "normalization": {"scope": "none"}}
    model = write_model_of({"brain": {"provenance": {"split": SPLIT}, "preprocessing": settings}, "spleen": {}})
    predictor = Predictor(model, domain="brain", device="cpu")
    steps = {"class_name": predictor.classes.names[1], "kind": "largest"}
    step = ChosenStep.model_validate(
        {**steps, "dice_before": 0.5, "dice_after": 0.6, "cases": 2, "better": 2, "worse": 0}
    )
    chosen = Postprocessing(steps=(step,), cases=("c", "d"))
    store_domain(predictor.model, predictor.domain.model_copy(update={"postprocessing": chosen}))
    assert "postprocessing" not in json.loads((model / "domains/spleen/domain.json").read_text())
    export_pack(model, "brain", tmp_path / "brain.univox")
    assert read_pack(tmp_path / "brain.univox").domain.postprocessing == chosen
    export_pack(model, "brain", tmp_path / "nameless.univox", case_names=False)
    nameless = read_pack(tmp_path / "nameless.univox").domain.postprocessing
    assert nameless == chosen.model_copy(update={"cases": ()})


def test_labels_with_unlabelled_voxels_are_refused(model: Path, dataset: Dataset) -> None:
    partly = dataclasses.replace(dataset, classes=dataclasses.replace(dataset.classes, ignored=(99,)))
    with pytest.raises(DatasetError, match="every voxel is labelled"):
        postprocess(model, partly, device="cpu")


@pytest.mark.parametrize(
    ("split", "cases", "words"),
    [
        ({"train": ["a", "b"], "validation": []}, "validation", "expected validation cases that the domain small"),
        (SPLIT, ["c", "b"], "was not trained on, got b, of its training cases"),
        (SPLIT, ["c", "z"], "cases with a label in Noise, got z"),
        (SPLIT, "test", "got the test cases; remedy: leave them to judge the model"),
    ],
)
def test_cases_that_cannot_serve_are_refused(
    write_small_model: Callable[..., Path], dataset: Dataset, split: dict[str, list[str]], cases: Any, words: str
) -> None:
    model = write_small_model(provenance={"split": split})
    with pytest.raises(DatasetError, match=words):
        postprocess(model, dataset, cases=cases, device="cpu")
    assert read_model(model).domain().postprocessing is None


def test_a_volume_by_a_2d_model_is_post_processed_slice_by_slice(write_small_model: Callable[..., Path]) -> None:
    settings = {"crop": "none", "spacing_mm": "none", "clip": "none", "normalization": {"scope": "none"}}
    model = write_small_model(spatial_dims=2, preprocessing=settings)
    volume = Image.from_array(image("a")[None] / 100, spacing_mm=SPACING, channel_names=("T1",))
    raw = Predictor(model, device="cpu", settings={"slice_axes": (2, 0)}).predict(volume).label
    figures = {"dice_before": 0.5, "dice_after": 0.6, "cases": 2, "better": 2, "worse": 0}
    step = ChosenStep.model_validate({"class_name": "class 10", "kind": "least_mm2", "size": 12.0, **figures})
    stored = read_model(model)
    store_domain(stored, stored.domain().model_copy(update={"postprocessing": Postprocessing(steps=(step,))}))
    predictor = Predictor(model, device="cpu", settings={"slice_axes": (2, 0)})
    done = predictor.predict(volume).label
    # Across the last axis a pixel has 2 x 1 mm2: six are enough.
    names = predictor.classes.names
    expected = np.stack([postprocessed(raw[..., i], [step], names, (2.0, 1.0)) for i in range(raw.shape[2])], -1)
    np.testing.assert_array_equal(done, expected)
    assert (done != raw).any()
