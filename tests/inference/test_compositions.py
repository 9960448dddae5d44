"""Several models that predict as one: the mean of folds, and a cascade; both on the image's own grid."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

import univox
from univox.data.region import Region
from univox.errors import ModelError
from univox.image import Image, image_box
from univox.inference import Predictor
from univox.inference.cascade import CascadePredictor
from univox.inference.ensemble import EnsemblePredictor
from univox.metrics import normalized_entropy
from univox.model.composition import (
    Cascade,
    Ensemble,
    is_composition,
    member_of,
    read_composition,
    write_composition,
)


def volume(shape: tuple[int, ...] = (12, 11, 13)) -> Image:
    array = np.random.default_rng(0).gamma(2.0, 50.0, (1, *shape)).astype(np.float32) + 1
    array[:, :2] = 0
    return Image.from_array(array, spacing_mm=(2.0, 1.0, 1.0))


@pytest.fixture
def models(write_small_model: Callable[..., Path]) -> list[Path]:
    """Three models of the same classes, with other weights."""
    paths = [write_small_model() for _ in range(3)]
    import torch

    from univox.model.folder import read_model, write_model

    for seed, path in enumerate(paths):
        stored = read_model(path)
        network = stored.build()
        torch.manual_seed(seed)
        torch.nn.init.normal_(network.output[-1].weight, 0.0, 1.0)
        write_model(path, spec=stored.spec, members=[(stored.domain(), network)], recipe={}, provenance={})
    return paths


def joined(folder: Path, models: Sequence[Path], region: Region | None = None) -> Path:
    for number, model in enumerate(models):
        shutil.copytree(model, folder / "folds" / str(number))
    members = tuple(member_of(folder, f"folds/{number}") for number in range(len(models)))
    write_composition(folder, Ensemble(members=members) if region is None else Cascade(members=members, region=region))
    return folder


def test_an_ensemble_is_the_mean_of_its_members(models: list[Path], tmp_path: Path) -> None:
    image = volume()
    alone = [Predictor(model, device="cpu").predict(image, probabilities=True).probabilities for model in models]
    mean = np.mean(alone, axis=0)
    together = univox.load(joined(tmp_path / "e", models), device="cpu").predict(
        image, probabilities=True, uncertainty=True
    )
    np.testing.assert_allclose(together.probabilities, mean, atol=1e-5)
    sure = np.diff(np.sort(mean, axis=0)[-2:], axis=0)[0] > 1e-4
    np.testing.assert_array_equal(together.label[sure], mean.argmax(0)[sure])
    np.testing.assert_allclose(together.uncertainty, normalized_entropy(mean), atol=1e-4)
    np.testing.assert_array_equal(np.array([0, 10, 250])[together.label], together.codes)


def test_one_member_or_the_same_twice_is_that_member(models: list[Path]) -> None:
    image, model = volume(), models[0]
    member = Predictor(model, device="cpu")
    alone = member.predict(image, probabilities=True)
    for several in ([member], [member, member]):
        together = EnsemblePredictor(model, several).predict(image, probabilities=True)
        np.testing.assert_array_equal(together.label, alone.label)
        np.testing.assert_allclose(together.probabilities, alone.probabilities, atol=1e-6)


def test_members_that_prepare_images_otherwise_are_averaged_on_the_images_grid(
    write_small_model: Callable[..., Path], models: list[Path]
) -> None:
    coarse = write_small_model(
        preprocessing={
            "crop": "none",
            "spacing_mm": (2.0, 1.5, 2.0),
            "clip": "none",
            "normalization": {"scope": "case", "over": "image"},
        }
    )
    image, members = volume(), [Predictor(path, device="cpu") for path in (coarse, models[0], models[1])]
    mean = np.mean([member.predict(image, probabilities=True).probabilities for member in members], axis=0)
    together = EnsemblePredictor(coarse, members).predict(image, probabilities=True)
    np.testing.assert_allclose(together.probabilities, mean, atol=1e-5)


def test_a_cascade_segments_the_box_that_its_first_model_finds(models: list[Path], tmp_path: Path) -> None:
    image, region = volume(), Region(classes=("class 250",), margin_mm=1.0)
    first, second = (Predictor(model, device="cpu") for model in models[:2])
    box = region.box(first.predict(image).label, first.classes.names, image.spacing_mm)
    inside = second.predict(image_box(image, box), probabilities=True, uncertainty=True)
    whole = univox.load(joined(tmp_path / "c", models[:2], region), device="cpu").predict(
        image, probabilities=True, uncertainty=True
    )
    where = tuple(slice(*edge) for edge in box)
    np.testing.assert_array_equal(whole.label[where], inside.label)
    np.testing.assert_array_equal(whole.probabilities[(slice(None), *where)], inside.probabilities)
    np.testing.assert_array_equal(whole.uncertainty[where], inside.uncertainty)
    outside = np.ones(image.spatial_shape, bool)
    outside[where] = False
    assert not whole.label[outside].any()
    assert not whole.uncertainty[outside].any()
    np.testing.assert_allclose(whole.probabilities.sum(0), 1, atol=1e-5)


def test_a_cascade_gives_the_same_label_in_each_of_the_48_axis_orders(models: list[Path], tmp_path: Path) -> None:
    from univox.inference import find_inputs, predict_files

    # The seed makes the first model's second class a small piece of the volume, so that the box is a real one.
    region = Region(classes=("class 250",), least_piece=1, margin_mm=0.0)
    predictor = univox.load(joined(tmp_path / "c", models[:2], region), device="cpu", settings={"step": 8}).domain()
    original = nib.Nifti1Image(volume().array[0].T.astype(np.int16), np.diag([1.0, 1.0, 2.0, 1.0]))
    orders = itertools.product(itertools.permutations(range(3)), itertools.product((1, -1), repeat=3))
    for index, (order, signs) in enumerate(orders):
        turned = original.as_reoriented(np.array(list(zip(order, signs, strict=True))))
        nib.save(turned, tmp_path / f"case_{index}.nii.gz")
    inputs = find_inputs(sorted(tmp_path.glob("case_*.nii.gz")), predictor.domain.channel_names)
    predict_files(predictor, inputs, tmp_path / "out")
    labels = []
    for index in range(48):
        stored, written = (nib.load(folder / f"case_{index}.nii.gz") for folder in (tmp_path, tmp_path / "out"))
        assert written.shape == stored.shape
        np.testing.assert_allclose(written.affine, stored.affine, atol=1e-5)
        labels.append(np.asarray(nib.as_closest_canonical(written).dataobj))
        np.testing.assert_array_equal(labels[-1], labels[0])
    assert labels[0].any()


def test_members_of_other_classes_do_not_vote_together(
    models: list[Path], write_small_model: Callable[..., Path]
) -> None:
    classes = {"classes": [{"name": f"part {code}", "codes": [code]} for code in (0, 1, 2)], "instances": False}
    members = [Predictor(path, device="cpu") for path in (models[0], write_small_model(classes=classes))]
    with pytest.raises(ModelError, match="the same channels and classes"):
        EnsemblePredictor(models[0], members)


def test_a_cascade_needs_the_same_channels(models: list[Path], write_small_model: Callable[..., Path]) -> None:
    first, second = (
        Predictor(path, device="cpu") for path in (write_small_model(channel_names=("T1", "T2")), models[0])
    )
    with pytest.raises(ModelError, match="take the same channels"):
        CascadePredictor(models[0], first, second, Region())


def test_what_was_joined_is_what_is_read(models: list[Path], tmp_path: Path) -> None:
    folder = joined(tmp_path / "e", models)
    assert is_composition(folder)
    assert not is_composition(models[0])
    composition, stored = read_composition(folder)
    assert [member.folder for member in composition.members] == ["folds/0", "folds/1", "folds/2"]
    assert len(stored) == 3
    shutil.rmtree(folder / "folds/1")
    shutil.copytree(models[2], folder / "folds/1")
    with pytest.raises(ModelError, match="another model in folds/1"):
        read_composition(folder)


@pytest.mark.parametrize("folder", ["../elsewhere", "/etc", "a/../../b", "C:\\x", ""])
def test_a_member_outside_its_folder_is_refused(models: list[Path], tmp_path: Path, folder: str) -> None:
    path = joined(tmp_path / "e", models) / "composition.json"
    values = json.loads(path.read_text())
    values["members"][0]["folder"] = folder
    path.write_text(json.dumps(values))
    with pytest.raises(ModelError, match="members inside the composition's folder"):
        read_composition(path.parent)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "a composition of models"),
        ('{"kind": "committee", "members": []}', "a composition of models"),
        ('{"kind": "ensemble", "members": []}', "a composition of models"),
        ('{"kind": "ensemble", "format_version": 9, "members": [{"folder": "a", "sha256": []}]}', "format 9"),
    ],
)
def test_a_broken_composition_is_one_sentence(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "composition.json").write_text(text)
    with pytest.raises(ModelError, match=complaint):
        read_composition(tmp_path)
