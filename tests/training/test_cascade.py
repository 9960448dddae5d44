"""A cascade from a dataset to a prediction: nothing of the region is cut off, and a killed one goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import univox
from univox.data.crop_to_region import crop_to_region
from univox.data.dataset import read_case_image, read_case_label
from univox.data.layouts import open_dataset
from univox.data.region import Region
from univox.errors import CheckpointError, DatasetError
from univox.image import read_image
from univox.model.folder import read_model
from univox.training.cascade import CascadeRequest, read_cascade_request, train_cascade
from univox.training.request import TrainRequest

MARGIN = Region(margin_mm=2.0)


@pytest.fixture
def asked(tiny_request: Callable[..., TrainRequest]) -> CascadeRequest:
    whole = tiny_request(holdout=0.25, validation=0.25, iterations=3)
    return CascadeRequest(
        whole=whole,
        region_classes="blob=1",
        region_recipe=whole.recipe,
        region_overrides=whole.overrides,
        region=MARGIN,
    )


def test_both_stages_learn_from_the_same_cases_and_predict_as_one(asked: CascadeRequest) -> None:
    folder = train_cascade(asked)
    first, second = (read_model(folder / stage).domain() for stage in ("stages/region", "stages/inside"))
    assert {part: sorted(names) for part, names in first.split.items()} == {
        part: sorted(names) for part, names in second.split.items()
    }
    assert (first.label_classes.names, second.label_classes.names) == (("background", "blob"), ("background", "ball"))
    assert not (folder / "stages/cropped").exists()
    image = read_image(asked.whole.dataset.open().case(first.split["test"][0]).images)
    prediction = univox.load(folder, device="cpu").predict(image)
    assert prediction.label.shape == image.spatial_shape
    with pytest.raises(CheckpointError, match="one that holds a cascade"):
        train_cascade(asked)


def test_a_cascade_that_was_killed_goes_on_to_the_same_weights(
    asked: CascadeRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed = train_cascade(asked)

    class Killed(BaseException):
        pass

    def die(*_: object, **__: object) -> None:
        raise Killed

    other = asked.model_copy(update={"whole": asked.whole.model_copy(update={"output": tmp_path / "other"})})
    for place in ("univox.training.cascade.crop_to_region", "univox.training.cascade.write_composition"):
        with monkeypatch.context() as patch:
            patch.setattr(place, die)
            with pytest.raises(Killed):
                train_cascade(other, resume=place.endswith("composition"))
    assert not univox.inference.loaded_model.is_composition(tmp_path / "other")
    resumed = train_cascade(read_cascade_request(tmp_path / "other"), resume=True)
    for file in ("stages/region/shared.safetensors", "stages/inside/shared.safetensors"):
        assert (resumed / file).read_bytes() == (undisturbed / file).read_bytes()


def test_every_voxel_of_the_region_is_inside_and_where_it_was(tiny_dataset: Path, tmp_path: Path) -> None:
    dataset = open_dataset(tiny_dataset)
    names = [case.name for case in dataset.labelled[:3]]
    crop_to_region(dataset, dataset, tmp_path / "cropped", region=MARGIN, cases=names)
    cropped = open_dataset(tmp_path / "cropped")
    assert [case.name for case in cropped.labelled] == names
    for name in names:
        whole, part = (read_case_label(each, each.case(name)) for each in (dataset, cropped))
        assert part.array.sum() == whole.array.sum()
        assert part.array.size < whole.array.size
        # The world's coordinates of the first labelled voxel are the same.
        places = [each.affine @ [*np.argwhere(each.array)[0][: each.spatial_dims], 1] for each in (whole, part)]
        np.testing.assert_allclose(places[0], places[1], atol=1e-4)
        image, inside = (read_case_image(each, each.case(name)) for each in (dataset, cropped))
        np.testing.assert_array_equal(image.array[0][whole.array > 0], inside.array[0][part.array > 0])


def test_what_cannot_be_a_cascade_is_refused(
    asked: CascadeRequest, tmp_path: Path, shared_data: Callable[[str], Path]
) -> None:
    with pytest.raises(CheckpointError, match="a cascade to resume, got none"):
        read_cascade_request(tmp_path)
    with pytest.raises(DatasetError, match="a region of the classes blob, got lung"):
        train_cascade(asked.model_copy(update={"region": Region(classes=("lung",))}))
    pictures = open_dataset(shared_data("em_membrane_isbi2012"))
    with pytest.raises(DatasetError, match="a dataset of volumes, got 2-D images"):
        crop_to_region(pictures, pictures, tmp_path / "c", region=Region(), cases=[])
