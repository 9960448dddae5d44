from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from univox.data.layouts import open_dataset
from univox.errors import ModelError
from univox.studies.comparison.contestants import choose_contestants

BALL = {"classes": [{"name": "background", "codes": [0]}, {"name": "ball", "codes": [1]}], "instances": False}


def test_of_several_domains_the_one_called_like_the_dataset_is_meant(
    write_model_of: Callable[..., Path], tiny_dataset: Path
) -> None:
    ball, other = {"classes": BALL, "channel_names": ("MRI",)}, {"classes": BALL, "channel_names": ("T1", "T2")}
    model = str(write_model_of({"Other": other, "Ball": ball}))
    dataset = open_dataset(tiny_dataset)
    one, two = choose_contestants([f"one={model}", f"two={model}"], dataset)
    assert (one.domain.name, two.name, one.split) == ("Ball", "two", None)
    with pytest.raises(ModelError, match="a model of 1 channels"):
        choose_contestants([f"one={model}", f"two={model}"], dataset, domain="Other")
