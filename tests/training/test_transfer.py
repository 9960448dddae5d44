from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from univox.errors import ModelError
from univox.model.weights import Weights
from univox.networks.residual_unet import ResidualUNet
from univox.training.transfer import transfer


def small(seed: int, *, in_channels: int = 1, num_classes: int = 2) -> ResidualUNet:
    torch.manual_seed(seed)
    network = ResidualUNet(in_channels, num_classes, spatial_dims=2, widths=(8, 8, 8), detail_channels=4)
    for buffer in network.buffers():
        buffer.copy_(torch.randint(1, 9, buffer.shape))
    return network


def from_state(state: dict[str, Tensor]) -> Weights:
    return Weights("there.pt", "0" * 64, state)


def renamed(state: dict[str, Tensor], start: str) -> dict[str, Tensor]:
    return {f"{start}{name}": value for name, value in state.items()}


def test_the_same_network_is_taken_whole() -> None:
    here, there = small(0), small(1)
    taken = transfer(here, from_state(there.state_dict()))
    assert set(taken.taken) == set(here.state_dict())
    assert (taken.other_shape, taken.missing, taken.without_place) == ({}, (), 0)
    assert taken.values == sum(parameter.numel() for parameter in here.parameters())
    assert all(torch.equal(value, there.state_dict()[name]) for name, value in here.state_dict().items())


def test_exactly_what_matches_is_taken_and_the_rest_is_named() -> None:
    here, there = small(0), small(1, in_channels=3, num_classes=5).state_dict()
    before = copy.deepcopy(here.state_dict())
    del there["up.1.normalization.bias"]
    there["auxiliary.weight"] = torch.ones(3)
    taken = transfer(here, from_state(there))
    other = {"detail.0.weight", "encoder.0.0.0.weight", "output.1.weight", "output.1.bias"}
    assert set(taken.other_shape) == other
    assert taken.other_shape["output.1.bias"] == ((2,), (5,))
    assert taken.missing == ("up.1.normalization.bias",)
    assert taken.without_place == 1
    for name, value in here.state_dict().items():
        expected = before[name] if name in other or name in taken.missing else there[name]
        assert torch.equal(value, expected), name
    said = "\n".join(taken.lines())
    assert "output.1.bias (2 here, 5 there)" in said
    assert "not found there: up.1.normalization.bias" in said
    assert "1 tensors there have no place" in said


def test_only_the_encoder_is_taken() -> None:
    here, there = small(0), small(1)
    before = copy.deepcopy(here.state_dict())
    taken = transfer(here, from_state(there.state_dict()), part="encoder")
    for name, value in here.state_dict().items():
        inside = name.startswith(("encoder.", "detail."))
        assert (name in taken.taken) == inside
        assert torch.equal(value, (there.state_dict() if inside else before)[name]), name
    assert taken.without_place == len(before) - len(taken.taken)


@pytest.mark.parametrize("start", ["module.", "model.", "module.network.", "features."])
def test_the_start_of_foreign_names_is_removed_and_said(start: str) -> None:
    here, there = small(0), small(1)
    state = {**renamed(there.state_dict(), start), "classifier.weight": torch.ones(2, 2)}
    taken = transfer(here, from_state(state))
    assert (taken.removed, taken.added) == (start, "")
    assert len(taken.taken) == len(here.state_dict())
    assert f"'{start}'" in taken.lines()[0]
    assert all(torch.equal(value, there.state_dict()[name]) for name, value in here.state_dict().items())


def test_the_start_of_a_wrapped_network_is_put_before_foreign_names() -> None:
    wrapped, there = nn.ModuleDict({"network": small(0)}), small(1)
    taken = transfer(wrapped, from_state(renamed(there.state_dict(), "module.")))
    assert (taken.removed, taken.added) == ("module.", "network.")
    assert all(torch.equal(value, there.state_dict()[name]) for name, value in wrapped["network"].state_dict().items())


def test_names_that_fit_as_they_are_stay() -> None:
    # Levels of equal shapes: removing or adding a start would fit too, elsewhere.
    here = nn.ModuleDict({"a": nn.Linear(2, 2), "b": nn.ModuleDict({"a": nn.Linear(2, 2)})})
    there = {name: torch.full_like(value, index) for index, (name, value) in enumerate(here.state_dict().items())}
    taken = transfer(here, from_state(there))
    assert (taken.removed, taken.added) == ("", "")
    assert all(torch.equal(value, there[name]) for name, value in here.state_dict().items())


def test_half_precision_weights_become_what_the_network_has() -> None:
    here, there = small(0), small(1)
    transfer(here, from_state(copy.deepcopy(there).half().state_dict()))
    assert here.output[1].bias.dtype == torch.float32
    assert torch.equal(here.output[1].weight, there.output[1].weight.half().float())


@pytest.mark.parametrize("state", [{"a.weight": torch.ones(2)}, {"encoder.0.0.1.num_batches_tracked": torch.tensor(3)}])
def test_nothing_taken_is_an_error(state: dict[str, Tensor]) -> None:
    with pytest.raises(ModelError, match="leave --init-from out"):
        transfer(small(0), from_state(state))
