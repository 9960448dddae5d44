"""What an older domain's figures, weights and predictions are after a model has learned another dataset."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from univox.model.folder import read_model
from univox.studies.domains.domain_result import DomainResult

NOT_LABELS = (".json",)
"""Suffixes beside the labels in a folder of predictions."""


@dataclass(frozen=True)
class Kept:
    """An older domain before and after.

    Args:
        arm, mode, domain: Whose: `extend` or `finetune-all`.
        before: Mean foreground Dice of its held-out cases with the base.
        after: The same afterwards.
        low, high: 95 % bootstrap interval of `after`.
        cases: How many were judged.
        weights_before, weights_after: sha256 of the shared weights and of its own, joined by a colon.
        predictions_before, predictions_after: sha256 over the label files of its held-out cases.
    """

    arm: str
    mode: str
    domain: str
    before: float | None
    after: float | None
    low: float | None
    high: float | None
    cases: int
    weights_before: str
    weights_after: str
    predictions_before: str
    predictions_after: str

    @property
    def is_the_same(self) -> bool:
        """Whether weights and predictions are byte for byte what they were."""
        return (self.weights_before, self.predictions_before) == (self.weights_after, self.predictions_after)


def kept(before: tuple[DomainResult, Path], after: tuple[DomainResult, Path]) -> Kept:
    """Compare a domain's result with its earlier one.

    Args:
        before: The result with the base, and the folder of that run, which holds `model` and `domains/NAME`.
        after: The same of the later run.
    """
    (earlier, base), (later, changed), name = before, after, before[0].domain
    return Kept(
        arm=later.arm,
        mode=later.mode,
        domain=name,
        before=earlier.held_out_dice,
        after=later.held_out_dice,
        low=later.held_out_low,
        high=later.held_out_high,
        cases=later.held_out_cases,
        weights_before=_weights(base / "model", name),
        weights_after=_weights(changed / "model", name),
        predictions_before=_predictions(base / "domains" / name / "predictions"),
        predictions_after=_predictions(changed / "domains" / name / "predictions"),
    )


def _weights(model: Path, domain: str) -> str:
    # Reading proves that the files have these hashes.
    manifest = read_model(model).manifest
    return f"{manifest.shared.sha256}:{manifest.domains[domain].sha256}"


def _predictions(folder: Path) -> str:
    files: Iterable[Path] = sorted(path for path in folder.iterdir() if path.suffix not in NOT_LABELS)
    whole = hashlib.sha256()
    for path in files:
        whole.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()
