"""Every recipe whose network is one of 2-D images trains and predicts on electron microscopy of membranes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from recipe_runs import Small, recipes_of, train_and_predict

EDGE = 96
CASES = 5

_WIDE = "as the recipe has it, optimizer and checkpoints of millions of parameters take most of the time"
NARROW = (16, 32, 48, 64, 64)
SMALL = {
    "dcunet-2021": Small((32, 32), ("network.arguments.width=8",), _WIDE),
    "fcn-2015": Small((32, 32), (f"network.arguments.widths={[*NARROW]}", "network.arguments.fc=[3, 64]"), _WIDE),
    "raunet-2019": Small((32, 32), ("network.arguments.widths=[16, 32, 48, 64]",), _WIDE),
    "rdn-2017": Small((32, 32), ("network.arguments.widths=[16, 32, 48, 64]",), _WIDE),
    "resunet-2018": Small((32, 32), ("network.arguments.widths=[16, 32, 48, 64]",), _WIDE),
    "sdunet-2020": Small((32, 32), (f"network.arguments.widths={[*NARROW]}",), _WIDE),
    "unet-2015": Small(
        (204, 204), ("network.arguments.widths=[8, 12, 16, 24, 32]",), "unpadded: 188 voxels before it has an output"
    ),
    "unet-2015-padded": Small((32, 32), (f"network.arguments.widths={[*NARROW]}",), _WIDE),
    "unet-vgg16": Small((32, 32), (f"network.arguments.widths={[*NARROW]}",), _WIDE),
    "unetpp-2018": Small((32, 32), (f"network.arguments.widths={[*NARROW]}",), _WIDE),
}
AS_IT_IS = Small((32, 32))


@pytest.fixture(scope="module")
def membranes(shared_data: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Corners of a few sections; 0 is membrane and 255 cell."""
    whole = shared_data("em_membrane_isbi2012")
    folder = tmp_path_factory.mktemp("membranes") / "corners"
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True)
        for path in sorted((whole / part).glob("*.png"))[:CASES]:
            Image.fromarray(np.asarray(Image.open(path))[:EDGE, :EDGE]).save(folder / part / path.name)
    return folder


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("prepared-2d")


@pytest.mark.parametrize("name", recipes_of(2))
def test_a_recipe_trains_and_predicts(name: str, membranes: Path, cache: Path, tmp_path: Path) -> None:
    small = SMALL.get(name, AS_IT_IS)
    train_and_predict(name, membranes, tmp_path / name, patch=small.patch, lighter=small.lighter, cache=cache)


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_a_recipe_trains_and_predicts_at_its_full_width(
    name: str, membranes: Path, cache: Path, tmp_path: Path
) -> None:
    train_and_predict(name, membranes, tmp_path / name, patch=SMALL[name].patch, lighter=(), cache=cache)


def test_nothing_is_made_small_that_is_no_recipe() -> None:
    assert set(SMALL) <= set(recipes_of(2))
