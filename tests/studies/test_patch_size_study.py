from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from univox.data.source import DatasetSource
from univox.errors import RecipeError
from univox.studies.ablation import Ablation, ArmResult, ablation
from univox.studies.patch_size import Patch, PatchSizeStudy, patch_arms, patch_size, planned_patches
from univox.studies.patch_size_results import patches_csv, patches_markdown, write_patch_size
from univox.training.request import TrainRequest

NETWORK = "network.arguments={strides: [[2, 2, 2], [2, 2, 2]], widths: [8, 8], detail_channels: 4}"
SMALL = (NETWORK, "patches.batch_size=2", "training.validations=1")


@pytest.fixture
def request_of(tiny_dataset: Path, tmp_path: Path) -> TrainRequest:
    return TrainRequest(
        datasets=(DatasetSource(path=tiny_dataset),),
        output=tmp_path / "study",
        cache=tmp_path / "cache",
        iterations=2,
        holdout=0.25,
        validation=0.25,
        jobs=1,
        workers=0,
        device="cpu",
    )


def test_it_is_the_ablation_of_an_arm_per_size(request_of: TrainRequest) -> None:
    [alone] = ablation(request_of, patch_arms(["8"], changes=SMALL)).results
    study = patch_size(request_of, patch_arms(["8", "4x8x12"], changes=SMALL))
    assert [patch.edges for patch in study.patches] == [(8, 8, 8), (4, 8, 12)]
    # The ablation's arm is this study's: it was not trained again.
    assert study.trained.results[0] == alone
    trained = json.loads((request_of.output / "arms/4x8x12/model/domains/Ball/domain.json").read_text())
    assert trained["plan"]["patch_size"] == [4, 8, 12]
    page = write_patch_size(study, request_of.output, command="univox study patch-size DATASET").read_text()
    assert page.index(">4x8x12<") < page.index(">8<")
    assert "http" not in page.replace("http://www.w3.org/", "")


def test_sizes_that_do_not_fit_are_refused_together_before_any_training(request_of: TrainRequest) -> None:
    with pytest.raises(RecipeError) as caught:
        patch_size(request_of, patch_arms(["8", "10", "3", "8x9x8"], changes=SMALL))
    assert str(caught.value) == (
        "expected patches that residual-unet takes, got 10, 3, 8x9x8; remedy: in place of 10 --patch 8 or --patch 12; "
        "in place of 3 --patch 4; in place of 8x9x8 --patch 8 or --patch 8x12x8"
    )
    assert not request_of.output.exists()


def test_what_is_named_in_place_of_a_size_fits(request_of: TrainRequest) -> None:
    # Where the plan decides how often a patch is halved, what fits depends on the patch itself.
    for edge in range(5, 40, 3):
        try:
            planned_patches(request_of, patch_arms([str(edge)]))
        except RecipeError as error:
            named = [part.split()[0].rstrip(";") for part in error.remedy.split("--patch ")[1:]]
            assert named
            planned_patches(request_of, patch_arms(named))


@pytest.mark.parametrize("text", ["0", "-8", "8x", "x8", "8.5", "auto", "8,8", ""])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(RecipeError, match="patches such as 32 or 16x32x32, in voxels"):
        patch_arms([text])


def test_a_size_comes_once() -> None:
    with pytest.raises(RecipeError, match="8x8x8 twice"):
        patch_arms(["8x8x8", "8X8x8"])


def made(name: str, dice: float) -> ArmResult:
    return ArmResult(
        name=name,
        recipe="univox",
        parameters=1000,
        iterations=5,
        seconds=9.0,
        seconds_per_iteration=0.5,
        validation_dice=None,
        held_out_dice=dice,
        held_out_low=dice - 0.1,
        held_out_high=dice + 0.1,
        dice={"ball": dice - 0.05, "cube": dice + 0.05},
    )


def test_the_table_goes_by_size_not_by_rank(tmp_path: Path) -> None:
    patches = (Patch("16", (16, 16, 16), 4), Patch("8", (8, 8, 8), 32), Patch("8x8x16", (8, 8, 16), 16))
    results = tuple(made(patch.name, 0.4 + 0.01 * index) for index, patch in enumerate(patches))
    study = PatchSizeStudy(patches, Ablation("made", "test", results, {}, {}))
    rows = list(csv.DictReader(patches_csv(study).splitlines()))
    assert [(row["patch"], row["batch_size"]) for row in rows] == [("8", "32"), ("8x8x16", "16"), ("16", "4")]
    assert [float(row["dice cube"]) for row in rows] == pytest.approx([0.46, 0.47, 0.45])
    assert "| 8 | 32 | 1,000 | 5 | 0.50 |  | 0.4100 | 0.310 to 0.510 |" in patches_markdown(study)
