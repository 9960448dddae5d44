"""What a reader needs to repeat a judgement: command, model, recipe, versions, and the data by their bytes."""

from __future__ import annotations

import hashlib
import platform
import shlex
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from univox.errors import ModelError
from univox.inference.record import Record
from univox.judging.evaluate import CaseResult
from univox.model.composition import is_composition, read_composition
from univox.model.domain import Domain
from univox.model.lineage import origin_of
from univox.model.stored import StoredModel
from univox.version import __version__

LIBRARIES = ("numpy", "scipy", "torch")
"""Whose version may change a figure."""


def made_by(record: Record | None, source: tuple[StoredModel, Domain] | None) -> dict[str, Any]:
    """Say which model made the predictions, and how it was taught.

    Args:
        record: Of the folder of predictions; none where univox did not write it.
        source: The model and the domain, where they can be read.
    """
    if record is None:
        return {}
    if source is None and is_composition(record.model):
        return {"model": str(record.model), "domain": record.domain, "members": _members(record.model)}
    if source is None:
        return {"model": f"{record.model} (cannot be read)"}
    model, domain = source
    origin, seed = origin_of(model, domain), model.provenance.get("seed", "-")
    return {
        "model": str(record.model),
        "domain": domain.name,
        "recipe": str(model.recipe.get("name", "-")),
        "network": f"{model.spec.name}, {model.num_parameters(domain.name):,} parameters",
        "trained on": f"{origin.dataset}, {origin.cases.get('train', 0)} cases, seed {seed}",
        "training": f"{_known(origin.iterations)} iterations in {_known(origin.seconds)} s",
        "post-processing": "; ".join(record.postprocessing) or "none",
        "whole recipe": dict(model.recipe),
    }


def _members(path: Path) -> list[str]:
    try:
        composition, stored = read_composition(path)
    except ModelError:
        return ["cannot be read"]
    names = [f"{each.spec.name} by {each.recipe.get('name', '-')}" for each in stored]
    return [
        f"{composition.kind}, {member.folder}: {name}" for member, name in zip(composition.members, names, strict=True)
    ]


def here(results: Iterable[CaseResult]) -> dict[str, Any]:
    """Say by which command, with which software, when, and on which data the judgement was made."""
    judged = sorted(results, key=lambda result: result.name)
    labels = {result.name: result.digests[0] for result in judged}
    predictions = {result.name: result.digests[1] for result in judged}
    return {
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "labels judged by": fingerprint(labels),
        "predictions judged": fingerprint(predictions),
        "univox": __version__,
        "python": platform.python_version(),
        "libraries": ", ".join(f"{name} {metadata.version(name)}" for name in LIBRARIES),
        "machine": f"{platform.system()} {platform.machine()}",
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }


def fingerprint(digests: Mapping[str, Iterable[str]]) -> str:
    """Give one sha256 for the files of many cases: of the lines "CASE SUFFIX:SHA256 ...", sorted by case.

    Args:
        digests: Of each case's files.

    >>> fingerprint({"b": ["x"], "a": ["y"]}) == fingerprint({"a": ["y"], "b": ["x"]}) != fingerprint({"a": ["x"]})
    True
    """
    lines = "".join(f"{' '.join([name, *digests[name]])}\n" for name in sorted(digests))
    cases = f"{len(digests)} case{'' if len(digests) == 1 else 's'}"
    return f"{cases}, sha256 {hashlib.sha256(lines.encode()).hexdigest()}"


def _known(value: float | None) -> str:
    return "-" if value is None else f"{value}"
