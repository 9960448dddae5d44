"""What a folder of predictions says of itself: by which model, of which cases."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from univox.atomic import write_json
from univox.errors import DatasetError
from univox.inference.case_predictor import CasePredictor
from univox.inference.inputs import Input
from univox.inference.predict_files import Outcome
from univox.version import __version__

RECORD = "predictions.json"


@dataclass(frozen=True)
class Record:
    """What predicted which cases.

    Attributes:
        model: The model folder.
        domain: Its domain.
        cases: Names of the cases that it was asked for.
        postprocessing: What was done to the labels, and what it gained on the cases that chose it.
    """

    model: Path
    domain: str
    cases: tuple[str, ...]
    postprocessing: tuple[str, ...] = ()


def write_record(folder: Path, predictor: CasePredictor, outcomes: Sequence[Outcome]) -> None:
    """Keep which cases were asked for, so that judging can tell a missing one from one never wanted.

    Cases of an earlier call into the same folder stay listed.

    Raises:
        FileError: The folder cannot be written.
    """
    earlier = read_record(folder)
    names = dict.fromkeys((*(earlier.cases if earlier else ()), *(outcome.name for outcome in outcomes)))
    write_json(
        folder / RECORD,
        {
            "univox_version": __version__,
            "model": str(predictor.path.resolve()),
            "domain": predictor.domain.name,
            "settings": predictor.settings.model_dump(mode="json"),
            "postprocessing": _steps(predictor),
            "cases": list(names),
        },
    )


def _steps(predictor: CasePredictor) -> list[str]:
    chosen = predictor.domain.postprocessing if predictor.settings.postprocessing else None
    return [] if chosen is None else [str(step) for step in chosen.steps]


def read_record(folder: Path) -> Record | None:
    """Read the record of a folder; none where there is none, or one that something else wrote."""
    try:
        values = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        cases, steps = values["cases"], values.get("postprocessing", ())
        return Record(Path(values["model"]), str(values["domain"]), tuple(map(str, cases)), tuple(map(str, steps)))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def select_inputs(inputs: Sequence[Input], wanted: str | None, split: dict[str, list[str]]) -> list[Input]:
    """Keep the inputs of a part of the model's split, or by name.

    Args:
        inputs: What was found.
        wanted: "train", "validation" or "test", or names separated by commas; none keeps all.
        split: Names by part, as `Domain.split` gives them.

    Raises:
        DatasetError: A name that was not found, or a part that is empty.

    >>> cases = [Input("a", ()), Input("b", ())]
    >>> [case.name for case in select_inputs(cases, "test", {"test": ["b"]})]
    ['b']
    """
    if wanted is None:
        return list(inputs)
    names = split.get(wanted) if wanted in ("train", "validation", "test") else wanted.split(",")
    if not names:
        raise DatasetError(
            expected=f"{wanted} cases in the model's split",
            got="none",
            remedy="train with --holdout, or give names: --cases NAME,NAME",
        )
    by_name = {entry.name: entry for entry in inputs}
    missing = [name for name in names if name not in by_name]
    if missing:
        raise DatasetError(
            expected="cases that are among the inputs",
            got=", ".join(missing[:5]),
            remedy="give the dataset that holds them",
        )
    return [by_name[name] for name in names]
