"""An evaluation as one offline HTML file: nothing in it is loaded from anywhere else."""

from __future__ import annotations

import base64
import datetime
import json
import math
import platform
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from univox.atomic import write_text
from univox.judging.case_strip import case_strip
from univox.judging.confusion import Confusion, confusion_of
from univox.judging.evaluate import Evaluation
from univox.judging.gallery import galleries
from univox.judging.house_page import house_page
from univox.judging.palette import class_color
from univox.judging.plots import box_plot, loss_plot, read_curves, reliability_plot, validation_plot
from univox.judging.reliability import reliability_of
from univox.judging.scores import ClassScore, Metric
from univox.judging.shown import DICE, breakable, heading, interval, share, shown
from univox.judging.statistics import RESAMPLES
from univox.version import __version__

LARGEST_MATRIX = 24
"""Classes; of more, the mistakes are listed instead."""
MISTAKES = 40
"""Listed at most."""


def write_report(
    evaluation: Evaluation,
    path: Path,
    *,
    title: str | None = None,
    log: Path | None = None,
    domain: str | None = None,
    provenance: Mapping[str, Any] | None = None,
    date: datetime.datetime | None = None,
) -> None:
    """Write the report: summary, classes, pictures, confusion, calibration, curves, every case, provenance.

    Args:
        evaluation: What to report.
        path: The HTML file.
        title: Its heading; "Evaluation of DATASET" if left out.
        log: Training log of the model that predicted; its curves are drawn.
        domain: Whose curves, where that training was of several.
        provenance: What a reader needs to repeat this: command, recipe, model. Versions and date are
            added where they are missing.
        date: Of the report; now if left out.

    Raises:
        FileError: The log cannot be read, or the report cannot be written.
    """
    write_text(path, render(evaluation, title=title, log=log, domain=domain, provenance=provenance, date=date))


def render(
    evaluation: Evaluation,
    *,
    title: str | None = None,
    log: Path | None = None,
    domain: str | None = None,
    provenance: Mapping[str, Any] | None = None,
    date: datetime.datetime | None = None,
) -> str:
    """Give the report of `write_report` as text."""
    stamp = (date or datetime.datetime.now(datetime.UTC)).strftime("%Y-%m-%d %H:%M %Z").strip()
    here = {"univox": __version__, "python": platform.python_version(), "date": stamp}
    facts = {**(provenance or {}), **{key: here[key] for key in here if key not in (provenance or {})}}
    title = title or f"Evaluation of {evaluation.dataset.name}"
    confusion = confusion_of(evaluation.results, evaluation.dataset.classes.names)
    reliability = reliability_of(result.reliability for result in evaluation.results)
    overall = evaluation.mean_foreground_dice
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=PackageLoader("univox.judging", "templates"),
    )
    environment.globals.update(_functions(evaluation.size_unit))
    body = environment.get_template("report.html").render(
        title=title,
        date=facts["date"],
        evaluation=evaluation,
        overall=overall,
        strip=Markup(case_strip([result.mean_dice for result in evaluation.results], overall)),
        dice=DICE,
        metrics=evaluation.judged,
        columns=evaluation.metrics,
        resamples=RESAMPLES,
        problems=[failure for failure in evaluation.failures if failure.kind != "missing"],
        missing=[failure for failure in evaluation.failures if failure.kind == "missing"],
        curves=_curves(log, domain),
        boxes=_boxes(evaluation),
        galleries=galleries(evaluation),
        confusion=confusion if evaluation.results else None,
        matrix=_matrix(confusion),
        mistakes=confusion.mistakes()[:MISTAKES],
        reliability=reliability,
        reliable_cases=sum(result.reliability is not None for result in evaluation.results),
        unreliable=[(result.name, result.unreliable) for result in evaluation.results if result.unreliable],
        reliability_figure=Markup(reliability_plot(reliability)) if reliability is not None else "",
        provenance=facts,
    )
    return house_page(title, body, kind="report")


def _functions(size_unit: str) -> dict[str, Any]:
    def value_of(score: ClassScore, metric: Metric[Any]) -> float:
        return score[metric.name]

    return {
        "breakable": breakable,
        "shown": shown,
        "heading": partial(heading, size_unit=size_unit),
        "interval": interval,
        "share": share,
        "value_of": value_of,
        "color": class_color,
        "base64": lambda data: base64.b64encode(data).decode("ascii"),
        "pretty": lambda value: json.dumps(value, indent=2, ensure_ascii=False, default=str),
    }


def _curves(log: Path | None, domain: str | None) -> list[Markup]:
    if log is None:
        return []
    curves = read_curves(log, domain)
    plots = [loss_plot(curves)] if curves.losses else []
    plots += [validation_plot(curves)] if curves.validated else []
    return [Markup(svg) for svg in plots]


def _boxes(evaluation: Evaluation) -> list[Markup]:
    if not evaluation.results:
        return []
    return [
        Markup(
            box_plot(
                {name: evaluation.values(name, metric.name) for name in evaluation.class_names},
                title=heading(metric, evaluation.size_unit),
                best=metric.best,
            )
        )
        for metric in evaluation.judged
        if metric.best is not None
        and metric.unit != "size"  # in percent it is drawn already, and cases of any size compare
    ]


def _matrix(confusion: Confusion) -> list[dict[str, Any]]:
    """Rows of the table: the class, its voxels in the label, and a cell for each predicted class."""
    if len(confusion.class_names) > LARGEST_MATRIX:
        return []
    return [
        {
            "name": name,
            "total": int(counts.sum()),
            "cells": [
                {
                    "share": part,
                    "voxels": int(count),
                    "right": row == column,
                    # The root lets mistakes of a few percent be seen; text stays readable on the darkest.
                    "shade": 0.0 if not part > 0 else round(0.55 * math.sqrt(part), 3),
                }
                for column, (part, count) in enumerate(zip(shares.tolist(), counts, strict=True))
            ],
        }
        for row, (name, shares, counts) in enumerate(
            zip(confusion.class_names, confusion.shares, confusion.voxels, strict=True)
        )
    ]
