"""A study of several domains as files: tables for people and programs, two plots, one offline page."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from univox.atomic import write_json, write_text
from univox.judging.svg import standalone
from univox.studies.domains.domain_plots import curves_svg, dots_svg
from univox.studies.domains.domain_result import DomainResult
from univox.studies.domains.universal import Universal
from univox.studies.page import study_page, table_html, table_markdown


def write_universal(study: Universal, folder: Path, *, command: str) -> Path:
    """Write results.csv, results.json, results.md, dice.svg, curves.svg and report.html.

    Args:
        study: What to write.
        folder: Where.
        command: That made it; said in each file.

    Returns:
        The path of the page.

    Raises:
        FileError: A file cannot be written.
    """
    labels = row_labels(study)
    dots = dots_svg(study.rows(), labels, judged_on=study.judged_on)
    curves = curves_svg(study.curves, study.domains, labels)
    write_text(folder / "results.csv", results_csv(study.results))
    write_json(folder / "results.json", _as_json(study, command))
    write_text(folder / "results.md", f"{universal_markdown(study)}\n\n{_legend(study)}\n\nMade by `{command}`.\n")
    write_text(folder / "dice.svg", standalone(dots))
    write_text(folder / "curves.svg", standalone(curves))
    hints = [row[0].recipe for row in study.rows()]
    parts = [table_html(_heads(study), _rows(study), hints), f"<p>{_legend(study)}</p>", dots, curves, _details(study)]
    title = f"{len(study.domains)} datasets: one network or one for each"
    write_text(folder / "report.html", study_page(title, parts, command=command))
    return folder / "report.html"


def results_csv(results: Sequence[DomainResult]) -> str:
    """Give one line per arm, mode and domain, with every figure; the Dice of its classes as `name=value; ...`."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(asdict(results[0])), lineterminator="\n")
    writer.writeheader()
    for result in results:
        classes = "; ".join(f"{name}={'' if dice is None else dice}" for name, dice in result.dice.items())
        writer.writerow({**asdict(result), "dice": classes})
    return stream.getvalue()


def universal_markdown(study: Universal) -> str:
    """Give the table of the arms: a column for each domain, their mean, and the parameters of all networks."""
    return table_markdown(_heads(study), _rows(study))


def row_labels(study: Universal) -> list[str]:
    """Name each arm and mode; an arm that is there in both says which is which."""
    rows = study.rows()
    joint = {row[0].arm for row in rows if row[0].mode == "joint"}
    words = {"joint": "one for all", "alone": "one for each"}
    return [f"{row[0].arm}, {words[row[0].mode]}" if row[0].arm in joint else row[0].arm for row in rows]


def parameters_in_all(row: Sequence[DomainResult]) -> int:
    """Count what all domains of a row take together: of one network the shared part once."""
    shared = [result.shared_parameters for result in row]
    return sum(result.own_parameters for result in row) + (shared[0] if row[0].mode == "joint" else sum(shared))


def mean_dice(row: Sequence[DomainResult], judged_on: str) -> float | None:
    """Give the mean over the domains that have a figure."""
    known = [value for value in (result.figure(judged_on) for result in row) if value is not None]
    return sum(known) / len(known) if known else None


def _heads(study: Universal) -> list[str]:
    return ["arm", *study.domains, "mean", "parameters in all"]


def _rows(study: Universal) -> list[list[str]]:
    return [
        [
            label,
            *(_cell(result, study.judged_on) for result in row),
            _number(mean_dice(row, study.judged_on)),
            f"{parameters_in_all(row):,}",
        ]
        for row, label in zip(study.rows(), row_labels(study), strict=True)
    ]


def _cell(result: DomainResult, judged_on: str) -> str:
    figure = _number(result.figure(judged_on))
    if result.held_out_low is None or result.held_out_high is None:
        return figure
    return f"{figure} ({result.held_out_low:.3f} to {result.held_out_high:.3f})"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _legend(study: Universal) -> str:
    if study.judged_on != "test":
        return "Mean foreground Dice of the validation cases, by the weights that they chose."
    cases = ", ".join(f"{result.held_out_cases} of {result.domain}" for result in study.rows()[0])
    return f"Mean foreground Dice of the held-out cases ({cases}), with its 95 % bootstrap interval over cases."


def _details(study: Universal) -> str:
    heads = ("arm", "domain", "Dice by class", "validation Dice", "own", "shared", "own iterations", "s, whole run")
    rows = [
        (
            label,
            result.domain,
            ", ".join(f"{name} {_number(value) or '-'}" for name, value in result.dice.items()),
            _number(result.validation_dice),
            f"{result.own_parameters:,}",
            f"{result.shared_parameters:,}",
            f"{result.iterations:,}",
            f"{result.seconds:.0f}",
        )
        for row, label in zip(study.rows(), row_labels(study), strict=True)
        for result in row
    ]
    return table_html(heads, rows)


def _as_json(study: Universal, command: str) -> dict[str, object]:
    rows = [
        {
            "arm": row[0].arm,
            "mode": row[0].mode,
            "label": label,
            "mean_dice": mean_dice(row, study.judged_on),
            "parameters_in_all": parameters_in_all(row),
        }
        for row, label in zip(study.rows(), row_labels(study), strict=True)
    ]
    return {
        "command": command,
        "domains": list(study.domains),
        "judged_on": study.judged_on,
        "rows": rows,
        "results": [asdict(result) for result in study.results],
    }
