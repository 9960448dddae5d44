"""A small model folder with random weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from univox.model.folder import Domain, NetworkSpec, write_model
from univox.networks import build_network

PREPROCESSING = {
    "crop": "nonzero",
    "spacing_mm": "none",
    "clip": "none",
    "normalization": {"scope": "case", "over": "image"},
}
CODES = (0, 10, 250)


@pytest.fixture
def write_small_model(tmp_path: Path) -> Callable[..., Path]:
    """Give a function that writes a model of three classes with the codes 0, 10 and 250.

    Its keyword arguments change the domain; `edge` is the window's.
    """

    def write(*, spatial_dims: int = 3, edge: int = 8, **changes: Any) -> Path:
        torch.manual_seed(2)
        domain = {
            "name": "small",
            "channel_names": ("T1",),
            "classes": {
                "classes": [{"name": f"class {code}", "codes": [code]} for code in CODES],
                "instances": False,
            },
            "spatial_dims": spatial_dims,
            "plan": {"patch_size": (edge,) * spatial_dims},
            "preprocessing": PREPROCESSING,
            "inference": {"precision": "fp32", "overlap": 0.5},
            **changes,
        }
        arguments = {"strides": [[2] * spatial_dims] * 2, "widths": [8, 8]}
        spec = {"in_channels": len(domain["channel_names"]), "num_classes": 3, "spatial_dims": spatial_dims}
        network = build_network("residual-unet", **spec, arguments=arguments)
        # A network fresh from its initialiser answers with one class almost everywhere.
        torch.nn.init.normal_(network.output[-1].weight, 0.0, 1.0)
        path = tmp_path / "models" / str(len(list(tmp_path.glob("models/*"))))
        write_model(
            path,
            spec=NetworkSpec(name="residual-unet", arguments=arguments, **spec),
            members=[(Domain.model_validate(domain), network)],
            recipe={"name": "test"},
            provenance={},
        )
        return path

    return write
