"""`univox info`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from univox.cli.console import say, say_json, table

if TYPE_CHECKING:
    from univox.model.account import Account, DomainAccount
    from univox.model.domain import Domain

COLUMNS = ["domain", "channels", "classes", "own parameters", "kB", "validation Dice", "by", "when", "dataset", "cases"]
"""Headings; cases are those of training."""


def info(
    model: Annotated[Path, typer.Argument(help="A model folder.", show_default=False)],
    as_json: Annotated[
        bool, typer.Option("--json", help="Write model.json, the domains and what is counted, as JSON.")
    ] = False,
) -> None:
    """Show what a model is: shared and own parameters, files, classes, figures, and which data it was taught when.

    Every weights file is verified by its sha256. MODEL/README.md, the model card, tells more.
    """
    from univox.model.account import account
    from univox.model.composition import is_composition
    from univox.model.folder import read_model

    if is_composition(model):
        _show_composition(model, as_json)
        return
    stored = read_model(model)
    counted = account(stored)
    if as_json:
        domains = {name: domain.model_dump(mode="json") for name, domain in stored.domains.items()}
        say_json({**stored.manifest.model_dump(mode="json"), "domain": domains, "counted": counted.to_json()})
        return
    spec = stored.spec
    say(
        f"{model}: network {spec.name} ({spec.spatial_dims}-D), recipe {stored.recipe.get('name', '-')},"
        f" univox {stored.manifest.univox_version}"
    )
    table("", COLUMNS, _rows(counted), right={3, 4, 5, 9})
    say(f"shared.safetensors: sha256 {counted.shared.sha256}, {counted.shared.num_bytes:,} bytes")
    for number, one in enumerate(counted.domains.values(), start=1):
        say(f"{number}. {_origin(one)}")
    for domain in stored.domains.values():
        say(f"{domain.name}: {_classes(domain)}; {_calibration(domain)}; {_postprocessing(domain)}")


def _show_composition(path: Path, as_json: bool) -> None:
    """Show models that predict as one; `univox info` tells more of each."""
    from univox.model.composition import Cascade, read_composition

    composition, members = read_composition(path)
    if as_json:
        say_json(composition.model_dump(mode="json"))
        return
    say(f"{path}: {composition.kind} of {len(members)} models")
    rows: list[list[str]] = []
    for member, stored in zip(composition.members, members, strict=True):
        domain = stored.domain()
        dice = domain.validation.get("mean_dice")
        rows.append(
            [
                str(path / member.folder),
                stored.spec.name,
                f"{stored.num_parameters():,}",
                ", ".join(domain.label_classes.names[1:]),
                "-" if dice is None else f"{dice:.3f}",
            ]
        )
    table("", ["model", "network", "parameters", "classes", "validation Dice"], rows, right={2, 4})
    if isinstance(composition, Cascade):
        region = composition.region
        say(
            f"region: the first model's classes, pieces from {region.least_piece:.0%} of the largest on,"
            f" closed by {region.closing_mm:g} mm{', filled' if region.fill else ''}, margin {region.margin_mm:g} mm"
        )


def _rows(counted: Account) -> list[list[str]]:
    rows = [_row(name, one) for name, one in counted.domains.items()]
    for name, parameters, size in (
        ("all domains share", counted.shared.parameters, counted.shared.num_bytes),
        ("in all", counted.parameters, counted.num_bytes),
    ):
        rows.append([name, "", "", f"{parameters:,}", _kilobytes(size), *[""] * 5])
    return rows


def _row(name: str, one: DomainAccount) -> list[str]:
    origin = one.origin
    return [
        name,
        str(one.num_channels),
        str(one.num_classes),
        f"{one.own.parameters:,}",
        _kilobytes(one.own.num_bytes),
        "-" if one.mean_dice is None else f"{one.mean_dice:.3f}",
        origin.by,
        origin.finished or "-",
        origin.dataset,
        str(origin.cases.get("train", "-")),
    ]


def _kilobytes(size: int) -> str:
    return f"{size / 1000:,.1f}"


def _origin(one: DomainAccount) -> str:
    origin = one.origin
    parts = ", ".join(f"{count} {part}" for part, count in origin.cases.items())
    said = [f"{origin.domain}: {origin.by} on {origin.dataset}" + (f" (cases: {parts})" if parts else "")]
    if origin.like is not None:
        said.append(f"began like {origin.like}")
    if origin.iterations is not None:
        said.append(f"{origin.iterations} iterations")
    if origin.seconds is not None:
        said.append(f"{origin.seconds:g} s")
    if origin.finished is not None:
        said.append(f"finished {origin.finished}")
    return ", ".join(said)


def _calibration(domain: Domain) -> str:
    fitted = domain.calibration
    if fitted is None:
        return "no temperature fitted"
    figures = fitted.surroundings
    return (
        f"temperature {fitted.temperature:.3f} (calibration error {figures.ece_before:.4f} before,"
        f" {figures.ece_after:.4f} after, on {len(fitted.cases) or 'untold'} cases)"
    )


def _postprocessing(domain: Domain) -> str:
    chosen = domain.postprocessing
    return "no post-processing" if chosen is None else f"post-processing: {'; '.join(map(str, chosen.steps))}"


def _classes(domain: Domain) -> str:
    dice = domain.validation.get("dice") or {}
    channels = ", ".join(domain.channel_names)
    found = [
        f"{entry.name} = {entry.codes[0]}" + ("" if dice.get(entry.name) is None else f" (Dice {dice[entry.name]:.3f})")
        for entry in domain.label_classes.classes
    ]
    return f"channels {channels}; classes {', '.join(found)}"
