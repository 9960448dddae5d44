"""An evaluation as one offline HTML file: nothing in it is loaded from anywhere else."""

from __future__ import annotations

import base64
import datetime
import json
import math
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from univox.atomic import write_text
from univox.data.dataset import read_case_image, read_case_label
from univox.errors import UnivoxError
from univox.judging.evaluate import CaseResult, Evaluation, read_prediction
from univox.judging.overlays import Picture, overlays
from univox.judging.palette import class_color
from univox.judging.plots import box_plot, loss_plot, read_curves, validation_plot
from univox.judging.scores import METRICS, ClassScore, Metric
from univox.judging.statistics import RESAMPLES, Summary
from univox.version import __version__

SIZE_UNITS = {"ml": "mL", "mm2": "mm²", "mm": "mm"}
SIZE_TITLES = {"ml": "Volume", "mm2": "Area", "mm": "Length"}
DICE = METRICS[0]
NO_VALUE = "\N{EN DASH}"


@dataclass(frozen=True)
class Gallery:
    """The pictures of one case, or why there are none."""

    rank: str
    result: CaseResult
    pictures: tuple[Picture, ...]
    problem: str


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
    """Write the report: summary, curves, box plots, pictures, every case, provenance.

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
    folder = resources.files("univox.judging")
    style, script, page = (
        folder.joinpath(f"report.{kind}").read_text(encoding="utf-8") for kind in ("css", "js", "html")
    )
    stamp = (date or datetime.datetime.now(datetime.UTC)).strftime("%Y-%m-%d %H:%M %Z").strip()
    here = {"univox": __version__, "python": platform.python_version(), "date": stamp}
    facts = {**(provenance or {}), **{key: here[key] for key in here if key not in (provenance or {})}}
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.globals.update(_functions(evaluation.size_unit))
    return environment.from_string(page).render(
        title=title or f"Evaluation of {evaluation.dataset.name}",
        date=facts["date"],
        style=Markup(style),
        script=Markup(script),
        evaluation=evaluation,
        overall=evaluation.mean_foreground_dice,
        dice=DICE,
        metrics=evaluation.judged,
        columns=evaluation.metrics,
        resamples=RESAMPLES,
        problems=[failure for failure in evaluation.failures if failure.kind != "missing"],
        missing=[failure for failure in evaluation.failures if failure.kind == "missing"],
        curves=_curves(log, domain),
        boxes=_boxes(evaluation),
        galleries=_galleries(evaluation),
        provenance=facts,
    )


def shown(value: float, metric: Metric[Any], *, signed: bool = True) -> str:
    """Give a figure as a table shows it; differences with their sign, unless they are a spread.

    >>> by_name = {metric.name: metric for metric in METRICS}
    >>> shown(0.87654, DICE), shown(math.inf, by_name["hd95_mm"]), shown(1.0, by_name["volume_difference_percent"])
    ('0.877', '∞', '+1.0')
    """
    if math.isnan(value):
        return NO_VALUE
    if math.isinf(value):
        return "∞"
    sign = "+" if signed and metric.name.startswith("volume_difference") else ""
    if metric.unit == "%":
        return f"{value:{sign}.1f}"
    if metric.unit == "size":
        return f"{value:{sign}#.3g}".rstrip(".") if abs(value) < 1000 else f"{value:{sign},.0f}"
    if metric.unit == "count":
        return f"{value:.0f}" if value == round(value) else f"{value:.1f}"
    return f"{value:.2f}" if metric.unit == "mm" else f"{value:.3f}"


def _functions(size_unit: str) -> dict[str, Any]:
    def unit_of(metric: Metric[Any]) -> str:
        return SIZE_UNITS[size_unit] if metric.unit == "size" else metric.unit

    def heading(metric: Metric[Any]) -> str:
        title = metric.title.replace("Volume", SIZE_TITLES[size_unit])
        return f"{title} ({unit_of(metric)})" if metric.unit else title

    def interval(summary: Summary, metric: Metric[Any]) -> str:
        if math.isnan(summary.low):
            return NO_VALUE
        return f"{shown(summary.low, metric)} to {shown(summary.high, metric)}"

    def value_of(score: ClassScore, metric: Metric[Any]) -> float:
        return score[metric.name]

    return {
        "shown": shown,
        "heading": heading,
        "interval": interval,
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
    heading = _functions(evaluation.size_unit)["heading"]
    return [
        Markup(
            box_plot(
                {name: evaluation.values(name, metric.name) for name in evaluation.class_names},
                title=heading(metric),
                best=metric.best,
            )
        )
        for metric in evaluation.judged
        if metric.best is not None
        and metric.unit != "size"  # in percent it is drawn already, and cases of any size compare
    ]


def _galleries(evaluation: Evaluation) -> list[Gallery]:
    ranked = [result for result in evaluation.results if not math.isnan(result.mean_dice)]
    if not ranked:
        return []
    chosen = {"Worst": ranked[0]}
    if len(ranked) > 1:
        chosen["Median"] = ranked[len(ranked) // 2]
    return [_gallery(evaluation, rank, result) for rank, result in chosen.items()]


def _gallery(evaluation: Evaluation, rank: str, result: CaseResult) -> Gallery:
    dataset = evaluation.dataset
    try:
        image, label = read_case_image(dataset, result.case), read_case_label(dataset, result.case)
        prediction = read_prediction(dataset, result.prediction, label)
        pictures = overlays(
            image.array,
            label.array,
            prediction.array,
            spacing_mm=image.spacing_mm,
            oriented=image.stored.oriented,
        )
    except UnivoxError as error:
        return Gallery(rank, result, (), str(error))
    return Gallery(rank, result, pictures, "")
