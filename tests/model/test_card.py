"""The card says what was measured, and says so where nothing was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from univox.model.card import model_card
from univox.model.domain import Domain, NetworkSpec
from univox.model.folder import read_model
from univox.model.membership import add_domain, remove_domain
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
    assert '.domain("brain").predict(' in card
    assert "domain" not in model_card(stored()).split("## Use")[1].split("## Limits")[0]


def test_the_lineage_of_several_domains_is_told_in_their_order() -> None:
    model = stored(names=("brain", "spleen"))
    origins = {
        "brain": {"by": "train", "dataset": "iseg", "finished": "2026-01-02", "split": {"train": ["a"]}},
        "spleen": {"by": "extend", "like": "brain", "iterations": 50},
    }
    domains = {name: model.domains[name].model_copy(update={"provenance": facts}) for name, facts in origins.items()}
    model = StoredModel(model.path, model.manifest, domains)
    card = model_card(model)
    assert "the same 1,000,000 shared parameters" in card
    assert "| 1 | brain | train | 2026-01-02 | iseg | 1 | - | - | 2,345 |" in card
    assert "| 2 | spleen | extend | - | spleen | - | brain | 50 | 2,345 |" in card
    assert "## Lineage" not in model_card(stored())


def test_facts_of_the_only_domain_stand_in_the_provenance() -> None:
    card = model_card(stored(data={"by": "train", "finished": "2026-01-02", "iterations": 50, "seconds": 2.5}))
    assert "- finished: 2026-01-02\n- iterations: 50\n- seconds: 2.5" in card


def test_a_domain_that_came_and_went_leaves_the_card_as_it_was(write_model_of: Callable[..., Path]) -> None:
    for before in (("brain",), ("brain", "spleen")):
        model = write_model_of({name: {} for name in before})
        card = (model / "README.md").read_bytes()
        stored = read_model(model)
        guest = stored.domain("brain").model_copy(
            update={"name": "guest", "provenance": {"by": "extend", "finished": "2026-01-02", "iterations": 5}}
        )
        more = add_domain(stored, guest, stored.build("brain"))
        assert (model / "README.md").read_bytes() != card
        assert b"| guest | extend | 2026-01-02 |" in (model / "README.md").read_bytes()
        remove_domain(more, "guest")
        assert (model / "README.md").read_bytes() == card
