from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from univox.data.cache import prepare_cases
from univox.data.case import Case
from univox.data.dataset import Dataset
from univox.data.layouts import open_dataset
from univox.data.source import DatasetSource
from univox.data.split import Split
from univox.errors import DatasetError, RecipeError
from univox.model.folder import read_model
from univox.recipes.catalog import load_recipe
from univox.training.decisions import batches_of, choose_split, fitted_plan, network_specs
from univox.training.request import TrainRequest
from univox.training.run import train


def split_of(dataset: Dataset, request: TrainRequest, **named: tuple[str, ...]) -> Split:
    return choose_split(dataset, request, DatasetSource(path=dataset.root, **named))


def test_every_case_is_on_one_side(tiny_dataset: Path, tiny_request: Callable[..., TrainRequest]) -> None:
    dataset = open_dataset(tiny_dataset)
    split = split_of(dataset, tiny_request(holdout=0.25, validation=0.34))
    assert sorted((*split.train, *split.validation, *split.test)) == [case.name for case in dataset.cases]
    assert (len(split.train), len(split.validation), len(split.test)) == (4, 2, 2)
    assert split_of(dataset, tiny_request(holdout=0.25, validation=0.34)) == split
    assert split_of(dataset, tiny_request(holdout=0.25, validation=0.34, seed=1)) != split


def test_the_same_share_is_held_out_whatever_is_validated(
    tiny_dataset: Path, tiny_request: Callable[..., TrainRequest]
) -> None:
    dataset = open_dataset(tiny_dataset)
    tests = {split_of(dataset, tiny_request(holdout=0.25, validation=share)).test for share in (0.0, 0.2, 0.5)}
    assert len(tests) == 1


def test_an_unknown_test_case_is_named(tiny_dataset: Path, tiny_request: Callable[..., TrainRequest]) -> None:
    with pytest.raises(DatasetError, match="ball_99"):
        split_of(open_dataset(tiny_dataset), tiny_request(), test_cases=("ball_99",))


def test_named_validation_cases_take_the_place_of_a_share(
    tiny_dataset: Path, tiny_request: Callable[..., TrainRequest]
) -> None:
    dataset, named = open_dataset(tiny_dataset), ("ball_03", "ball_05")
    split = split_of(dataset, tiny_request(validation=0.5), test_cases=("ball_00",), validation_cases=named)
    assert (split.test, split.validation) == (("ball_00",), named)
    assert split.train == tuple(f"ball_0{index}" for index in (1, 2, 4, 6, 7))
    with pytest.raises(DatasetError, match="got ball_03"):
        split_of(dataset, tiny_request(), test_cases=("ball_03",), validation_cases=named)


def test_nothing_left_to_train_on_is_an_error(tiny_dataset: Path, tiny_request: Callable[..., TrainRequest]) -> None:
    dataset = open_dataset(tiny_dataset)
    with pytest.raises(DatasetError, match="all of them kept out"):
        split_of(dataset, tiny_request(), test_cases=tuple(case.name for case in dataset.cases))


def test_named_training_cases_are_all_that_is_learned_from(
    tiny_dataset: Path, tiny_request: Callable[..., TrainRequest]
) -> None:
    dataset = open_dataset(tiny_dataset)
    named = ("ball_01", "ball_03", "ball_04", "ball_06")
    split = split_of(dataset, tiny_request(), test_cases=("ball_00",), training_cases=named)
    assert sorted((*split.train, *split.validation)) == list(named)
    assert (len(split.validation), split.test) == (1, ("ball_00",))
    assert split_of(dataset, tiny_request(validation=0.0), training_cases=named).train == named
    with pytest.raises(DatasetError, match="training cases that the dataset holds, got ball_98, ball_99"):
        split_of(dataset, tiny_request(), training_cases=("ball_99", "ball_01", "ball_98"))
    with pytest.raises(DatasetError, match="training cases that are not kept out, got ball_01"):
        split_of(dataset, tiny_request(), test_cases=("ball_01",), training_cases=named)


def test_a_run_on_named_cases_leaves_the_others_unread(
    tiny_dataset: Path, tiny_request: Callable[..., TrainRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared: set[str] = set()

    def watched(dataset: Dataset, cases: Sequence[Case], *rest: Any, **named: Any) -> Any:
        prepared.update(case.name for case in cases)
        return prepare_cases(dataset, cases, *rest, **named)

    monkeypatch.setattr("univox.training.domain_data.prepare_cases", watched)
    source = DatasetSource(path=tiny_dataset, test_cases=("ball_00",), training_cases=("ball_01", "ball_02"))
    trained = train(tiny_request(datasets=(source,), validation=0.0, iterations=2))
    assert prepared == {"ball_01", "ball_02"}
    expected = Split(train=("ball_01", "ball_02"), validation=(), test=("ball_00",))
    assert trained.splits["Ball"] == expected
    assert read_model(trained.model).domain().split == {side: list(names) for side, names in asdict(expected).items()}
    assert TrainRequest.read(trained.model).dataset.training_cases == ("ball_01", "ball_02")


def test_only_what_the_plan_decides_may_be_auto(tiny_dataset: Path) -> None:
    from univox.data.plan import make_plan

    dataset = open_dataset(tiny_dataset)
    recipe = load_recipe("univox", ["network.arguments={strides: auto, widths: auto}"])
    plan = make_plan(dataset, dataset.labelled, preprocessing=recipe.preprocessing, sizes=recipe.patches)
    with pytest.raises(RecipeError, match="widths"):
        network_specs(recipe, [plan], [dataset])[0]


def test_an_auto_patch_grows_to_what_the_network_takes(tiny_dataset: Path) -> None:
    from univox.data.plan import make_plan

    dataset = open_dataset(tiny_dataset)
    coarse = "network={name: residual-unet, arguments: {strides: [[1, 1, 1], [3, 5, 1]], widths: [4, 4]}}"
    recipe = load_recipe("univox", [coarse])
    plan = make_plan(dataset, dataset.labelled, preprocessing=recipe.preprocessing, sizes=recipe.patches)
    grown = fitted_plan(plan, recipe, network_specs(recipe, [plan], [dataset])[0])
    expected = tuple(-(-edge // unit) * unit for edge, unit in zip(plan.patch_size, (3, 5, 1), strict=True))
    assert grown.patch_size == expected != plan.patch_size
    assert "residual-unet" in grown.reasons["patch_size"]
    stated = load_recipe("univox", [coarse, f"patches.patch_size={list(plan.patch_size)}"])
    with pytest.raises(RecipeError, match=rf"patches.patch_size=\[{expected[0]}, {expected[1]}, {expected[2]}\]"):
        fitted_plan(plan, stated, network_specs(stated, [plan], [dataset])[0])


def test_patches_of_an_unpadded_network_are_placed_by_its_logits(tiny_dataset: Path, tmp_path: Path) -> None:
    from univox.data.plan import make_plan

    dataset = open_dataset(tiny_dataset)
    unpadded = "network={name: unet, arguments: {widths: [2, 4]}}"
    recipe = load_recipe("univox", [unpadded, "patches.patch_size=[18, 18, 18]"])
    plan = make_plan(dataset, dataset.labelled, preprocessing=recipe.preprocessing, sizes=recipe.patches)
    spec = network_specs(recipe, [plan], [dataset])[0]
    cases = prepare_cases(dataset, dataset.labelled[:1], plan, cache_dir=tmp_path)
    batches = batches_of(recipe, plan, spec, cases, seed=0)
    assert batches.margin == (8, 8, 8)
    shape = cases[0].label().shape
    for window in (draw.window for iteration in range(5) for draw in batches.draw(iteration)):
        assert all(start >= -8 and start + 10 <= size for start, size in zip(window.start, shape, strict=True))


@pytest.mark.parametrize(("kept_out", "validating"), [(4, 1), (5, 0)])
def test_nobody_validates_where_few_are_left_to_train_on(
    kept_out: int, validating: int, tiny_dataset: Path, tiny_request: Callable[..., TrainRequest]
) -> None:
    names = tuple(f"ball_0{index}" for index in range(kept_out))
    split = split_of(open_dataset(tiny_dataset), tiny_request(), test_cases=names)
    assert (len(split.train), len(split.validation)) == (8 - kept_out - validating, validating)
