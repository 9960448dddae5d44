"""`univox networks`."""

from __future__ import annotations

from typing import Annotated

import typer

from univox.cli.console import say_json, table


def networks(
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """List the networks: computed parameter counts beside the published ones."""
    from univox.networks.registry import describe_networks

    rows = describe_networks()
    if as_json:
        say_json(rows)
        return
    columns = ["name", "variant", "title", "year", "parameters", "published", "verdict"]
    cells = [["-" if row.get(key) is None else _cell(row[key]) for key in columns] for row in rows]
    table("", columns, cells, right={4, 5})


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) and value > 9999 else str(value)
