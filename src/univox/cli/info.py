"""`univox info`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from univox.cli.console import say, say_json


def info(
    model: Annotated[Path, typer.Argument(help="A model folder.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Write model.json and the domains as JSON.")] = False,
) -> None:
    """Show what a model is: network, parameters, classes, data, validation figures; its files are verified."""
    from univox.model.card import model_card
    from univox.model.folder import read_model

    stored = read_model(model)
    if as_json:
        domains = {name: domain.model_dump(mode="json") for name, domain in stored.domains.items()}
        say_json({**stored.manifest.model_dump(mode="json"), "domain": domains})
        return
    say(model_card(stored).rstrip())
