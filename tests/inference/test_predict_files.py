"""Label files: format, geometry, finished ones, bad cases."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from PIL import Image as Picture

from univox.errors import FileError
from univox.image import read_image, read_label, write_image
from univox.inference import Outcome, Predictor, find_inputs, predict_files

AFFINE = np.array([[-1.5, 0, 0, 9], [0, 0, 2.0, -4], [0, 1.25, 0, 3], [0, 0, 0, 1.0]])


@pytest.fixture
def predictor(write_small_model: Callable[..., Path]) -> Predictor:
    return Predictor(write_small_model(), device="cpu")


@pytest.fixture
def flat_predictor(write_small_model: Callable[..., Path]) -> Predictor:
    return Predictor(write_small_model(spatial_dims=2), device="cpu")


def write_volume(path: Path, seed: int = 0) -> Path:
    path.parent.mkdir(exist_ok=True)
    array = np.random.default_rng(seed).integers(1, 500, (9, 8, 10)).astype(np.int16)
    nib.save(nib.Nifti1Image(array, AFFINE), path)
    return path


def run(predictor: Predictor, paths: list[Path], output: Path, **options: object) -> list[Outcome]:
    return predict_files(predictor, find_inputs(paths, predictor.domain.channel_names), output, **options)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".hdr", ".nrrd", ".mha"])
def test_a_label_has_the_format_and_the_grid_of_its_image(predictor: Predictor, tmp_path: Path, suffix: str) -> None:
    volume = write_volume(tmp_path / "in" / "case.nii.gz")
    image = read_image(volume)
    if suffix != ".nii.gz":
        write_image(tmp_path / "in" / f"case{suffix}", image)
        volume.unlink()
        volume = tmp_path / "in" / f"case{suffix}"
        image = read_image(volume)
    (outcome,) = run(predictor, [volume], tmp_path / "out")
    assert (outcome.status, outcome.path) == ("written", tmp_path / "out" / f"case{suffix}")
    label = read_label(outcome.path)
    np.testing.assert_array_equal(label.array, predictor.predict(image).codes)
    np.testing.assert_allclose(label.affine, image.affine, atol=1e-4)
    assert label.stored.shape == image.stored.shape


@pytest.mark.parametrize(
    ("suffix", "written"), [(".png", ".png"), (".tif", ".tif"), (".jpg", ".png"), (".bmp", ".png")]
)
def test_pictures_give_pictures(flat_predictor: Predictor, tmp_path: Path, suffix: str, written: str) -> None:
    pixels = np.random.default_rng(1).integers(1, 255, (19, 23), dtype=np.uint8)
    Picture.fromarray(pixels).save(tmp_path / f"cell{suffix}")
    (outcome,) = run(flat_predictor, [tmp_path / f"cell{suffix}"], tmp_path / "out", save_probabilities=True)
    assert outcome.message == ""
    assert outcome.path == tmp_path / "out" / f"cell{written}"
    label = read_label(outcome.path).array
    assert label.shape == (19, 23)
    assert len(np.unique(label)) > 1
    probabilities = np.load(tmp_path / "out/probabilities/cell.npy", allow_pickle=False)
    np.testing.assert_array_equal(np.array([0, 10, 250])[probabilities.argmax(0)], label)


def test_another_format_and_inner_codes_on_request(predictor: Predictor, tmp_path: Path) -> None:
    volume = write_volume(tmp_path / "in" / "case.nii.gz")
    (outcome,) = run(predictor, [volume], tmp_path / "out", output_suffix=".nrrd", codes="index")
    assert outcome.path == tmp_path / "out/case.nrrd"
    label = read_label(outcome.path)
    np.testing.assert_array_equal(label.array, predictor.predict(read_image(volume)).label)
    assert label.array.max() == 2


def test_probabilities_lie_on_the_images_grid_apart_from_the_labels(predictor: Predictor, tmp_path: Path) -> None:
    volume = write_volume(tmp_path / "in" / "case.nii.gz")
    run(predictor, [volume], tmp_path / "out", save_probabilities=True)
    saved = nib.load(tmp_path / "out/probabilities/case.nii.gz")
    np.testing.assert_allclose(saved.affine, AFFINE, atol=1e-5)
    assert saved.shape == (9, 8, 10, 3)
    label = np.asarray(nib.load(tmp_path / "out/case.nii.gz").dataobj)
    np.testing.assert_array_equal(np.array([0, 10, 250])[np.asarray(saved.dataobj).argmax(-1)], label)
    assert [path.name for path in (tmp_path / "out").iterdir() if path.is_file()] == ["case.nii.gz"]


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".hdr", ".nrrd", ".mha"])
def test_uncertainty_has_the_format_and_the_grid_of_its_label(
    predictor: Predictor, tmp_path: Path, suffix: str
) -> None:
    volume = write_volume(tmp_path / "in" / "case.nii.gz")
    options = {"output_suffix": suffix, "uncertainty": True}
    (outcome,) = run(predictor, [volume], tmp_path / "out", **options)
    assert outcome.message == ""
    image, written = read_image(volume), tmp_path / "out/uncertainty" / f"case{suffix}"
    stored = read_image(written)
    assert stored.array.dtype == np.float32
    np.testing.assert_array_equal(stored.array[0], predictor.predict(image, uncertainty=True).uncertainty)
    np.testing.assert_allclose(stored.affine, image.affine, atol=1e-4)
    assert 0 < stored.array.max() <= 1
    # A case is finished when this map is there too.
    assert [o.status for o in run(predictor, [volume], tmp_path / "out", **options)] == ["present"]
    voxels = written.with_suffix(".img") if suffix == ".hdr" else written
    voxels.unlink()
    assert [o.status for o in run(predictor, [volume], tmp_path / "out", **options)] == ["written"]
    assert voxels.is_file()


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg"])
def test_uncertainty_of_pictures_is_a_tiff(flat_predictor: Predictor, tmp_path: Path, suffix: str) -> None:
    pixels = np.random.default_rng(1).integers(1, 255, (19, 23), dtype=np.uint8)
    Picture.fromarray(pixels).save(tmp_path / f"cell{suffix}")
    (outcome,) = run(flat_predictor, [tmp_path / f"cell{suffix}"], tmp_path / "out", uncertainty=True)
    assert outcome.message == ""
    stored = read_image(tmp_path / "out/uncertainty/cell.tif").array
    expected = flat_predictor.predict(read_image(tmp_path / f"cell{suffix}"), uncertainty=True).uncertainty
    assert expected is not None
    np.testing.assert_array_equal(stored[0], expected)
    assert ((stored > 0) & (stored < 1)).all()


@pytest.mark.parametrize("order", ["RAS", "LPS", "SAR", "AIL", "PSL"])
def test_uncertainty_lies_in_the_storage_order_of_its_image(predictor: Predictor, tmp_path: Path, order: str) -> None:
    volume = write_volume(tmp_path / "in" / "case.nii.gz")
    image, turns = nib.load(volume), nib.orientations
    turn = turns.ornt_transform(turns.io_orientation(image.affine), turns.axcodes2ornt(tuple(order)))
    turned = image.as_reoriented(turn)
    nib.save(turned, tmp_path / "in" / "turned.nii.gz")
    run(predictor, [volume, tmp_path / "in" / "turned.nii.gz"], tmp_path / "out", uncertainty=True)
    plain, found = (nib.load(tmp_path / "out/uncertainty" / f"{name}.nii.gz") for name in ("case", "turned"))
    np.testing.assert_allclose(found.affine, turned.affine, atol=1e-5)
    np.testing.assert_array_equal(found.dataobj, plain.as_reoriented(turn).dataobj)


def test_finished_outputs_are_left_alone_unless_asked(predictor: Predictor, tmp_path: Path) -> None:
    volumes = [write_volume(tmp_path / "in" / f"{name}.nii.gz", seed) for seed, name in enumerate("ab")]
    (tmp_path / "out").mkdir()
    (tmp_path / "out/a.nii.gz").write_text("finished earlier")
    assert [o.status for o in run(predictor, volumes, tmp_path / "out")] == ["present", "written"]
    assert (tmp_path / "out/a.nii.gz").read_text() == "finished earlier"
    assert [o.status for o in run(predictor, volumes, tmp_path / "out")] == ["present", "present"]
    with_more = run(predictor, volumes[1:], tmp_path / "out", save_probabilities=True)
    assert [o.status for o in with_more] == ["written"]
    again = run(predictor, volumes, tmp_path / "out", overwrite=True)
    assert [o.status for o in again] == ["written", "written"]
    assert set(np.unique(read_label(tmp_path / "out/a.nii.gz").array)) <= {0, 10, 250}


def test_half_an_analyze_pair_is_not_finished(predictor: Predictor, tmp_path: Path) -> None:
    volume = write_volume(tmp_path / "in" / "case.nii.gz")
    options = {"output_suffix": ".hdr"}
    run(predictor, [volume], tmp_path / "out", **options)
    assert [o.status for o in run(predictor, [volume], tmp_path / "out", **options)] == ["present"]
    (tmp_path / "out/case.img").unlink()
    assert [o.status for o in run(predictor, [volume], tmp_path / "out", **options)] == ["written"]


def test_a_bad_case_is_reported_and_the_good_ones_go_on(predictor: Predictor, tmp_path: Path) -> None:
    good = [write_volume(tmp_path / "in" / f"{name}.nii.gz") for name in ("a", "c")]
    (tmp_path / "in/b.nii.gz").write_bytes(good[0].read_bytes()[:200])
    flat = np.zeros((6, 6), np.uint8)
    Picture.fromarray(flat).save(tmp_path / "in/d.png")
    seen: list[Outcome] = []
    outcomes = run(predictor, [tmp_path / "in"], tmp_path / "out", on_case=seen.append)
    assert seen == outcomes
    assert [(o.name, o.status) for o in outcomes] == [
        ("a", "written"),
        ("b", "failed"),
        ("c", "written"),
        ("d", "failed"),
    ]
    assert "b.nii.gz" in outcomes[1].message
    assert "d.png: expected a 3-D image" in outcomes[3].message
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.nii.gz", "c.nii.gz"]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError(), "not enough memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried ..."), "not enough memory"),
        (torch.OutOfMemoryError("CUDA out of memory"), "not enough memory"),
        (OSError(28, "No space left on device"), "No space left on device"),
    ],
)
def test_what_the_machine_lacks_is_reported_for_its_case(
    predictor: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    def failing(*args: object, **kwargs: object) -> None:
        raise error

    volume = write_volume(tmp_path / "in" / "case.nii.gz")
    monkeypatch.setattr(predictor, "predict", failing)
    (outcome,) = run(predictor, [volume], tmp_path / "out")
    assert outcome.status == "failed"
    assert words in outcome.message
    assert str(volume) in outcome.message


def test_a_fault_of_the_program_is_not_hidden(
    predictor: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*args: object, **kwargs: object) -> None:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    monkeypatch.setattr(predictor, "predict", failing)
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        run(predictor, [write_volume(tmp_path / "in" / "case.nii.gz")], tmp_path / "out")


def test_an_output_never_replaces_its_input(predictor: Predictor, tmp_path: Path) -> None:
    volume = write_volume(tmp_path / "in" / "case.nii.gz")
    before = volume.read_bytes()
    with pytest.raises(FileError, match="replace its own input"):
        run(predictor, [volume], tmp_path / "in", overwrite=True)
    assert volume.read_bytes() == before


def test_a_format_that_cannot_be_written_is_said_at_once(predictor: Predictor, tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"can be written .* got '.jpg'"):
        run(predictor, [write_volume(tmp_path / "in" / "case.nii.gz")], tmp_path / "out", output_suffix=".jpg")


def test_an_output_folder_that_is_a_file_is_said(predictor: Predictor, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(FileError, match="to make the output folder"):
        run(predictor, [write_volume(tmp_path / "in" / "case.nii.gz")], tmp_path / "out")


def test_a_real_case_is_predicted_on_its_grid(
    write_small_model: Callable[..., Path], shared_data: Callable[[str], Path], tmp_path: Path
) -> None:
    source = sorted((shared_data("hippocampus_mri") / "imagesTr").glob("*.nii.gz"))[0]
    predictor = Predictor(write_small_model(edge=32), device="cpu")
    (outcome,) = run(predictor, [source], tmp_path)
    image, label = nib.load(source), nib.load(outcome.path)
    assert label.shape == image.shape
    np.testing.assert_allclose(label.affine, image.affine, atol=1e-5)
    assert label.get_data_dtype() == np.uint8
