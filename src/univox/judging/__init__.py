"""What predictions are worth: scores, their summary, tables.

The report stands in `univox.judging.report`, apart, because it alone needs the plotting libraries.
"""

from __future__ import annotations

from univox.judging.evaluate import CaseResult, Evaluation, Failure, evaluate, read_prediction
from univox.judging.measures import Measures
from univox.judging.scores import METRICS, ClassScore, Metric, evaluate_arrays, mean_dice
from univox.judging.statistics import Summary, bootstrap_interval, summarize
from univox.judging.tables import metrics_json, read_cases_csv, write_tables

__all__ = [
    "METRICS",
    "CaseResult",
    "ClassScore",
    "Evaluation",
    "Failure",
    "Measures",
    "Metric",
    "Summary",
    "bootstrap_interval",
    "evaluate",
    "evaluate_arrays",
    "mean_dice",
    "metrics_json",
    "read_cases_csv",
    "read_prediction",
    "summarize",
    "write_tables",
]
