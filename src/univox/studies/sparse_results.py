"""The study of sparse annotation as files: tables for people and programs, a plot, pictures, one offline page."""

from __future__ import annotations

import base64
import csv
import io
from dataclasses import asdict
from pathlib import Path

from matplotlib.figure import Figure

from univox.atomic import write_json, write_text, written_atomically
from univox.data.dataset import read_case_image
from univox.judging.palette import class_color
from univox.judging.svg import as_svg, page_style, standalone
from univox.studies.page import study_page, table_html, table_markdown
from univox.studies.sparse import SparseResult, SparseStudy
from univox.studies.sparse_picture import sparse_picture

COLUMNS = ("slices per axis", "annotated", "iterations", "seconds", "IoU, held back", "IoU, never annotated")


def write_sparse(study: SparseStudy, folder: Path, *, command: str) -> Path:
    """Write sparse.csv, sparse.json, sparse.md, sparse.svg, a picture for each number of slices, and report.html.

    Args:
        study: What to write.
        folder: Where.
        command: That made it; said in each file.

    Returns:
        The path of the page.

    Raises:
        FileError: A file cannot be written.
    """
    write_text(folder / "sparse.csv", sparse_csv(study))
    facts = {"command": command, "dataset": study.dataset, "case": study.case, "axes": list(study.axes)}
    write_json(folder / "sparse.json", {**facts, "results": [asdict(result) for result in study.results]})
    write_text(folder / "sparse.md", f"{sparse_markdown(study)}\n\nMade by `{command}`.\n")
    plot = sparse_svg(study)
    write_text(folder / "sparse.svg", standalone(plot))
    pictures = _pictures(study, folder)
    heads, rows = _cells(study)
    parts = [table_html(heads, rows), plot, *pictures]
    write_text(folder / "report.html", study_page(f"Sparse annotation of {study.case}", parts, command=command))
    return folder / "report.html"


def sparse_csv(study: SparseStudy) -> str:
    """Give one line per number of slices, with the IoU of each class on either set of voxels."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    names = list(study.results[0].iou)
    plain = ("slices", "annotated", "iterations", "seconds", "mean_iou", "mean_common_iou")
    writer.writerow([*plain, *(f"iou {name}" for name in names), *(f"common iou {name}" for name in names)])
    for result in study.results:
        by_class = [*(result.iou[name] for name in names), *(result.common_iou[name] for name in names)]
        writer.writerow([*(getattr(result, name) for name in plain), *by_class])
    return stream.getvalue()


def sparse_markdown(study: SparseStudy) -> str:
    """Give the table: means first, then each class on the voxels held back."""
    return table_markdown(*_cells(study))


def sparse_svg(study: SparseStudy) -> str:
    """Draw the IoU over the number of annotated slices: each class, and their mean."""
    slices = [result.slices for result in study.results]
    with page_style("sparse"):
        figure = Figure(figsize=(7.6, 3.6), layout="constrained")
        axes = figure.add_subplot()
        for index, name in enumerate(study.results[0].iou):
            values = [_or_nan(result.iou[name]) for result in study.results]
            axes.plot(slices, values, "o-", color=class_color(index), label=name, linewidth=1.2, markersize=3)
        means = [_or_nan(result.mean_iou) for result in study.results]
        axes.plot(slices, means, "o-", color="gray", label="mean", linewidth=2.4, markersize=5)
        axes.set_xscale("log", base=2)
        axes.set_xticks(slices, [str(number) for number in slices])
        axes.minorticks_off()
        axes.set_xlabel("annotated slices across each axis")
        axes.set_title(f"IoU on the voxels held back, {study.case}", loc="left", parse_math=False)
        legend = axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8)
        for text in legend.get_texts():
            text.set_parse_math(False)
        return as_svg(figure, "IoU of each class on the voxels held back over the number of annotated slices")


def _pictures(study: SparseStudy, folder: Path) -> list[str]:
    parts: list[str] = []
    for result, files in zip(study.results, study.cases, strict=True):
        image = read_case_image(files.dataset, files.dataset.case(files.name))
        png = sparse_picture(image, files.label, files.prediction, files.whole.array, study.axes)
        with written_atomically(folder / f"filled-{result.slices}.png") as partial:
            partial.write_bytes(png)
        encoded = base64.b64encode(png).decode("ascii")
        title = f"{result.slices} slices: what was annotated, what was filled in, the whole label"
        parts.append(f'<h2>{title}</h2><img alt="{title}" style="width:100%" src="data:image/png;base64,{encoded}">')
    return parts


def _cells(study: SparseStudy) -> tuple[list[str], list[list[str]]]:
    names = list(study.results[0].iou)
    return [*COLUMNS, *names], [[*_plain(result), *(_figure(result.iou[n]) for n in names)] for result in study.results]


def _plain(result: SparseResult) -> list[str]:
    return [
        str(result.slices),
        f"{result.annotated:.1%}",
        f"{result.iterations:,}",
        f"{result.seconds:.0f}",
        _figure(result.mean_iou),
        _figure(result.mean_common_iou),
    ]


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value
