"""Every recipe whose network is one of volumes trains and predicts on hippocampi in MRI."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import pytest
from recipe_runs import Small, recipes_of, train_and_predict

CASES = 5

_WIDE = "as the recipe has it, the network takes most of a minute"
_ATTENTION = "attention over all positions, seven times over"
_DEEP = "five halvings: 64 voxels an axis before it has anything to normalize"
_LIGHT = ("network.arguments.width=8",)
_SHALLOW = ("network.arguments.pools=2",)


@dataclass(frozen=True)
class SmallVolume(Small):
    """With the smallest patch that the network takes as the recipe has it, where that is a larger one."""

    full_patch: tuple[int, ...] = ()


SMALL = {
    "attention-unet3d-mobilenetv2-2022": SmallVolume(
        (16, 16, 24),
        ("network.arguments={stem_width: 8, repeats: [1, 1, 1, 1, 1], expansion: 2, decoder_width: 8}",),
        _WIDE,
    ),
    "attention-unet-2018": SmallVolume((16, 32, 16), ("network.arguments.widths=[8, 12, 16, 24, 32]",), _WIDE),
    "cc-3d-fcn-2018": SmallVolume((16, 24, 16), ("network.arguments.widths=[16, 24, 24]",), _WIDE),
    **{
        name: SmallVolume((16, 16, 16), _LIGHT, _ATTENTION)
        for name in recipes_of(3)
        if name.startswith("nonlocal-unet-2020")
    },
    "rsunet-2017": SmallVolume((8, 32, 16), ("network.arguments.widths=[8, 12, 16, 20, 24]",), _WIDE),
    "segresnet-2018": SmallVolume((16, 24, 16), _LIGHT, _WIDE),
    "swin-unetr-2022": SmallVolume(
        (32, 64, 32), ("patches.batch_size=1", "network.arguments={width: 12, window: 2}"), _WIDE
    ),
    **{
        f"u2net-2019-{kind}{form}": SmallVolume((16, 16, 16), _SHALLOW, _DEEP, full_patch=(64, 64, 64))
        for kind in ("shared", "universal")
        for form in ("", "-released")
    },
    "unet3d-2016": SmallVolume(
        (100, 100, 100),
        (
            "patches.batch_size=1",
            "network.arguments.widths=[2, 4, 6, 8, 10]",
            "inference.window_size=[116, 140, 116]",
        ),
        "unpadded: 92 voxels before it has an output",
    ),
    "unet3d-2016-padded": SmallVolume((16, 24, 16), ("network.arguments.widths=[8, 12, 16, 24, 32]",), _WIDE),
    "vnet-2016": SmallVolume((16, 32, 16), ("network.arguments.width=4",), _WIDE),
}
AS_IT_IS = SmallVolume((16, 16, 16))


@pytest.fixture(scope="module")
def hippocampi(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few of the volumes that ship inside."""
    whole = Path(str(resources.files("univox") / "demo_data" / "hippocampus_mri"))
    folder = tmp_path_factory.mktemp("hippocampi") / "few"
    description = json.loads((whole / "dataset.json").read_text())
    description["training"] = description["training"][:CASES]
    for case in description["training"]:
        for path in case.values():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(whole / path, folder / path)
    (folder / "dataset.json").write_text(json.dumps(description))
    return folder


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("prepared-3d")


@pytest.mark.parametrize("name", recipes_of(3))
def test_a_recipe_trains_and_predicts(name: str, hippocampi: Path, cache: Path, tmp_path: Path) -> None:
    small = SMALL.get(name, AS_IT_IS)
    train_and_predict(name, hippocampi, tmp_path / name, patch=small.patch, lighter=small.lighter, cache=cache)


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_a_recipe_trains_and_predicts_at_its_full_width(
    name: str, hippocampi: Path, cache: Path, tmp_path: Path
) -> None:
    patch = SMALL[name].full_patch or SMALL[name].patch
    train_and_predict(name, hippocampi, tmp_path / name, patch=patch, lighter=(), cache=cache)


def test_nothing_is_made_small_that_is_no_recipe() -> None:
    assert set(SMALL) <= set(recipes_of(3))
