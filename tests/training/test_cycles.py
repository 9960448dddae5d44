"""Runs that change their rate by the loss and keep weights on the way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from univox.training import fit
from univox.training.cycles import drop_cycles_after, keep_cycle
from univox.training.log import read_log
from univox.training.request import TrainRequest
from univox.training.run import train

PLATEAU = (
    # In bfloat16 some CPUs' weight gradient at a depth of 2 (the bottom here) differs from call to call.
    "training.precision=fp32",
    "schedule={name: plateau, warmup: 0, iterations_per_epoch: 2, average: mean, window: 1, patience: 1,"
    " threshold: 10, factor: 0.1, lowest: 1e-5}",
    "training.kept_every=3",
)
"""Never content with a fall of less than 10: a tenth after 4 iterations (3e-4), 6 (3e-5) and 8 (3e-6: the end)."""


class Killed(BaseException):
    """Stands for SIGKILL: nothing of the program may catch it."""


def outcome(output: Path) -> dict[str, Any]:
    files = ["shared.safetensors", *(f"run/{path.name}" for path in (output / "run").glob("*.safetensors"))]
    events = [
        {key: value for key, value in event.items() if key != "seconds"}
        for event in read_log(output / "run" / "log.jsonl")
    ]
    weights = {name: (output / name).read_bytes() for name in sorted(files) if "checkpoint" not in name}
    return {"log": events, **weights}


@pytest.fixture
def plateau_request(tiny_request: Callable[..., TrainRequest]) -> Callable[[str], TrainRequest]:
    def request(name: str) -> TrainRequest:
        plain = tiny_request(name, iterations=40)
        return plain.model_copy(update={"overrides": (*plain.overrides, *PLATEAU)})

    return request


@pytest.fixture
def undisturbed(plateau_request: Callable[[str], TrainRequest], monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(fit, "CHECKPOINT_SECONDS", 0.0)
    return train(plateau_request("undisturbed")).model


def test_a_plateau_ends_the_run_with_a_model_and_a_reason(undisturbed: Path) -> None:
    log = read_log(undisturbed / "run" / "log.jsonl")
    rates = [event["lr"] for event in log if event["event"] == "iteration"]
    assert rates == pytest.approx([3e-3] * 4 + [3e-4] * 2 + [3e-5] * 2)
    assert [event["iteration"] for event in log if event["event"] == "plateau"] == [4, 6, 8]
    [end] = [event for event in log if event["event"] == "end"]
    assert end["iteration"] == 8
    assert "fallen to 3.0e-06, below 1.0e-05" in end["reason"]
    assert [event["iteration"] for event in log if event["event"] == "validation"] == [8]
    assert (undisturbed / "model.json").exists()


def test_weights_are_kept_at_the_end_of_each_cycle(undisturbed: Path) -> None:
    names = sorted(path.name for path in (undisturbed / "run").glob("weights-*"))
    assert names == ["weights-000003.safetensors", "weights-000006.safetensors"]
    third, sixth = (load_file(undisturbed / "run" / name) for name in names)
    assert third.keys() == sixth.keys() == load_file(undisturbed / "run/last.safetensors").keys()
    assert any(not torch.equal(third[name], sixth[name]) for name in third)


@pytest.mark.parametrize("iteration", [2, 3, 5, 7, 8])
def test_a_killed_run_goes_on_to_the_same_end(
    iteration: int,
    undisturbed: Path,
    plateau_request: Callable[[str], TrainRequest],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    request = plateau_request("killed")
    save = fit.Fit._save

    def save_or_die(self: fit.Fit) -> None:
        # Before the checkpoint of that iteration: its loss, and weights kept on the way, must come again alike.
        if self.progress.iteration == iteration:
            raise Killed
        save(self)

    with monkeypatch.context() as patch:
        patch.setattr(fit.Fit, "_save", save_or_die)
        with pytest.raises(Killed):
            train(request)
    train(request, resume=True)
    assert outcome(request.output) == outcome(undisturbed)


def test_what_lies_ahead_of_the_checkpoint_is_dropped(tmp_path: Path) -> None:
    for iteration in (9_000, 18_000, 1_800_000):
        keep_cycle(tmp_path, iteration, {"x": torch.ones(1)})
    drop_cycles_after(tmp_path, 9_000)
    assert [path.name for path in tmp_path.iterdir()] == ["weights-009000.safetensors"]
