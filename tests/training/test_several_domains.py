"""One network trained on several datasets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from univox.data.source import DatasetSource
from univox.errors import DatasetError, RecipeError
from univox.inference.predictor import Predictor
from univox.model.folder import read_model
from univox.recipes.recipe import Domains
from univox.training.log import read_log
from univox.training.observer import Observer
from univox.training.request import TrainRequest
from univox.training.run import train

SEPARABLE = (
    "network.arguments={strides: [[2, 2, 2], [2, 2, 2]], widths: [8, 8], detail_channels: 4, convolution: separable}"
)


@pytest.fixture
def two(tiny_request: Callable[..., TrainRequest], dark_dataset: Path) -> Callable[..., TrainRequest]:
    """Give requests for runs on two datasets that differ in channels, classes and shape."""

    def request(name: str = "model", **changes: object) -> TrainRequest:
        one = tiny_request(name)
        overrides = (*one.overrides, SEPARABLE, *changes.pop("more", ()))
        sources = (*one.datasets, DatasetSource(path=dark_dataset))
        return one.model_copy(update={"datasets": sources, "overrides": overrides, **changes})

    return request


def test_both_domains_learn_and_predict(two: Callable[..., TrainRequest]) -> None:
    trained = train(two(iterations=240))
    stored = read_model(trained.model)
    assert list(stored.domains) == list(trained.splits) == ["Ball", "Dark"]
    assert stored.domain("Ball").validation["mean_dice"] > 0.7
    assert stored.domain("Dark").validation["mean_dice"] > 0.5
    log = read_log(trained.model / "run" / "log.jsonl")
    assert [e["domain"] for e in log if e["event"] == "iteration"][:4] == ["Ball", "Dark", "Ball", "Dark"]
    assert {e["domain"] for e in log if e["event"] == "validation"} == {"Ball", "Dark"}
    assert Predictor(trained.model, domain="Dark").classes.names == ("background", "ball", "cube")


def test_what_is_stored_as_shared_is_what_both_hold(two: Callable[..., TrainRequest]) -> None:
    trained = train(two(iterations=3))
    stored = read_model(trained.model)
    shared = stored.shared_tensors()
    for name in stored.domains:
        state = stored.build(name).state_dict()
        assert all(torch.equal(state[key], value) for key, value in shared.items())
        assert state.keys() == shared.keys() | stored.own_tensors(name).keys()
    assert stored.own_tensors("Ball").keys() == stored.own_tensors("Dark").keys()


def test_a_resumed_run_equals_an_undisturbed_one(two: Callable[..., TrainRequest]) -> None:
    whole = train(two("whole", iterations=9))
    cut = two("cut", iterations=9)

    class Killed(BaseException):
        pass

    class Killer(Observer):
        def event(self, event: dict[str, object]) -> None:
            if event["event"] == "iteration" and event["iteration"] == 6:
                raise Killed

    with pytest.raises(Killed):
        train(cut, observer=Killer())
    resumed = train(cut, resume=True)
    for name in ("shared.safetensors", "domains/Ball/weights.safetensors", "domains/Dark/weights.safetensors"):
        assert (resumed.model / name).read_bytes() == (whole.model / name).read_bytes()


def test_a_domain_sees_the_batches_of_a_run_of_its_own(two: Callable[..., TrainRequest]) -> None:
    # The first step of the first dataset is the first of the run: its loss is that of a run of its own.
    request = two(iterations=2)
    joint = read_log(train(request).model / "run" / "log.jsonl")
    alone = request.model_copy(update={"datasets": request.datasets[:1], "output": request.output / "alone"})
    single = read_log(train(alone).model / "run" / "log.jsonl")
    losses = [[e["loss"] for e in log if e["event"] == "iteration"] for log in (joint, single)]
    assert losses[0][0] == losses[1][0]


def test_turns_and_signal_are_values(two: Callable[..., TrainRequest]) -> None:
    more = ("domains.turns=proportional", "domains.signal=equal")
    log = read_log(train(two(iterations=9, more=more)).model / "run" / "log.jsonl")
    taken = [e["domain"] for e in log if e["event"] == "iteration"]
    # Six training cases against three.
    assert (taken.count("Ball"), taken.count("Dark")) == (6, 3)
    assert Domains().turns == "round-robin"


def test_what_cannot_share_is_said(
    two: Callable[..., TrainRequest], tiny_dataset: Path, shared_data: Callable[[str], Path]
) -> None:
    with pytest.raises(RecipeError, match="univox study universal"):
        train(two("a", more=("domains.share=nothing",)))
    twice = (DatasetSource(path=tiny_dataset), DatasetSource(path=tiny_dataset))
    with pytest.raises(DatasetError, match="'Ball' twice"):
        train(two("b").model_copy(update={"datasets": twice}))
    flat = (DatasetSource(path=tiny_dataset), DatasetSource(path=shared_data("em_membrane_isbi2012")))
    with pytest.raises(DatasetError, match="same number of axes"):
        train(two("c").model_copy(update={"datasets": flat}))
    with pytest.raises(RecipeError, match="univox extend"):
        train(two("d", init_from=tiny_dataset))


def test_a_budget_is_planned_on_every_domain(two: Callable[..., TrainRequest]) -> None:
    heard: list[str] = []

    class Listener(Observer):
        def stage(self, text: str) -> None:
            heard.append(text)

    trained = train(two(iterations=None, budget_seconds=8.0), observer=Listener())
    assert any("the budget of 8 s buys" in line for line in heard)
    log = read_log(trained.model / "run" / "log.jsonl")
    taken = [event["domain"] for event in log if event["event"] == "iteration"]
    assert trained.iterations == len(taken) > 2
    assert abs(taken.count("Ball") - taken.count("Dark")) <= 1
