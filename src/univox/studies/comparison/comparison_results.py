"""A comparison as files: tables for people and programs, plots, one offline page."""

from __future__ import annotations

import csv
import html
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from univox.atomic import write_json, write_text
from univox.judging.paired import LEVEL, fewest_units
from univox.judging.statistics import Summary
from univox.judging.svg import standalone
from univox.judging.tables import json_number
from univox.metrics.catalog import Metric
from univox.studies.comparison.comparison import Comparison, Row
from univox.studies.comparison.comparison_plots import cases_svg, differences_svg, training_svg
from univox.studies.comparison.contestants import Contestant
from univox.studies.page import study_page, table_html, table_markdown

HEADS = (
    "class",
    "first minus second",
    "difference",
    "95 %",
    "p (Holm)",
    "better",
    "p",
    "effect",
    "larger / smaller / same",
)
NO_VALUE = "\N{EN DASH}"


def write_comparison(study: Comparison, folder: Path, *, command: str) -> Path:
    """Write differences.csv, models.csv, cases.csv, comparison.json, comparison.md, SVG plots and report.html.

    Args:
        study: What to write.
        folder: Where.
        command: That made it; said on the page.

    Returns:
        The path of the page.

    Raises:
        FileError: A file cannot be written.
    """
    write_text(folder / "differences.csv", differences_csv(study))
    write_text(folder / "models.csv", _models_csv(study))
    write_text(folder / "cases.csv", _cases_csv(study))
    write_json(folder / "comparison.json", _as_json(study, command))
    write_text(folder / "comparison.md", f"{comparison_markdown(study)}\n\nMade by `{command}`.\n")
    plots = _plots(study)
    for name, plot in plots.items():
        write_text(folder / f"{name}.svg", standalone(plot))
    write_text(folder / "report.html", _page(study, plots, command))
    return folder / "report.html"


def comparison_markdown(study: Comparison) -> str:
    """Give what is said of the comparison, the table of the models, and that of the differences of each metric."""
    parts = ["\n\n".join(said(study)), table_markdown(*_models(study))]
    for metric in _metrics(study):
        rows = [row for row in study.rows if row.metric == metric]
        parts += [f"{heading(metric)}:", table_markdown(HEADS, [_cells(row) for row in rows])]
    return "\n\n".join(parts)


def said(study: Comparison) -> list[str]:
    """Give what a reader must know before the figures, as sentences."""
    cases, subjects = len(study.cases), study.subjects
    of_whom = f" of {subjects} subjects" if subjects < cases else ""
    names = ", ".join(each.name for each in study.contestants)
    sentences = [f"{names} on {cases} cases{of_whom} of {study.dataset}.", *study.notes]
    if any(row.result.left_out for row in study.rows):
        sentences.append(
            "A case that lacks a finite figure of either model is left out of that difference, and counted."
        )
    return [*sentences, *_about_tests(study)]


def heading(metric: Metric[Any]) -> str:
    """Name a metric with its unit.

    >>> from univox.metrics.catalog import find_metric
    >>> heading(find_metric("hd95_mm"))
    'HD95 (mm)'
    """
    return f"{metric.title} ({metric.unit})" if metric.unit else metric.title


def better(row: Row) -> str:
    """Name the contestant that is better beyond chance; "" where neither is shown to be.

    The corrected p must be below 0.05, and the mean difference and the ranks must name the same one.
    """
    if row.corrected is None or row.corrected >= LEVEL or row.result.difference * row.result.test.effect <= 0:
        return ""
    return row.first if (row.result.difference > 0) == (row.metric.direction == "higher") else row.second


def differences_csv(study: Comparison) -> str:
    """Give one line per metric, pair and class."""
    heads = ["metric", "class", "first", "second"]
    figures = [name for name in asdict(study.rows[0].result) if name not in ("first", "second", "test")]
    means, test = ["mean_first", "mean_second"], ["units", "effect", "p", "p_holm", "better"]
    return _csv([*heads, *means, *figures, *test], (_csv_row(row, figures) for row in study.rows))


def _csv_row(row: Row, figures: Sequence[str]) -> list[Any]:
    result = row.result
    return [
        *(row.metric.name, row.class_name, row.first, row.second, result.first, result.second),
        *(getattr(result, name) for name in figures),
        *(result.test.units, result.test.effect, result.test.p, row.corrected, better(row)),
    ]


def _models_csv(study: Comparison) -> str:
    rows = (
        [metric, class_name, each.name, *asdict(study.summary(metric, class_name, each.name)).values()]
        for metric, by_class in study.values.items()
        for class_name in by_class
        for each in study.contestants
    )
    return _csv(["metric", "class", "model", *(field.name for field in fields(Summary))], rows)


def _cases_csv(study: Comparison) -> str:
    names = [each.name for each in study.contestants]
    rows = (
        [metric, class_name, case.name, case.subject, *(by_contestant[name][index] for name in names)]
        for metric, by_class in study.values.items()
        for class_name, by_contestant in by_class.items()
        for index, case in enumerate(study.cases)
    )
    return _csv(["metric", "class", "case", "subject", *names], rows)


def _csv(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(heads)
    writer.writerows(rows)
    return stream.getvalue()


def _as_json(study: Comparison, command: str) -> dict[str, Any]:
    return {
        "command": command,
        "dataset": study.dataset,
        "cases": [case.name for case in study.cases],
        "subjects": study.subjects,
        "said": said(study),
        "models": {
            each.name: {
                "folder": str(each.folder),
                "parameters": _parameters(each),
                "seconds_per_case": study.seconds.get(each.name),
            }
            for each in study.contestants
        },
        "differences": [
            {
                **{"metric": row.metric.name, "class": row.class_name, "first": row.first, "second": row.second},
                "result": _plain(asdict(row.result)),
                "p_holm": row.corrected,
                "better": better(row) or None,
            }
            for row in study.rows
        ],
    }


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Give the values as strict JSON can hold them."""
    return {
        name: _plain(value) if isinstance(value, dict) else json_number(value) if isinstance(value, float) else value
        for name, value in values.items()
    }


def _metrics(study: Comparison) -> list[Metric[Any]]:
    return list(dict.fromkeys(row.metric for row in study.rows))


def _about_tests(study: Comparison) -> list[str]:
    tested = sum(row.result.test.p is not None for row in study.rows)
    sentences = [
        "p: Wilcoxon signed-rank test of the differences, two-sided, over subjects; corrected by Holm for all rows of "
        "a table. Effect: rank-biserial correlation, 1 where the first is always larger. Interval: bootstrap over "
        "subjects.",
        "What is compared is these models: a recipe with another seed is another model, of which no test here knows.",
    ]
    if tested < len(study.rows):
        count = "any row" if not tested else f"{len(study.rows) - tested} of {len(study.rows)} rows"
        sentences.append(
            f"Too few subjects differ for a test of {count}: fewer than {fewest_units()} cannot reach p < {LEVEL:g} "
            "whatever they say, so no p is given."
        )
    largest = max(sum(row.metric == metric for row in study.rows) for metric in _metrics(study))
    if tested and study.subjects < fewest_units(largest):
        sentences.append(
            f"With {largest} rows corrected together, {study.subjects} subjects cannot show a single difference: "
            f"that needs {fewest_units(largest)}."
        )
    return sentences


def _models(study: Comparison) -> tuple[list[str], list[list[str]]]:
    columns = [(metric, name) for metric in _metrics(study) for name in study.values[metric.name]]
    heads = ["model", "parameters", "s / case", *(f"{heading(metric)}, {name}" for metric, name in columns)]
    rows = [
        [
            each.name,
            NO_VALUE if (count := _parameters(each)) is None else f"{count:,}",
            _figure(study.seconds.get(each.name, math.nan), 2),
            *(_mean(study, metric, name, each.name) for metric, name in columns),
        ]
        for each in study.contestants
    ]
    return heads, rows


def _parameters(each: Contestant) -> int | None:
    return None if each.model is None or each.domain is None else each.model.num_parameters(each.domain.name)


def _mean(study: Comparison, metric: Metric[Any], class_name: str, contestant: str) -> str:
    summary = study.summary(metric.name, class_name, contestant)
    interval = "" if math.isnan(summary.low) else f" ({_figure(summary.low)} to {_figure(summary.high)})"
    return f"{_figure(summary.mean)}{interval}"


def _cells(row: Row) -> list[str]:
    result = row.result
    counts = f"{result.above} / {result.below} / {result.same}"
    return [
        row.class_name,
        f"{row.first} minus {row.second}",
        _signed(result.difference),
        NO_VALUE if math.isnan(result.low) else f"{_signed(result.low)} to {_signed(result.high)}",
        _p(row.corrected),
        better(row) or NO_VALUE,
        _p(result.test.p),
        NO_VALUE if math.isnan(result.test.effect) else f"{result.test.effect:+.2f}",
        f"{counts} ({result.left_out} left out)" if result.left_out else counts,
    ]


def _p(value: float | None) -> str:
    if value is None:
        return NO_VALUE
    return f"{value:.3f}" if value >= 0.001 else "< 0.001"


def _figure(value: float, digits: int = 3) -> str:
    return NO_VALUE if math.isnan(value) else f"{value:.{digits}f}"


def _signed(value: float) -> str:
    return NO_VALUE if math.isnan(value) else f"{value:+.4f}"


def _plots(study: Comparison) -> dict[str, str]:
    plots: dict[str, str] = {}
    if study.curves:
        plots["training"] = training_svg(study.curves, [each.name for each in study.contestants])
    for metric in _metrics(study):
        title = heading(metric)
        rows = [row for row in study.rows if row.metric == metric]
        plots[f"differences-{metric.name}"] = differences_svg(rows, title)
        plots[f"cases-{metric.name}"] = cases_svg(study, metric, title)
    return plots


def _page(study: Comparison, plots: dict[str, str], command: str) -> str:
    parts = [*(f"<p>{html.escape(sentence)}</p>" for sentence in said(study)), table_html(*_models(study))]
    for metric in _metrics(study):
        rows = [row for row in study.rows if row.metric == metric]
        parts += [f"<h2>{html.escape(heading(metric))}</h2>", table_html(HEADS, [_cells(row) for row in rows])]
        parts += [plots[f"differences-{metric.name}"], plots[f"cases-{metric.name}"]]
    if "training" in plots:
        parts += ["<h2>Training</h2>", plots["training"]]
    return study_page(f"Models compared on {study.dataset}", parts, command=command)
