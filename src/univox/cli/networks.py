"""`univox networks`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from univox.cli.console import say, say_json, table

if TYPE_CHECKING:
    from univox.networks.cost import Cost


def networks(
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
    reasons: Annotated[bool, typer.Option("--reasons", help="Say why a count is not exact.")] = False,
    patch: Annotated[
        list[int] | None,
        typer.Option(min=8, help="Edge of a patch: shows multiply-adds and memory on it. Repeatable."),
    ] = None,
    timed: Annotated[bool, typer.Option("--time", help="Patches per second on this machine, too.")] = False,
    only: Annotated[list[str] | None, typer.Option(help="Only this network. Repeatable.")] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Write the table as Markdown.")] = False,
) -> None:
    """List the networks: computed parameter counts beside the published ones, or what they cost on a patch."""
    from univox.errors import RecipeError
    from univox.networks.registry import NETWORKS, describe_networks

    unknown = sorted(set(only or ()) - set(NETWORKS))
    if unknown:
        raise RecipeError(expected=f"a network of {', '.join(NETWORKS)}", got=repr(unknown[0]), remedy="name one")
    if patch or timed:
        _show_costs(patch or [32], timed=timed, only=only, as_json=as_json, markdown=markdown)
        return
    rows = [row for row in describe_networks() if not only or row["name"] in only]
    if as_json:
        say_json(rows)
        return
    columns = ["name", "variant", "title", "year", "parameters", "published", "verdict"]
    columns += ["reason"] if reasons else []
    cells = [[_cell(row, key) for key in columns] for row in rows]
    _table(columns, cells, right={4, 5}, markdown=markdown)


def _show_costs(edges: list[int], *, timed: bool, only: list[str] | None, as_json: bool, markdown: bool) -> None:
    from univox.networks.cost import costs

    measured = (cost for edge in edges for cost in costs(edge, timed=timed, names=only))
    if as_json:
        say_json([cost.__dict__ for cost in measured])
        return
    columns = ["name", "variant", "parameters", "patch", "G multiply-adds", "MB kept for backward"]
    columns += ["predicted / s", "trained / s"] if timed else []
    _table(columns, (_costs_of(cost, timed=timed) for cost in measured), right={2, 4, 5, 6, 7}, markdown=markdown)


def _costs_of(cost: Cost, *, timed: bool) -> list[str]:
    cells = [
        cost.name,
        cost.variant or "-",
        f"{cost.parameters:,}",
        "x".join(map(str, cost.patch)),
        f"{cost.multiply_adds / 1e9:.2f}",
        cost.reason if cost.activation_bytes is None else f"{cost.activation_bytes / 1e6:.0f}",
    ]
    paces = (cost.predicted_per_second, cost.trained_per_second) if timed else ()
    return cells + ["-" if pace is None else f"{pace:.3g}" for pace in paces]


def _cell(row: dict[str, Any], key: str) -> str:
    value = row[key]
    if key == "published" and value is not None and row["rounded_to"] > 1:
        digits = len(str(1_000_000 // row["rounded_to"])) - 1
        return f"{value / 1e6:.{digits}f}M"
    if value is None or value == "":
        return "-"
    return f"{value:,}" if key in ("parameters", "published") else str(value)


def _table(columns: list[str], cells: Iterable[list[str]], *, right: set[int], markdown: bool) -> None:
    """Show a table at its end; as Markdown each row as soon as it is there, for a cost takes seconds."""
    if not markdown:
        table("", columns, list(cells), right={index for index in right if index < len(columns)})
        return
    say("| " + " | ".join(columns) + " |")
    say("|" + "|".join("---:" if index in right else "---" for index in range(len(columns))) + "|")
    for row in cells:
        say("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |")
