"""Model folders come back as they were written, whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from univox.errors import FileError, ModelError
from univox.model.folder import Domain, NetworkSpec, finite, read_model, write_model
from univox.model.tensors import file_sha256
from univox.networks import build_network
from univox.networks.domain_parts import domain_state_names

CLASSES = {
    "classes": [
        {"name": "background", "codes": [0]},
        {"name": "CSF", "codes": [10]},
        {"name": "matter", "codes": [150, 250]},
    ],
    "instances": False,
}


def spec(**changes: Any) -> NetworkSpec:
    values = {"name": "residual-unet", "in_channels": 2, "num_classes": 3, "spatial_dims": 2}
    arguments = {"strides": [[2, 2], [2, 2]], "widths": [8, 8]}
    return NetworkSpec.model_validate({**values, "arguments": arguments, **changes})


def domain(**changes: Any) -> Domain:
    values = {
        "name": "infant brain",
        "channel_names": ("T1", "T2"),
        "classes": CLASSES,
        "spatial_dims": 2,
        "plan": {"patch_size": (16, 16), "num_cases": 4},
        "validation": {"mean_dice": 0.5, "dice": {"CSF": 0.25, "matter": float("nan")}},
    }
    return Domain.model_validate({**values, **changes})


def network_of(model_spec: NetworkSpec, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    values = model_spec.model_dump()
    network = build_network(**values)
    for tensor in network.state_dict().values():
        if tensor.is_floating_point():
            tensor.uniform_(0.1, 1)
    return network.eval()


def write(path: Path, *, seed: int = 0, **changes: Any) -> nn.Module:
    values = {"spec": spec(), "domain": domain(), "recipe": {"name": "test"}, "provenance": {"seed": 1}}
    values |= changes
    network = values.pop("network", None) or network_of(values["spec"], seed)
    write_model(path, members=[(values.pop("domain"), network)], **values)
    return network


@pytest.fixture
def model(tmp_path: Path) -> Path:
    write(tmp_path / "model")
    return tmp_path / "model"


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    network = write(tmp_path / "model", recipe={"name": "test", "lr": 1e-3}, provenance={"split": {"train": ["a"]}})
    stored = read_model(tmp_path / "model")
    assert stored.spec == spec()
    assert stored.recipe == {"name": "test", "lr": 1e-3}
    assert stored.provenance == {"split": {"train": ["a"]}}
    assert list(stored.domains) == ["infant brain"]
    assert stored.domain().channel_names == ("T1", "T2")
    assert stored.domain("infant brain").label_classes.to_json() == CLASSES
    assert stored.domain().validation["dice"] == {"CSF": 0.25, "matter": None}
    assert stored.num_parameters() == sum(parameter.numel() for parameter in network.parameters())


def test_the_network_computes_the_same_logits_bit_for_bit(model: Path) -> None:
    image = torch.randn(1, 2, 16, 24)
    built = read_model(model).build()
    assert not built.training
    with torch.no_grad():
        assert torch.equal(built(image), network_of(spec())(image))
        assert not torch.equal(built(image), network_of(spec(), seed=1)(image))


def test_a_folder_holds_json_safetensors_and_a_card_only(model: Path) -> None:
    files = sorted(path.relative_to(model).as_posix() for path in model.rglob("*") if path.is_file())
    assert files == [
        "README.md",
        "domains/infant brain/domain.json",
        "domains/infant brain/weights.safetensors",
        "model.json",
        "shared.safetensors",
    ]
    own = load_file(model / "domains/infant brain/weights.safetensors").keys()
    shared = load_file(model / "shared.safetensors").keys()
    assert own | shared == network_of(spec()).state_dict().keys()
    assert not own & shared


def test_equal_weights_make_equal_bytes_in_any_memory_order(model: Path, tmp_path: Path) -> None:
    network = network_of(spec())
    for parameter in network.parameters():
        if parameter.dim() == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    write(tmp_path / "other", network=network)
    assert (tmp_path / "other/shared.safetensors").read_bytes() == (model / "shared.safetensors").read_bytes()
    assert (tmp_path / "other/model.json").read_text() == (model / "model.json").read_text()


def test_a_domains_own_tensors_lie_in_its_own_file(tmp_path: Path) -> None:
    network = network_of(spec())
    own = domain_state_names(network)
    assert own
    write(tmp_path / "model", network=network)
    stored = read_model(tmp_path / "model")
    assert load_file(tmp_path / "model/domains/infant brain/weights.safetensors").keys() == set(own)
    assert load_file(tmp_path / "model/shared.safetensors").keys() == network.state_dict().keys() - set(own)
    image = torch.randn(1, 2, 16, 16)
    with torch.no_grad():
        assert torch.equal(stored.build()(image), network(image))
    parameters = dict(network.named_parameters())
    record = stored.manifest.domains["infant brain"]
    assert record.parameters == sum(p.numel() for name, p in parameters.items() if name in own)
    assert stored.num_parameters() == sum(parameter.numel() for parameter in parameters.values())


def test_several_domains_read_from_one_folder(model: Path) -> None:
    shutil.copytree(model / "domains/infant brain", model / "domains/second")
    values = json.loads((model / "model.json").read_text())
    values["domains"]["second"] = values["domains"]["infant brain"]
    (model / "model.json").write_text(json.dumps(values))
    about = json.loads((model / "domains/second/domain.json").read_text())
    about["name"] = "second"
    (model / "domains/second/domain.json").write_text(json.dumps(about))
    stored = read_model(model)
    assert list(stored.domains) == ["infant brain", "second"]
    with pytest.raises(ModelError, match="one of the model's domains: infant brain, second, got none named"):
        stored.build()
    stored.build("second")


@pytest.mark.parametrize(
    "file",
    [
        "model.json",
        "shared.safetensors",
        "domains/infant brain/domain.json",
        "domains/infant brain/weights.safetensors",
    ],
)
def test_a_missing_file_is_named(model: Path, file: str) -> None:
    (model / file).unlink()
    with pytest.raises(ModelError) as caught:
        read_model(model)
    assert str(model) in str(caught.value)
    assert Path(file).name in str(caught.value)


@pytest.mark.parametrize("file", ["shared.safetensors", "domains/infant brain/weights.safetensors"])
def test_altered_weights_are_refused(model: Path, file: str) -> None:
    content = bytearray((model / file).read_bytes())
    content[-1] ^= 1
    (model / file).write_bytes(content)
    with pytest.raises(ModelError, match=r"altered weights with sha256"):
        read_model(model)


def altered(model: Path, file: str, **changes: Any) -> None:
    values = json.loads((model / file).read_text())
    (model / file).write_text(json.dumps({**values, **changes}))


def test_a_newer_format_asks_for_an_update(model: Path) -> None:
    altered(model, "model.json", format_version=3, univox_version="9.1", network="of the future")
    with pytest.raises(ModelError, match=r"format 2 or older, got format 3, written by univox 9.1.*update univox"):
        read_model(model)


def test_a_domain_that_points_outside_the_model_is_refused(model: Path) -> None:
    record = json.loads((model / "model.json").read_text())["domains"]["infant brain"]
    for name in ("../../elsewhere", "..", "a/b", "a\\b", "/etc"):
        altered(model, "model.json", domains={name: record})
        with pytest.raises(ModelError, match="points outside its own folder"):
            read_model(model)


def test_json_that_is_cut_or_lacks_a_key_is_refused(model: Path) -> None:
    altered(model, "domains/infant brain/domain.json", channel_names=[])
    with pytest.raises(ModelError, match=r"domain.json: expected a valid 'channel_names'"):
        read_model(model)
    altered(model, "domains/infant brain/domain.json", channel_names=["T1", "T2"], name="other")
    with pytest.raises(ModelError, match="expected the domain 'infant brain'"):
        read_model(model)
    text = (model / "model.json").read_text()
    for content in (text[: len(text) // 2], "[]", "{}", '{"format_version": 1}'):
        (model / "model.json").write_text(content)
        with pytest.raises(ModelError, match=r"model.json: expected a"):
            read_model(model)


def with_tensors(model: Path, change: Any) -> None:
    tensors = load_file(model / "shared.safetensors")
    change(tensors)
    save_file(tensors, model / "shared.safetensors")
    values = json.loads((model / "model.json").read_text())
    values["shared"]["sha256"] = file_sha256(model / "shared.safetensors")
    (model / "model.json").write_text(json.dumps(values))


def test_tensors_of_other_names_or_shapes_are_refused(model: Path) -> None:
    name = min(load_file(model / "shared.safetensors"))
    with_tensors(model, lambda tensors: tensors.update({name: torch.zeros(1, 2, 3)}))
    with pytest.raises(ModelError, match=rf"'{name}' of shape .*, got '{name}' of shape \[1, 2, 3\]"):
        read_model(model).build()
    with_tensors(model, lambda tensors: tensors.pop(name))
    with pytest.raises(ModelError, match=f"'{name}' of shape .*, got no '{name}' in the weights"):
        read_model(model).build()
    write(model)
    with_tensors(model, lambda tensors: tensors.update({"a stranger": torch.zeros(1)}))
    with pytest.raises(ModelError, match="expected no 'a stranger' in the network"):
        read_model(model).build()


def test_a_strangers_network_is_not_imported_unasked(tmp_path: Path) -> None:
    foreign = spec(name="torch.nn.PReLU", in_channels=3, arguments={"num_parameters": 3})
    network = write(tmp_path / "model", spec=foreign, domain=domain(channel_names=("T1", "T2", "PD")))
    stored = read_model(tmp_path / "model")
    with pytest.raises(ModelError, match=r"got 'torch.nn.PReLU'; remedy: --trust-network \(trusted=True\)"):
        stored.build()
    image = torch.randn(1, 3, 4, 4)
    with torch.no_grad():
        assert torch.equal(stored.build(trusted=True)(image), network(image))


@pytest.mark.parametrize("changes", [{"in_channels": 1}, {"num_classes": 2}, {"spatial_dims": 3}])
def test_a_network_that_contradicts_its_domain_is_not_written(tmp_path: Path, changes: dict[str, int]) -> None:
    with pytest.raises(ModelError, match="a network for 2 channels, 3 classes and 2 axes"):
        write(tmp_path / "model", spec=spec(**changes), network=nn.Identity())
    assert not (tmp_path / "model").exists()


def test_a_run_beside_the_model_survives_and_an_older_model_does_not(model: Path) -> None:
    for other in ("run/log.jsonl", "domains/notes/mine.txt"):
        (model / other).parent.mkdir(parents=True)
        (model / other).write_text("kept")
    network = write(model, seed=5, domain=domain(name="second"))
    stored = read_model(model)
    assert list(stored.domains) == ["second"]
    assert not (model / "domains/infant brain").exists()
    assert (model / "run/log.jsonl").read_text() == (model / "domains/notes/mine.txt").read_text() == "kept"
    image = torch.randn(1, 2, 8, 8)
    with torch.no_grad():
        assert torch.equal(stored.build()(image), network(image))


class Killed(BaseException):
    """Stands for the end of the process: nothing catches it."""


@pytest.mark.parametrize("replacing", [False, True])
def test_a_kill_at_any_step_leaves_a_whole_model_or_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, replacing: bool
) -> None:
    states: set[str] = set()
    for moment in range(100):
        model = tmp_path / f"{moment}"
        if replacing:
            write(model, seed=1)
        finished = killed_at(moment, model, monkeypatch)
        if not (model / "model.json").exists():
            states.add("none")
            with pytest.raises(ModelError):
                read_model(model)
        else:
            states.add({1: "older", 2: "newer"}[seed_of(read_model(model).build())])
        if finished:
            break
    assert finished
    assert moment > 8
    assert states == ({"older", "none", "newer"} if replacing else {"none", "newer"})


def seed_of(network: nn.Module) -> int:
    """Tell which of the two models that the test writes this is."""
    found = list(network.state_dict().values())
    return next(s for s in (1, 2) if all(map(torch.equal, found, network_of(spec(), s).state_dict().values())))


def killed_at(moment: int, model: Path, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Write a model, but stop before the system call of that number; tell whether it came to its end."""
    left = [moment]

    def counted(call: Any) -> Any:
        def stopping(*args: Any, **kwargs: Any) -> Any:
            if left[0] == 0:
                raise Killed
            left[0] -= 1
            return call(*args, **kwargs)

        return stopping

    with monkeypatch.context() as patch:
        for name in ("replace", "unlink", "rename"):
            patch.setattr(Path, name, counted(getattr(Path, name)))
        patch.setattr(shutil, "rmtree", lambda *args, **kwargs: None)
        try:
            write(model, seed=2)
        except Killed:
            return False
    return True


def test_a_killed_writers_leavings_go_with_the_next(model: Path) -> None:
    (model / ".partial-model-old").mkdir()
    write(model)
    assert not list(model.glob(".partial*"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(FileError, match="to write a model here"):
        write(tmp_path / "model")


def test_a_file_in_the_models_place_is_said(tmp_path: Path) -> None:
    (tmp_path / "model").write_text("a file")
    with pytest.raises(FileError, match="to write a model here"):
        write(tmp_path / "model")
    with pytest.raises(ModelError, match="no such folder"):
        read_model(tmp_path / "model")


def test_numbers_that_json_lacks_become_null() -> None:
    value = {"a": [1.5, float("inf")], 2: (float("nan"), "nan", None, True)}
    assert finite(value) == {"a": [1.5, None], "2": [None, "nan", None, True]}
