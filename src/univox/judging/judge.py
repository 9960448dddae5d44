"""Predictions judged into a folder: tables and one offline report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from univox.data.dataset import Dataset
from univox.errors import ModelError
from univox.inference.record import Record, read_record
from univox.judging.evaluate import Evaluation, evaluate
from univox.judging.measures import Measures
from univox.judging.provenance import here, made_by
from univox.judging.report import write_report
from univox.judging.scores import DEFAULT_MEASURES
from univox.judging.tables import write_tables
from univox.model.domain import Domain
from univox.model.folder import read_model
from univox.model.lineage import training_log
from univox.model.stored import StoredModel

REPORT = "report.html"


def judge(
    predictions: Path,
    dataset: Dataset,
    output: Path,
    *,
    cases: Sequence[str] | None = None,
    measures: Measures = DEFAULT_MEASURES,
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
        cases: Names of those to judge; none: what the predictions' own record says, else all that have a label.
        measures: Which metrics, and by which conventions.
        jobs: Cases judged at once.
        on_progress: Called with (done, total).

    Raises:
        DatasetError: Nothing to judge.
        MetricError: `measures` names a class that the dataset has not.
        FileError: A folder is missing or cannot be written.
    """
    record = read_record(predictions)
    labelled = {case.name for case in dataset.labelled}
    asked = None if record is None else [name for name in record.cases if name in labelled]
    evaluation = evaluate(
        predictions, dataset, cases=cases or asked or None, measures=measures, jobs=jobs, on_progress=on_progress
    )
    source = _source(record)
    provenance = {**made_by(record, source), **here(evaluation.results)}
    write_tables(evaluation, output, provenance=provenance)
    write_report(
        evaluation,
        output / REPORT,
        log=_training_log(record, source),
        domain=None if record is None else record.domain,
        title=f"{dataset.name}: predictions against labels",
        provenance=provenance,
    )
    return evaluation


def _source(record: Record | None) -> tuple[StoredModel, Domain] | None:
    """Read the model that made the predictions; None where nobody knows it, or it is not what it was."""
    if record is None:
        return None
    try:
        model = read_model(record.model)
        return model, model.domain(record.domain)
    except ModelError:
        return None


def _training_log(record: Record | None, source: tuple[StoredModel, Domain] | None) -> Path | None:
    if source is not None:
        return training_log(*source)
    log = None if record is None else record.model / "run" / "log.jsonl"
    return log if log is not None and log.exists() else None
