"""The card says what was measured, and says so where nothing was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from univox.model.card import model_card
from univox.model.domain import Domain, NetworkSpec
from univox.model.stored import Manifest, StoredModel, WeightsRecord

CLASSES = {
    "classes": [{"name": "background", "codes": [0]}, {"name": "gray | white", "codes": [150, 250]}],
    "instances": False,
}


def stored(
    *,
    provenance: dict[str, Any] | None = None,
    data: dict[str, Any] | None = None,
    names: tuple[str, ...] = ("brain",),
    **changes: Any,
) -> StoredModel:
    values = {"channel_names": ("T1", "T2"), "classes": CLASSES, "spatial_dims": 3, "provenance": data or {}}
    domains = {name: Domain.model_validate({"name": name, **values, **changes}) for name in names}
    manifest = Manifest(
        format_version=1,
        univox_version="0.1",
        network=NetworkSpec(name="nonlocal-unet", in_channels=2, num_classes=2, spatial_dims=3),
        shared=WeightsRecord(sha256="0" * 64, parameters=1_000_000),
        domains={name: WeightsRecord(sha256="0" * 64, parameters=2_345) for name in names},
        recipe={"name": "nonlocal-unet-2020"},
        provenance=provenance or {},
    )
    return StoredModel(Path("model"), manifest, domains)


def test_the_card_tells_classes_network_data_and_figures() -> None:
    card = model_card(
        stored(
            plan={"dataset": "iseg", "num_cases": 9, "spacing_mm": [1.0, 0.5, 0.5], "patch_size": [32, 32, 32]},
            validation={"mean_dice": 0.81234, "dice": {"gray | white": 0.81234}, "iteration": 400},
            provenance={"seed": 7, "versions": {"torch": "2.8"}},
            data={"split": {"train": ["a", "b"], "validation": ["c"], "test": []}},
        )
    )
    assert "recipe `nonlocal-unet-2020` and the network `nonlocal-unet` (3-D)" in card
    assert "channels: T1, T2. Network: 1,002,345 parameters, 2,345 of them this domain's own." in card
    assert "| gray \\| white | 150, 250 | 150 |" in card
    assert "Dataset: iseg. Planned on 9 training cases. Spacing 1 x 0.5 x 0.5 mm. Patch 32 x 32 x 32 voxels." in card
    assert "- train, 2 cases: a, b\n- validation, 1 case: c" in card
    assert "- test" not in card
    assert "after 400 iterations" in card
    assert "| gray \\| white | 0.812 |\n| **mean** | **0.812** |" in card
    assert "- seed: 7\n- versions: torch 2.8" in card
    assert "not a medical device" in card


def test_what_was_not_measured_is_said() -> None:
    card = model_card(stored())
    assert "Nothing was measured: no case was held out." in card
    assert "undefined" in model_card(stored(validation={"mean_dice": None, "dice": {"gray | white": None}}))


def test_a_model_of_several_domains_is_used_by_name() -> None:
    card = model_card(stored(names=("brain", "spleen")))
    assert "## Domain brain" in card
    assert "## Domain spleen" in card
    assert '--domain "brain"' in card
    assert "--domain" not in model_card(stored())
