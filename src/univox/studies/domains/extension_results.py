"""A study of an extension as files: two tables, three plots, one offline page."""

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
from univox.studies.domains.extension import Extension
from univox.studies.domains.forgetting import Kept
from univox.studies.domains.forgetting_plot import forgetting_svg
from univox.studies.domains.universal_results import results_csv
from univox.studies.page import study_page, table_html, table_markdown

NEW_HEADS = ("arm", "training", "Dice", "95 %", "added parameters", "changed parameters", "iterations")
OLDER_HEADS = ("arm", "training", "older domain", "Dice before", "Dice after", "weights and predictions")


def write_extension(study: Extension, folder: Path, *, command: str) -> Path:
    """Write results.csv, forgetting.csv, results.json, results.md, dice.svg, curves.svg, forgetting.svg, report.html.

    Args:
        study: What to write.
        folder: Where.
        command: That made it; said in each file.

    Returns:
        The path of the page.

    Raises:
        FileError: A file cannot be written.
    """
    labels = [f"{result.arm}, {result.mode}" for result in study.results]
    plots = {
        "dice.svg": dots_svg([[result] for result in study.results], labels, judged_on="test"),
        "curves.svg": curves_svg(study.curves, [study.new], labels),
    }
    if study.older:
        plots["forgetting.svg"] = forgetting_svg(study.older)
        write_text(folder / "forgetting.csv", _forgetting_csv(study.older))
    for name, plot in plots.items():
        write_text(folder / name, standalone(plot))
    write_text(folder / "results.csv", results_csv(study.results))
    write_json(folder / "results.json", _as_json(study, command))
    write_text(folder / "results.md", f"{extension_markdown(study)}\n\nMade by `{command}`.\n")
    hints = [result.recipe for result in study.results]
    parts = [f"<p>{_said(study)}</p>", table_html(NEW_HEADS, [_new(result) for result in study.results], hints)]
    if study.older:
        parts.append(table_html(OLDER_HEADS, [_older(each) for each in study.older]))
    title = f"{study.new}, added to {', '.join(study.base)}"
    write_text(folder / "report.html", study_page(title, [*parts, *plots.values()], command=command))
    return folder / "report.html"


def extension_markdown(study: Extension) -> str:
    """Give the table of the new domain, and that of the older ones."""
    tables = [table_markdown(NEW_HEADS, [_new(result) for result in study.results])]
    if study.older:
        tables.append(table_markdown(OLDER_HEADS, [_older(each) for each in study.older]))
    return "\n\n".join([_said(study), *tables])


def added_parameters(result: DomainResult) -> int:
    """Count the values that the new domain brings: its own, and all of a network that is its alone."""
    return result.own_parameters + (result.shared_parameters if result.mode == "scratch" else 0)


def changed_parameters(result: DomainResult) -> int:
    """Count the values of older domains that the new one's training changed."""
    return result.shared_parameters if result.mode == "finetune-all" else 0


def _said(study: Extension) -> str:
    cases = study.results[0].held_out_cases
    return (
        f"{study.new}, added to a network of {', '.join(study.base)}: mean foreground Dice of {cases} held-out "
        f"case{'' if cases == 1 else 's'}, with its 95 % bootstrap interval over cases."
    )


def _new(result: DomainResult) -> tuple[str, ...]:
    low, high = result.held_out_low, result.held_out_high
    return (
        result.arm,
        result.mode,
        _number(result.held_out_dice),
        "" if low is None or high is None else f"{low:.3f} to {high:.3f}",
        f"{added_parameters(result):,}",
        f"{changed_parameters(result):,}",
        f"{result.iterations:,}",
    )


def _older(each: Kept) -> tuple[str, ...]:
    same = "the same, byte for byte" if each.is_the_same else "changed"
    return each.arm, each.mode, each.domain, _number(each.before), _number(each.after), same


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _forgetting_csv(older: Sequence[Kept]) -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, [*asdict(older[0]), "same"], lineterminator="\n")
    writer.writeheader()
    writer.writerows({**asdict(each), "same": each.is_the_same} for each in older)
    return stream.getvalue()


def _as_json(study: Extension, command: str) -> dict[str, object]:
    return {
        "command": command,
        "base": list(study.base),
        "new": study.new,
        "results": [
            {**asdict(r), "added_parameters": added_parameters(r), "changed_parameters": changed_parameters(r)}
            for r in study.results
        ],
        "older": [{**asdict(each), "same": each.is_the_same} for each in study.older],
    }
