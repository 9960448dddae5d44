from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from univox.data.classes import Classes, LabelClass
from univox.errors import ModelError
from univox.model.domain import Domain, NetworkSpec
from univox.model.folder import write_model
from univox.model.weights import read_weights
from univox.networks.residual_unet import ResidualUNet


class Evil:
    """What a file would run if it were believed."""

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, ("came-true",)


def test_three_kinds_of_files_give_the_same_tensors(tmp_path: Path) -> None:
    arguments = {"widths": [8, 8, 8], "detail_channels": 4}
    network = ResidualUNet(1, 2, spatial_dims=2, **arguments)
    state = network.state_dict()
    classes = Classes((LabelClass("background", (0,)), LabelClass("ball", (1,))))
    write_model(
        tmp_path / "model",
        spec=NetworkSpec(name="residual-unet", in_channels=1, num_classes=2, spatial_dims=2, arguments=arguments),
        members=[(Domain(name="balls", channel_names=("MRI",), classes=classes.to_json(), spatial_dims=2), network)],
        recipe={},
        provenance={},
    )
    save_file({name: value.clone() for name, value in state.items()}, tmp_path / "a.safetensors")
    torch.save(state, tmp_path / "b.pt")
    torch.save({"epoch": 3, "state_dict": state, "optimizer": {"state": {}}}, tmp_path / "c.pth")
    for name in ("model", "a.safetensors", "b.pt", "c.pth"):
        weights = read_weights(tmp_path / name)
        assert weights.name == name
        assert weights.tensors.keys() == state.keys()
        assert all(torch.equal(value, state[key]) for key, value in weights.tensors.items())


def test_a_file_that_would_run_something_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": {"w": torch.ones(1)}, "hook": Evil()}, tmp_path / "evil.pt")
    with pytest.raises(ModelError, match="tensors and plain values"):
        read_weights(tmp_path / "evil.pt")
    assert not (tmp_path / "came-true").exists()


@pytest.mark.parametrize("name", ["none.pt", "notes.txt", "broken.pt", "broken.safetensors", "list.pt", "empty"])
def test_what_holds_no_weights_is_an_error(name: str, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "broken.pt").write_bytes(b"x")
    (tmp_path / "broken.safetensors").write_bytes(b"x")
    (tmp_path / "empty").mkdir()
    torch.save([nn.Linear(1, 1).weight.detach()], tmp_path / "list.pt")
    with pytest.raises(ModelError, match=name):
        read_weights(tmp_path / name)
