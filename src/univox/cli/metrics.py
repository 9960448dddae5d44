"""`univox metrics`."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any

import typer

from univox.cli.console import say, say_json

if TYPE_CHECKING:
    from univox.metrics.catalog import Metric

NARROW, WIDE = 98, 120
VOCABULARY = "words as in Maier-Hein, Reinke et al., Metrics reloaded, Nature Methods 21, 2024"


def metrics(
    name: Annotated[
        str | None,
        typer.Argument(
            help="A group, or a metric by our name or another's (surface, dice, NSD, sensitivity).", show_default=False
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Write Markdown.")] = False,
) -> None:
    """List the metrics, or explain one: what it is, when to use it and when not, what becomes of empty masks."""
    from univox.metrics.catalog import ALL_METRICS, find_metric

    listed = [metric for metric in ALL_METRICS if name in (None, metric.group)]
    chosen = listed or [find_metric(name or "")]
    if as_json:
        facts = [_facts(metric) for metric in chosen]
        say_json(facts if listed else facts[0])
    elif not listed:
        say("\n".join(_explained(chosen[0], markdown=markdown)))
    elif markdown:
        say("\n".join(_page(chosen)))
    else:
        _list(chosen)


def _facts(metric: Metric[Any]) -> dict[str, Any]:
    from dataclasses import asdict

    facts = asdict(metric)
    del facts["value"]
    return facts


def _list(chosen: Sequence[Metric[Any]]) -> None:
    names, units = (max(len(cell(metric)) for metric in chosen) for cell in (lambda m: m.name, _unit))
    for group, members in groupby(chosen, key=lambda metric: metric.group):
        say(group)
        for metric in members:
            start = f"  {metric.name:<{names}}  {_unit(metric):<{units}}  {_best(metric):>4}  "
            say(textwrap.fill(_brief(metric), WIDE, initial_indent=start, subsequent_indent=" " * len(start)))
    say("")
    say(
        "name, unit, best value, what it is; `univox metrics NAME` explains one, `univox evaluate --metrics` takes them"
    )
    say(VOCABULARY)


def _page(chosen: Sequence[Metric[Any]]) -> list[str]:
    lines = ["# Metrics", "", f"Written by `univox metrics --markdown`; {VOCABULARY}."]
    for group, members in groupby(chosen, key=lambda metric: metric.group):
        lines += ["", f"## {group}"]
        for metric in members:
            lines += ["", *_explained(metric, markdown=True)]
    return lines


def _explained(metric: Metric[Any], *, markdown: bool) -> list[str]:
    facts = {
        "what": metric.what,
        "unit": _unit(metric),
        "range": f"{metric.range}; best: {_best(metric)}",
        "empty": metric.empty,
        "use": metric.use,
        "avoid": metric.avoid,
        "also": ", ".join(metric.also) or "-",
        "group": metric.group,
        "source": metric.source,
    }
    if markdown:
        return [f"### {metric.title} (`{metric.name}`)", "", *(f"- {fact}: {text}" for fact, text in facts.items())]
    wrapped = (
        textwrap.fill(text, NARROW, initial_indent=f"  {fact:<8}", subsequent_indent=" " * 10)
        for fact, text in facts.items()
    )
    return [f"{metric.name}: {metric.title}", *wrapped]


def _brief(metric: Metric[Any]) -> str:
    """The first clause of what it is."""
    return re.split(r"[.:;(]", metric.what, maxsplit=1)[0].strip()


def _unit(metric: Metric[Any]) -> str:
    return {"": "-", "size": "mL, mm2"}.get(metric.unit, metric.unit)


def _best(metric: Metric[Any]) -> str:
    return "-" if metric.best is None else f"{metric.best:g}"
