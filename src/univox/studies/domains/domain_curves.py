"""How a domain's validation Dice rose over its own updates, whoever else was trained in between."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from univox.studies.domains.domain_result import Mode
from univox.training.log import read_log


@dataclass(frozen=True)
class DomainCurve:
    """One curve of a domain.

    Args:
        arm, mode, domain: Whose.
        iterations: The domain's own updates before each validation.
        dice: Mean foreground Dice at each; nan where it had none.
    """

    arm: str
    mode: Mode
    domain: str
    iterations: tuple[int, ...]
    dice: tuple[float, ...]


def read_domain_curve(log: Path, domain: str, *, arm: str, mode: Mode) -> DomainCurve:
    """Read a domain's curve from a run's log; a run of one domain names none in it."""
    done, iterations, dice = 0, list[int](), list[float]()
    for event in read_log(log):
        if event.get("domain", domain) != domain:
            continue
        if event["event"] == "iteration":
            done += 1
        elif event["event"] == "validation":
            iterations.append(done)
            dice.append(math.nan if event["mean_dice"] is None else float(event["mean_dice"]))
    return DomainCurve(arm, mode, domain, tuple(iterations), tuple(dice))
