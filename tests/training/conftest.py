from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from univox.data.source import DatasetSource
from univox.training.extend_request import ExtendRequest
from univox.training.request import TrainRequest
from univox.training.run import train

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
        settings["datasets"] = (DatasetSource(path=tiny_dataset),)
        return TrainRequest(output=tmp_path / name, cache=tmp_path / "cache", **{**settings, **changes})

    return request


@pytest.fixture(scope="session")
def ball_model(tiny_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train a model that knows the balls; nobody may change it."""
    folder = tmp_path_factory.mktemp("ball")
    arguments = "strides: [[2, 2, 2], [2, 2, 2]], widths: [8, 8], detail_channels: 4, convolution: separable"
    request = TrainRequest(
        datasets=(DatasetSource(path=tiny_dataset),),
        output=folder / "model",
        overrides=(*TINY, f"network.arguments={{{arguments}}}"),
        iterations=6,
        validation=0.25,
        jobs=1,
        workers=0,
        cache=folder / "cache",
    )
    return train(request).model


@pytest.fixture
def base(ball_model: Path, tmp_path: Path) -> Path:
    """Give a copy of the model that knows the balls."""
    return Path(shutil.copytree(ball_model, tmp_path / "base"))


@pytest.fixture
def asked(base: Path, ball_model: Path, dark_dataset: Path) -> Callable[..., ExtendRequest]:
    """Give requests to extend `base`, all with one cache."""

    def request(**changes: Any) -> ExtendRequest:
        values: dict[str, Any] = {"datasets": (DatasetSource(path=dark_dataset),), "model": base, "output": base}
        values |= {"iterations": 5, "jobs": 1, "workers": 0, "validation": 0.25, "cache": ball_model.parent / "cache"}
        return ExtendRequest(**{**values, **changes})

    return request
