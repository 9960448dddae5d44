"""What a model is said to hold is what its networks and files hold."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from univox.errors import FileError
from univox.model.account import account
from univox.model.folder import read_model
from univox.networks.domain_parts import domain_state_names

DOMAINS = {
    "brain": {
        "channel_names": ("T1", "T2"),
        "validation": {"mean_dice": 0.75, "dice": {"class 10": 0.5, "class 250": 1.0}},
        "provenance": {
            "by": "train",
            "dataset": "iseg",
            "finished": "2026-11-21T10:00:00+00:00",
            "iterations": 40,
            "seconds": 12.5,
            "split": {"train": ["a", "b"], "validation": ["c"], "test": []},
        },
    },
    "spleen": {"codes": (0, 7), "provenance": {"by": "extend", "like": "brain"}},
    "odd": {"codes": (0, 7, 8, 9)},
}


@pytest.fixture
def model(write_model_of: Callable[..., Path]) -> Path:
    return write_model_of(DOMAINS, provenance={"iterations": 99, "finished": "2026-01-01"})


def test_parameters_are_those_of_the_networks_and_shared_ones_count_once(model: Path) -> None:
    stored = read_model(model)
    counted, total = account(stored), 0
    for name, one in counted.domains.items():
        network = stored.build(name)
        own = set(domain_state_names(network))
        parameters = dict(network.named_parameters())
        assert one.own.parameters == sum(value.numel() for key, value in parameters.items() if key in own)
        assert counted.shared.parameters == sum(value.numel() for key, value in parameters.items() if key not in own)
        assert (one.num_channels, one.num_classes) == (
            next(network.parameters()).shape[1],
            len(stored.domain(name).label_classes.names),
        )
        total += one.own.parameters
    assert counted.parameters == total + counted.shared.parameters


def test_files_are_weighed_and_hashed(model: Path) -> None:
    stored = read_model(model)
    counted = account(stored)
    content = (model / "shared.safetensors").read_bytes()
    assert (counted.shared.num_bytes, counted.shared.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert counted.num_bytes == sum(path.stat().st_size for path in model.rglob("*.safetensors"))
    (model / "domains/odd/weights.safetensors").rename(model / "elsewhere")
    with pytest.raises(FileError, match="a weights file of this model"):
        account(stored)


def test_origins_are_what_was_written_down_and_no_more(model: Path) -> None:
    domains = account(read_model(model)).domains
    assert list(domains) == list(DOMAINS)
    brain, spleen, odd = (domains[name] for name in DOMAINS)
    assert (brain.mean_dice, spleen.mean_dice) == (0.75, None)
    origin = brain.origin
    assert (origin.by, origin.dataset, origin.iterations, origin.seconds) == ("train", "iseg", 40, 12.5)
    assert (origin.finished, origin.cases) == ("2026-11-21T10:00:00+00:00", {"train": 2, "validation": 1})
    origin = spleen.origin
    assert (origin.by, origin.like, origin.dataset) == ("extend", "brain", "spleen")
    assert (origin.iterations, origin.finished, origin.cases) == (None, None, {})
    # A domain of a model that kept no domain's facts came with the model's own run.
    assert (odd.origin.by, odd.origin.iterations, odd.origin.finished) == ("train", 99, "2026-01-01")


def test_the_account_is_plain_json(model: Path) -> None:
    counted = account(read_model(model))
    values = json.loads(json.dumps(counted.to_json()))
    assert values["parameters"] == counted.parameters
    assert values["shared"]["sha256"] == counted.shared.sha256
    assert values["domains"]["spleen"]["origin"]["like"] == "brain"


def test_what_a_stranger_wrote_stays_one_printable_line(write_model_of: Callable[..., Path]) -> None:
    facts = {"by": "pack\x1b[2J", "dataset": "a\n# b", "like": " c\t| d", "seconds": "soon"}
    stored = read_model(write_model_of({"brain": {}, "guest": {"provenance": facts}}))
    origin = account(stored).domains["guest"].origin
    assert (origin.by, origin.dataset, origin.like) == ("pack [2J", "a # b", "c | d")
    assert origin.seconds is None
    assert "| pack [2J | - | a # b | - | c \\| d |" in (stored.path / "README.md").read_text()
