"""What one domain of a finished run came to."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from univox.atomic import write_json
from univox.data.source import DatasetSource
from univox.model.folder import read_model
from univox.model.stored import EXTENSIONS
from univox.studies.held_out import HeldOut, predict_and_judge
from univox.studies.planned import run_facts_of
from univox.training.log import read_log
from univox.training.observer import Observer

Mode = Literal["joint", "alone", "base", "extend", "finetune-all", "scratch"]
RESULT = "result.json"
LOG = "log.jsonl"


@dataclass(frozen=True)
class DomainResult:
    """What one domain of a run came to.

    Args:
        arm: Name of the arm.
        mode: `joint`: trained with the other datasets; `alone`: by itself. In a study of an extension: in the `base`
            that is extended, after `extend`, after `finetune-all`, or trained from `scratch` by itself.
        domain: Its name.
        recipe: Of the arm, with what it changes.
        held_out_cases: Judged; 0 where those kept out were left unread.
        held_out_dice: Mean foreground Dice of the held-out cases; none where none were judged.
        held_out_low, held_out_high: Its 95 % bootstrap interval over cases; none below two cases.
        dice: Held-out Dice per class, or that of the best validation where none was judged.
        validation_dice: Mean foreground Dice of the validation whose weights were kept; none without validation.
        own_parameters: Values that this domain alone uses.
        shared_parameters: Values that all domains of the model use; those of a model of one domain are its as well.
        iterations: Updates with a batch of this domain, in the run that the model comes from.
        run_iterations: Updates of the whole run that the domain came by.
        seconds: Of that run.
    """

    arm: str
    mode: Mode
    domain: str
    recipe: str
    held_out_cases: int
    held_out_dice: float | None
    held_out_low: float | None
    held_out_high: float | None
    dice: dict[str, float | None]
    validation_dice: float | None
    own_parameters: int
    shared_parameters: int
    iterations: int
    run_iterations: int
    seconds: float

    def figure(self, judged_on: str) -> float | None:
        """Give what the domain is judged by: the held-out Dice, or that of validation."""
        return self.held_out_dice if judged_on == "test" else self.validation_dice


@dataclass(frozen=True)
class Judging:
    """How the domains of a study are judged.

    Args:
        on: "test": the held-out cases are predicted and judged; "validation": they are left unread.
        device: As in `Predictor`.
        jobs: Cases judged at once.
    """

    on: str
    device: str = "auto"
    jobs: int = 1


def domain_result(
    row: tuple[str, Mode, str],
    model: Path,
    source: DatasetSource,
    folder: Path,
    *,
    domain: str,
    judging: Judging,
    observer: Observer,
) -> DomainResult:
    """Judge a domain of a finished run, once: what is in the folder is not done again.

    Args:
        row: Arm, mode, and recipe in words.
        model: That the run left.
        source: The domain's dataset.
        folder: Gets result.json, and the folders `predictions` and `evaluation`.
        domain: Its name.
        judging: By what.
        observer: Hears of it.

    Raises:
        DatasetError: A held-out case could not be predicted or judged.
    """
    path = folder / RESULT
    if path.exists():
        return DomainResult(**json.loads(path.read_text(encoding="utf-8")))
    stored = read_model(model)
    known = stored.domain(domain)
    held_out = HeldOut(0, None, None, None, dict(known.validation.get("dice", {})))
    if judging.on == "test":
        judged = predict_and_judge(
            model, source, folder, domain=domain, device=judging.device, jobs=judging.jobs, observer=observer
        )
        held_out = HeldOut.of(judged)
    (arm, mode, recipe), facts = row, run_facts_of(model, domain)
    result = DomainResult(
        arm=arm,
        mode=mode,
        domain=domain,
        recipe=recipe,
        held_out_cases=held_out.cases,
        held_out_dice=held_out.dice,
        held_out_low=held_out.low,
        held_out_high=held_out.high,
        dice=held_out.dice_by_class,
        validation_dice=known.validation.get("mean_dice"),
        own_parameters=stored.manifest.domains[domain].parameters,
        shared_parameters=stored.manifest.shared.parameters,
        iterations=len(own_updates(log_of(model, domain), domain)),
        run_iterations=facts["iterations"],
        seconds=facts["seconds"],
    )
    write_json(path, asdict(result))
    return result


def log_of(model: Path, domain: str) -> Path:
    """Give the log of the run that a domain came by."""
    extended = model / EXTENSIONS / domain / LOG
    return extended if extended.exists() else model / "run" / LOG


def own_updates(log: Path, domain: str) -> list[dict[str, object]]:
    """Give the events of a log that are updates with a batch of this domain; a run of one domain names none."""
    return [e for e in read_log(log) if e["event"] == "iteration" and e.get("domain", domain) == domain]
