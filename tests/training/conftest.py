from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from univox.data.source import DatasetSource
from univox.training.request import TrainRequest

TINY = (
    "patches.patch_size=[8, 8, 8]",
    "patches.batch_size=2",
    "network.arguments={strides: [[2, 2, 2], [2, 2, 2]], widths: [8, 8], detail_channels: 4}",
    "patches.levels=2",
    "training.validations=3",
)
"""A network small enough that a run takes a second."""


@pytest.fixture
def tiny_request(tiny_dataset: Path, tmp_path: Path) -> Callable[..., TrainRequest]:
    """Give requests for runs on the tiny dataset, all with one cache."""

    def request(name: str = "model", **changes: Any) -> TrainRequest:
        settings: dict[str, Any] = {"overrides": TINY, "iterations": 9, "jobs": 1, "workers": 0, "validation": 0.25}
        return TrainRequest(
            datasets=(DatasetSource(path=tiny_dataset),),
            output=tmp_path / name,
            cache=tmp_path / "cache",
            **{**settings, **changes},
        )

    return request
