"""Runs that begin with the weights of another, whole or in part, and keep some as they are."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from univox.errors import ModelError, RecipeError
from univox.model.folder import read_model
from univox.training import fit
from univox.training.observer import Observer
from univox.training.request import TrainRequest
from univox.training.run import train

WEIGHTS = ("shared.safetensors", "run/last.safetensors", "run/best.safetensors")


def weights_of(model: Path) -> dict[str, torch.Tensor]:
    """What all datasets share, and what is the only one's own."""
    return read_model(model).build().state_dict()


class Killed(BaseException):
    """Stands for SIGKILL: nothing of the program may catch it."""


class Heard(Observer):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def stage(self, text: str) -> None:
        self.lines.append(text)


@pytest.fixture
def fp32_request(tiny_request: Callable[..., TrainRequest]) -> Callable[..., TrainRequest]:
    def request(name: str, *overrides: str, **changes: Any) -> TrainRequest:
        plain = tiny_request(name, **{"iterations": 4, **changes})
        # In bfloat16 some CPUs' weight gradient at a depth of 2 (the bottom here) differs from call to call.
        return plain.model_copy(update={"overrides": (*plain.overrides, "training.precision=fp32", *overrides)})

    return request


@pytest.fixture
def donor(fp32_request: Callable[..., TrainRequest]) -> Path:
    return train(fp32_request("donor", seed=7)).model


def under_encoder(name: str) -> bool:
    return name.startswith(("encoder.", "detail."))


@pytest.mark.parametrize("decay", [0.0, 0.9])
def test_a_frozen_encoder_ends_as_it_was_taken(
    decay: float, donor: Path, fp32_request: Callable[..., TrainRequest]
) -> None:
    request = fp32_request(
        "model",
        f"training.weight_average={decay}",
        init_from=donor,
        init_part="encoder",
        freeze="encoder",
    )
    heard = Heard()
    model = train(request, observer=heard).model
    taken = weights_of(donor)
    for file in WEIGHTS:
        trained = load_file(model / file)
        for name, value in trained.items():
            if under_encoder(name):
                assert value.numpy().tobytes() == taken[name].numpy().tobytes(), (file, name)
        assert "output.1.weight" not in trained or not torch.equal(trained["output.1.weight"], taken["output.1.weight"])
    names = {name for name in taken if under_encoder(name)}
    provenance = read_model(model).provenance
    assert set(provenance["init"]["taken"]) == names
    assert (provenance["init"]["source"], provenance["frozen"]) == ("donor", "encoder")
    assert any(line.startswith(f"took {len(names)} of the encoder's {len(names)} tensors") for line in heard.lines)
    assert any(line.startswith("frozen: the encoder") for line in heard.lines)
    card = (model / "README.md").read_text()
    assert f"began with {len(names)} tensors of donor (encoder)" in card
    assert "- frozen: encoder" in card


def test_what_is_frozen_at_random_is_said(donor: Path, fp32_request: Callable[..., TrainRequest]) -> None:
    wider = "network.arguments={strides: [[2, 2, 2], [2, 2, 2]], widths: [8, 16], detail_channels: 4}"
    request = fp32_request("model", wider, init_from=donor, freeze="encoder", iterations=1)
    heard = Heard()
    init = read_model(train(request, observer=heard).model).provenance["init"]
    stuck = sum(under_encoder(name) for name in init["other_shape"])
    assert stuck > 0
    assert f"{stuck} tensors of what is frozen were not taken: they keep their random start" in heard.lines


def test_the_optimizer_remembers_only_what_it_trains(donor: Path, fp32_request: Callable[..., TrainRequest]) -> None:
    request = fp32_request("model", "optimizer.weight_decay_on=all", init_from=donor, freeze="encoder")
    train(request)
    state = load_file(request.run_folder / "checkpoint.safetensors")
    trainable = [
        value
        for name, value in weights_of(donor).items()
        if not under_encoder(name) and "running" not in name and "tracked" not in name
    ]
    moments = [value for name, value in state.items() if name.startswith("optimizer.") and name.endswith(".exp_avg")]
    assert sum(value.numel() for value in moments) == sum(value.numel() for value in trainable)


def test_a_whole_network_is_where_the_donor_ended(donor: Path, fp32_request: Callable[..., TrainRequest]) -> None:
    # A rate so small that no parameter moves: what is left is what was taken.
    source = donor / "run" / "last.safetensors"
    model = train(fp32_request("model", "optimizer.lr=1e-30", init_from=source, seed=3)).model
    taken, left = load_file(source), load_file(model / "run" / "last.safetensors")
    learned = [name for name in taken if "running" not in name and "tracked" not in name]
    assert all(torch.allclose(left[name], taken[name], rtol=0, atol=1e-20) for name in learned)


@pytest.mark.parametrize("iteration", [0, 1, 3])
def test_a_killed_run_ends_alike_without_reading_the_file_again(
    iteration: int, donor: Path, fp32_request: Callable[..., TrainRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit, "CHECKPOINT_SECONDS", 0.0)
    source = donor.parent / "copy"
    shutil.copytree(donor, source)
    asked = {"init_from": source, "freeze": "encoder"}
    undisturbed = fp32_request("undisturbed", **asked)
    train(undisturbed)
    request = fp32_request("killed", **asked)
    save = fit.Fit._save

    def save_and_die(self: fit.Fit) -> None:
        save(self)
        if self.progress.iteration == iteration:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(fit.Fit, "_save", save_and_die)
        with pytest.raises(Killed):
            train(request)
    shutil.rmtree(source)
    train(TrainRequest.read(request.output), resume=True)
    for file in WEIGHTS:
        assert (request.output / file).read_bytes() == (undisturbed.output / file).read_bytes(), file
    records = [read_model(run.output).provenance for run in (request, undisturbed)]
    assert records[0]["init"] == records[1]["init"]


def test_the_request_is_stored(donor: Path, fp32_request: Callable[..., TrainRequest]) -> None:
    request = fp32_request("model", init_from=donor, init_part="encoder", iterations=1)
    train(request)
    stored = json.loads((request.run_folder / "request.json").read_text())
    assert (stored["init_from"], stored["init_part"], stored["freeze"]) == (str(donor.resolve()), "encoder", None)


def test_a_start_that_cannot_be_is_refused_before_any_work(
    fp32_request: Callable[..., TrainRequest], tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match="nothing there"):
        train(fp32_request("model", init_from=tmp_path / "none"))
    with pytest.raises(RecipeError, match="--init-from MODEL"):
        train(fp32_request("model", init_part="encoder"))
    assert not (tmp_path / "model").exists()
