"""A model of several domains: each as if it were alone, the shared weights in memory once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import univox
from univox.errors import DeviceError, ModelError, RecipeError
from univox.image import Image
from univox.inference import LoadedModel, Predictor, load
from univox.model.folder import read_model
from univox.model.tensors import divided_state, write_tensors
from univox.networks.domain_parts import domain_state_names

DOMAINS = {
    "brain": {"channel_names": ("T1", "T2"), "codes": (0, 1, 2, 3)},
    "spleen": {"channel_names": ("CT",), "codes": (0, 7)},
    "liver": {"channel_names": ("CT",)},
}


@pytest.fixture
def model(write_model_of: Callable[..., Path]) -> Path:
    return write_model_of(DOMAINS)


def volume(channels: int) -> Image:
    array = np.random.default_rng(channels).gamma(2.0, 50.0, (channels, 11, 12, 13)).astype(np.float32)
    return Image.from_array(array, spacing_mm=(1.0, 1.0, 1.0))


@pytest.mark.parametrize("order", [("brain", "spleen", "liver"), ("liver", "spleen", "brain")])
def test_each_domain_predicts_bit_for_bit_as_if_it_were_alone(model: Path, order: tuple[str, ...]) -> None:
    loaded = load(model, device="cpu")
    assert loaded.domains == ("brain", "spleen", "liver")
    predictors = [loaded.domain(name) for name in order]
    for name, predictor in zip(order, predictors, strict=True):
        image = volume(len(DOMAINS[name]["channel_names"]))
        got = predictor.predict(image, probabilities=True)
        wanted = Predictor(model, domain=name, device="cpu").predict(image, probabilities=True)
        assert got.probabilities is not None
        assert wanted.probabilities is not None
        np.testing.assert_array_equal(got.probabilities, wanted.probabilities)
        np.testing.assert_array_equal(got.codes, wanted.codes)
        assert len(np.unique(got.label)) > 1


def test_shared_weights_lie_in_memory_once_and_own_ones_apart(model: Path) -> None:
    loaded, stored = load(model, device="cpu"), read_model(model)
    networks = [loaded.domain(name).network for name in loaded.domains]
    own = set(domain_state_names(networks[0]))
    for name, first in networks[0].state_dict().items():
        places = {network.state_dict()[name].data_ptr() for network in networks}
        assert len(places) == (len(networks) if name in own else 1), name
        if name not in own:
            assert torch.equal(first, stored.shared_tensors()[name])
    shared, _ = divided_state(networks[-1])
    assert write_tensors(model / "again.safetensors", shared) == stored.identity == read_model(model).identity
    distinct = {id(parameter): parameter.numel() for network in networks for parameter in network.parameters()}
    records = stored.manifest.domains.values()
    assert sum(distinct.values()) == stored.manifest.shared.parameters + sum(record.parameters for record in records)


def test_a_domain_is_loaded_when_first_used_and_then_kept(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[str] = []
    build = type(read_model(model)).build

    def counting(self: object, name: str, **options: bool) -> object:
        built.append(name)
        return build(self, name, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(type(read_model(model)), "build", counting)
    loaded = LoadedModel(model, device="cpu")
    assert built == []
    assert loaded.domain("spleen") is loaded.domain("spleen")
    assert built == ["spleen"]


def test_a_model_of_one_domain_needs_no_name(write_model_of: Callable[..., Path]) -> None:
    model = univox.load(write_model_of({"spleen": DOMAINS["spleen"]}), device="cpu")
    image = volume(1)
    np.testing.assert_array_equal(model.predict(image).codes, model.domain("spleen").predict(image).codes)
    assert model.domain() is model.domain("spleen")


def test_of_several_one_must_be_named(model: Path) -> None:
    loaded = load(model, device="cpu")
    words = (
        r"brain \(2 channels: T1, T2; classes: class 0, class 1, class 2, class 3\), "
        r"spleen \(1 channel: CT; classes: class 0, class 7\), liver .* got none named; remedy: .* \.domain\(NAME\)"
    )
    with pytest.raises(ModelError, match=words):
        loaded.predict(volume(1))
    with pytest.raises(ModelError, match="brain, spleen, liver, got 'kidney'"):
        loaded.domain("kidney")


def test_settings_hold_for_every_domain_and_are_checked_at_once(model: Path) -> None:
    loaded = load(model, device="cpu", settings={"overlap": 0.25})
    assert {loaded.domain(name).settings.overlap for name in loaded.domains} == {0.25}
    with pytest.raises(RecipeError, match="inference setting 'stride'"):
        load(model, settings={"stride": 4})
    with pytest.raises(DeviceError, match="got 'quantum'"):
        load(model, device="quantum")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_on_an_accelerator_too_shared_weights_lie_in_memory_once(model: Path) -> None:
    loaded = load(model, device="cuda")
    networks = [loaded.domain(name).network for name in loaded.domains]
    own = set(domain_state_names(networks[0]))
    for name, tensor in networks[0].state_dict().items():
        assert tensor.is_cuda
        places = {network.state_dict()[name].data_ptr() for network in networks}
        assert len(places) == (len(networks) if name in own else 1), name
