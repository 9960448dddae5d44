from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from univox.errors import CheckpointError, RecipeError
from univox.recipes.recipe import Optimizer
from univox.training.budget import Pace, parse_budget
from univox.training.checkpoint import Progress, read_checkpoint, read_tensors, write_checkpoint, write_tensors
from univox.training.log import JSONLines, read_log
from univox.training.optimizer import build_optimizer
from univox.training.plateau import Plateau
from univox.training.schedule import Horizon
from univox.training.weight_average import WeightAverage


@pytest.mark.parametrize("text", ["", "ten", "-5m", "0m", "5 parsecs", "m"])
def test_a_budget_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(RecipeError, match="--budget 20m"):
        parse_budget(text)


@given(st.integers(0, 20), st.integers(0, 59), st.integers(1, 59))
def test_a_budget_adds_up(hours: int, minutes: int, seconds: int) -> None:
    assert parse_budget(f"{hours}h{minutes}m{seconds}s") == 3600 * hours + 60 * minutes + seconds


def test_a_pace_by_hand() -> None:
    pace = Pace(iteration=0.5, validation=4.0)
    assert pace.validations(100.0, wanted=10) == 2
    assert pace.validations(1000.0, wanted=10) == 10
    assert pace.validations(1.0, wanted=10) == 1
    assert pace.iterations(100.0, validations=2) == 184


def test_weight_decay_reaches_kernels_alone() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    kernels, rest = build_optimizer(network, Optimizer(name="adam", weight_decay=0.1)).param_groups
    assert [p.ndim for p in kernels["params"]] == [4]
    assert (kernels["weight_decay"], rest["weight_decay"]) == (0.1, 0.0)
    assert len(rest["params"]) == 3
    [whole] = build_optimizer(network, Optimizer(name="sgd", weight_decay=0.1, weight_decay_on="all")).param_groups
    assert len(whole["params"]) == 4


def test_coupled_decay_is_part_of_adams_gradient() -> None:
    # With a zero gradient the first step of Adam with L2 moves by lr against the weight's sign.
    weight = nn.Parameter(torch.tensor([[2.0]]))
    holder = nn.Module()
    holder.weight = weight
    optimizer = build_optimizer(holder, Optimizer(name="adam", lr=0.1, weight_decay=1e-2))
    weight.grad = torch.zeros_like(weight)
    optimizer.step()
    assert weight.item() == pytest.approx(1.9, abs=1e-4)


def test_settings_reach_the_optimizer_and_their_defaults_are_torchs() -> None:
    network = nn.Linear(2, 2)
    sgd = build_optimizer(network, Optimizer(name="sgd", momentum=0.99, nesterov=True))
    assert (sgd.defaults["momentum"], sgd.defaults["nesterov"]) == (0.99, True)
    adam = build_optimizer(network, Optimizer(name="adam", betas=(0.5, 0.99), epsilon=1e-4))
    assert (adam.defaults["betas"], adam.defaults["eps"]) == ((0.5, 0.99), 1e-4)
    usual = build_optimizer(network, Optimizer(name="adamw")).defaults
    torchs = torch.optim.AdamW(network.parameters()).defaults
    assert (usual["betas"], usual["eps"]) == (torchs["betas"], torchs["eps"])


@pytest.mark.parametrize("values", [{"name": "adam"}, {"name": "sgd", "momentum": 0.0}])
def test_nesterov_without_momentum_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="nesterov needs"):
        Optimizer(**values, nesterov=True)


def test_the_average_of_two_iterations_by_hand() -> None:
    network = nn.Linear(1, 1, bias=False)
    nn.init.constant_(network.weight, 0.0)
    average = WeightAverage(network.state_dict(), decay=0.9)
    for iteration, value in enumerate([1.0, 3.0]):
        nn.init.constant_(network.weight, value)
        average.update(iteration)
    # Decays 1/10 and 2/11: 0.1 * 0 + 0.9 * 1 = 0.9; 2/11 * 0.9 + 9/11 * 3.
    assert average.weights["weight"].item() == pytest.approx(2 / 11 * 0.9 + 9 / 11 * 3)
    with average.applied():
        assert network.weight.item() == pytest.approx(average.weights["weight"].item())
    assert network.weight.item() == 3.0


def test_without_decay_the_average_is_the_weights() -> None:
    network = nn.BatchNorm1d(2)
    average = WeightAverage(network.state_dict(), decay=0.0)
    network(torch.randn(8, 2))
    average.update(5)
    assert all(torch.equal(average.weights[name], value) for name, value in network.state_dict().items())


def trained(seed: int, steps: int) -> tuple[nn.Module, torch.optim.Optimizer]:
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
    optimizer = build_optimizer(network, Optimizer(name="adamw", lr=1e-2))
    for _ in range(steps):
        loss = network(torch.randn(6, 3)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network, optimizer


def test_a_checkpoint_round_trip_is_the_identity(tmp_path: Path) -> None:
    network, optimizer = trained(0, steps=3)
    average = WeightAverage(network.state_dict(), 0.5)
    progress = Progress(
        iteration=3, horizon=Horizon.of(9).replanned(2, 7), best=0.5, best_dice={"a": {"b": None}}, seconds=1.5
    )
    progress.plateau = Plateau(0.2, (0.1, 1 / 3), (0.7,), (0.9, 0.8), 1)
    path = tmp_path / "checkpoint.safetensors"
    write_checkpoint(
        path, weights=network.state_dict(), average=average.weights, optimizer=optimizer, progress=progress
    )
    other, other_optimizer = trained(1, steps=1)
    other_average = WeightAverage(other.state_dict(), 0.5)
    read = read_checkpoint(path, weights=other.state_dict(), average=other_average.weights, optimizer=other_optimizer)
    assert read == progress
    assert all(torch.equal(value, other.state_dict()[name]) for name, value in network.state_dict().items())
    assert all(torch.equal(value, other_average.weights[name]) for name, value in average.weights.items())
    states = zip(optimizer.state.values(), other_optimizer.state.values(), strict=True)
    assert all(torch.equal(value, b[key]) for a, b in states for key, value in a.items())


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    network, optimizer = trained(0, steps=1)
    path = tmp_path / "checkpoint.safetensors"
    write_checkpoint(path, weights=network.state_dict(), average={}, optimizer=optimizer, progress=Progress())
    other = nn.Linear(2, 2)
    with pytest.raises(CheckpointError, match="this run's network"):
        read_checkpoint(path, weights=other.state_dict(), average={}, optimizer=build_optimizer(other, Optimizer()))


def test_tensors_and_facts_lie_in_one_file(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    value = torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last)
    write_tensors(path, {"x": value}, {"n": 3})
    tensors, facts = read_tensors(path)
    assert torch.equal(tensors["x"], value)
    assert facts == {"n": 3}


def test_a_log_forgets_what_its_checkpoint_does_not_hold(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text('{"event": "iteration", "iteration": 1}\n{"event": "iteration", "iteration": 2}\n{"event": "iter')
    log = JSONLines(path, resume_at=1)
    log.write({"event": "iteration", "iteration": 2, "loss": 0.5})
    log.close()
    assert [event.get("loss") for event in read_log(path)] == [None, 0.5]
    assert math.isclose(read_log(path)[1]["loss"], 0.5)
