"""Predictions judged into a folder: tables and one offline report."""

from __future__ import annotations

import platform
import shlex
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from univox.data.dataset import Dataset
from univox.errors import ModelError
from univox.inference.record import Record, read_record
from univox.model.folder import read_model
from univox.model.stored import EXTENSIONS
from univox.studies.evaluate import Evaluation, evaluate
from univox.studies.report import write_report
from univox.studies.tables import write_tables
from univox.version import __version__

REPORT = "report.html"


def judge(
    predictions: Path,
    dataset: Dataset,
    output: Path,
    *,
    jobs: int = 1,
    on_progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Evaluate predictions and write cases.csv, summary.csv, metrics.json and report.html.

    Where `univox predict` made the predictions, exactly the cases that it was asked for are judged, and the
    curves of the model's training are in the report.

    Args:
        predictions: Folder of label files.
        dataset: Whose labels are the measure.
        output: Folder of the results.
        jobs: Cases judged at once.
        on_progress: Called with (done, total).

    Raises:
        DatasetError: Nothing to judge.
        FileError: A folder is missing or cannot be written.
    """
    record = read_record(predictions)
    labelled = {case.name for case in dataset.labelled}
    asked = None if record is None else [name for name in record.cases if name in labelled]
    evaluation = evaluate(predictions, dataset, cases=asked or None, jobs=jobs, on_progress=on_progress)
    provenance = {**_made_by(record), **_here()}
    write_tables(evaluation, output, provenance=provenance)
    write_report(
        evaluation,
        output / REPORT,
        log=_training_log(record),
        domain=None if record is None else record.domain,
        title=f"{dataset.name}: predictions against labels",
        provenance=provenance,
    )
    return evaluation


def _made_by(record: Record | None) -> dict[str, str]:
    if record is None:
        return {}
    try:
        model = read_model(record.model)
    except ModelError:
        return {"model": f"{record.model} (cannot be read)"}
    made, domain = model.provenance, model.domain(record.domain)
    num_cases = len(domain.split.get("train", []))
    return {
        "model": str(record.model),
        "domain": domain.name,
        "recipe": str(model.recipe.get("name", "-")),
        "network": f"{model.spec.name}, {model.num_parameters(domain.name):,} parameters",
        "trained on": f"{domain.provenance.get('dataset', '-')}, {num_cases} cases, seed {made.get('seed', '-')}",
        "training": f"{made.get('iterations', '-')} iterations in {made.get('seconds', '-')} s",
    }


def _here() -> dict[str, str]:
    return {
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "univox": __version__,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }


def _training_log(record: Record | None) -> Path | None:
    if record is None:
        return None
    extended = record.model / EXTENSIONS / record.domain / "log.jsonl"
    log = extended if extended.exists() else record.model / "run" / "log.jsonl"
    return log if log.exists() else None
