"""The table and the plots of docs/performance.md, from the newest whole run of each kind of machine in the history.

    python benchmarks/render.py [--history FILE] [--page FILE]

What stands between the two marks of the page is written anew, and the plots beside it in `images/`; the rest of the
page is prose, and stays.
"""

from __future__ import annotations

import argparse
import math
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from history import HISTORY, kind, read
from matplotlib.figure import Figure

from univox.atomic import write_text
from univox.errors import FileError
from univox.judging.palette import class_color
from univox.judging.svg import INK, as_svg, page_style, standalone

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
COMMANDS = {"bench": "make bench", "training": "make bench-training"}
"""What makes each of the page's two parts, by the name in its marks."""
COLUMNS = ("work", "shape", "ours", "peer", "ours / peer", "ceiling", "ours / ceiling", "to reach", "reached")


def newest(history: Sequence[Mapping[str, Any]], part: str = "bench") -> dict[str, Mapping[str, Any]]:
    """The last whole run of a part on each kind of machine, by the kind's words."""
    name = {"bench": "whole", "training": "training"}[part]
    return {kind(run["machine"]): run for run in history if run.get(name) and not run["quick"]}


def render_page(history: Path = HISTORY, page: Path = PAGE) -> None:
    """Write table and plots; the same history gives the same bytes."""
    text = page.read_text(encoding="utf-8")
    runs = read(history)
    for part, command in COMMANDS.items():
        sections: list[str] = []
        for words, run in sorted(newest(runs, part).items()):
            image = f"performance-{part}-{_slug(words)}.svg"
            svg = ratio_plot(run["rows"], words) if part == "bench" else curves_plot(run["training"], words)
            write_text(page.parent / "images" / image, standalone(svg))
            sections.append(f"### {words}\n\n{_told(run)}\n\n{table(run)}\n\n![{part}, {words}](images/{image})")
        nothing = f"Not measured yet on a quiet machine: `{command}`."
        text = _between_marks(text, part, "\n\n".join(sections) or nothing, page)
    write_text(page, text)


def _between_marks(text: str, part: str, content: str, page: Path) -> str:
    start, end = f"<!-- {part} -->", f"<!-- /{part} -->"
    if text.count(start) != 1 or text.count(end) != 1 or text.index(start) > text.index(end):
        raise FileError(
            expected=f"a page with {start} and, after it, {end}, once each",
            got="another",
            remedy="put the marks where the table is to stand",
            path=page,
        )
    return f"{text.split(start)[0]}{start}\n{content}\n{end}{text.split(end)[1]}"


def table(run: Mapping[str, Any]) -> str:
    """Markdown, a line per row, then one per program that failed, and below what there is to say of the rows."""
    lines = [_line(COLUMNS), "|---|---|---:|---:|---:|---:|---:|---|---|"]
    lines += [_line(_cells(row)) for row in run["rows"]]
    lines += [_line((name, "", "failed", why, "", "", "", "", "no")) for name, why in run["failed"].items()]
    notes = [f"- {row['name']}: {row['note']}" for row in run["rows"] if row["note"]]
    return "\n".join([*lines, "", *notes] if notes else lines)


def ratio_plot(rows: Sequence[Mapping[str, Any]], words: str) -> str:
    """Ours over the peer's, a lying bar each from 1, on a logarithmic axis: left of 1 ours needs less."""
    drawn = [row for row in rows if row["ratio"]]
    with page_style(f"performance {words}"):
        figure = Figure(figsize=(7.6, 1.0 + 0.3 * max(1, len(drawn))), layout="constrained")
        axes = figure.add_subplot()
        for place, row in enumerate(drawn):
            color = class_color(1 if row["ratio"] <= 1 else 0)
            axes.plot([1.0, row["ratio"]], [place] * 2, color=color, linewidth=6, solid_capstyle="butt")
        axes.axvline(1.0, color=INK, linewidth=1)
        axes.set_xscale("log")
        axes.set_yticks(range(len(drawn)), [row["name"] for row in drawn], parse_math=False)
        axes.set_ylim(max(1, len(drawn)) - 0.45, -0.55)
        axes.grid(visible=False, axis="y")
        axes.set_title("Ours / peer: left of 1, ours needs less", loc="left")
        return as_svg(figure, f"Ratio of ours to the peer's for each benchmark, {words}")


def curves_plot(runs: Sequence[Mapping[str, Any]], words: str) -> str:
    """Validation Dice over the minutes of the loop: a color for each length of training, a line for each seed."""
    lengths = list(dict.fromkeys(run["minutes"] for run in runs))
    with page_style(f"training {words}"):
        figure = Figure(figsize=(7.6, 3.4), layout="constrained")
        axes = figure.add_subplot()
        for place, minutes in enumerate(lengths):
            for index, run in enumerate(run for run in runs if run["minutes"] == minutes):
                label = f"{minutes} minutes" if index == 0 else None
                x = [seconds / 60 for seconds in run["curve"]["seconds"]]
                axes.plot(x, run["curve"]["dice"], "o-", color=class_color(place), label=label, ms=3, linewidth=1.1)
        axes.set_xlabel("minutes of the loop")
        axes.set_title("Validation Dice, a line for each seed", loc="left")
        axes.legend(loc="lower right")
        return as_svg(figure, f"Validation Dice over the minutes of training, {words}")


def _told(run: Mapping[str, Any]) -> str:
    load = "" if run["load"] is None else f", load before it {run['load']:.1f}"
    return (
        f"{run['date']}, commit {run['commit']}, torch {run['torch']}, {run['threads']} threads{load}; "
        f"{math.ceil(run['seconds'] / 60)} minutes in all."
    )


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    def figure(value: float | None, name: str = "") -> str:
        return "-" if value is None else f"{_number(value)} {row['unit']}" + (f" ({name})" if name else "")

    reached = {None: "-", True: "yes", False: "no"}[row["reached"]]
    ratio = "-" if row["ratio"] is None else _number(row["ratio"])
    of_ceiling = "-" if row["ceiling"] is None else _number(row["ours"] / row["ceiling"])
    shape = f"{row['shape']}; {row['precision']}"
    peer = figure(row["peer"], row["peer_name"])
    ceiling, target = figure(row["ceiling"]), _target(row)
    return (row["name"], shape, figure(row["ours"]), peer, ratio, ceiling, of_ceiling, target, reached)


def _target(row: Mapping[str, Any]) -> str:
    target = row["to_reach"]
    if target is None:
        return "-"
    bound = "at_most" if "at_most" in target else "at_least"
    what = {"ours": "ours", "ratio": "ours / peer", "of_ceiling": "ours / ceiling"}[target["what"]]
    unit = f" {row['unit']}" if target["what"] == "ours" else ""
    return f"{what} {bound.replace('_', ' ')} {_number(target[bound])}{unit}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _line(cells: Sequence[str]) -> str:
    # A bar within a cell would end it.
    return "| " + " | ".join(cell.replace("|", "/").replace("\n", " ") for cell in cells) + " |"


def _slug(words: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--history", type=Path, default=HISTORY)
    parser.add_argument("--page", type=Path, default=PAGE)
    asked = parser.parse_args(argv)
    render_page(asked.history, asked.page)
    sys.stdout.write(f"{asked.page}\n")


if __name__ == "__main__":
    main()
