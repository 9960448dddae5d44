"""The folder of a study: what was asked, and the runs that are done, begun or still to do."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from univox.atomic import write_json
from univox.errors import CheckpointError
from univox.studies.arms import Arm
from univox.training.request import TrainRequest

FORMAT_VERSION = 1


def refuse_another_study(request: TrainRequest, arms: Sequence[Arm], facts: Mapping[str, Any]) -> None:
    """Keep what is asked in the study's folder, or make sure that the same is kept there.

    Args:
        request: Of all arms; `output` is the study's folder.
        arms: Those of an earlier call stay known: their results are still there.
        facts: What else must be the same: `judged_on` and the like.

    Raises:
        CheckpointError: The folder holds another study, or an arm of this name that was another.
    """
    path = request.output / "study.json"
    wanted: dict[str, Any] = {"format_version": FORMAT_VERSION, **facts, "request": _asked(request)}
    now = {arm.name: arm.model_dump(mode="json") for arm in arms}
    known: dict[str, Any] = {}
    if path.exists():
        there = json.loads(path.read_text(encoding="utf-8"))
        known = {arm["name"]: arm for arm in there.pop("arms", [])}
        there["request"] = _as_now(there.get("request"))
        changed = [name for name in now if name in known and known[name] != now[name]]
        if there != wanted or changed:
            raise CheckpointError(
                expected="the study that this folder holds, or a new folder",
                got=f"another arm {changed[0]}" if changed else "another dataset, split, budget or seed",
                remedy="choose another -o, or ask for the same study to go on with it",
                path=request.output,
            )
    write_json(path, {**wanted, "arms": list({**known, **now}.values())})


def _asked(request: TrainRequest) -> dict[str, Any]:
    """Give what of a request the results hang on."""
    return request.model_dump(mode="json", exclude={"output", "jobs", "workers", "cache", "tensorboard"})


def _as_now(kept: object) -> object:
    """Give a request that was kept with the fields that requests have got since, each as if it had been left out."""
    try:
        return _asked(TrainRequest.model_validate({**kept, "output": "."})) if isinstance(kept, dict) else kept
    except ValidationError:
        return kept


def keep_facts(folder: Path, facts: Mapping[str, Any]) -> None:
    """Keep what a study that trains nothing is of, or make sure that the same is kept there.

    Args:
        folder: The study's.
        facts: Plain values, by what a reader calls them: those that every result must share.

    Raises:
        CheckpointError: The folder holds a study of something else.
    """
    path = folder / "study.json"
    wanted = json.loads(json.dumps({"format_version": FORMAT_VERSION, **facts}))
    there = json.loads(path.read_text(encoding="utf-8")) if path.exists() else wanted
    other = [name for name in {**there, **wanted} if there.get(name) != wanted.get(name)]
    if other:
        raise CheckpointError(
            expected="the study that this folder holds, or a new folder",
            got=f"another {', '.join(other)}",
            remedy="choose another -o, or ask for the same study to go on with it",
            path=folder,
        )
    write_json(path, wanted)


def run_of_arm(request: TrainRequest, arm: Arm, model: Path, **changes: Any) -> TrainRequest:
    """Give the request of an arm's run.

    Args:
        request: Of the study.
        arm: Its recipe and start take the place of the request's.
        model: Folder of the model.
        changes: What else is different.
    """
    own = {
        "output": model,
        "recipe": arm.recipe,
        "overrides": arm.set,
        "init_from": arm.init_from,
        "init_part": arm.init_part,
        "freeze": arm.freeze,
    }
    return request.model_copy(update={**own, **changes})
