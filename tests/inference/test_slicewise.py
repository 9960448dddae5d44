from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from univox.errors import RecipeError
from univox.image import Image
from univox.inference import Predictor, find_inputs, predict_files
from univox.inference.slicewise import slicewise

WHOLE = {
    "crop": "none",
    "spacing_mm": "none",
    "clip": "none",
    "normalization": {"scope": "case", "over": "image"},
}


def volume() -> Image:
    array = np.random.default_rng(1).normal(100, 20, (1, 9, 12, 10)).astype(np.float32)
    return Image.from_array(array, spacing_mm=(3.0, 2.0, 1.0), channel_names=("T1",))


def test_every_slice_is_seen_as_an_image_of_its_own_and_put_back() -> None:
    seen: list[tuple[tuple[int, ...], tuple[float, ...]]] = []

    def mean_and_value(image: Image) -> np.ndarray:
        seen.append((image.spatial_shape, image.spacing_mm))
        return np.stack([np.full(image.spatial_shape, image.array.mean()), image.array[0]]).astype(np.float32)

    scan = volume()
    fused = slicewise(mean_and_value, scan, (0, 2))
    np.testing.assert_allclose(fused[1], scan.array[0], rtol=1e-6)
    means = [scan.array[0].mean(axis=(1, 2), keepdims=True), scan.array[0].mean(axis=(0, 1), keepdims=True)]
    expected = np.broadcast_to((means[0] + means[1]) / 2, scan.spatial_shape)
    np.testing.assert_allclose(fused[0], expected, rtol=1e-5)
    assert seen == [((12, 10), (2.0, 1.0))] * 9 + [((9, 12), (3.0, 2.0))] * 10


def test_a_2d_model_takes_a_volume_slice_by_slice(write_small_model: Callable[..., Path], tmp_path: Path) -> None:
    path, scan = write_small_model(spatial_dims=2, preprocessing=WHOLE), volume()
    by_axis = {}
    for axes in ((0,), (1,), (2,), (0, 1, 2)):
        found = Predictor(path, device="cpu", settings={"slice_axes": axes}).predict(
            scan, probabilities=True, uncertainty=True
        )
        assert found.probabilities is not None
        assert found.uncertainty is not None
        np.testing.assert_array_equal(found.label, found.probabilities.argmax(0))
        np.testing.assert_array_equal(found.codes, np.array([0, 10, 250])[found.label])
        assert found.uncertainty.shape == found.label.shape == scan.spatial_shape
        by_axis[axes] = found.probabilities
    predictor = Predictor(path, device="cpu")
    for index in range(9):
        alone = predictor.predict(
            Image.from_array(scan.array[:, index], spacing_mm=(2.0, 1.0), channel_names=("T1",)), probabilities=True
        )
        assert alone.probabilities is not None
        np.testing.assert_array_equal(by_axis[(0,)][:, index], alone.probabilities)
    mean = (by_axis[(0,)] + by_axis[(1,)] + by_axis[(2,)]) / 3
    np.testing.assert_allclose(by_axis[(0, 1, 2)], mean, atol=1e-6)
    nib.save(nib.Nifti1Image(scan.array[0].T, np.diag([1.0, 2.0, 3.0, 1.0])), tmp_path / "scan.nii.gz")
    (outcome,) = predict_files(predictor, find_inputs([tmp_path / "scan.nii.gz"], ("T1",)), tmp_path / "out")
    assert outcome.status == "written", outcome.message
    written = nib.load(tmp_path / "out" / "scan.nii.gz")
    np.testing.assert_array_equal(np.asarray(written.dataobj).T, predictor.predict(scan).codes)


@pytest.mark.parametrize("axes", [(), (0, 0), (3,), ("x",)])
def test_axes_are_those_of_a_volume(write_small_model: Callable[..., Path], axes: tuple[object, ...]) -> None:
    with pytest.raises(RecipeError, match="slice_axes"):
        Predictor(write_small_model(spatial_dims=2), device="cpu", settings={"slice_axes": axes})
