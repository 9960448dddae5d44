"""From image to label: codes, channels, windows, and the same case in every storage order."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch

from univox.data.preprocess import prepare_image
from univox.errors import DeviceError, ModelError, RecipeError, ShapeError
from univox.image import Image
from univox.inference import Predictor, find_inputs, predict_files, sliding_window
from univox.inference.device import computes_bfloat16, pick_device
from univox.metrics import normalized_entropy
from univox.model.folder import read_model

ORDERS = [
    np.array([[axis, sign] for axis, sign in zip(order, signs, strict=True)])
    for order in itertools.permutations(range(3))
    for signs in itertools.product((1, -1), repeat=3)
]


def volume(shape: tuple[int, ...] = (12, 11, 13), channels: int = 1) -> Image:
    """Smooth noise with an empty rim, so that the box of what is not zero is a part of it."""
    array = np.random.default_rng(0).gamma(2.0, 50.0, (channels, *shape)).astype(np.float32) + 1
    array[:, :2] = 0
    array[:, :, -1] = 0
    return Image.from_array(array, spacing_mm=(2.0, 1.0, 1.0)[-len(shape) :])


@pytest.fixture
def model(write_small_model: Callable[..., Path]) -> Path:
    return write_small_model()


def test_a_case_in_each_of_the_48_axis_orders_gets_the_same_label(
    write_small_model: Callable[..., Path], tmp_path: Path
) -> None:
    preprocessing = {
        "crop": "nonzero",
        "spacing_mm": (1.5, 1.25, 1.0),
        "clip": {"low": 1, "high": 99},
        "normalization": {"scope": "case", "over": "image"},
    }
    predictor = Predictor(write_small_model(preprocessing=preprocessing), device="cpu", settings={"step": 8})
    affine = np.diag([1.0, 1.25, 2.0, 1.0])
    affine[:3, 3] = (-20, 7, 3)
    original = nib.Nifti1Image(volume().array[0].T.astype(np.int16), affine)
    for index, order in enumerate(ORDERS):
        nib.save(original.as_reoriented(order), tmp_path / f"case_{index}.nii.gz")
    inputs = find_inputs(sorted(tmp_path.glob("case_*.nii.gz")), predictor.domain.channel_names)
    outcomes = predict_files(predictor, inputs, tmp_path / "out")
    assert [outcome.message for outcome in outcomes] == [""] * 48
    labels = []
    for index in range(48):
        stored = nib.load(tmp_path / f"case_{index}.nii.gz")
        written = nib.load(tmp_path / "out" / f"case_{index}.nii.gz")
        assert written.shape == stored.shape
        np.testing.assert_allclose(written.affine, stored.affine, atol=1e-5)
        # The original lies along R, A, S, so that this is its own order.
        labels.append(np.asarray(nib.as_closest_canonical(written).dataobj))
        np.testing.assert_array_equal(labels[-1], labels[0])
    assert set(np.unique(labels[0])) == {0, 10, 250}


def test_label_codes_and_probabilities_tell_the_same(model: Path) -> None:
    image = volume()
    prediction = Predictor(model, device="cpu").predict(image, probabilities=True)
    assert prediction.label.shape == prediction.codes.shape == image.spatial_shape
    assert prediction.probabilities is not None
    np.testing.assert_array_equal(prediction.probabilities.argmax(0), prediction.label)
    np.testing.assert_allclose(prediction.probabilities.sum(0), 1, atol=1e-5)
    np.testing.assert_array_equal(np.array([0, 10, 250])[prediction.label], prediction.codes)
    assert len(np.unique(prediction.label)) == 3
    assert Predictor(model, device="cpu").predict(image).probabilities is None


def test_uncertainty_is_the_entropy_of_the_probabilities_and_0_outside_the_box(
    write_small_model: Callable[..., Path],
) -> None:
    preprocessing = {**read_model(write_small_model()).domain().preprocessing, "spacing_mm": (1.5, 1.25, 1.0)}
    predictor = Predictor(write_small_model(preprocessing=preprocessing), device="cpu", settings={"step": 8})
    image = volume()
    both = predictor.predict(image, probabilities=True, uncertainty=True)
    assert both.probabilities is not None
    assert both.uncertainty is not None
    np.testing.assert_allclose(both.uncertainty, normalized_entropy(both.probabilities), atol=2e-5)
    assert not both.uncertainty[:2].any()
    assert not both.uncertainty[:, -1].any()
    assert both.uncertainty[2:, :-1].min() > 0
    alone = predictor.predict(image, uncertainty=True)
    assert alone.probabilities is None
    np.testing.assert_array_equal(alone.uncertainty, both.uncertainty)
    assert predictor.predict(image).uncertainty is None


def test_a_temperature_is_that_of_the_logits_where_windows_do_not_overlap(
    write_small_model: Callable[..., Path],
) -> None:
    figures = {"voxels": 1, "nll_before": 1, "nll_after": 1, "ece_before": 0, "ece_after": 0}
    calibration = {"temperature": 2.5, "surroundings": figures, "whole": figures}
    image = volume((8, 8, 8))
    settings = {"crop": "none", **dict.fromkeys(("spacing_mm", "clip"), "none"), "normalization": {"scope": "none"}}
    path = write_small_model(calibration=calibration, preprocessing=settings)
    warm = Predictor(path, device="cpu").predict(image, probabilities=True)
    with torch.no_grad():
        logits = read_model(path).build()(torch.from_numpy(image.array)[None])[0]
    expected = (logits / 2.5).softmax(0).numpy()
    assert warm.probabilities is not None
    np.testing.assert_allclose(warm.probabilities, expected, atol=1e-4)
    np.testing.assert_array_equal(warm.label, logits.argmax(0).numpy())


def test_outside_the_box_all_is_background(model: Path) -> None:
    prediction = Predictor(model, device="cpu").predict(volume(), probabilities=True)
    for outside in (prediction.label[:2], prediction.label[:, -1]):
        assert not outside.any()
    assert prediction.probabilities is not None
    assert bool((prediction.probabilities[0, :2] == 1).all())


def test_prediction_is_prepare_windows_and_the_most_probable_class(model: Path) -> None:
    predictor, image = Predictor(model, device="cpu"), volume()
    prepared, geometry = prepare_image(image, predictor.preprocessing)
    votes = sliding_window(
        read_model(model).build(),
        torch.from_numpy(prepared),
        window_size=(8, 8, 8),
        num_classes=3,
        settings=predictor.settings,
    )
    inside = tuple(slice(*box) for box in geometry.box)
    np.testing.assert_array_equal(predictor.predict(image).label[inside], votes.argmax(0).numpy())


@pytest.mark.parametrize(("step", "shape"), [(3, (12, 11, 13)), (8, (12, 11, 13)), (5, (4, 20, 8))])
def test_the_number_of_windows_is_what_the_network_looks_at(
    model: Path, step: int, shape: tuple[int, int, int]
) -> None:
    predictor = Predictor(model, device="cpu", settings={"step": step})
    prepared, geometry = prepare_image(volume(shape), predictor.preprocessing)
    seen: list[int] = []
    predictor.network.register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[0])))
    predictor.predict_prepared(prepared, geometry)
    assert sum(seen) == predictor.number_of_windows(geometry.prepared_shape)


def test_normalization_by_patch_is_done_in_each_window(write_small_model: Callable[..., Path]) -> None:
    preprocessing = {"crop": "none", "spacing_mm": "none", "clip": "none", "normalization": {"scope": "patch"}}
    predictor, image = Predictor(write_small_model(preprocessing=preprocessing), device="cpu"), volume()
    brighter = Image.from_array(image.array * 4 + 64, spacing_mm=image.spacing_mm)
    first, second = (predictor.predict(one, probabilities=True).probabilities for one in (image, brighter))
    assert first is not None
    assert second is not None
    np.testing.assert_allclose(first, second, atol=1e-3)


def test_a_two_dimensional_model_predicts_images(write_small_model: Callable[..., Path]) -> None:
    predictor = Predictor(write_small_model(spatial_dims=2), device="cpu")
    image = volume((21, 17))
    assert predictor.predict(image).label.shape == (21, 17)
    with pytest.raises(ModelError, match="a 3-D image, got a 2-D one"):
        Predictor(write_small_model(), device="cpu").predict(image)


def test_other_channels_are_refused_by_name(write_small_model: Callable[..., Path]) -> None:
    predictor = Predictor(write_small_model(channel_names=("T1", "T2")), device="cpu")
    predictor.predict(volume(channels=2))
    with pytest.raises(ModelError, match="an image with 2 channels: T1, T2, got 1 channel;"):
        predictor.predict(volume())


def test_settings_change_what_the_model_says(model: Path) -> None:
    assert Predictor(model, device="cpu").settings.overlap == 0.5
    changed = Predictor(model, device="cpu", settings={"overlap": 0.25, "blend": "uniform"}).settings
    assert (changed.overlap, changed.blend, changed.precision) == (0.25, "uniform", "fp32")
    with pytest.raises(RecipeError, match=r"inference setting 'stride'.*the settings are window_size, step"):
        Predictor(model, settings={"stride": 4})


def test_an_overlap_asked_for_wins_over_the_models_step(write_small_model: Callable[..., Path]) -> None:
    model = write_small_model(inference={"step": 2, "precision": "fp32"})
    assert Predictor(model, device="cpu").settings.steps((8, 8, 8)) == (2, 2, 2)
    assert Predictor(model, device="cpu", settings={"overlap": 0.5}).settings.steps((8, 8, 8)) == (4, 4, 4)


def test_a_window_must_fit_the_network(model: Path) -> None:
    assert Predictor(model, device="cpu").window_size == (8, 8, 8)
    assert Predictor(model, device="cpu", settings={"window_size": (16, 8, 12)}).window_size == (16, 8, 12)
    with pytest.raises(ShapeError, match="divisible by 4, got 10 on axis H; remedy: pad or crop to 12"):
        Predictor(model, device="cpu", settings={"window_size": (8, 10, 8)})
    with pytest.raises(ShapeError, match="a window of 3 edges"):
        Predictor(model, device="cpu", settings={"window_size": (8, 8)})


def test_the_model_must_know_the_domain(model: Path) -> None:
    assert Predictor(model, domain="small", device="cpu").domain.name == "small"
    with pytest.raises(ModelError, match="one of the model's domains: small, got 'large'"):
        Predictor(model, domain="large")


def test_devices_are_named_and_present() -> None:
    assert pick_device("cpu") == torch.device("cpu")
    assert pick_device("auto").type in ("cpu", "cuda", "mps")
    with pytest.raises(DeviceError, match="got 'quantum'"):
        pick_device("quantum")
    missing = "cuda:99" if torch.cuda.is_available() else "cuda"
    with pytest.raises(DeviceError, match=f"a machine with the device {missing}"):
        pick_device(missing)
    assert computes_bfloat16(torch.device("mps")) is False
