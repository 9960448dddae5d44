"""Which data a model was taught, in which order, and when."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from univox.model.domain import Domain
from univox.model.stored import EXTENSIONS, StoredModel

TRAIN = "train"
OF_RUN = ("finished", "iterations", "seconds")
"""Facts of the run that made the model, hence of all domains that came with it."""


@dataclass(frozen=True)
class Origin:
    """How a model came to know a domain; None for what nobody wrote down.

    Attributes:
        domain: Its name.
        by: "train" with the model's first domains, "extend" on its frozen weights, or another verb's name.
        finished: When, as an ISO date and time.
        dataset: Its name.
        cases: Number of cases in each part of the split that has any.
        like: The domain whose weights it began with.
        iterations: Of the run that taught it, and perhaps others with it.
        seconds: Of that run.
    """

    domain: str
    by: str
    finished: str | None
    dataset: str
    cases: Mapping[str, int]
    like: str | None
    iterations: int | None
    seconds: float | None


def lineage(stored: StoredModel) -> tuple[Origin, ...]:
    """Give the origin of each domain, in the order in which the model came to know them."""
    return tuple(origin_of(stored, domain) for domain in stored.domains.values())


def origin_of(stored: StoredModel, domain: Domain) -> Origin:
    """Give the origin of one domain."""
    facts: dict[str, Any] = dict(domain.provenance)
    if facts.setdefault("by", TRAIN) == TRAIN:
        facts = {**{key: stored.provenance.get(key) for key in OF_RUN}, **facts}
    return Origin(
        domain=domain.name,
        by=_line(facts["by"]),
        finished=_text(facts.get("finished")),
        dataset=_line(facts.get("dataset") or domain.plan.get("dataset") or domain.name),
        cases={_line(part): len(members) for part, members in domain.split.items() if members},
        like=_text(facts.get("like")),
        iterations=_whole(facts.get("iterations")),
        seconds=_real(facts.get("seconds")),
    )


def training_log(stored: StoredModel, domain: Domain) -> Path | None:
    """Give the log of the run that taught a domain; none where it did not come with the model."""
    # What came to the model later is not in the log of the run that made the model.
    later = origin_of(stored, domain).by != TRAIN
    path = (stored.path / EXTENSIONS / domain.name if later else stored.path / "run") / "log.jsonl"
    return path if path.exists() else None


def _text(value: Any) -> str | None:
    return None if value is None else _line(value)


def _line(value: Any) -> str:
    # Strangers' packs end in this table too: neither a new line nor a command to the terminal comes through.
    return " ".join("".join(sign if sign.isprintable() else " " for sign in str(value)).split())


def _whole(value: Any) -> int | None:
    return int(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _real(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
